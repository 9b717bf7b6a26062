"""Drawing the whole page anew after a click in a part of it that is drawn by itself."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui import state

_ASKED = "runs:redraw"


def then_redraw(action: Callable[..., object], *args: object) -> None:
    """Do something, then draw the whole page; the `on_click` of such a part's buttons."""
    action(*args)
    state.put(_ASKED, True)


def heed() -> None:
    """Draw the whole page if it was asked for; the first thing of such a part."""
    if state.get(_ASKED):
        state.put(_ASKED, False)
        st.rerun()
