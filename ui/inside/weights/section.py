"""Weights: bring them back from a file or a run, compare two, take the mean of several."""

from __future__ import annotations

import streamlit as st

from ui.inside.weights import average, bring, compare, keep
from ui.inside.weights.bench import bench
from ui.subject import Subject

_PARTS = {"Bring back": bring.bring, "Compare": compare.compare_two, "Average": average.mean}


def section(_: Subject) -> None:
    """Draw the section."""
    here = bench()
    part = st.segmented_control(
        "Weights", list(_PARTS), default="Bring back", required=True, key="weights-part",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if here.refused:
        st.error(here.refused, icon=":material/block:")
    if here.said:
        st.success(here.said, icon=":material/check_circle:")
        here.said = ""  # once
    _PARTS[part](here)
    keep.kept_weights(here)
