"""What was drawn for a parameter, as it is held against its law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from builder.labs.activation import Array
from builder.labs.initialisation.law import Law
from builder.labs.inspection_values import Facts, facts

_BINS = 80


@dataclass(frozen=True)
class Drawn:
    """The numbers of a parameter.

    Args:
        facts: of all of them.
        shares: of all of them, those that are exactly one of the numbers that the law draws again
            and again.
        edges: of the bins that the others lie in, (bins + 1,); empty if there are no others.
        density: in each bin, (bins,); with the shares it makes 1.
    """

    facts: Facts
    shares: Mapping[float, float]
    edges: Array
    density: Array


def drawn(values: Tensor, law: Law | None = None) -> Drawn:
    """Return what is to be known of a parameter of any size."""
    values = values.detach().flatten()
    rest, shares = values, {}
    for value in law.shares if law else ():
        same = rest == torch.tensor(value, dtype=values.dtype)
        shares[value] = int(same.sum()) / len(values)
        rest = rest[~same]
    bins = facts(rest, _BINS)
    edges = np.array(bins.edges)
    density = np.array(bins.counts) / len(values) / np.diff(edges)
    return Drawn(facts(values, 1), shares, edges, density)
