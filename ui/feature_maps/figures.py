"""Charts of what layers give: one map with its numbers, rows of numbers, predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from builder.labs.map_sheet import Range
from builder.labs.predictions import Prediction
from ui.training.curves_chart import COLOURS

_MOST_BARS = 64
_SCALES = {"signed": "RdBu_r", "rescale": "gray"}
_PLAIN = {"margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "dragmode": False}
CONFIG = {"displayModeBar": False}


def one_map(values: Tensor, tone: str, ends: Range) -> go.Figure:
    """Return one map (h, w), every value under the pointer."""
    low, high = ends
    if tone == "signed":
        reach = max(abs(low), abs(high))
        low, high = -reach, reach
    figure = go.Figure()
    figure.add_heatmap(
        z=values.numpy(),
        zmin=low,
        zmax=high,
        colorscale=_SCALES[tone],
        showscale=False,
        hovertemplate="row %{y}, column %{x}: %{z:.4g}<extra></extra>",
    )
    height, width = values.shape
    figure.update_layout(
        **_PLAIN,
        height=min(420, max(120, round(400 * height / width))),
        xaxis={"visible": False, "constrain": "domain", "constraintoward": "left"},
        yaxis={
            "visible": False,
            "autorange": "reversed",
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    return figure


def numbers(values: Tensor, names: Sequence[str] = ()) -> go.Figure:
    """Return a row of numbers (n,): bars if they are few, else a strip of colours."""
    figure = go.Figure()
    if len(values) <= _MOST_BARS:
        titles = list(names) if len(names) == len(values) else list(map(str, range(len(values))))
        figure.add_bar(
            x=titles,
            y=values.tolist(),
            marker={"color": COLOURS["validation"]},
            hovertemplate="%{x}: %{y:.4g}<extra></extra>",
        )
        figure.update_layout(
            height=260, margin={"l": 8, "r": 8, "t": 8, "b": 8}, xaxis={"type": "category"}
        )
        return figure
    wide = _MOST_BARS
    rows = math.ceil(len(values) / wide)
    table = [values[row * wide : (row + 1) * wide].tolist() for row in range(rows)]
    table[-1] += [None] * (wide - len(table[-1]))
    places = [[row * wide + column for column in range(wide)] for row in range(rows)]
    reach = values[values.isfinite()].abs().max().item() if values.isfinite().any() else 1.0
    figure.add_heatmap(
        z=table,
        text=places,
        zmin=-reach,
        zmax=reach,
        colorscale=_SCALES["signed"],
        xgap=1,
        ygap=1,
        colorbar={"thickness": 10},
        hovertemplate="%{text}: %{z:.4g}<extra></extra>",
    )
    figure.update_layout(
        **_PLAIN,
        height=max(90, min(900, 20 * rows + 20)),
        xaxis={"visible": False},
        yaxis={"visible": False, "autorange": "reversed"},
    )
    return figure


def chances(found: Sequence[Prediction], label: str | None) -> go.Figure:
    """Return predictions as bars, the first on top; the right one in another colour."""
    rows = list(reversed(found))
    colours = [COLOURS["train"] if row.name == label else COLOURS["validation"] for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=[row.share for row in rows],
        y=[row.name for row in rows],
        orientation="h",
        marker={"color": colours},
        text=[f"{row.share:.1%}" for row in rows],
        textposition="outside",
        cliponaxis=False,
        customdata=[row.score for row in rows],
        hovertemplate="%{y}: %{x:.4%}<br>score %{customdata:.4g}<extra></extra>",
    )
    figure.update_layout(
        height=30 + 22 * len(rows),
        margin={"l": 8, "r": 8, "t": 4, "b": 8},
        xaxis={"range": [0, 1.1], "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]},
        yaxis={"type": "category"},
        bargap=0.25,
    )
    return figure
