"""Promises: what orthogonal, dirac, eye and sparse hold, drawn by torch and measured here."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from builder import BuilderError
from builder.labs.initialisation import promises
from builder.labs.pictures import SAMPLES
from ui.activations.style import COLOURS, CONFIG, chart, faded
from ui.initialisation.model import seed
from ui.state import Workspace

_SIDE, _HEIGHT = 320, 330
# Blue for below zero, orange for above; zero lets the page show through.
_BLUE, _ORANGE = COLOURS[1], COLOURS[0]
_SIGNED = [[0, _BLUE], [0.5, faded(_BLUE, 0)], [0.5, faded(_ORANGE, 0)], [1, _ORANGE]]
_EYE = 9


def section(_: Workspace) -> None:
    """Draw the section."""
    for draw in (_orthogonal, _identity, _sparse):
        with st.container(border=True):
            try:
                draw()
            except BuilderError as error:
                st.caption(f":red[{error.message}]")


def _orthogonal() -> None:
    st.markdown(
        "##### `orthogonal_`: lengths and angles stay\n"
        "The columns of Q (its rows, if there are fewer) stand at right angles and have the same "
        "length, so QᵀQ is the gain squared times the identity, and no vector is made longer or "
        "shorter."
    )
    with st.container(horizontal=True, gap="medium"):
        rows = st.slider("Rows", 1, 128, 48, key="rotation-rows", width=220)
        columns = st.slider("Columns", 1, 128, 32, key="rotation-columns", width=220)
        gain = st.slider("gain", 0.0, 3.0, 1.0, step=0.05, key="rotation-gain", width=220)
    found = promises.rotation(rows, columns, gain, seed())
    left, right = st.columns(2)
    left.plotly_chart(
        _heat(found.matrix, f"Q, {rows} × {columns}", "rotation"), key="rotation", config=CONFIG
    )
    product = "QᵀQ" if rows >= columns else "QQᵀ"
    right.plotly_chart(
        _heat(found.gram, f"{product}, {len(found.gram)} × {len(found.gram)}", "gram"),
        key="gram",
        config=CONFIG,
    )
    least, most = found.stretch
    st.markdown(
        f"Largest deviation of {product} from {gain**2:g} · I: **{found.off:.2g}** &nbsp; "
        f"Random vectors are stretched by **{least:.6g}** to **{most:.6g}**."
    )


def _identity() -> None:
    st.markdown(
        "##### `dirac_` and `eye_`: what goes in comes out\n"
        "A one in the middle of the window hands each channel on; a one on the diagonal does so "
        "for the numbers of a Linear layer."
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        names = {key: sample.title for key, sample in SAMPLES.items()}
        key = st.selectbox(
            "Picture", list(names), key="dirac-picture", format_func=names.__getitem__, width=220
        )
        size = st.slider("kernel_size", 1, 15, 3, step=2, key="dirac-size", width=200)
        groups = st.segmented_control(
            "groups", (1, 3), default=1, required=True, key="dirac-groups"
        )
    values = SAMPLES[key].load().within(_SIDE).values(3)
    found = promises.picture_through(values, size, groups)
    before, after, numbers = st.columns(3)
    before.image(values, caption="before", clamp=True, width="stretch")
    after.image(found.out, caption=f"after {size} × {size}, padding {size // 2}", clamp=True,
                width="stretch")  # fmt: skip
    x, y = promises.numbers_through(_EYE, seed())
    numbers.dataframe(
        {"x": x[0].numpy(), "eye_ gives": y[0].numpy(), "difference": (y - x)[0].numpy()},
        hide_index=True,
    )
    st.markdown(
        f"Largest difference of the pictures: **{found.off:g}**, of the numbers: "
        f"**{float((y - x).abs().max()):g}**."
    )


def _sparse() -> None:
    st.markdown(
        "##### `sparse_`: zeros in every column\n"
        "Each column, the weights of one input, has the same number of zeros; the rest is drawn "
        "from a bell."
    )
    with st.container(horizontal=True, gap="medium"):
        rows = st.slider("Rows", 1, 128, 40, key="sparse-rows", width=220)
        columns = st.slider("Columns", 1, 128, 60, key="sparse-columns", width=220)
        sparsity = st.slider("sparsity", 0.0, 1.0, 0.9, step=0.01, key="sparse-share", width=220)
    found = promises.thinned(rows, columns, sparsity, seed=seed())
    left, right = st.columns(2)
    left.plotly_chart(
        _heat(found.matrix, f"W, {rows} × {columns}", "sparse"), key="sparse", config=CONFIG
    )
    bars = {
        "type": "bar",
        "x": list(range(columns)),
        "y": found.zeros.tolist(),
        "marker": {"color": _BLUE},
        "hovertemplate": "%{y} zeros in column %{x}<extra></extra>",
    }
    right.plotly_chart(
        chart(
            [bars], "zeros in each column", _HEIGHT, "sparse-zeros", bargap=0.15,
            xaxis={"title": "column"}, yaxis={"range": [0, rows * 1.05]},
        ),
        key="sparse-zeros",
        config=CONFIG,
    )  # fmt: skip
    least, most = int(found.zeros.min()), int(found.zeros.max())
    counted = f"{least}" if least == most else f"{least} to {most}"
    st.markdown(
        f"Zeros counted in each column: **{counted}** of {rows}; promised: ⌈{sparsity:g} · {rows}⌉ "
        f"= **{found.promised}**. Spread of the others: **{found.std:.3g}**."
    )


def _heat(matrix: Tensor, title: str, name: str) -> go.Figure:
    reach = float(matrix.abs().max()) or 1.0
    heat = {
        "type": "heatmap",
        "z": matrix.numpy(),
        "zmin": -reach,
        "zmax": reach,
        "colorscale": _SIGNED,
        "colorbar": {"thickness": 10},
        "hovertemplate": "row %{y}, column %{x}: %{z:.4g}<extra></extra>",
    }
    return chart(
        [heat], title, _HEIGHT, name,
        xaxis={"title": "column", "showgrid": False, "constrain": "domain"},
        yaxis={"title": "row", "showgrid": False, "autorange": "reversed", "scaleanchor": "x",
               "constrain": "domain"},
    )  # fmt: skip
