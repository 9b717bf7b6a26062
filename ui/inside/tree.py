"""Tree: the modules of a model, direct ones and all, and the dictionaries under each."""

from __future__ import annotations

import streamlit as st

from builder.labs.inspection import listing
from ui.subject import Subject


def section(here: Subject) -> None:
    """Draw the section."""
    left, right = st.columns(2)
    with left:
        st.markdown("**`named_children()`**: the modules that the model holds itself.")
        st.code(listing(here.model.named_children()), language=None)
    with right:
        st.markdown("**`named_modules()`**: the model, its modules, theirs, and so on.")
        st.code(listing(here.model.named_modules()), language=None)
