"""The picture as the model gets it, and what it takes it for."""

from __future__ import annotations

import streamlit as st

from builder.labs.map_sheet import strip
from builder.labs.predictions import predictions as likeliest
from ui.feature_maps import figures
from ui.feature_maps.bench import Bench, Work

_WIDTH = 220


def predictions(here: Bench, done: Work) -> None:
    """Draw both side by side."""
    picture, chart = st.columns([1, 3.6])
    with picture:
        st.image(here.once("shown", done.made_from, _large, done), width=_WIDTH)
        size = " × ".join(map(str, done.x.shape[1:]))
        label = f"a {done.label}, " if done.label else ""
        st.caption(f"{label}{size}, from 0 to 1")
    with chart:
        _found(done)


def _large(done: Work) -> bytes:
    pixels = (done.shown * 255).round().astype("uint8")
    return strip(pixels.repeat(3 // pixels.shape[2], axis=2)[None], side=2 * _WIDTH)


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
        given = output.shape[1:]
        if given == (1,):
            st.metric("The model gives", f"{output.value.item():.4g}")
            return
        st.caption(
            f"The model gives {given}, not a score for each class, so there is nothing to predict. "
            "What it gives is the last of the layers below."
        )
