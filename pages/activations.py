"""Activations: what each function does to a number, to your numbers, through depth, in a model."""

import streamlit as st

from ui.activations import chosen, curves, depth, in_model, inplace, numbers
from ui.frame import through_app
from ui.guide import guide

through_app()

SECTIONS = {
    "Curves": curves.section,
    "Your numbers": numbers.section,
    "In place": inplace.section,
    "Through depth": depth.section,
    "In your model": in_model.section,
}

choice, help = st.columns([7, 2])
with help:
    guide("activations", width="stretch")
with choice:
    picked = chosen.parameters(chosen.choose())
tabs = st.tabs(list(SECTIONS), key="section", on_change="rerun", bind="query-params")
for tab, section in zip(tabs, SECTIONS.values(), strict=True):
    if tab.open:
        with tab:
            section(picked)
