"""Curves: each function and its slope over a range, flat stretches shaded, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

from builder.labs.activation import Curve, curve
from builder.labs.joint import band
from ui.activations.chosen import Chosen
from ui.activations.facts import facts_table, formulas
from ui.activations.shapes import VIEWS
from ui.activations.style import CONFIG, faded, line_width, tidy

_CURVED = ("curve", "random")
_LANE, _CHART, _ROOM = 21, 330, 70
_SHADE = {"saturated": 0.08, "dead": 0.16}
_BAR = {"saturated": 0.4, "dead": 1.0}


def section(chosen: Sequence[Chosen]) -> None:
    """Draw the section."""
    if not chosen:
        st.info("Choose an activation above, and its curve appears here.")
        return
    low, high, points = _range()
    curved = [one for one in chosen if one.view in _CURVED]
    if curved:
        _charts(curved, [_curve(one.op, one.args, low, high, points) for one in curved])
        facts_table(curved)
    for one in chosen:
        if one.view in VIEWS:
            VIEWS[one.view](one, low, high, points)
    formulas(chosen)


@st.cache_data(max_entries=256, show_spinner=False)
def _curve(op: str, args: Mapping[str, Any], low: float, high: float, points: int) -> Curve:
    return curve(op, args, low, high, points)


def _range() -> tuple[float, float, int]:
    with st.container(horizontal=True, gap="medium"):
        low, high = st.slider(
            "Range", -20.0, 20.0, (-6.0, 6.0), step=0.5, key="range", width=330, bind="query-params"
        )
        points = st.slider(
            "Points", 11, 1201, 601, step=10, key="points", width=230, bind="query-params",
            help="How many points each line has. Jumps and kinks are found between them as well.",
        )  # fmt: skip
    if low == high:
        low, high = low - 0.5, high + 0.5
    return low, high, points


def _charts(chosen: Sequence[Chosen], curves: Sequence[Curve]) -> None:
    left, right = st.columns(2)
    for place, name in ((left, "function"), (right, "derivative")):
        place.plotly_chart(figure(chosen, curves, name), key=f"activation-{name}", config=CONFIG)
    st.caption(
        "Where a slope is exactly 0 up to a kink (full colour), a unit is dead: nothing is learned "
        "through it. Where it is smaller than a hundredth (pale), the unit is saturated."
    )


def figure(chosen: Sequence[Chosen], curves: Sequence[Curve], name: str) -> go.Figure:
    """Return the functions, or their derivatives, over lanes that say where each is flat."""
    slope = name == "derivative"
    lanes = len(chosen) * _LANE
    chart = make_subplots(
        rows=2, shared_xaxes=True, row_heights=[_CHART, lanes], vertical_spacing=0.0
    )
    for place, (one, line) in enumerate(zip(chosen, curves, strict=True)):
        if one.view == "random":
            _add_band(chart, one, line, slope)
        chart.add_scatter(
            x=line.x,
            y=line.slope if slope else line.y,
            name=one.title,
            mode="lines",
            line={
                "color": one.colour,
                "width": line_width(place, len(chosen)),
                "dash": one.dash,
                "simplify": False,
            },
            hovertemplate="%{y:.4f}",
            row=1,
            col=1,
        )
        for zone in line.zones:
            chart.add_bar(
                x=[zone.high - zone.low],
                base=[zone.low],
                y=[one.title],
                orientation="h",
                marker={"color": faded(one.colour, _BAR[zone.kind]), "line": {"width": 0}},
                width=0.55,
                hoverinfo="skip",
                row=2,
                col=1,
            )
            chart.add_vrect(
                zone.low, zone.high, fillcolor=one.colour, opacity=_SHADE[zone.kind],
                line_width=0, layer="below", row=1, col=1,
            )  # fmt: skip
    tidy(chart, "f′(x), its derivative" if slope else "f(x)", _CHART + lanes + _ROOM, name)
    chart.update_layout(hovermode="x unified", barmode="overlay")
    chart.update_xaxes(hoverformat=".3f", range=[curves[0].x[0], curves[0].x[-1]])
    chart.update_xaxes(showticklabels=True, title="x", row=2, col=1)
    chart.update_yaxes(zeroline=True, row=1, col=1)
    titles = [one.title for one in chosen]
    chart.update_yaxes(
        categoryorder="array",
        categoryarray=titles[::-1],
        range=[-0.6, len(titles) - 0.4],
        tickvals=titles,
        ticktext=[f'<span style="color:{one.colour}">■</span> {one.title}' for one in chosen],
        showgrid=False,
        fixedrange=True,
        row=2,
        col=1,
    )
    return chart


def _add_band(chart: go.Figure, one: Chosen, line: Curve, slope: bool) -> None:
    """Fill what lies between the slopes that are drawn while training."""
    ends = band(one.op, one.args, line.x[0], line.x[-1], 101)
    for fill, end in zip((None, "tonexty"), ends, strict=True):
        known = ~np.isnan(end.slope)  # a fill does not stop at a gap
        chart.add_scatter(
            x=end.x[known],
            y=(end.slope if slope else end.y)[known],
            mode="lines",
            line={"width": 0, "color": one.colour},
            fill=fill,
            fillcolor=faded(one.colour, 0.25),
            hoverinfo="skip",
            row=1,
            col=1,
        )
