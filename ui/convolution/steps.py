"""The bar over the chain: add a step, go back and forth."""

from __future__ import annotations

from functools import partial

import streamlit as st

from builder.catalog import CATALOG
from builder.labs import chain
from ui import state
from ui.state import Workspace

_ADD = "convolution:add"


def bar(ws: Workspace) -> None:
    """Draw the bar."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="chain-bar"):
        state.show(_ADD, None)
        st.selectbox(
            "Chain of layers",
            chain.offered(),
            key=_ADD,
            index=None,
            placeholder="Add a layer…",
            format_func=lambda op: f"{CATALOG[op].title} · {CATALOG[op].group.lower()}",
            help="It goes behind the selected layer. Everything that makes a picture of a "
            "picture can stand here.",
            on_change=_add,
            args=(ws,),
        )
        for label, icon, possible, act, text in (
            ("undo", ":material/undo:", ws.past, ws.undo, "Undo the last change"),
            ("redo", ":material/redo:", ws.future, ws.redo, "Redo it"),
            ("afresh", ":material/restart_alt:", True, partial(_afresh, ws), "Start afresh"),
        ):
            st.button(
                "",
                key=f"chain-{label}",
                icon=icon,
                disabled=not possible,
                on_click=act,
                help=text,
            )
    if ws.complaint:
        st.error(ws.complaint, icon=":material/block:")


def _add(ws: Workspace) -> None:
    op, place = state.get(_ADD), ws.place
    if op is not None and ws.edit(partial(chain.add_step, index=place, op=op)):
        ws.select(ws.spec.nodes[place].name)


def _afresh(ws: Workspace) -> None:
    entry = ws.spec.inputs[0]
    channels, height, width = entry.shape
    ws.open(chain.for_picture(chain.first_chain(), height, width, channels))
    ws.select(ws.spec.nodes[0].name)
