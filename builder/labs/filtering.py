"""A chain of layers over a picture of any size.

A convolution goes through OpenCV's `filter2D`, which computes the same cross-correlation as
`nn.Conv2d` many times faster over pictures of few channels, and so do pools; what OpenCV cannot
say goes through torch, in bands of rows where that keeps memory small.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from builder.catalog import CATALOG
from builder.errors import LabError, shown
from builder.labs import bands
from builder.labs.bands import Window, as_tensor, as_values, window_of
from builder.resolve import Step
from builder.resolve.types import TensorType

Values: TypeAlias = NDArray[np.float32]
Found: TypeAlias = tuple[Values, str]  # (H, W, C), and who computed it

MAX_NUMBERS = 200_000_000
# More planes than this and torch, which takes them all at once, is no slower.
_MOST_PLANES = 48
# From 130 cells on filter2D goes through a Fourier transform, where one NaN reaches far.
_MOST_DIRECT = 100
# A kernel that dilation spreads over more cells than this is slower there than in torch.
_MOST_SPREAD = 2**16
_BORDERS = {
    "zeros": cv2.BORDER_CONSTANT,
    "reflect": cv2.BORDER_REFLECT_101,
    "replicate": cv2.BORDER_REPLICATE,
    "circular": cv2.BORDER_WRAP,
}


@dataclass(frozen=True, eq=False)
class Stage:
    """What one layer of a chain gave.

    Args:
        values: (H, W, C).
        engine: who computed it, `OpenCV` or `torch`; `nothing` for a layer switched off.
        seconds: how long it took.
    """

    name: str
    op: str
    values: Values
    engine: str
    seconds: float


def run(
    model: nn.Module, steps: Sequence[Step], values: Values, *, keep: bool = True
) -> list[Stage]:
    """Return what each layer of a chain makes of a picture.

    Args:
        model: a graph of one input, built and in eval mode.
        steps: its steps, as `resolve` gives them for a picture of this size.
        values: (H, W, C).
        keep: whether to hold on to every stage; otherwise to the last one only.

    Raises:
        LabError: a layer would give or pad to more than 200 million numbers, gives no picture, or
            fails.
    """
    values = np.require(values, np.float32, ["C", "W"])  # all that torch takes without a copy
    wires: dict[str, Values] = {}
    stages: list[Stage] = []
    for position, step in enumerate(steps):
        _check(step)
        given = [wires.get(source, values) for source in step.sources]
        began = time.perf_counter()
        made, engine = _applied(model, step, given)
        stages.append(Stage(step.name, step.op, made, engine, time.perf_counter() - began))
        wires[step.name] = made
        if not keep:
            needed = {source for later in steps[position + 1 :] for source in later.sources}
            wires = {name: kept for name, kept in wires.items() if name in needed}
            stages = stages[-1:]
    return stages


def _check(step: Step) -> None:
    """Refuse what gives no picture, or one too large, before it is computed."""
    output = step.output
    numbers = math.prod(output.sample) if isinstance(output, TensorType) else 0
    if not isinstance(output, TensorType) or len(output.shape) != 4 or not numbers:
        raise LabError(
            f"{step.name} gives {step.shape_text}, which is no picture: (N, channels, height, "
            "width) is. Take it out of the chain.",
            node=step.name,
        )
    if numbers > MAX_NUMBERS:
        raise LabError(
            f"{step.name} would give {step.shape_text}, {numbers / 1e6:,.0f} million numbers; "
            f"{MAX_NUMBERS // 10**6} million at most are computed. Fewer channels, a larger "
            "stride or a smaller picture helps.",
            node=step.name,
        )


def _applied(model: nn.Module, step: Step, given: list[Values]) -> Found:
    try:
        return _apply(model, step, given)
    except LabError as error:
        raise LabError(f"{step.name}: {error.message}", node=step.name) from None
    except (RuntimeError, MemoryError, cv2.error) as error:
        raise LabError(
            f"{step.name} ({step.op}) cannot be computed over this picture: {shown(str(error))}. "
            "Change its settings, or take it out of the chain.",
            node=step.name,
        ) from error


def _apply(model: nn.Module, step: Step, given: list[Values]) -> Found:
    if not step.enabled:
        return given[0], "nothing"
    row = CATALOG[step.op]
    if not row.is_module:
        made = row.make(step.args)
        with torch.inference_mode():
            return as_values(made(*map(as_tensor, given), training=False)), "torch"
    module = model.get_submodule(step.shared or step.name)
    return filter_picture(module, given[0])


def filter_picture(module: nn.Module, values: Values) -> Found:
    """Return what a layer makes of a picture, (H, W, C), and who computed it.

    Raises:
        LabError: with its padding the picture would have more than 200 million numbers.
    """
    way = _WAYS.get(type(module))
    if way is not None:
        return way(module, values)
    x = as_tensor(values)
    if getattr(module, "inplace", False):  # or it would write into the stage before
        x = x.clone()
    with torch.inference_mode():
        return as_values(module(x)), "torch"


def _convolve(module: nn.Conv2d, values: Values) -> Found:
    window = window_of(module)
    height, width = window.padded(*values.shape[:2])
    numbers = height * width * values.shape[2]
    if numbers > MAX_NUMBERS:
        raise LabError(
            f"with its padding the picture would be {height:,} x {width:,}, "
            f"{numbers / 1e6:,.0f} million numbers; {MAX_NUMBERS // 10**6} million at most are "
            "computed. Less padding or a smaller picture helps."
        )
    cells = math.prod(window.reach)
    if (
        module.out_channels * module.in_channels // module.groups > _MOST_PLANES
        or module.weight.dtype != torch.float32
        or (window.size != window.reach and cells > _MOST_SPREAD)
        or (cells > _MOST_DIRECT and not _finite(values))
    ):
        return bands.convolve(module, values), "torch"
    kernels = _spread(module.weight.detach().numpy(), window)
    bias = module.bias.detach().tolist() if module.bias is not None else [0.0] * len(kernels)
    border = _BORDERS[module.padding_mode]
    return _correlate(values, kernels, bias, window, border), "OpenCV"


def _mean(module: nn.AvgPool2d, values: Values) -> Found:
    """A mean is the convolution of each channel with a kernel of equal cells."""
    window = window_of(module)
    counted = module.count_include_pad or window.padded(0, 0) == (0, 0)
    if not (counted and _served(module, window, values)):
        return bands.pool(module, values), "torch"
    cell = 1 / (module.divisor_override or math.prod(window.size))
    channels = values.shape[2]
    kernels = np.full((channels, 1, *window.size), cell, np.float32)
    made = _correlate(values, kernels, [0.0] * channels, window, cv2.BORDER_CONSTANT)
    return made, "OpenCV"


def _largest(module: nn.MaxPool2d, values: Values) -> Found:
    window = window_of(module)
    if window.size != window.reach or not _served(module, window, values):
        return bands.pool(module, values), "torch"
    anchor = window.across[0], window.down[0]
    made: Any = cv2.dilate(values, np.ones(window.size, np.uint8), anchor=anchor)
    return _picked(made, window, values.shape), "OpenCV"


def _served(module: nn.MaxPool2d | nn.AvgPool2d, window: Window, values: Values) -> bool:
    """Whether OpenCV gives what a pool gives, and faster."""
    height, width, channels = values.shape
    return (
        channels <= _MOST_PLANES
        and window.places(height, width) == bands.pooled(module, height, width)
        and _fits(window)
        and _finite(values)
    )


def _finite(values: Values) -> bool:
    """Whether all are numbers: any that is not would show in their sum."""
    return math.isfinite(cv2.norm(values.reshape(len(values), -1), cv2.NORM_L1))


_WAYS: Mapping[type[nn.Module], Callable[[Any, Values], Found]] = MappingProxyType(
    {
        nn.Conv2d: _convolve,
        nn.AvgPool2d: _mean,
        nn.MaxPool2d: _largest,
        nn.ConvTranspose2d: lambda module, values: (bands.spread(module, values), "torch"),
    }
)


def _correlate(
    values: Values, kernels: Values, bias: list[float], window: Window, border: int
) -> Values:
    """Return the cross-correlation of a picture, (H, W, C), with kernels, (O, I, kH, kW).

    The kernels are as large as the window reaches; there are as many groups as `I` goes into `C`.
    """
    shape, size = values.shape, window.places(*values.shape[:2])
    anchor = window.across[0], window.down[0]
    if border == cv2.BORDER_WRAP or not _fits(window):
        wider: Any = cv2.copyMakeBorder(values, *window.down, *window.across, border)
        values = wider.reshape(*wider.shape[:2], -1)
        anchor, border = (0, 0), cv2.BORDER_CONSTANT
        del wider

    def correlate(plane: Any, kernel: Any, added: float) -> Any:
        return cv2.filter2D(
            plane, cv2.CV_32F, kernel, anchor=anchor, delta=added, borderType=border
        )

    outputs, each = kernels.shape[:2]
    groups = shape[2] // each
    if groups == shape[2] == outputs and (kernels == kernels[:1]).all() and len(set(bias)) == 1:
        whole = correlate(values, kernels[0, 0], bias[0])
        del values
        return _picked(whole, window, shape)
    made = np.empty((*size, outputs), np.float32)
    for channel in range(shape[2]):
        plane = cv2.extractChannel(values, channel)
        group, index = divmod(channel, each)
        for number in range(group * outputs // groups, (group + 1) * outputs // groups):
            found = correlate(plane, kernels[number, index], 0.0 if index else bias[number])
            part = _picked(found, window, (*shape[:2], 1))[:, :, 0]
            if index:
                made[:, :, number] += part
            else:
                made[:, :, number] = part
    return made


def _fits(window: Window) -> bool:
    """Whether each window, laid where it starts, keeps a cell on the picture at either end."""
    return all(
        before + after < reach
        for (before, after), reach in zip((window.down, window.across), window.reach, strict=True)
    )


def _picked(found: Any, window: Window, shape: tuple[int, ...]) -> Values:
    """Return of the results at each pixel those that the stride stops at."""
    rows, columns = window.places(shape[0], shape[1])
    down, across = window.stride
    table = found.reshape(*found.shape[:2], -1)
    stops = table[: (rows - 1) * down + 1 : down, : (columns - 1) * across + 1 : across]
    return np.ascontiguousarray(stops)


def _spread(weight: Values, window: Window) -> Values:
    """Return kernels, (O, I, kH, kW), with the zeros that dilation puts between their cells."""
    if window.size == window.reach:
        return weight
    spread = np.zeros((*weight.shape[:2], *window.reach), np.float32)
    spread[:, :, :: window.dilation[0], :: window.dilation[1]] = weight
    return spread
