"""A page of many things at a time."""

from __future__ import annotations

import math

import streamlit as st

from ui import state
from ui.feature_maps.bench import Bench


def page_of(here: Bench, name: str, count: int, size: int) -> range:
    """Draw the choice of a page, where there are several, and return what is on it."""
    pages = max(1, math.ceil(count / size))
    page = min(here.pages.get(name, 0), pages - 1)
    if pages > 1:
        key = state.show(f"maps:page:{name}", page + 1)
        st.number_input(
            f"Page of {pages}", 1, pages, key=key, width=140,
            on_change=lambda: here.pages.update({name: state.get(key) - 1}),
        )  # fmt: skip
    return range(page * size, min(count, (page + 1) * size))
