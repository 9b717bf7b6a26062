"""Activations: what each function does to a number, to your numbers, through depth, in a model."""

import streamlit as st

from ui.activations import chosen, curves
from ui.frame import through_app

through_app()

names = ("Curves",)
picked = chosen.parameters(chosen.choose())
tabs = dict(
    zip(names, st.tabs(names, key="section", on_change="rerun", bind="query-params"), strict=True)
)
for name, section in (("Curves", curves.section),):
    if tabs[name].open:
        with tabs[name]:
            section(picked)
