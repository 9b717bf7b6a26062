"""Curves: each function and its slope over a range, flat stretches shaded, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from builder.labs.activation import Curve, Zone, curve
from builder.labs.joint import band
from ui.activations.chosen import Chosen
from ui.activations.facts import facts_table, formulas
from ui.activations.shapes import VIEWS
from ui.activations.style import CONFIG, chart, faded, line_width, shade

_CURVED = ("curve", "random")
_LANE, _CHART, _ROOM = 21, 330, 70
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
    share = lanes / (_CHART + lanes)
    data: list[dict[str, Any]] = []
    for place, (one, line) in enumerate(zip(chosen, curves, strict=True)):
        if one.view == "random":
            data += _band(one, line, slope)
        data.append(
            {
                "type": "scatter",
                "x": line.x,
                "y": line.slope if slope else line.y,
                "name": one.title,
                "mode": "lines",
                "line": {
                    "color": one.colour,
                    "width": line_width(place, len(chosen)),
                    "dash": one.dash,
                    "simplify": False,
                },
                "hovertemplate": "%{y:.4f}",
            }
        )
        data += [_lane(one, zone) for zone in line.zones]
    titles = [one.title for one in chosen]
    return chart(
        data,
        "f′(x), its derivative" if slope else "f(x)",
        _CHART + lanes + _ROOM,
        name,
        hovermode="x unified",
        barmode="overlay",
        shapes=[
            shape
            for one, line in zip(chosen, curves, strict=True)
            for shape in shade(line.zones, one.colour)
        ],
        xaxis={
            "anchor": "y2",
            "title": "x",
            "hoverformat": ".3f",
            "range": [curves[0].x[0], curves[0].x[-1]],
        },
        yaxis={"domain": [share, 1], "zeroline": True},
        yaxis2={
            "domain": [0, share],
            "type": "category",
            "categoryorder": "array",
            "categoryarray": titles[::-1],
            "range": [-0.6, len(titles) - 0.4],
            "tickvals": titles,
            "ticktext": [
                f'<span style="color:{one.colour}">■</span> {one.title}' for one in chosen
            ],
            "showgrid": False,
            "fixedrange": True,
        },
    )


def _lane(one: Chosen, zone: Zone) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [zone.high - zone.low],
        "base": [zone.low],
        "y": [one.title],
        "yaxis": "y2",
        "orientation": "h",
        "marker": {"color": faded(one.colour, _BAR[zone.kind]), "line": {"width": 0}},
        "width": 0.55,
        "hoverinfo": "skip",
    }


def _band(one: Chosen, line: Curve, slope: bool) -> list[dict[str, Any]]:
    """Return the edges of what lies between the slopes that are drawn while training, filled."""
    ends = band(one.op, one.args, line.x[0], line.x[-1], 101)
    known = [~np.isnan(end.slope) for end in ends]  # a fill does not stop at a gap
    return [
        {
            "type": "scatter",
            "x": end.x[kept],
            "y": (end.slope if slope else end.y)[kept],
            "mode": "lines",
            "line": {"width": 0, "color": one.colour},
            "fill": fill,
            "fillcolor": faded(one.colour, 0.25),
            "hoverinfo": "skip",
        }
        for fill, end, kept in zip(("none", "tonexty"), ends, known, strict=True)
    ]
