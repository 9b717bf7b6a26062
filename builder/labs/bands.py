"""torch over a large picture in bands of rows.

torch takes several times the picture's memory for what it keeps on the way to a result; a band at
a time, that is little. Each band is cut from the picture with the rows around it that its windows
reach, so that the bands meet without a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Values: TypeAlias = NDArray[np.float32]
Pair: TypeAlias = tuple[int, int]

_BAND_NUMBERS = 4_000_000


@dataclass(frozen=True)
class Window:
    """What a convolution or a pool sees for one number of its result, and how it moves on.

    Args:
        size, stride, dilation: down and across.
        down, across: cells that padding adds before and after, by axis.
    """

    size: Pair
    stride: Pair
    dilation: Pair
    down: Pair
    across: Pair

    @property
    def reach(self) -> Pair:
        """From its first cell to its last, the gaps of dilation included."""
        height, width = ((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))
        return height, width

    def padded(self, height: int, width: int) -> Pair:
        """Return the size of a picture with its padding."""
        return height + sum(self.down), width + sum(self.across)

    def places(self, height: int, width: int) -> Pair:
        """Return how many windows fit into a picture, down and across."""
        sizes = zip(self.padded(height, width), self.reach, self.stride, strict=True)
        down, across = ((size - reach) // stride + 1 for size, reach, stride in sizes)
        return down, across


def window_of(module: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> Window:
    """Return the window of a layer; padding `same` adds an odd cell at the end."""
    size = _pair(module.kernel_size)
    dilation = _pair(getattr(module, "dilation", 1))
    down: Pair = (0, 0)
    across: Pair = (0, 0)
    if module.padding == "same":
        spare = [d * (k - 1) for k, d in zip(size, dilation, strict=True)]
        down, across = ((cells // 2, cells - cells // 2) for cells in spare)
    elif module.padding != "valid":
        down, across = ((side, side) for side in _pair(module.padding))
    return Window(size, _pair(module.stride), dilation, down, across)


def _pair(value: Any) -> Pair:
    down, across = value if isinstance(value, tuple | list) else (value, value)
    return int(down), int(across)


def as_tensor(values: Values) -> Tensor:
    """Return (H, W, C) as (1, C, H, W) without copying: channels last is how they lie."""
    return torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0)


def as_values(tensor: Tensor) -> Values:
    """Return (1, C, H, W) as (H, W, C), copied unless it lies so."""
    return np.ascontiguousarray(tensor.squeeze(0).permute(1, 2, 0).numpy())


def convolve(module: nn.Conv2d, values: Values) -> Values:
    """Return what a convolution gives."""
    window = window_of(module)
    mode = {"zeros": "constant"}.get(module.padding_mode, module.padding_mode)
    rows, columns = window.places(*values.shape[:2])

    def layer(band: Tensor) -> Tensor:
        return F.conv2d(
            band, module.weight, module.bias, window.stride, 0, window.dilation, module.groups
        )

    with torch.inference_mode():
        x = F.pad(as_tensor(values), (*window.across, *window.down), mode=mode)
        inside = Window(window.size, window.stride, window.dilation, (0, 0), (0, 0))
        return _slide(layer, x, inside, (rows, columns, module.out_channels))


def pool(module: nn.MaxPool2d | nn.AvgPool2d, values: Values) -> Values:
    """Return what a pool gives."""
    rows, columns = pooled(module, *values.shape[:2])
    with torch.inference_mode():
        shape = rows, columns, values.shape[2]
        return _slide(module, as_tensor(values), window_of(module), shape)


def pooled(module: nn.MaxPool2d | nn.AvgPool2d, height: int, width: int) -> Pair:
    """Return the size of what a pool gives, by torch's own word."""
    rows, columns = module(torch.empty(1, height, width, device="meta")).shape[1:]
    return rows, columns


def _slide(
    layer: Callable[[Tensor], Tensor], x: Tensor, window: Window, shape: tuple[int, int, int]
) -> Values:
    """Return a layer's result, (H, W, C), from bands of `x`.

    A band starts early enough, at a multiple of the stride, that the padding which the layer puts
    round each band spoils only rows that are dropped.
    """
    made = np.empty(shape, np.float32)
    rows = shape[0]
    stride, before, height = window.stride[0], window.down[0], x.shape[2]
    spoiled = -(-before // stride)
    for start, stop in _bands(rows, max(shape[1] * shape[2], stride * x.shape[1] * x.shape[3])):
        skip = min(start, spoiled)
        first = (start - skip) * stride
        last = height if stop == rows else (stop - 1) * stride - before + window.reach[0]
        band = layer(x[:, :, first:last])[:, :, skip : skip + stop - start]
        made[start:stop] = band.squeeze(0).permute(1, 2, 0).numpy()
    return made


def spread(module: nn.ConvTranspose2d, values: Values) -> Values:
    """Return what a transposed convolution gives.

    Row `i` of the picture reaches the rows from `i · stride` to `i · stride + reach - 1`, counted
    before padding crops the result.
    """
    (stride, _), (dilation, _) = _pair(module.stride), _pair(module.dilation)
    cropped, sides = _pair(module.padding)
    reach = dilation * (_pair(module.kernel_size)[0] - 1) + 1
    height, width = values.shape[:2]
    rest, rest_across = _pair(module.output_padding)
    rows = (height - 1) * stride + reach + rest - 2 * cropped
    columns = _columns(module, width)
    made = np.zeros((rows, columns, module.out_channels), np.float32)
    if module.bias is not None:
        made += module.bias.detach().numpy()
    with torch.inference_mode():
        x = as_tensor(values)
        for start, stop in _bands(rows, columns * module.out_channels):
            first = max(0, -(-(start + cropped - reach + 1) // stride))
            last = min(height, (stop - 1 + cropped) // stride + 1)
            if first >= last:  # between two rows that are further apart than they reach
                continue
            band = F.conv_transpose2d(
                x[:, :, first:last],
                module.weight,
                module.bias,
                module.stride,
                (0, sides),
                (0, rest_across),
                module.groups,
                module.dilation,
            )
            begin = first * stride - cropped  # the row of the result that the band begins at
            low, high = max(start, begin), min(stop, begin + band.shape[2])
            inside = band[:, :, low - begin : high - begin]
            made[low:high] = inside.squeeze(0).permute(1, 2, 0).numpy()
    return made


def _columns(module: nn.ConvTranspose2d, width: int) -> int:
    (_, stride), (_, dilation) = _pair(module.stride), _pair(module.dilation)
    reach = dilation * (_pair(module.kernel_size)[1] - 1) + 1
    sides, rest = _pair(module.padding)[1], _pair(module.output_padding)[1]
    return (width - 1) * stride + reach + rest - 2 * sides


def _bands(rows: int, numbers: int) -> Iterator[Pair]:
    """Give the bands, from a row to a row, for rows that cost so many numbers each."""
    step = max(1, _BAND_NUMBERS // max(1, numbers))
    for start in range(0, rows, step):
        yield start, min(rows, start + step)
