"""The maps of one layer, a page of them at a time."""

from __future__ import annotations

import streamlit as st

from ui.feature_maps.bench import Work


def maps(done: Work) -> None:
    """Draw the list of layers and what the chosen one gave."""
    names = [layer.name for layer in done.layers]
    shapes = {layer.name: f"{layer.op} {layer.shape}" for layer in done.layers}
    chosen = st.radio("Layer", names, captions=list(shapes.values()), key="maps:layer")
    st.caption(shapes[chosen or names[0]])
