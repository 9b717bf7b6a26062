"""Widgets for one argument: a switch, a choice, a slider with a box beside it, or text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from builder.catalog import Field
from ui import state
from ui.state import Workspace
from ui.values import from_text, to_text

BOX = 84
_NUMBER = "number"


@dataclass(frozen=True)
class Entry:
    """One argument in a form.

    Args:
        ws: keeps what is wrong with typed text.
        field: what the argument is.
        value: what it is now.
        key: of its widgets.
        take: what is done with a new value.
    """

    ws: Workspace
    field: Field
    value: Any
    key: str
    take: Callable[[Any], object]

    def took(self, key: str) -> None:
        """Take what the widget with this key says."""
        self.take(state.get(key))

    def typed(self, key: str) -> None:
        """Take typed text; what means nothing is said under the field and changes nothing."""
        try:
            value = from_text(self.field, str(state.get(key)))
        except ValueError as error:
            self.ws.wrong[key] = str(error)
            return
        self.ws.wrong.pop(key, None)
        self.take(value)

    def say_wrong(self, key: str) -> None:
        """Say what is wrong with the text typed into the widget with this key."""
        message = self.ws.wrong.get(key)
        if message:
            st.caption(f":red[{message}]")


def draw(entry: Entry) -> None:
    """Draw the widgets that suit an argument."""
    field = entry.field
    if field.kind == "bool" and not field.optional:
        _bool(entry)
    elif field.kind == "bool":
        _choice(entry, (True, False))
    elif field.kind == "choice":
        _choice(entry, field.choices)
    elif field.kind in ("int", "size") and field.choices:
        _number_or_word(entry)
    elif _slides(entry):
        _slider(entry)
    else:
        _text(entry)


def _slides(entry: Entry) -> bool:
    value, slider = entry.value, entry.field.slider
    return (
        slider is not None
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and value >= slider[0]
    )


def _bool(entry: Entry) -> None:
    on = bool(entry.value)
    key = state.show(entry.key, on)
    st.toggle(
        entry.field.name, on, key=key, help=entry.field.help, on_change=entry.took, args=(key,)
    )


def _choice(entry: Entry, choices: Sequence[Any]) -> None:
    options = [None, *choices] if entry.field.optional else list(choices)
    if entry.value not in options:  # a word that torch does not know; the fault says so
        options.append(entry.value)
    key = state.show(entry.key, entry.value)
    st.selectbox(
        entry.field.name,
        options,
        index=options.index(entry.value),
        key=key,
        help=entry.field.help,
        format_func=lambda option: "-" if option is None else str(option),
        on_change=entry.took,
        args=(key,),
    )


def _slider(entry: Entry, *, labelled: bool = True) -> None:
    """A slider for the feel and a box for the exact number, both showing the same value."""
    field, value = entry.field, entry.value
    assert field.slider is not None
    low, top = field.slider
    while value > top:  # the range grows with the value, so that no number is out of reach
        top *= 2
    whole = field.kind != "float"
    cast = int if whole else float
    step = 1 if whole else 0.01
    slid = state.show(f"{entry.key}slider", cast(value))
    box = state.show(entry.key, to_text(value))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        st.slider(
            field.name,
            cast(low),
            cast(top),
            cast(value),
            key=slid,
            step=step,
            help=field.help if labelled else None,
            label_visibility="visible" if labelled else "collapsed",
            on_change=entry.took,
            args=(slid,),
        )
        st.text_input(
            f"{field.name}, exactly",
            to_text(value),
            key=box,
            width=BOX,
            label_visibility="collapsed",
            on_change=entry.typed,
            args=(box,),
        )
    entry.say_wrong(box)


def _text(entry: Entry) -> None:
    key = state.show(entry.key, to_text(entry.value))
    st.text_input(
        entry.field.name,
        to_text(entry.value),
        key=key,
        help=f"{entry.field.help} Takes {entry.field.wanted}.",
        placeholder="none" if entry.field.optional else "",
        on_change=entry.typed,
        args=(key,),
    )
    entry.say_wrong(key)


def _number_or_word(entry: Entry) -> None:
    """Padding: a number, or `same` or `valid`."""
    mode = entry.value if isinstance(entry.value, str) else _NUMBER
    key = state.show(f"{entry.key}mode", mode)
    with st.container(gap="xsmall"):
        st.segmented_control(
            entry.field.name,
            [_NUMBER, *entry.field.choices],
            default=mode,
            key=key,
            help=entry.field.help,
            required=True,
            on_change=_mode,
            args=(entry, key),
        )
        if _slides(entry):
            _slider(entry, labelled=False)
        elif not isinstance(entry.value, str):
            _text(entry)


def _mode(entry: Entry, key: str) -> None:
    chosen = state.get(key)
    entry.take(1 if chosen == _NUMBER else chosen)
