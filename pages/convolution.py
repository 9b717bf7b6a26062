"""Convolution: a chain of layers over your own picture, and what it does to each pixel."""

from functools import partial

import streamlit as st

from ui import intents, layers, state
from ui.components import layer_list
from ui.convolution import bench, kernel, pictures, sections, steps, viewer
from ui.frame import through_app
from ui.inspector import inspector

_PARTS = ("see", "change", "below")

through_app()
ws = state.lab()
here = bench.bench()


@st.fragment
def lab() -> None:
    """Everything that a change of the chain or the picture changes."""
    pictures.choose(here, ws)
    with st.container(key="lab"):
        see, change, below = (st.container(key=f"lab-{part}") for part in _PARTS)
    done = bench.work(here, ws.spec)
    name = viewer.stage_name(ws, done)
    with see:
        viewer.viewer(here, ws, done)
        if name is not None:
            viewer.stages(here, ws, done)
    with change:
        steps.bar(ws)
        layer_list(
            layers.rows(ws.spec, done.resolution, None),
            inputs=layers.inputs(bench.fitted(ws.spec, here.preview), done.resolution, None, None),
            selected=ws.selected,
            insert_at=ws.insert_at,
            height=300,
            key="chain",
            on_intent=partial(intents.handle, ws),
        )
        inspector(ws, done.resolution, editor=partial(kernel.kernel_editor, ws))
    if name is not None:
        with below:
            sections.sections(here, ws, done, name)


lab()
