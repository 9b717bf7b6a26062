"""One pixel of the result: the patch it comes from, the products, the sum, and the window's way."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from torch import nn

from builder import BuilderError
from builder.labs import pixel
from ui import state
from ui.components import Window, kernel_grid, sliding_window
from ui.convolution.bench import Bench, Work
from ui.state import Workspace

_LARGEST = 9  # a table of more cells a side is not read any more


def one_pixel(here: Bench, ws: Workspace, done: Work, name: str) -> None:
    """Draw how the chosen pixel of a stage comes about."""
    assert done.model is not None
    module = done.model.get_submodule(name) if name in dict(done.model.named_modules()) else None
    height, width, channels = done.stages[name].values.shape
    if module is None or not pixel.explains(module):
        st.info(
            f"{name} gives each pixel from one place alone. Select a convolution or a pooling "
            "layer to see its window."
        )
        return
    row, column, channel = _place(here, height, width, channels)
    try:
        found = pixel.look(module, done.tensor(name), channel, row, column)
    except BuilderError as error:
        st.info(error.message)
        return
    _sum(found)
    _way(here, done, name, module, channel, row, column)


def _place(here: Bench, height: int, width: int, channels: int) -> tuple[int, int, int]:
    """Return the chosen pixel; clicks on the picture and the boxes here say the same."""
    row, column = here.point or (height // 2, width // 2)
    row, column = min(row, height - 1), min(column, width - 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, now, size in (("Row", row, height), ("Column", column, width)):
            key = state.show(f"pixel:{label}", now)
            st.number_input(label, 0, size - 1, key=key, width=130, on_change=lambda: _typed(here))
        channel = 0
        if channels > 1:
            channel = st.segmented_control(
                "Channel of the result",
                list(range(channels)),
                format_func=lambda c: "RGB"[c] if channels == 3 else str(c),
                default=0,
                required=True,
                key="pixel:channel",
            )
        st.caption("Or click a point of the result above; arrow keys walk from there.")
    return row, column, channel


def _typed(here: Bench) -> None:
    here.point = (int(state.get("pixel:Row")), int(state.get("pixel:Column")))


def _sum(found: pixel.Look) -> None:
    height, width = found.kernel_shape
    top, left, rows, columns = found.box
    st.markdown(
        f"Reads rows {top} to {top + rows - 1} and columns {left} to {left + columns - 1} of its "
        f"input. {found.rule} = **{found.result:.4g}**"
    )
    if max(height, width) > _LARGEST:
        st.caption(
            f"{height} × {width} cells are too many to print; the grids show them by colour."
        )
    inputs = sorted({cell.channel for cell in found.cells})
    for channel in inputs:
        cells = [cell for cell in found.cells if cell.channel == channel]
        if len(inputs) > 1:
            st.markdown(f"Input channel {'RGB'[channel] if len(inputs) == 3 else channel}")
        grids = {
            "patch": _grid(cells, (height, width), "value"),
            "× kernel": _grid(cells, (height, width), "weight"),
            "= products": _grid(cells, (height, width), "product"),
        }
        columns = st.columns(3)
        for column, (title, values) in zip(columns, grids.items(), strict=True):
            with column:
                st.caption(title)
                kernel_grid(values, key=f"pixel:{channel}:{title}", read_only=True)
    terms = [f"{cell.product:.3g}" for cell in found.cells if cell.product]
    if found.bias:
        terms.append(f"{found.bias:.3g} (bias)")
    text = " + ".join(terms[:12]).replace("+ -", "- ") + (" + …" if len(terms) > 12 else "")
    st.markdown(f"`{text or '0'} = {found.result:.5g}`")
    padded = sum(cell.padded for cell in found.cells)
    if padded:
        st.caption(f"{padded} of {len(found.cells)} cells lie in the padding.")


def _grid(cells: list[pixel.Cell], shape: tuple[int, int], what: str) -> list[list[float]]:
    values = np.zeros(shape)
    for cell in cells:
        values[cell.tap_row, cell.tap_column] = getattr(cell, what)
    return values.tolist()


def _way(
    here: Bench, done: Work, name: str, module: nn.Module, channel: int, row: int, column: int
) -> None:
    """Draw the window's way over the pixels around the chosen one."""
    with st.expander("The window on its way", key="window-way", on_change="rerun") as way:
        if not way.open:
            return
        output = torch.from_numpy(done.stages[name].values.transpose(2, 0, 1))
        try:
            found = pixel.way(module, done.tensor(name), output, channel, row, column)
        except BuilderError as error:
            st.info(error.message)
            return
        facts = dict(vars(found))
        top, left = facts.pop("origin")
        sliding_window(
            Window(**facts),
            key="sliding-window",
            on_intent=lambda intent: setattr(
                here, "point", (top + intent["row"], left + intent["column"])
            ),
        )
