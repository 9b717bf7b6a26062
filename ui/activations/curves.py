"""Curves: each function and its slope over a range, flat stretches shaded, and what follows."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from builder.labs.activation import Curve, curve
from ui.activations.chosen import Chosen

_CURVED = ("curve", "random")


def section(chosen: Sequence[Chosen]) -> None:
    """Draw the section."""
    low, high, points = _range()
    curved = [one for one in chosen if one.view in _CURVED]
    if not curved:
        st.info("Choose an activation above, and its curve appears here.")
        return
    curves = [curve(one.op, one.args, low, high, points) for one in curved]
    left, right = st.columns(2)
    for place, name in ((left, "function"), (right, "derivative")):
        place.plotly_chart(
            figure(curved, curves, name),
            key=f"activation-{name}",
            config={"displaylogo": False},
        )


def _range() -> tuple[float, float, int]:
    with st.container(horizontal=True, gap="medium"):
        low, high = st.slider(
            "Range", -20.0, 20.0, (-6.0, 6.0), step=0.5, key="range", width=330, bind="query-params"
        )
        points = st.slider(
            "Points", 11, 1201, 601, step=10, key="points", width=230, bind="query-params"
        )
    if low == high:
        low, high = low - 0.5, high + 0.5
    return low, high, points


def figure(chosen: Sequence[Chosen], curves: Sequence[Curve], name: str) -> go.Figure:
    """Return the functions, or their derivatives, as one chart."""
    slope = name == "derivative"
    chart = go.Figure()
    for one, line in zip(chosen, curves, strict=True):
        chart.add_scatter(
            x=line.x,
            y=line.slope if slope else line.y,
            name=one.title,
            mode="lines",
            line={"color": one.colour, "width": 2.5, "dash": one.dash},
            hovertemplate="%{y:.4f}",
        )
    chart.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={
            "text": "f′(x), its derivative" if slope else "f(x)",
            "x": 0.0,
            "font": {"size": 15},
        },
        hovermode="x unified",
        showlegend=False,
        xaxis={"hoverformat": ".3f"},
        uirevision=name,
    )
    return chart
