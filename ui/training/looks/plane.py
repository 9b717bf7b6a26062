"""The plane of a 2-D data set: the model's answer, and what each hidden unit makes of it."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from builder.data import Samples
from builder.train.live import Boundary
from builder.train.looks.units import CELLS, Units
from ui.training.looks.colours import CLASSES, SCALE

_COLUMNS = 8


def plane(samples: Samples, boundary: Boundary | None) -> go.Figure:
    """Return the points of a 2-D data set over the model's answer."""
    figure = go.Figure()
    many = len(samples.classes) > 2
    if boundary is not None:
        figure.add_heatmap(
            x=boundary.x.tolist(),
            y=boundary.y.tolist(),
            z=boundary.answer.tolist(),
            zmin=0,
            zmax=len(samples.classes) - 1 if many else 1,
            colorscale=_stepped(len(samples.classes)) if many else SCALE,
            opacity=0.45 if many else 0.75,
            showscale=False,
            zsmooth=False if many else "best",
            hovertemplate="class %{z:.0f}<extra></extra>"
            if many
            else "probability of 1: %{z:.2f}<extra></extra>",
        )
    for number, name in enumerate(samples.classes):
        rows = samples.x[samples.y == number]
        figure.add_scatter(
            x=rows[:, 0].tolist(),
            y=rows[:, 1].tolist(),
            mode="markers",
            name=f"class {name}",
            marker={
                "size": 6,
                "color": CLASSES[number % len(CLASSES)],
                "line": {"width": 0.8, "color": "white"},
            },
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


def _stepped(classes: int) -> list[tuple[float, str]]:
    """Return a colour scale that gives each class number its colour."""
    last = max(classes - 1, 1)
    return [(number / last, CLASSES[number % len(CLASSES)]) for number in range(classes)]


def unit_maps(found: Units, layer: str) -> go.Figure:
    """Return the maps of a layer's units side by side, in one colour scale around 0."""
    maps = found.maps[layer].float().numpy()
    reach = float(np.abs(maps).max()) or 1.0
    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    pitch = CELLS + 4
    sheet = np.full((rows * pitch - 4, columns * pitch - 4), np.nan)
    titles = []
    for number, values in enumerate(maps):
        across, down = number % columns * pitch, (rows - 1 - number // columns) * pitch
        sheet[down : down + CELLS, across : across + CELLS] = values
        titles.append((across + CELLS / 2, down + CELLS, f"{number}"))
    figure = go.Figure(
        go.Heatmap(
            z=sheet, zmin=-reach, zmax=reach, colorscale=SCALE, hoverongaps=False,
            colorbar={"thickness": 10, "outlinewidth": 0},
            hovertemplate="%{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    for x, y, said in titles:
        figure.add_annotation(
            x=x, y=y, text=said, showarrow=False, yanchor="bottom", font={"size": 10}
        )
    figure.update_layout(
        height=70 + 110 * rows,
        margin={"l": 8, "r": 8, "t": 22, "b": 8},
        xaxis={"visible": False, "constrain": "domain"},
        yaxis={"visible": False, "scaleanchor": "x"},
        uirevision=f"units {layer}",
    )
    return figure
