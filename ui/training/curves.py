"""Charts of a run: curves over epochs, and the plane of a 2-D data set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go

from builder.data import Samples
from builder.store import Point
from builder.train.live import Boundary

_MOST_POINTS = 1000
# The first two of the theme's chart colours; both stand out on a light and on a dark page.
COLOURS = {"train": "#E0663A", "validation": "#4A8FD8"}


def curves(points: Sequence[Point], metric: str, *, log: bool = False) -> go.Figure:
    """Return the curves of a metric, training and validation."""
    figure = go.Figure()
    for split, colour in COLOURS.items():
        line = [point for point in points if (point.split, point.metric) == (split, metric)]
        line = _thinned(line)
        figure.add_scatter(
            x=[point.epoch for point in line],
            y=[point.value for point in line],
            name=split,
            mode="lines+markers" if len(line) < 25 else "lines",
            marker={"size": 5},
            line={"color": colour, "width": 2},
            hovertemplate=f"{split} {metric} %{{y:.4f}}<br>epoch %{{x:.2f}}<extra></extra>",
        )
    figure.update_layout(
        height=290,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={"text": metric, "x": 0.0, "font": {"size": 15}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.12},
        xaxis={"title": {"text": "epoch"}, "rangemode": "tozero"},
        yaxis={"type": "log" if log else "linear"},
        # The same chart all along: what the reader zoomed into stays while points come in.
        uirevision=metric,
    )
    return figure


def _thinned(line: Sequence[Point]) -> Sequence[Point]:
    """Keep the lowest and the highest point of each stretch, so that spikes stay."""
    if len(line) <= _MOST_POINTS:
        return line
    edges = np.linspace(0, len(line), _MOST_POINTS // 2 + 1).astype(int)
    kept: list[Point] = []
    for start, end in pairwise(edges):
        part = sorted(line[start:end], key=lambda point: point.value or 0.0)
        kept += sorted({part[0], part[-1]}, key=lambda point: point.id)
    return kept


def plane(samples: Samples, boundary: Boundary | None) -> go.Figure:
    """Return the points of a 2-D data set over the model's answer."""
    figure = go.Figure()
    if boundary is not None:
        figure.add_heatmap(
            x=boundary.x.tolist(),
            y=boundary.y.tolist(),
            z=boundary.answer.tolist(),
            zmin=0,
            zmax=1,
            colorscale=[[0, "#4A8FD8"], [0.5, "#F3F4F6"], [1, "#E0663A"]],
            opacity=0.75,
            showscale=False,
            zsmooth="best",
            hovertemplate="probability of 1: %{z:.2f}<extra></extra>",
        )
    for number, (name, colour) in enumerate(
        zip(samples.classes, ("#2F6FB5", "#C2410C"), strict=False)
    ):
        rows = samples.x[samples.y == number]
        figure.add_scatter(
            x=rows[:, 0].tolist(),
            y=rows[:, 1].tolist(),
            mode="markers",
            name=f"class {name}",
            marker={"size": 6, "color": colour, "line": {"width": 0.8, "color": "white"}},
            hovertemplate="(%{x:.2f}, %{y:.2f})<extra>class " + name + "</extra>",
        )
    figure.update_layout(
        height=420,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.1},
        xaxis={"constrain": "domain"},
        yaxis={"scaleanchor": "x", "constrain": "domain"},
        uirevision="plane",
    )
    return figure
