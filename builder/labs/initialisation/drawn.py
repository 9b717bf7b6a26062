"""What the numbers of a parameter are in truth: statistics and a histogram, beside their law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from builder.labs.initialisation.law import Array, Law

_BINS = 80
_MARGIN = 0.05


@dataclass(frozen=True)
class Numbers:
    """Statistics of the numbers of a parameter."""

    count: int
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Histogram:
    """How numbers are spread.

    Args:
        edges: of the bins, (bins + 1,).
        density: of what is no share of its own, in each bin, (bins,); 1 in sum with the shares.
        shares: how many of all numbers are exactly one of those that the law draws again and again.
    """

    edges: Array
    density: Array
    shares: Mapping[float, float]


def numbers(values: Tensor) -> Numbers:
    """Return the statistics of a parameter of any size."""
    values = values.detach()
    low, high = torch.aminmax(values)
    return Numbers(
        values.numel(),
        float(values.mean()),
        float(values.std(correction=0)),
        float(low),
        float(high),
    )


def histogram(values: Tensor, law: Law | None = None) -> Histogram:
    """Return the histogram of a parameter of any size."""
    flat = values.detach().flatten().float()
    count = flat.numel()
    shares = {}
    for value in law.shares if law else ():
        same = flat == torch.tensor(value, dtype=torch.float32)
        shares[value] = int(same.sum()) / count
        flat = flat[~same]
    low, high = map(float, torch.aminmax(flat)) if len(flat) else (0.0, 0.0)
    margin = _MARGIN * (high - low) or abs(low) / 2 or 1.0
    low, high = low - margin, high + margin
    counts = torch.histc(flat, _BINS, low, high).double().numpy()
    edges = np.linspace(low, high, _BINS + 1)
    return Histogram(edges, counts / count / (edges[1] - edges[0]), shares)
