"""Build: stack layers, see every shape, parameter and equation as you do it."""

from functools import partial

import streamlit as st

from builder.resolve import resolve
from ui import intents, layers, state
from ui.components import layer_list, palette
from ui.frame import through_app
from ui.guide import guide
from ui.header import header
from ui.inspector import inspector
from ui.views import views

through_app()
ws = state.workspace()
entries = layers.palette_entries(ws.spec)


@st.fragment
def workbench() -> None:
    """Everything that an edit changes; the palette beside it stays as long as it can."""
    if layers.palette_entries(ws.spec) != entries:  # a block or a layer of one's own came or went
        st.rerun()
    bar, bench = st.container(), st.container(key="bench")
    resolution = resolve(ws.spec)
    # Shapes are what the eye waits for, so the list is sent first.
    with bench.container(key="bench-list"):
        layer_list(
            layers.rows(ws.spec, resolution, ws.block),
            inputs=layers.inputs(ws.spec, resolution, ws.block, ws.selected),
            outputs=layers.outputs(ws.spec, resolution, ws.block),
            selected=ws.selected,
            insert_at=ws.insert_at,
            height=760,
            key="layers",
            on_intent=partial(intents.handle, ws),
        )
    with bar:
        header()
    with bench.container(key="bench-side"):
        inspector(ws, resolution)
        views(resolution)


with st.container(key="build-page"):
    with st.container(key="build-palette"):
        guide("build", width="stretch")
        palette(
            entries,
            key="palette",
            on_add=partial(intents.add, ws),
            open_groups=2,
            height=850,
        )
    with st.container(key="build-work"):
        workbench()
