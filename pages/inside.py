"""Inside: the open model as torch holds it."""

import streamlit as st

from builder import BuilderError
from ui.frame import through_app
from ui.guide import guide
from ui.inside import autograd, functional, hooks, moving, naming, parameters, stepping, tree
from ui.inside.weights import section as weights
from ui.subject import choose, subject

through_app()

SECTIONS = {
    "Tree": tree.section,
    "Parameters": parameters.section,
    "Naming": naming.section,
    "Hooks": hooks.section,
    "Step by step": stepping.section,
    "Autograd": autograd.section,
    "Functional and Module": functional.section,
    "Moving": moving.section,
    "Weights": weights.section,
}

choice, help = st.columns([7, 2], vertical_alignment="bottom")
with help:
    guide("inside", width="stretch")
with choice, st.container(horizontal=True, vertical_alignment="bottom"):
    choose()
try:
    here = subject(running=False)
except BuilderError as error:
    st.warning(error.message, icon=":material/block:")
    st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
    st.stop()
if here.fault:
    st.warning(f"It cannot run yet. {here.fault.message}", icon=":material/block:")
    st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
tabs = st.tabs(list(SECTIONS), key="inside", on_change="rerun", bind="query-params")
for tab, section in zip(tabs, SECTIONS.values(), strict=True):
    if tab.open:
        with tab:
            try:
                section(here)
            except BuilderError as error:
                st.info(error.message, icon=":material/block:")
