"""How sizes and values are said on the page."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from builder.labs.map_sheet import span


def size(shape: Sequence[int]) -> str:
    """Return a shape as people say it."""
    return " × ".join(map(str, shape))


def spread(values: Tensor) -> str:
    """Return where values lie."""
    low, high = span(values)
    return f"from {low:.3g} to {high:.3g}, mean {values.nanmean().item():.3g}"
