"""What was drawn for a parameter, as it is held against its law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from builder.errors import ModelError
from builder.labs.activation import Array
from builder.labs.initialisation.law import Law, law
from builder.labs.initialisation.places import Place, places
from builder.labs.inspection_values import Facts, facts
from builder.labs.subject import fresh
from builder.spec import ModelSpec

_LEAST_BINS, _MOST_BINS = 8, 80  # the root of the count between: few numbers make ragged bins
_MOST_STEPS = 4e11  # multiply-adds of all rotations together; some ten seconds


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
    bins = facts(rest, min(_MOST_BINS, max(_LEAST_BINS, math.isqrt(len(rest)))))
    edges = np.array(bins.edges)
    density = np.array(bins.counts) / len(values) / np.diff(edges)
    return Drawn(facts(values, 1), shares, edges, density)


def draws(spec: ModelSpec, seed: int) -> dict[str, Drawn]:
    """Return what a model starts with, by the titles of its places; of blocks at their first use.

    Raises:
        ModelError: the model cannot run, is too large, or has rotations that take too long.
    """
    found = places(spec)
    steps = sum(map(_steps, found))
    if steps > _MOST_STEPS:
        raise ModelError(
            f"The rotations of {spec.name} take {steps / 1e9:,.0f} billion multiply-adds to draw; "
            f"up to {_MOST_STEPS / 1e9:,.0f} billion are drawn here."
        )
    held = dict(fresh(spec, seed).named_parameters())
    return {
        place.title: drawn(
            held[place.keys[0]], law(place.starts_by, place.shape) if place.starts_by else None
        )
        for place in found
    }


def _steps(place: Place) -> float:
    if place.starts_by is None or place.starts_by.scheme != "orthogonal_":
        return 0
    rows, columns = place.shape[0], math.prod(place.shape[1:])
    return 2.0 * rows * columns * min(rows, columns)
