"""Charts of what layers give: sheets of maps, one map with its numbers, rows of numbers."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

import plotly.graph_objects as go
from torch import Tensor

from builder.labs.map_sheet import Range, Tiles, cell, sheet
from builder.labs.predictions import Prediction
from ui.curves import COLOURS

COLUMNS = 8
_MOST_BARS = 64
_CELL_PIXELS = 118  # of a map on a wide page, its label included
_SCALES = {"signed": "RdBu_r", "rescale": "gray"}
_PLAIN = {"margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "dragmode": False}
CONFIG = {"displayModeBar": False}


def map_sheet(
    pictures: Tiles, labels: Sequence[str], hovers: Sequence[str], chosen: int | None = None
) -> go.Figure:
    """Return pictures on a sheet, each with its label below; a click on one selects its point.

    Args:
        pictures: (n, h, w, 3).
        labels, hovers: what stands below each, and what the pointer finds.
        chosen: the one with a frame around it.
    """
    count, height, width, _ = pictures.shape
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    tall, wide = cell(height, width)
    room = 0.16 * max(tall, wide)  # for the label
    figure = go.Figure()
    # A strip a row: the labels stand between them.
    for row in range(rows):
        part = pictures[row * columns : (row + 1) * columns]
        figure.add_layout_image(
            source=_source(sheet(part, len(part))),
            xref="x",
            yref="y",
            x=0,
            y=row * (tall + room),
            sizex=len(part) * wide,
            sizey=tall,
            sizing="stretch",
            layer="below",
        )
    places = [(number % columns, number // columns) for number in range(count)]
    figure.add_scatter(
        x=[column * wide + width / 2 for column, _ in places],
        y=[row * (tall + room) + height / 2 for _, row in places],
        mode="markers",
        marker={"size": 40, "opacity": 0, "symbol": "square"},
        hovertext=list(hovers),
        hovertemplate="%{hovertext}<extra></extra>",
    )
    figure.add_scatter(
        x=[column * wide + width / 2 for column, _ in places],
        y=[row * (tall + room) + height + room * 0.45 for _, row in places],
        mode="text",
        text=list(labels),
        textfont={"size": 11},
        hoverinfo="skip",
    )
    if chosen is not None:
        column, row = places[chosen]
        figure.add_shape(
            type="rect",
            x0=column * wide,
            x1=column * wide + width,
            y0=row * (tall + room),
            y1=row * (tall + room) + height,
            line={"color": COLOURS["train"], "width": 3},
        )
    whole = columns * wide, rows * (tall + room)
    figure.update_layout(
        **_PLAIN,
        height=round(min(900, _CELL_PIXELS * COLUMNS * whole[1] / (COLUMNS * wide))),
        showlegend=False,
        hovermode="closest",
        hoverdistance=-1,
        xaxis={"visible": False, "range": [0, COLUMNS * wide], "constrain": "domain"},
        yaxis={
            "visible": False,
            "range": [whole[1], 0],
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
    )
    figure.update_xaxes(constraintoward="left")
    return figure


def _source(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


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
        colorbar={"thickness": 10, "len": 0.9},
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
