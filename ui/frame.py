"""What every page stands in: title, icon, style, and a collector that does not stop the world."""

from __future__ import annotations

import gc
from pathlib import Path

import streamlit as st
import torch
import torchvision

ASSETS = Path(__file__).resolve().parents[1] / "assets"


def frame() -> None:
    """Set the page up; the first thing of every run."""
    st.set_page_config(
        page_title="LayerLab",
        page_icon=str(ASSETS / "icon.svg"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.logo(str(ASSETS / "logo.svg"), size="large")
    st.html(ASSETS / "style.css")
    _freeze()


@st.cache_resource
def _freeze() -> tuple[str, str]:
    """Take what is imported out of the collector's sight, once a process.

    Streamlit collects garbage after every run of a script. With torch and torchvision in memory
    that holds the interpreter for 100 to 180 ms, for every user at every click; what is frozen is
    not looked at again.
    """
    gc.collect()
    gc.freeze()
    return torch.__version__, torchvision.__version__
