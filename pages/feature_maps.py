"""Feature maps: the open model on a picture, layer by layer."""

import streamlit as st

from builder import BuilderError
from ui.feature_maps import bench, choices, filters, maps, predictions, reasons
from ui.frame import through_app
from ui.guide import guide
from ui.subject import choose

through_app()
here = bench.bench()


@st.fragment
def lab() -> None:
    """Everything that another picture or other weights change."""
    try:
        with st.container(horizontal=True, vertical_alignment="bottom", key="maps-bar"):
            choose()
            model = bench.pictured(here)
            choices.choose_picture(here, model)
            guide("feature maps")
        choices.about(here, model)
        with st.spinner("Running the model"):
            done = bench.work(here, model)
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
        return
    choices.hint(here, model, done)
    predictions.predictions(here, done)
    seen, weights, why = st.tabs(
        ["Maps", "Filters", "Why: saliency and Grad-CAM"], key="maps-tabs", on_change="rerun"
    )
    if seen.open:
        with seen:
            maps.maps(here, model, done)
    if weights.open:
        with weights:
            filters.filters(here, model)
    if why.open:
        with why:
            reasons.reasons(here, model, done)


lab()
