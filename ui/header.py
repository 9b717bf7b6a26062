"""The bar over the list: the model's name, what goes in, its container, undo and redo."""

from __future__ import annotations

import streamlit as st

from builder import edit
from builder.spec import DTYPES, Input
from ui import state
from ui.gallery import gallery
from ui.values import to_text

_CONTAINERS = {"sequential": "Sequential", "modulelist": "ModuleList", "graph": "Graph"}


def header() -> None:
    """Draw the bar."""
    ws = state.workspace()
    with st.container(horizontal=True, vertical_alignment="bottom", key="model-bar"):
        key = state.show("model:name", ws.spec.name)
        st.text_input(
            "Model",
            key=key,
            width=160,
            help="The name of the class in the code.",
            on_change=lambda: ws.edit(lambda s: edit.rename_model(s, str(state.get(key)).strip())),
        )
        for entry in ws.spec.inputs:
            _input(ws, entry)
        _container(ws)
        if ws.spec.blocks:
            _scope(ws)
        st.button(
            "",
            key="undo",
            icon=":material/undo:",
            disabled=not ws.past,
            on_click=ws.undo,
            help="Undo the last change (Ctrl+Z in the list).",
        )
        st.button(
            "",
            key="redo",
            icon=":material/redo:",
            disabled=not ws.future,
            on_click=ws.redo,
            help="Redo it (Ctrl+Shift+Z in the list).",
        )
        if st.button("Starting points", icon=":material/dashboard:", key="open-gallery"):
            gallery()
    if ws.complaint:
        st.error(ws.complaint, icon=":material/block:")


def _input(ws: state.Workspace, entry: Input) -> None:
    shape_key = state.show(f"input:{entry.name}:shape", to_text(entry.shape))
    st.text_input(
        f"Input {entry.name}",
        key=shape_key,
        width=120,
        help="Shape of one sample, without the batch: `3, 32, 32` is an RGB picture.",
        on_change=_shape,
        args=(shape_key, entry.name),
    )
    dtype_key = state.show(f"input:{entry.name}:dtype", entry.dtype)
    st.selectbox(
        "Numbers",
        DTYPES,
        key=dtype_key,
        width=105,
        help="float32 for measurements and pictures, int64 for the indices an Embedding looks up.",
        on_change=lambda: ws.edit(
            lambda s: edit.set_input(s, entry.name, dtype=state.get(dtype_key))
        ),
    )


def _shape(key: str, name: str) -> None:
    ws = state.workspace()
    text = str(state.get(key)).strip().strip("()[]")
    try:
        shape = [int(part) for part in text.replace("x", ",").split(",") if part.strip()]
    except ValueError:
        ws.complaint = (
            f"The shape of input {name} is {text!r}; whole numbers with commas work: 3, 32, 32."
        )
        return
    ws.edit(lambda s: edit.set_input(s, name, shape=shape))


def _container(ws: state.Workspace) -> None:
    key = state.show("model:container", ws.spec.block(ws.block).container)
    st.segmented_control(
        "Container",
        list(_CONTAINERS),
        format_func=_CONTAINERS.__getitem__,
        key=key,
        required=True,
        help="Sequential: a chain. ModuleList: any layer may read any earlier one. Graph: every "
        "layer is an attribute. The view *Container* shows what the choice changes.",
        on_change=_chosen,
        args=(key,),
    )


def _chosen(key: str) -> None:
    ws = state.workspace()
    before = ws.selected
    position = ws.spec.block(ws.block).positions.get(before or "")
    ws.edit(lambda s: edit.set_container(s, state.get(key), block=ws.block))
    if position is not None:  # names may have changed, the layer has not
        ws.selected = ws.spec.block(ws.block).nodes[position].name


def _scope(ws: state.Workspace) -> None:
    title = ws.spec.name
    key = state.show(f"model:block:{title}", ws.block or "")
    st.selectbox(
        "Editing",
        ["", *ws.spec.blocks],
        key=key,
        width=160,
        format_func=lambda name: name or title,
        help="The model itself, or one of its blocks, whose changes show wherever it is used.",
        on_change=_enter,
        args=(key,),
    )


def _enter(key: str) -> None:
    ws = state.workspace()
    ws.block = state.get(key) or None
    ws.select(None)
