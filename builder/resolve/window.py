"""How the output size of a sliding window comes about, in words and numbers.

The sizes themselves come from torch; these formulas (from torch's documentation of `nn.Conv2d`,
`nn.MaxPool2d` and `nn.ConvTranspose2d`) explain them, and a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from builder.catalog import Layer


def per_axis(value: Any, axis: int, default: int = 1) -> int:
    """Return the entry of a size that holds for a spatial axis."""
    if value is None:
        return default
    return int(value[axis]) if isinstance(value, tuple) else int(value)


def explain_window(row: Layer, args: Mapping[str, Any], size: int, axis: int) -> tuple[int, str]:
    """Return the output size along one spatial axis and the formula with its numbers in it."""
    full = row.complete(args)
    kernel = per_axis(full["kernel_size"], axis)
    stride = per_axis(full.get("stride"), axis, default=kernel)
    dilation = per_axis(full.get("dilation"), axis)
    padding = full.get("padding", 0)
    if padding == "same":
        return size, f"padding 'same' keeps {size}"
    pad = 0 if padding == "valid" else per_axis(padding, axis, default=0)
    if row.window == "transposed":
        extra = per_axis(full.get("output_padding"), axis, default=0)
        out = (size - 1) * stride - 2 * pad + dilation * (kernel - 1) + extra + 1
        text = f"({size} - 1)·{stride} - 2·{pad} + {dilation}·({kernel} - 1) + {extra} + 1 = {out}"
        return out, text
    span = size + 2 * pad - dilation * (kernel - 1) - 1
    up = bool(full.get("ceil_mode"))
    out = (-(-span // stride) if up else span // stride) + 1
    if up and (out - 1) * stride >= size + pad:
        out -= 1  # torch drops a window that would start in the padding
    name = "ceil" if up else "floor"
    spread = f" - {dilation}·({kernel} - 1) - 1" if row.window == "conv" or dilation > 1 else None
    inner = f"({size} + 2·{pad}{spread or f' - {kernel}'}) / {stride}"
    return out, f"{name}({inner}) + 1 = {out}"


def largest_kernel(row: Layer, args: Mapping[str, Any], size: int, axis: int) -> int:
    """Return the largest kernel that fits an axis of `size`, at the layer's own padding."""
    full = row.complete(args)
    padding = full.get("padding", 0)
    pad = 0 if isinstance(padding, str) else per_axis(padding, axis, default=0)
    dilation = per_axis(full.get("dilation"), axis)
    return max(1, math.floor((size + 2 * pad - 1) / dilation) + 1)
