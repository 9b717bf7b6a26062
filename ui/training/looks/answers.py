"""Charts of a model's answers: which classes it confuses, its values against the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from builder.data import Split
from builder.train.looks.answers import Confusion, Predicted
from ui.training.looks.colours import GREY, ONE, OTHER, SHADES

_WRITTEN = 20  # classes up to which the counts are written into the cells
_STRONG = 0.3  # share of a class from which a cell is dark enough for white


def matrix(found: Confusion, classes: Sequence[str]) -> go.Figure:
    """Return a confusion matrix, shaded by the share of each true class; cells can be clicked."""
    counts = found.counts.numpy()
    size = len(counts)
    names = [classes[number] if number < len(classes) else str(number) for number in range(size)]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = go.Figure(
        go.Heatmap(
            z=np.sqrt(shares), zmin=0, zmax=1, colorscale=SHADES, showscale=False,
            hoverinfo="skip", xgap=1, ygap=1,
        )
    )  # fmt: skip
    said, true = np.meshgrid(range(size), range(size))
    # A heatmap tells nobody that it was clicked; markers over it do.
    figure.add_scatter(
        x=said.ravel(),
        y=true.ravel(),
        mode="markers",
        marker={"symbol": "square", "size": max(6, 300 // size), "opacity": 0, "color": ONE},
        customdata=np.stack(
            [
                [f"{names[row]} taken for {names[column]}" if row != column
                 else f"{names[row]} recognised"
                 for row in range(size) for column in range(size)],
                [f"{count:,} ({share:.0%} of the class)"
                 for count, share in zip(counts.ravel(), shares.ravel(), strict=True)],
            ],
            axis=1,
        ),
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
        selected={"marker": {"opacity": 0.25}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
    )  # fmt: skip
    if size <= _WRITTEN:
        # As notes and not as the markers' text, which would fade where it is not selected.
        for row, column in np.argwhere(counts):
            strong = shares[row, column] > _STRONG
            figure.add_annotation(
                x=column, y=row, text=f"{counts[row, column]:,}", showarrow=False,
                font={"size": 12, "color": "white" if strong else GREY},
            )  # fmt: skip
    ticks = {"tickvals": list(range(size)), "ticktext": names, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=min(640, 150 + max(28 * size, 180)),
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={
            **ticks, "title": {"text": "taken for"}, "range": [-0.5, size - 0.5],
            "constrain": "domain",
        },
        yaxis={
            **ticks, "title": {"text": "true class"}, "range": [size - 0.5, -0.5],
            "scaleanchor": "x", "constrain": "domain",
        },
        clickmode="event+select",
        uirevision="confusion",
    )  # fmt: skip
    return figure


def against_truth(found: Predicted, parts: Split) -> go.Figure:
    """Return predictions over the truth, in the units of the data; on the line all is right."""
    truth, values = (
        _column(parts.unscaled_target(t[:, None])) for t in (found.truth, found.values)
    )
    low = float(min(truth.min(), values.min()))
    high = float(max(truth.max(), values.max()))
    figure = go.Figure()
    figure.add_scatter(
        x=[low, high], y=[low, high], mode="lines", hoverinfo="skip", showlegend=False,
        line={"color": GREY, "width": 1, "dash": "dash"},
    )  # fmt: skip
    figure.add_scatter(
        x=truth,
        y=values,
        mode="markers",
        marker={"size": 6, "color": OTHER, "opacity": 0.65},
        customdata=values - truth,
        hovertemplate="true %{x:.4g}<br>predicted %{y:.4g}<br>off by %{customdata:+.4g}"
        "<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        height=420,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": {"text": "true"}, "constrain": "domain"},
        yaxis={"title": {"text": "predicted"}, "scaleanchor": "x", "constrain": "domain"},
        clickmode="event+select",
        uirevision="predicted",
    )
    return figure


def _column(values: Tensor) -> np.ndarray:
    return values.flatten().numpy()
