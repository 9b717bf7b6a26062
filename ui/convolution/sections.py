"""What can be looked at below the picture, one at a time; only the open one is worked out."""

from __future__ import annotations

import streamlit as st

from builder.labs import chain
from ui.convolution import learn, lessons, one_pixel, out, viewer
from ui.convolution.bench import Bench, Work
from ui.state import Workspace


def sections(here: Bench, ws: Workspace, done: Work, name: str) -> None:
    """Draw the tabs."""
    titles = [
        "One pixel",
        "Histogram",
        "Take away and code",
        "Learn the kernel",
        "Outside 0 to 1",
        "Correlation or convolution",
    ]
    pixel, spread, away, learning, outside, way = st.tabs(
        titles, key="convolution-sections", on_change="rerun"
    )
    if pixel.open:
        with pixel:
            one_pixel.one_pixel(here, ws, done, name)
    if spread.open:
        with spread:
            viewer.histograms(done, name)
    if away.open:
        with away:
            out.out(here, ws, done, name)
    if learning.open:
        with learning:
            learn.learn(here, ws, done, name)
    if outside.open:
        with outside:
            lessons.values_outside(done, name)
    if way.open:
        with way:
            kernel = chain.kernel_of(ws.spec.main.node(name))
            lessons.correlation(kernel)
