"""Work that is done at once if it is little, and when it is asked for if it is much."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from ui import state
from ui.numbers import count

_AT_ONCE = 1e10  # multiply-adds


def wanted(macs: float, what: Hashable, *, key: str) -> bool:
    """Whether so many multiply-adds are to be done now; draw the button that asks for them.

    Args:
        what: the work; other work is asked for anew.
    """
    if macs <= _AT_ONCE or state.get(f"{key}:wanted") == what:
        return True
    st.button(
        f"Run ({count(macs)} multiply-adds)", icon=":material/play_arrow:", type="primary",
        key=key, on_click=lambda: state.put(f"{key}:wanted", what),
    )  # fmt: skip
    return False
