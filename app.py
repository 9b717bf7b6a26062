"""LayerLab: page config and navigation, nothing else."""

import streamlit as st

from ui.frame import frame

frame()
st.navigation(
    [
        st.Page("pages/build.py", title="Build", icon=":material/stacks:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/show_chart:"),
    ],
    position="top",
).run()
