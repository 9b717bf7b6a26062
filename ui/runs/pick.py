"""The choice of a setting to vary, and of values of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import streamlit as st

from builder.catalog import Field
from builder.train.sweeps import Axis, Setting, settings_of
from ui import state
from ui.fields import Entry, draw
from ui.runs.base import Base
from ui.text import escaped
from ui.values import from_text, to_text

_NONE = "none"
_FIRST = "lr"
_FEW = 4  # choices that are tried unless others are chosen


def choose_setting(
    base: Base,
    label: str,
    key: str,
    *,
    without: Collection[str] = (),
    optional: bool = False,
) -> Setting | None:
    """Draw the choice of a setting; returns it.

    Args:
        key: of the widget.
        without: paths that are not offered.
        optional: whether there may be none, as there is at first.
    """
    known = {p: one for p, one in settings_of(base.setup).items() if p not in without}
    options = [*([_NONE] if optional else []), *known]
    chosen = state.get(key)
    if chosen not in options:  # another base may have no such layer
        chosen = _NONE if optional else _FIRST
    st.selectbox(
        label, options, index=options.index(chosen), key=state.show(key, chosen),
        format_func=lambda path: known[path].label if path in known else path,
        persist_state="session",
        help="Type to search: a setting of the recipe, of the data, or of a layer.",
    )  # fmt: skip
    found = known.get(state.get(key))
    if found is not None:
        st.caption(escaped(found.field.help))
    return found


def other_value(base: Base, setting: Setting, key: str) -> Any:
    """Draw what a setting is changed to; returns the value."""
    kept = f"{key}:value:{base.name}:{setting.path}"
    if setting.field.kind == "bool" and not setting.field.optional:
        return not setting.value
    value = state.get(kept, [_another(setting)])[0]
    field = replace(setting.field, name="B", help="What A is changed to.")
    if setting.field.kind == "choice":
        return _other_choice(setting, f"{kept}:widget")
    entry = Entry(
        state.workspace(), field, value, f"{kept}:widget", lambda new: state.put(kept, [new])
    )
    draw(entry)
    return value


def _another(setting: Setting) -> Any:
    """Return a value to begin with: the next one up, or else down."""
    others = [value for value in setting.suggested() if value != setting.value]
    if setting.numeric and setting.value is not None:
        higher = [value for value in others if value is not None and value > setting.value]
        lower = [value for value in others if value is not None and value < setting.value]
        return (higher or lower[-1:] or [setting.value])[0]
    return next((value for value in others if value is not None), setting.value)


def _other_choice(setting: Setting, key: str) -> Any:
    others = [value for value in setting.suggested() if value != setting.value]
    return st.selectbox(
        "B", others, key=key, format_func=setting.words, help="What A is changed to.",
        placeholder="There is nothing else to choose", disabled=not others,
    )  # fmt: skip


def choose_values(base: Base, setting: Setting, key: str, method: str) -> tuple[Axis, str]:
    """Draw what is tried of a setting; returns it, and what is wrong with what was typed."""
    key = f"{key}:{base.name}:{setting.path}:{method}"
    field = setting.field
    if field.kind == "bool" or field.kind == "choice":
        options = sorted(setting.suggested(), key=lambda value: value != setting.value)
        picked = st.multiselect(
            "Values", options, options[:_FEW], key=key, format_func=setting.words,
            persist_state="session",
        )  # fmt: skip
        return Axis(setting.path, tuple(picked)), ""
    if method != "grid" and setting.numeric:
        return _range(setting, key)
    return _listed(setting, key)


def _range(setting: Setting, key: str) -> tuple[Axis, str]:
    left, right = st.columns(2)
    ends: list[Any] = []
    wrong = ""
    for column, word, end in zip((left, right), ("From", "To"), setting.range(), strict=True):
        typed = column.text_input(word, to_text(end), key=f"{key}:{word}")
        value, problem = _read(replace(setting.field, name=word, optional=False), typed)
        ends.append(value)
        wrong = wrong or problem
    by_factors = st.toggle(
        "By factors", setting.by_factors, key=f"{key}:factors",
        help="Drawn evenly over the logarithm: as often from 0.001 to 0.01 as from 0.01 to 0.1.",
    )  # fmt: skip
    low, high = ends
    return Axis(setting.path, low=low, high=high, by_factors=by_factors), wrong


def _listed(setting: Setting, key: str) -> tuple[Axis, str]:
    between = ", " if setting.numeric else "; "
    first = between.join(to_text(value) or _NONE for value in setting.suggested())
    typed = st.text_input(
        "Values", first, key=key,
        help=f"With a {'comma' if setting.numeric else 'semicolon'} between them.",
    )  # fmt: skip
    values, wrong = [], ""
    for part in typed.split(between.strip()):
        text = part.strip()
        value, problem = _read(setting.field, "" if text == _NONE else text)
        values.append(value)
        wrong = wrong or problem
    return Axis(setting.path, tuple(values)), wrong


def _read(field: Field, text: str) -> tuple[Any, str]:
    try:
        value = from_text(field, text)
    except ValueError as error:
        return None, str(error)
    return value, field.problem(value) or ""
