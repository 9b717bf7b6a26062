"""One pixel of a result: which cells of the input it comes from, and what is made of them.

The arithmetic is spelled out here cell by cell; a test holds it to torch's own result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from builder.errors import LabError

Rule: TypeAlias = Literal["sum", "max", "mean"]
Table: TypeAlias = list[list[float]]

WIDEST = 24  # cells a side of the input that a drawing of the window's way shows
_MOST_STEPS = 11


@dataclass(frozen=True)
class Cell:
    """One cell under the window.

    Args:
        channel: of the input.
        tap_row, tap_column: which cell of the kernel lies over it.
        row, column: where it is in the input; outside of it where `padded`.
        value: what is there.
        weight: what it is multiplied with, 1 where nothing is.
    """

    channel: int
    tap_row: int
    tap_column: int
    row: int
    column: int
    padded: bool
    value: float
    weight: float = 1.0

    @property
    def product(self) -> float:
        """Value times weight."""
        return self.value * self.weight


@dataclass(frozen=True)
class Look:
    """How one pixel comes about.

    Args:
        rule: what is made of the cells, in words.
        bias: what is added.
        result: the pixel.
        box: top, left, height and width of the window in the input; it may reach outside.
        kernel_shape: rows and columns of the window's cells.
    """

    cells: tuple[Cell, ...]
    rule: str
    bias: float
    result: float
    box: tuple[int, int, int, int]
    kernel_shape: tuple[int, int]


@dataclass(frozen=True)
class Way:
    """The window over a small part of the input, for a drawing.

    Args:
        input: the part with its padding; `padding` says which cells are that.
        kernel: what the cells are multiplied with.
        down, across: where the cells under the window are from its corner.
        tops, lefts: the corner for each row and column of the result.
        output: the result.
        rule: what is made of the cells.
        counts_padding: whether a mean counts the padding.
        divisor: what a mean divides by, `None` for the number of its cells.
        at: the pixel that was asked for, in this part.
        origin: where this part of the result begins.
    """

    input: Table
    padding: list[list[bool]]
    kernel: Table
    down: list[int]
    across: list[int]
    tops: list[int]
    lefts: list[int]
    output: Table
    rule: Rule
    bias: float
    counts_padding: bool
    divisor: float | None
    at: tuple[int, int]
    origin: tuple[int, int]


_Sliding: TypeAlias = nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d | nn.LPPool2d
_Adaptive: TypeAlias = nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d
_SLIDING = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d)
_ADAPTIVE = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def explains(module: nn.Module) -> bool:
    """Whether `look` can say how a pixel of this layer comes about."""
    return isinstance(module, (*_SLIDING, *_ADAPTIVE, nn.ConvTranspose2d))


def look(module: nn.Module, x: Tensor, channel: int, row: int, column: int) -> Look:
    """Return how one pixel of a layer's result comes about.

    Args:
        module: a layer that `explains`.
        x: its input, (C, H, W).
        channel, row, column: the pixel, of the result.

    Raises:
        LabError: the layer is of another kind.
    """
    with torch.no_grad():
        if isinstance(module, nn.ConvTranspose2d):
            return _transposed(module, x, channel, row, column)
        if isinstance(module, _SLIDING):
            return _slid(module, x, channel, row, column)
        if isinstance(module, _ADAPTIVE):
            return _adapted(module, x, channel, row, column)
    raise LabError(f"{type(module).__name__} has no window that could be looked into.")


# layers that slide a window


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, tuple) else (value, value)
    return int(first), int(second)


@dataclass(frozen=True)
class _Axis:
    """The window along one axis: its cells' distances, its step, what is added in front."""

    size: int
    cells: int
    dilation: int
    stride: int
    before: int

    @property
    def taps(self) -> list[int]:
        return [cell * self.dilation for cell in range(self.cells)]

    @property
    def reach(self) -> int:
        return self.dilation * (self.cells - 1) + 1

    def start(self, place: int) -> int:
        return place * self.stride - self.before


def _axes(module: _Sliding, x: Tensor) -> tuple[_Axis, _Axis]:
    sizes = (int(x.shape[1]), int(x.shape[2]))
    kernel = _pair(module.kernel_size)
    stride = _pair(module.stride if module.stride is not None else module.kernel_size)
    dilation = _pair(getattr(module, "dilation", 1))
    padding = getattr(module, "padding", 0)
    if padding == "same":
        before = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    else:
        before = (0, 0) if padding == "valid" else _pair(padding)
    down, across = (
        _Axis(*facts) for facts in zip(sizes, kernel, dilation, stride, before, strict=True)
    )
    return down, across


