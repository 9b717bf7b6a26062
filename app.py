"""LayerLab: page config and navigation, nothing else."""

import streamlit as st

from ui.frame import frame

frame()
st.navigation(
    [
        st.Page("pages/build.py", title="Build", icon=":material/stacks:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/show_chart:"),
        st.Page("pages/runs.py", title="Runs", icon=":material/table_rows:"),
        st.Page("pages/convolution.py", title="Convolution", icon=":material/filter_b_and_w:"),
        st.Page("pages/feature_maps.py", title="Feature maps", icon=":material/grid_view:"),
        st.Page("pages/activations.py", title="Activations", icon=":material/moving:"),
        st.Page("pages/initialisation.py", title="Initialisation", icon=":material/casino:"),
        st.Page("pages/inside.py", title="Inside", icon=":material/account_tree:"),
    ],
    position="top",
).run()
