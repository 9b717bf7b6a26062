"""Charts of how weights and gradients are spread over time, and of the units that died."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from builder.train.looks.weights import A_TENTH, LOWEST, Spread
from ui.runs.overlay import look
from ui.training.looks.colours import SHADES

_HEIGHT = 280


def of_weights(found: Spread, name: str) -> go.Figure:
    """Return the histogram of a parameter at each step, one above another in time."""
    shares, reach = found.weights[name], found.reach[name]
    bins = shares.shape[1]
    middle = (np.arange(bins) + 0.5) / bins * 2 * reach - reach
    figure = _over_time(found, shares, middle, "weight %{y:.3g}")
    figure.update_layout(title={"text": f"weights of {name}"}, uirevision=f"weights {name}")
    return figure


def of_gradients(found: Spread, name: str) -> go.Figure:
    """Return the histogram of the sizes of a parameter's gradient at each step."""
    shares = found.gradients[name]
    middle = LOWEST + (np.arange(shares.shape[1]) + 0.5) / A_TENTH
    figure = _over_time(found, shares, middle, "size 10^%{y:.1f}")
    figure.update_layout(
        title={"text": f"gradient of {name}"},
        yaxis={"title": {"text": "log10 of its size"}},
        uirevision=f"gradients {name}",
    )
    return figure


def _over_time(found: Spread, shares: np.ndarray, middle: np.ndarray, what: str) -> go.Figure:
    figure = go.Figure(
        go.Heatmap(
            x=found.steps,
            y=middle,
            # The root lets thin tails be seen beside the middle.
            z=np.sqrt(shares).T,
            customdata=shares.T,
            colorscale=SHADES,
            showscale=False,
            hovertemplate=f"step %{{x}}<br>{what}<br>%{{customdata:.1%}} of them<extra></extra>",
        )
    )
    seen = np.flatnonzero(shares.any(axis=0))
    if len(seen):
        each = middle[1] - middle[0]
        low, high = middle[seen[0]] - 2 * each, middle[seen[-1]] + 2 * each
        figure.update_yaxes(range=[low, high])
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={"x": 0.0, "font": {"size": 14}},
        xaxis={"title": {"text": "step"}, "showgrid": False},
    )
    return figure


def of_dead_units(found: Spread) -> go.Figure:
    """Return the share of dead units of each activation over time."""
    figure = go.Figure()
    for number, (name, shares) in enumerate(found.dead.items()):
        figure.add_scatter(
            x=found.steps,
            y=shares,
            name=name,
            mode="lines+markers" if len(shares) < 25 else "lines",
            line=look(number),
            hovertemplate="%{y:.1%} at step %{x}<extra>%{fullData.name}</extra>",
            showlegend=True,
        )
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={"text": "dead units", "x": 0.0, "font": {"size": 14}},
        xaxis={"title": {"text": "step"}},
        yaxis={"range": [-0.02, 1.02], "tickformat": ".0%"},
        uirevision="dead",
    )
    return figure