def _inside(place: int, size: int, mode: str) -> int | None:
    """Return the cell that a place outside the input takes its value from, `None` for none."""
    if 0 <= place < size:
        return place
    if mode == "replicate":
        return min(max(place, 0), size - 1)
    if mode == "circular":
        return place % size
    if mode == "reflect":
        return -place if place < 0 else 2 * (size - 1) - place
    return None


def _under(
    x: Tensor, channel: int, down: _Axis, across: _Axis, place: tuple[int, int], mode: str
) -> Iterator[Cell]:
    """Yield the cells of one input channel under the window at a place of the result."""
    top, left = down.start(place[0]), across.start(place[1])
    for i, tap_row in enumerate(down.taps):
        for j, tap_column in enumerate(across.taps):
            row, column = top + tap_row, left + tap_column
            source = _inside(row, down.size, mode), _inside(column, across.size, mode)
            known = None not in source
            value = float(x[channel, source[0], source[1]]) if known else 0.0
            padded = not (0 <= row < down.size and 0 <= column < across.size)
            yield Cell(channel, i, j, row, column, padded, value)


def _slid(module: _Sliding, x: Tensor, channel: int, row: int, column: int) -> Look:
    down, across = _axes(module, x)
    box = (down.start(row), across.start(column), down.reach, across.reach)
    shape = (down.cells, across.cells)
    if isinstance(module, nn.Conv2d):
        inputs = module.in_channels // module.groups
        first = channel // (module.out_channels // module.groups) * inputs
        weight = module.weight[channel].tolist()
        cells = tuple(
            Cell(**{**vars(cell), "weight": weight[index][cell.tap_row][cell.tap_column]})
            for index in range(inputs)
            for cell in _under(x, first + index, down, across, (row, column), module.padding_mode)
        )
        bias = float(module.bias[channel]) if module.bias is not None else 0.0
        words = "sum of the products" + (" + bias" if bias else "")
        return Look(cells, words, bias, sum(c.product for c in cells) + bias, box, shape)
    cells = tuple(_under(x, channel, down, across, (row, column), "zeros"))
    real = [cell.value for cell in cells if not cell.padded]
    if isinstance(module, nn.MaxPool2d):
        return Look(cells, "maximum", 0.0, _largest(real), box, shape)
    if isinstance(module, nn.LPPool2d):
        power = float(module.norm_type)
        # Torch takes the mean of the powers and multiplies it by all cells of the window.
        total = sum(value**power for value in real) / len(real) * len(cells)
        result = float(torch.tensor(total) ** (1 / power))  # of a negative number not a number
        return Look(cells, f"{power:g}-norm", 0.0, result, box, shape)
    divisor = _divisor(module, down, across, row, column, len(real))
    return Look(cells, f"sum / {divisor:g}", 0.0, sum(real) / divisor, box, shape)


def _largest(values: list[float]) -> float:
    """Return the largest, as torch has it: `nan` before all others, of none minus infinity."""
    return float(torch.tensor([-math.inf, *values]).amax())


def _divisor(
    module: nn.AvgPool2d, down: _Axis, across: _Axis, row: int, column: int, real: int
) -> float:
    """Return what an average divides by: padding counts if asked to, cells beyond it never do."""
    if module.divisor_override:
        return float(module.divisor_override)
    if not module.count_include_pad:
        return float(real)
    counted = 1
    for axis, place in ((down, row), (across, column)):
        end = min(axis.start(place) + axis.reach, axis.size + axis.before)
        counted *= end - axis.start(place)
    return float(counted)


# layers whose window depends on the size of the result


