"""Runs: all of them in a table, their curves over one another, what differs between them."""

import streamlit as st

from ui.frame import through_app
from ui.guide import guide
from ui.runs import actions, differ, overlay, pair, sweep
from ui.runs.chosen import chosen_runs
from ui.runs.table import table

through_app()

SECTIONS = {
    "Curves": overlay.overlay,
    "Differences": differ.differ,
    "A/B": pair.pair_section,
    "Sweep": sweep.sweep_section,
}

head, help = st.columns([7, 2], vertical_alignment="bottom")
head.subheader("Runs")
with help:
    guide("runs", width="stretch")
actions.said()
table()
runs = chosen_runs()
if runs:
    actions.actions(runs)
tabs = st.tabs(list(SECTIONS), key="section", on_change="rerun", bind="query-params")
for tab, section in zip(tabs, SECTIONS.values(), strict=True):
    if tab.open:
        with tab:
            section()
actions.bin_of_runs()
