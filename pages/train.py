"""Train: choose data and settings, watch the model learn, take the weights away."""

import streamlit as st

from ui.frame import through_app
from ui.guide import guide
from ui.training.form import settings_panel
from ui.training.monitor import monitor
from ui.training.settings import launcher

through_app()
launcher().keep_warm()


with st.container(key="train-page"):
    with st.container(key="train-settings", border=True):
        with st.container(horizontal=True, vertical_alignment="center", key="train-head"):
            st.subheader("Next run")
            guide("train")
        settings_panel()
    with st.container(key="train-run"):
        monitor()
