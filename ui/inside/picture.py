"""A tensor as a picture: filters, a table of colours, or a row of bars."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st
from torch import Tensor

from builder.labs.inspection_values import Held, as_table
from ui.activations.style import CONFIG, chart
from ui.feature_maps import figures
from ui.feature_maps.filters import PAGE, filter_sheet

_SIDE = 128  # cells of a table each way
_SIGNED = "Red is above 0, blue below."


def picture(one: Held) -> None:
    """Draw a tensor in the way that its axes ask for."""
    values = one.tensor.detach().float().cpu()
    if values.dim() == 4 and min(values.shape[2:]) > 1:
        _filters(values)
    elif values.dim() > 1:
        _table(one, values)
    else:
        row = values.reshape(-1)
        if len(row) > _SIDE * _SIDE:
            _table(one, row)
        elif len(row):
            st.plotly_chart(figures.numbers(row), key="tensor-row", config=figures.CONFIG)


def _filters(weight: Tensor) -> None:
    """Draw the filters of a convolution, one output or one input each."""
    outputs, inputs = weight.shape[:2]
    unit = 0
    with st.container(horizontal=True):
        if inputs not in (1, 3):
            unit = st.number_input(
                "Output", 0, outputs - 1, key="tensor-unit", width=140,
                help="Which of the outputs: it has a filter for each of its inputs.",
            )  # fmt: skip
            weight = weight[unit].unsqueeze(1)
        pages = math.ceil(len(weight) / PAGE)
        page = 1
        if pages > 1:
            page = st.number_input(f"Page of {pages}", 1, pages, key="tensor-page", width=140)
    numbers = range((page - 1) * PAGE, min(len(weight), page * PAGE))
    filter_sheet(weight, numbers, inputs, unit, key="tensor-filters")


def _table(one: Held, values: Tensor) -> None:
    table, (high, wide) = as_table(values, _SIDE)
    st.plotly_chart(_heat(table, high, wide), key="tensor-table", config=CONFIG)
    words = [f"{values.shape[0] if values.dim() > 1 else 1} rows, as `{one.name}` has them."]
    if values.dim() > 2:
        words.append("The axes behind the first are laid out in a row.")
    if (high, wide) != (1, 1):
        words.append(f"Each cell is the mean of up to {high} × {wide} numbers.")
    st.caption(" ".join([*words, _SIGNED]))


def _heat(table: Tensor, high: int, wide: int) -> Any:
    known = table[table.isfinite()]
    reach = known.abs().max().item() if known.numel() else 1.0
    rows, columns = table.shape
    heat = {
        "type": "heatmap",
        "z": table.numpy(),
        "x0": 0,
        "dx": wide,
        "y0": 0,
        "dy": high,
        "zmin": -reach,
        "zmax": reach,
        "colorscale": "RdBu_r",
        "colorbar": {"thickness": 10},
        "hovertemplate": "row %{y}, column %{x}: %{z:.4g}<extra></extra>",
    }
    height = min(420, max(110, round(560 * rows / columns) + 40))
    return chart([heat], "", height, "tensor-table", yaxis={"autorange": "reversed"})
