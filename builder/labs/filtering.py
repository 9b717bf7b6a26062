"""A chain of layers over a picture of any size.

A convolution goes through OpenCV's `filter2D`, which computes the same cross-correlation as
`nn.Conv2d` many times faster over pictures of few channels; what OpenCV cannot say goes through
torch, convolutions in bands of rows, so that memory stays small.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.catalog import CATALOG
from builder.errors import LabError
from builder.resolve import Step
from builder.resolve.types import TensorType

Values: TypeAlias = NDArray[np.float32]
Sides: TypeAlias = tuple[int, int, int, int]  # cells added at the top, bottom, left, right

MAX_NUMBERS = 200_000_000
# More planes than this and torch, which takes them all at once, is no slower.
_MOST_PLANES = 48
_BAND_NUMBERS = 4_000_000
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
        engine: who computed it, `OpenCV` or `torch`.
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
        LabError: a layer would give more than 200 million numbers, or no picture.
    """
    wires: dict[str, Values] = {}
    stages: list[Stage] = []
    for position, step in enumerate(steps):
        _check(step)
        given = [wires.get(source, values) for source in step.sources]
        began = time.perf_counter()
        made, engine = _apply(model, step, given)
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
    if not isinstance(output, TensorType) or len(output.shape) != 4:
        raise LabError(
            f"{step.name} gives {step.shape_text}, which is no picture: (N, channels, height, "
            "width) is. Take it out of the chain.",
            node=step.name,
        )
    numbers = math.prod(output.sample)
    if numbers > MAX_NUMBERS:
        raise LabError(
            f"{step.name} would give {step.shape_text}, {numbers / 1e6:,.0f} million numbers; "
            f"{MAX_NUMBERS // 10**6} million at most are computed. Fewer channels, a larger "
            "stride or a smaller picture helps.",
            node=step.name,
        )


def _apply(model: nn.Module, step: Step, given: list[Values]) -> tuple[Values, str]:
    if not step.enabled:
        return given[0], "nothing"
    row = CATALOG[step.op]
    if not row.is_module:
        made = row.make(step.args)
        with torch.inference_mode():
            return _as_values(made(*map(_as_tensor, given), training=False)), "torch"
    module = model.get_submodule(step.shared or step.name)
    if isinstance(module, nn.Conv2d):
        return filter_picture(module, given[0])
    x = _as_tensor(given[0])
    if getattr(module, "inplace", False):  # or it would write into the stage before
        x = x.clone()
    with torch.inference_mode():
        return _as_values(module(x)), "torch"


def filter_picture(module: nn.Conv2d, values: Values) -> tuple[Values, str]:
    """Return what a convolution makes of a picture, (H, W, C), and who computed it."""
    planes = module.out_channels * module.in_channels // module.groups
    if planes <= _MOST_PLANES and module.weight.dtype == torch.float32:
        return _by_opencv(module, values), "OpenCV"
    return _by_bands(module, values), "torch"


# through OpenCV


def _by_opencv(module: nn.Conv2d, values: Values) -> Values:
    kernels = _spread(module.weight.detach().numpy(), module.dilation)
    height, width = kernels.shape[2:]
    sides = _sides(module)
    border = _BORDERS[module.padding_mode]
    # filter2D lays the kernel's middle on each pixel, so its own border reaches this far.
    own = (height // 2, height - 1 - height // 2, width // 2, width - 1 - width // 2)
    if border == cv2.BORDER_WRAP or any(ours > its for ours, its in zip(sides, own, strict=True)):
        wider: Any = cv2.copyMakeBorder(values, *sides, border)
        values = wider.reshape(*wider.shape[:2], -1)
        sides, border = (0, 0, 0, 0), cv2.BORDER_CONSTANT
    rows = slice(own[0] - sides[0], values.shape[0] - (own[1] - sides[1]), int(module.stride[0]))
    columns = slice(own[2] - sides[2], values.shape[1] - (own[3] - sides[3]), int(module.stride[1]))
    bias = module.bias.detach().tolist() if module.bias is not None else [0.0] * len(kernels)

    def correlate(plane: Any, kernel: Any, added: float) -> Any:
        found = cv2.filter2D(plane, cv2.CV_32F, kernel, delta=added, borderType=border)
        return found[rows, columns]

    alike = (kernels == kernels[:1]).all() and len(set(bias)) == 1
    if module.groups == module.in_channels == module.out_channels and alike:
        whole = correlate(values, kernels[0, 0], bias[0])
        return np.ascontiguousarray(whole.reshape(*whole.shape[:2], len(kernels)))
    inputs = cv2.split(values)
    each = module.in_channels // module.groups
    outputs = []
    for number, kernel in enumerate(kernels):
        first = number // (module.out_channels // module.groups) * each
        total = correlate(inputs[first], kernel[0], bias[number])
        for index in range(1, each):
            total = total + correlate(inputs[first + index], kernel[index], 0.0)
        outputs.append(total)
    return np.stack(outputs, axis=2)


def _spread(weight: Values, dilation: tuple[int, ...]) -> Values:
    """Return kernels, (O, I, kH, kW), with the zeros that dilation puts between their cells."""
    if dilation == (1, 1):
        return weight
    height, width = ((k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True))
    spread = np.zeros((*weight.shape[:2], height, width), np.float32)
    spread[:, :, :: dilation[0], :: dilation[1]] = weight
    return spread


def _sides(module: nn.Conv2d) -> Sides:
    """Return how many cells are added on each side; `same` adds the odd one at the end."""
    if module.padding == "valid":
        return 0, 0, 0, 0
    if module.padding == "same":
        reach = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        (top, bottom), (left, right) = ((r // 2, r - r // 2) for r in reach)
        return top, bottom, left, right
    down, across = (int(side) for side in module.padding)
    return down, down, across, across


# through torch


def _by_bands(module: nn.Conv2d, values: Values) -> Values:
    """Return what torch's own convolution gives, a band of rows at a time."""
    top, bottom, left, right = _sides(module)
    mode = {"zeros": "constant"}.get(module.padding_mode, module.padding_mode)
    with torch.inference_mode():
        x = F.pad(_as_tensor(values), (left, right, top, bottom), mode=mode)
        reach = module.dilation[0] * (module.kernel_size[0] - 1) + 1
        stride = int(module.stride[0])
        rows = (x.shape[2] - reach) // stride + 1
        band = max(1, _BAND_NUMBERS // (module.out_channels * x.shape[3]))
        parts = []
        for start in range(0, rows, band):
            count = min(band, rows - start)
            piece = x[:, :, start * stride : (start + count - 1) * stride + reach]
            parts.append(
                F.conv2d(
                    piece,
                    module.weight,
                    module.bias,
                    module.stride,
                    0,
                    module.dilation,
                    module.groups,
                )
            )
        return _as_values(torch.cat(parts, dim=2))


def _as_tensor(values: Values) -> Tensor:
    """Return values as (1, C, H, W) without copying them: channels last is how they lie."""
    return torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0)


def _as_values(tensor: Tensor) -> Values:
    return np.ascontiguousarray(tensor.squeeze(0).permute(1, 2, 0).numpy())
