"""What every page stands in: title, icon, style, and a collector that does not stop the world."""

from __future__ import annotations

import gc
import runpy
import sys
from pathlib import Path

import streamlit as st
import torchvision  # noqa: F401  here and not in the middle of a run, so that it is frozen too

from ui import state

_FRAMED = "framed"
_ROOT = Path(__file__).resolve().parents[1]
APP, ASSETS = _ROOT / "app.py", _ROOT / "assets"


def frame() -> None:
    """Set the page up; the first thing of every run."""
    state.put(_FRAMED, True)
    st.set_page_config(
        page_title="LayerLab",
        page_icon=str(ASSETS / "icon.svg"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.logo(str(ASSETS / "logo.svg"), size="large")
    st.html(ASSETS / "style.css")


def through_app() -> None:
    """See to it that a page is run by `app.py`; the first thing of every page after its imports.

    Streamlit takes a folder called `pages` for its older kind of app until `st.navigation` is
    called once, and a fresh server whose first request is a page's own address runs that page
    alone. Running the app here, which runs the page again, gives the same app at every address.
    """
    if not state.get(_FRAMED):
        runpy.run_path(str(APP))
        st.stop()
    _freeze(len(sys.modules))


@st.cache_resource(max_entries=1)
def _freeze(modules: int) -> int:
    """Take what is imported out of the collector's sight; again when more has been imported.

    Streamlit collects garbage after every run of a script. With torch and torchvision in memory
    that holds the interpreter for 100 to 180 ms, for every user at every click; what is frozen is
    not looked at again.
    """
    gc.collect()
    gc.freeze()
    return modules
