"""Widgets that show a setting of the recipe and change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from builder.catalog import Field
from builder.train.recipe import FIELDS
from ui import state
from ui.training.settings import change, recipe
from ui.values import from_text, to_text

Item = TypeVar("Item")


def abreast(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, what is drawn for each beside that for the next, two in a row."""
    for number, item in enumerate(items):
        if number % 2 == 0:
            columns = st.columns(2, vertical_alignment="bottom")
        with columns[number % 2]:
            yield item


def choose(
    label: str,
    options: Sequence[str],
    name: str,
    *,
    words: Callable[[str], str] = str,
    then: Callable[[], None] | None = None,
    help: str | None = None,
) -> None:
    """Draw a choice of one setting."""
    value = getattr(recipe(), name)
    key = state.show(f"recipe:{name}", value)
    st.selectbox(
        label,
        options,
        index=list(options).index(value) if value in options else 0,
        key=key,
        format_func=words,
        help=help,
        on_change=then or (lambda: change(**{name: state.get(key)})),
    )


def number(label: str, name: str, **limits: Any) -> None:
    """Draw a number; empty stands for none where the recipe allows that."""
    value = getattr(recipe(), name)
    key = state.show(f"recipe:{name}", value)
    st.number_input(
        label,
        value=value,
        key=key,
        help=FIELDS[name].help,
        on_change=lambda: change(**{name: state.get(key)}),
        **limits,
    )


def switch(label: str, name: str) -> None:
    """Draw a setting that is on or off."""
    value = getattr(recipe(), name)
    key = state.show(f"recipe:{name}", value)
    st.toggle(
        label, value, key=key, help=FIELDS[name].help,
        on_change=lambda: change(**{name: state.get(key)}),
    )  # fmt: skip


def argument(field: Field, owner: str, name: str) -> None:
    """Draw an argument of a loss or an optimizer.

    Args:
        owner: the row whose argument it is.
        name: the setting that holds arguments: `optimizer_args` or `loss_args`.
    """
    value = getattr(recipe(), name).get(field.name, field.default)
    key = f"{name}:{owner}:{field.name}"
    if field.kind == "bool" and not field.optional:
        st.toggle(
            field.name,
            bool(value),
            key=state.show(key, bool(value)),
            help=field.help,
            on_change=lambda: _set(name, field, state.get(key)),
        )
        return
    if field.kind == "choice":
        choices = [None, *field.choices] if field.optional else list(field.choices)
        st.selectbox(
            field.name,
            choices,
            index=choices.index(value) if value in choices else 0,
            key=state.show(key, value),
            format_func=lambda choice: "none" if choice is None else str(choice),
            help=field.help,
            on_change=lambda: _set(name, field, state.get(key)),
        )
        return
    st.text_input(
        field.name,
        to_text(value),
        key=state.show(key, to_text(value)),
        placeholder=field.wanted if field.optional else None,
        help=f"{field.help} Takes {field.wanted}.",
        on_change=_typed,
        args=(key, name, field),
    )
    said(key)


def _typed(key: str, name: str, field: Field) -> None:
    wrong = state.workspace().wrong
    try:
        value = from_text(field, str(state.get(key)))
    except ValueError as error:
        wrong[key] = str(error)
        return
    problem = field.problem(value)
    if problem is not None:
        wrong[key] = problem
        return
    wrong.pop(key, None)
    _set(name, field, value)


def _set(name: str, field: Field, value: Any) -> None:
    given: Mapping[str, Any] = {**getattr(recipe(), name), field.name: value}
    change(**{name: {k: v for k, v in given.items() if (k, v) != (field.name, field.default)}})


def said(key: str) -> None:
    """Say what is wrong with the text typed into a field."""
    message = state.workspace().wrong.get(key)
    if message:
        st.caption(f":red[{message}]")
