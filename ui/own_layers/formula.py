"""The formula of a layer of one's own, followed line by line as it is typed."""

from __future__ import annotations

import streamlit as st

from builder.errors import FormulaError
from builder.own.functions import ATTRIBUTES, FUNCTIONS, HOMES
from builder.own.layer import FORWARD
from ui import state
from ui.own_layers.edited import Edited
from ui.own_layers.trial import Trial, draw_given

_LINE, _FRAME = 24, 34  # pixels


def formula(edited: Edited, found: Trial) -> None:
    """Draw the formula, and what each of its lines gives, or where it is wrong."""
    layer = edited.layer
    key = state.show(edited.key("forward"), layer.forward)
    lines = layer.forward.count("\n") + 1
    with st.container(key="own-formula"):
        st.text_area(
            f"Formula: forward({', '.join(('self', *layer.inputs))})",
            layer.forward,
            key=key,
            height=max(3, lines + 1) * _LINE + _FRAME,
            help="A line is `name = ...`, the last one `return ...`. Parameters and settings stand "
            "by their names, without `self.`; `training` says whether the model is. It is read, "
            "and never run as Python.",
            on_change=lambda: edited.put(forward=str(state.get(key))),
        )
    _allowed()
    draw_given(edited, found)
    shapes = [(one, str(shape)) for one, shape in found.followed.shapes.items()]
    rows = [*shapes, *found.followed.lines]
    if rows:
        st.code(_aligned(rows), language=None)
    fault = found.followed.fault
    if fault is not None and found.followed.where == FORWARD:
        marked = _marked(layer.forward, fault)
        if marked:
            st.code(marked, language=None)
        st.error(fault.message, icon=":material/error:")


def _aligned(rows: list[tuple[str, str]]) -> str:
    """Return what is held and what every line gives, each behind its shape."""
    width = max(len(shape) for _, shape in rows)
    return "\n".join(f"{shape:{width}}   {text}" for text, shape in rows)


def _marked(text: str, fault: FormulaError) -> str:
    """Return the line of a fault with its part underlined."""
    lines = text.split("\n")
    if not 0 < fault.line <= len(lines):
        return ""
    line = lines[fault.line - 1]
    if fault.part is None:
        return line
    place = fault.part.place
    return f"{line}\n{' ' * place.start}{'^' * max(1, place.end - place.start)}"


def _allowed() -> None:
    more = st.expander("What a formula may use", key="own:allowed", on_change="rerun")
    if not more.open:
        return
    with more:
        st.markdown(
            "Numbers, names, `+ - * / // % ** @`, comparisons, `a if b else c`, rows such as "
            f"`(2, -1)`, indices such as `x[:, -1]`, `.{'`, `.'.join(ATTRIBUTES)}`, and:"
        )
        for home in HOMES:
            words = [row.usage for row in FUNCTIONS.values() if row.home == home]
            st.markdown(" ".join(f"`{word}`" for word in sorted(words)))
