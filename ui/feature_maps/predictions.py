"""The picture as the model gets it, and what it takes it for."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from builder.labs.feature_maps import Layer
from builder.labs.map_sheet import strip
from builder.labs.predictions import predictions as likeliest
from builder.labs.tones import to_pixels
from ui.feature_maps import figures
from ui.feature_maps.bench import Bench, Work
from ui.feature_maps.words import size

_WIDTH = 220


def predictions(here: Bench, done: Work) -> None:
    """Draw both side by side."""
    picture, chart = st.columns([1, 2.2])
    with picture:
        label = f"a {done.label}, " if done.label else ""
        words = f"{label}{size(done.x.shape[1:])}, from 0 to 1"
        shown = here.once("shown", done.made_from, _large, done.shown)
        st.image(shown, width=_WIDTH, caption=words)
    with chart:
        _found(done)


def _large(picture: NDArray[np.float32]) -> bytes:
    pixels = to_pixels(picture, "clip")
    return strip(pixels[None], side=2 * _WIDTH)


def _verdict(name: str, label: str | None) -> str:
    if label is None:
        return ""
    if name == label:
        return " :green-badge[:material/check: right]"
    return f" :red-badge[:material/close: it is {label}]"


def _found(done: Work) -> None:
    output = done.output
    found = likeliest(output.value, done.classes) if output else ()
    if found:
        first = found[0]
        st.markdown(
            f"Taken for **{first.name}**, {first.share:.1%}{_verdict(first.name, done.label)}"
        )
        figure = figures.chances(found, done.label)
        st.plotly_chart(figure, key="maps:chances", config=figures.CONFIG)
    elif output:
        _given(output)


def _given(output: Layer) -> None:
    """Draw what a model gives that gives no score for each class."""
    shape = output.shape[1:]
    if shape == (1,):
        st.metric("The model gives", f"{output.value.item():.4g}")
        return
    st.caption(
        f"The model gives {shape}, not a score for each class, so there is nothing to predict. "
        "What it gives is the last of the layers below."
    )
    if len(shape) == 3 and shape[0] in (1, 3):
        picture = output.value[0].permute(1, 2, 0).clamp(0, 1).numpy()
        st.image(_large(picture), width=_WIDTH, caption=f"{size(shape)}, cut off at 0 and 1")
