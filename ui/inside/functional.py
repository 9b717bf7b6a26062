"""Functional and Module: the same layer both ways, and the model's own code both ways."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from builder import BuilderError, write_source
from builder.code import STYLES
from builder.labs.functional import CALLS, HOLDERS, dropped, held, side_by_side
from ui.subject import Subject

_SIZE = 8
_HEIGHT = 520
_MODES = ("eval()", "train()")


def section(here: Subject) -> None:
    """Draw the section."""
    _state()
    st.divider()
    _dropout()
    st.divider()
    _styles(here)


def _state() -> None:
    """The same layer on the same numbers, and who holds them."""
    st.subheader("Who holds the state")
    st.caption(
        "`nn.Linear` makes its weights and keeps them; `F.linear` is handed them at every call. "
        "All three below have the same numbers and were given the same input."
    )
    seed = st.number_input("Draw", 0, 999, 0, key="functional-seed", width=140)
    found = held(int(seed))
    for column, one in zip(st.columns(len(HOLDERS)), found, strict=True):
        with column:
            st.markdown(f"**{one.way.title}**")
            st.code(one.way.code, language="python", height=220)
            keys = ", ".join(f"`{key}`" for key in one.keys) or "nothing"
            st.markdown(
                f"`state_dict` sees {keys}  \n`parameters()` gives an optimizer "
                f"**{one.parameters}** numbers"
            )
            st.dataframe(_table(one.output), hide_index=True, width="stretch")
    same = all(bool((one.output == found[0].output).all()) for one in found)
    st.caption(
        "The outputs are equal to the last bit. What differs is what is saved, moved by `to()` "
        "and trained."
        if same
        else "The outputs differ."
    )


def _table(output: object) -> pd.DataFrame:
    frame = pd.DataFrame(output.numpy())  # type: ignore[attr-defined]  # a tensor
    frame.columns = [f"y{column}" for column in frame.columns]
    return frame.round(4)


def _dropout() -> None:
    """What goes wrong where a function is not told whether the model is training."""
    st.subheader("Dropout, and who tells it")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        p = st.slider("p", 0.1, 0.9, 0.5, 0.1, key="functional-p", width=260)
        mode = st.segmented_control(
            "Mode", _MODES, default=_MODES[0], required=True, key="functional-mode"
        )
    ways = dropped(float(p), _SIZE, training=mode == _MODES[1], seed=0)
    for column, one in zip(st.columns(len(ways)), ways, strict=True):
        with column:
            st.markdown(f"**{one.way.title}**")
            st.code(one.way.code, language="python", height=100)
            rows = {
                f"call {call}": output.numpy().round(2)
                for call, output in enumerate(one.outputs, 1)
            }
            frame = pd.DataFrame.from_dict(rows, orient="index")
            frame.columns = [str(column) for column in frame.columns]
            st.dataframe(frame, width="stretch")
            if one.steady:
                st.success(f"All {CALLS} calls give the same.", icon=":material/check:")
            elif mode == _MODES[0]:
                st.error(
                    "In `eval()` it goes on dropping: every call gives something else. "
                    "`F.dropout` takes `training=True` unless it is told.",
                    icon=":material/error:",
                )
            else:
                st.info("Each call drops others, as training wants it.", icon=":material/casino:")


def _styles(here: Subject) -> None:
    """The model's own code in two styles, with what differs marked."""
    st.subheader(f"{here.spec.name} in two styles")
    names = list(STYLES)
    with st.container(horizontal=True):
        first, second = (
            st.selectbox(label, names, names.index(style), key=f"functional-{label}", width=200)
            for label, style in (("Left", "module"), ("Right", "functional"))
        )
    try:
        texts = side_by_side(*(write_source(here.spec, str(one)) for one in (first, second)))
    except BuilderError as error:
        st.info(error.message, icon=":material/block:")
        return
    for column, text in zip(st.columns(2), texts, strict=True):
        column.code(text, language="diff", height=_HEIGHT)
    if {first, second} == {"module", "functional"}:
        st.caption(
            "What has weights stays a module in both, so the keys of the `state_dict` are the "
            "same. What has none needs no place to be kept, and is called."
        )
