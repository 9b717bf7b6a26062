"""Charts of a recurrent model at one sample: its hidden state and its gradient, step by step."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from builder.train.looks.recurrent import Memory
from ui.training.looks.colours import ONE, SCALE


def by_step(found: Memory, layer: str, sample: int) -> go.Figure:
    """Return the hidden state as a map of units over time, and the gradient's norm below it."""
    state = found.states[layer][sample].float().numpy()
    norms = found.gradients[sample].numpy()
    reach = float(np.abs(state).max()) or 1.0
    steps = np.arange(1, len(state) + 1)
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.68, 0.32], vertical_spacing=0.06)
    figure.add_heatmap(
        x=steps, y=np.arange(state.shape[1]), z=state.T, zmin=-reach, zmax=reach,
        colorscale=SCALE, colorbar={"thickness": 10, "len": 0.68, "y": 1, "yanchor": "top"},
        hovertemplate="step %{x}, unit %{y}: %{z:.3f}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=np.arange(1, len(norms) + 1), y=norms, mode="lines+markers",
        marker={"size": 4}, line={"color": ONE, "width": 1.6}, showlegend=False,
        hovertemplate="step %{x}: %{y:.3g}<extra></extra>", row=2, col=1,
    )  # fmt: skip
    figure.update_yaxes(title_text="unit", row=1, col=1)
    figure.update_yaxes(
        title_text="gradient", type="log" if (norms > 0).any() else "linear",
        exponentformat="power", row=2, col=1,
    )  # fmt: skip
    figure.update_xaxes(title_text="time step", row=2, col=1)
    figure.update_layout(
        height=440,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        uirevision=f"memory {layer} {sample}",
    )
    return figure
