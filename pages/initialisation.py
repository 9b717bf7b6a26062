"""Initialisation: how the parameters of a model start, what is drawn, and what becomes of it."""

import streamlit as st

from ui import state
from ui.frame import through_app
from ui.guide import guide
from ui.initialisation import formula, promises, race, schemes, through
from ui.initialisation.model import choose_seed

through_app()

SECTIONS = {
    "Schemes": schemes.section,
    "Formula and draw": formula.section,
    "Through the model": through.section,
    "Training": race.section,
    "Promises": promises.section,
}

ws = state.workspace()
choice, help = st.columns([7, 2], vertical_alignment="bottom")
with help:
    guide("initialisation", width="stretch")
with choice, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    st.markdown(f"Parameters of **{ws.spec.name}**", width="content")
    choose_seed()
    st.button(
        "", icon=":material/undo:", key="undo", disabled=not ws.past, on_click=ws.undo,
        help="Undo the last change of the model.",
    )  # fmt: skip
    st.button(
        "", icon=":material/redo:", key="redo", disabled=not ws.future, on_click=ws.redo,
        help="Redo it.",
    )  # fmt: skip
if ws.complaint:
    st.error(ws.complaint, icon=":material/block:")
tabs = st.tabs(list(SECTIONS), key="initialisation", on_change="rerun", bind="query-params")
for tab, section in zip(tabs, SECTIONS.values(), strict=True):
    if tab.open:
        with tab:
            section(ws)