def _adapted(module: _Adaptive, x: Tensor, channel: int, row: int, column: int) -> Look:
    size = module.output_size
    wanted = size if isinstance(size, tuple) else (size, size)
    edges = []
    for place, side, out in zip((row, column), map(int, x.shape[1:]), wanted, strict=True):
        count = side if out is None else int(out)
        edges.append((place * side // count, -(-(place + 1) * side // count)))
    (top, bottom), (left, right) = edges
    cells = tuple(
        Cell(channel, i - top, j - left, i, j, False, float(x[channel, i, j]))
        for i in range(top, bottom)
        for j in range(left, right)
    )
    values = [cell.value for cell in cells]
    shape = (bottom - top, right - left)
    box = (top, left, *shape)
    if isinstance(module, nn.AdaptiveMaxPool2d):
        return Look(cells, "maximum", 0.0, _largest(values), box, shape)
    return Look(cells, f"sum / {len(values)}", 0.0, sum(values) / len(values), box, shape)


# the transposed convolution: every input lays the kernel down, scaled by its value


def _transposed(module: nn.ConvTranspose2d, x: Tensor, channel: int, row: int, column: int) -> Look:
    stride, dilation = _pair(module.stride), _pair(module.dilation)
    padding, kernel = _pair(module.padding), _pair(module.kernel_size)
    each = module.out_channels // module.groups
    inputs = module.in_channels // module.groups
    first = channel // each * inputs
    weight = module.weight[:, channel % each]
    cells = []
    for index in range(first, first + inputs):
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                down = row + padding[0] - i * dilation[0]
                across = column + padding[1] - j * dilation[1]
                if down % stride[0] or across % stride[1]:
                    continue
                at = down // stride[0], across // stride[1]
                if 0 <= at[0] < x.shape[1] and 0 <= at[1] < x.shape[2]:
                    value, tap = float(x[index, at[0], at[1]]), float(weight[index, i, j])
                    cells.append(Cell(index, i, j, *at, False, value, tap))
    bias = float(module.bias[channel]) if module.bias is not None else 0.0
    rows, columns = [cell.row for cell in cells] or [0], [cell.column for cell in cells] or [0]
    box = (min(rows), min(columns), max(rows) - min(rows) + 1, max(columns) - min(columns) + 1)
    words = "sum of what each input lays down here" + (" + bias" if bias else "")
    total = sum(cell.product for cell in cells) + bias
    return Look(tuple(cells), words, bias, total, box, kernel)


# the way of a window


def way(module: nn.Module, x: Tensor, output: Tensor, channel: int, row: int, column: int) -> Way:
    """Return the window's way around one pixel, small enough to be drawn.

    Args:
        module: a Conv2d, MaxPool2d or AvgPool2d.
        x: its input, (C, H, W).
        output: what it gave, (C, H, W).
        channel, row, column: the pixel, of the result.

    Raises:
        LabError: the layer is of another kind, sums over several channels, or its window is too
            large.
    """
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        raise LabError(f"The way of {type(module).__name__} is not drawn; that of a Conv2d is.")
    source = channel
    if isinstance(module, nn.Conv2d):
        inputs = module.in_channels // module.groups
        if inputs > 1:
            raise LabError(
                f"Each pixel sums over {inputs} channels, and the drawing shows one. Let each "
                "channel be filtered by itself, or work in grey."
            )
        source = channel // (module.out_channels // module.groups)
    down, across = _axes(module, x)
    if max(down.reach, across.reach) > WIDEST:
        raise LabError(
            f"The window reaches over {down.reach} × {across.reach} cells; {WIDEST} each way can "
            "be drawn."
        )
    rows = _around(row, int(output.shape[1]), down)
    columns = _around(column, int(output.shape[2]), across)
    top, left = down.start(rows[0]), across.start(columns[0])
    height = down.start(rows[-1]) + down.reach - top
    width = across.start(columns[-1]) + across.reach - left
    mode = module.padding_mode if isinstance(module, nn.Conv2d) else "zeros"

    def value(i: int, j: int) -> float:
        places = _inside(i, down.size, mode), _inside(j, across.size, mode)
        return 0.0 if None in places else float(x[source, places[0], places[1]])

    places = [[(top + i, left + j) for j in range(width)] for i in range(height)]
    weight: Table = [[1.0] * across.cells] * down.cells
    bias, convolves = 0.0, isinstance(module, nn.Conv2d)
    if isinstance(module, nn.Conv2d):
        weight = module.weight[channel, 0].tolist()
        bias = float(module.bias[channel].detach()) if module.bias is not None else 0.0
    part = output[channel, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    average = module if isinstance(module, nn.AvgPool2d) else None
    return Way(
        input=[[value(i, j) for i, j in line] for line in places],
        padding=[
            [not (0 <= i < down.size and 0 <= j < across.size) for i, j in line] for line in places
        ],
        kernel=weight,
        down=down.taps,
        across=across.taps,
        tops=[down.start(place) - top for place in rows],
        lefts=[across.start(place) - left for place in columns],
        output=part.tolist(),
        rule="sum" if convolves else "mean" if average is not None else "max",
        bias=bias,
        counts_padding=convolves or (average is not None and average.count_include_pad),
        divisor=average.divisor_override if average is not None else None,
        at=(row - rows[0], column - columns[0]),
        origin=(rows[0], columns[0]),
    )


def _around(place: int, size: int, axis: _Axis) -> Sequence[int]:
    """Return places of the result around one, as many as can be drawn."""
    count = min(size, _MOST_STEPS, (WIDEST - axis.reach) // axis.stride + 1)
    first = min(max(0, place - count // 2), size - count)
    return range(first, first + count)
