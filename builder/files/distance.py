"""Two checkpoints beside one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from builder.files.loading import same_bits

# Numbers that are compared at a time: in double precision a whole tensor may be large.
_PART = 2**20


@dataclass(frozen=True)
class Distance:
    """How far a tensor is from its namesake in another checkpoint.

    Args:
        name: in both.
        count: of its numbers.
        l2: Euclidean norm of the difference.
        relative: `l2` over the norm of the first; infinite where that is 0.
        largest: the largest absolute difference.
        cosine: of the angle between the two, NaN where one of them is 0.
        equal: whether they are the same to the bit.
    """

    name: str
    count: int
    l2: float
    relative: float
    largest: float
    cosine: float
    equal: bool


@dataclass(frozen=True)
class Compared:
    """Two checkpoints.

    Args:
        rows: the tensors that both have in the same shape, in the order of the first.
        whole: all of these as one long vector.
        unlike: names that both have, in different shapes.
        first_only, second_only: names that one of them has.
    """

    rows: tuple[Distance, ...]
    whole: Distance
    unlike: tuple[str, ...]
    first_only: tuple[str, ...]
    second_only: tuple[str, ...]


def compare(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Compared:
    """Return how far two checkpoints are from one another, tensor by tensor.

    Whole numbers and lower precisions are compared as numbers; sums are taken in double precision.
    """
    both = [name for name in one if name in other]
    alike = [name for name in both if one[name].shape == other[name].shape]
    sums = [_sums(one[name], other[name]) for name in alike]
    rows = tuple(
        _distance(name, found, same_bits(one[name], other[name]))
        for name, found in zip(alike, sums, strict=True)
    )
    return Compared(
        rows,
        _distance("", _Sums.total(sums), all(row.equal for row in rows)),
        tuple(name for name in both if name not in set(alike)),
        tuple(name for name in one if name not in other),
        tuple(name for name in other if name not in one),
    )


@dataclass(frozen=True)
class _Sums:
    """What distances are made of, and can be added up."""

    count: int
    gap: float  # squared
    first: float  # squared
    second: float  # squared
    product: float
    largest: float

    @classmethod
    def of(cls, a: Tensor, b: Tensor) -> _Sums:
        gap = a - b
        return cls(
            a.numel(),
            float(gap.square().sum()),
            float(a.square().sum()),
            float(b.square().sum()),
            float((a * b).sum()),
            float(gap.abs().max()),
        )

    @classmethod
    def total(cls, parts: Sequence[_Sums]) -> _Sums:
        return cls(
            sum(part.count for part in parts),
            sum(part.gap for part in parts),
            sum(part.first for part in parts),
            sum(part.second for part in parts),
            sum(part.product for part in parts),
            max((part.largest for part in parts), default=0.0),
        )


def _sums(one: Tensor, other: Tensor) -> _Sums:
    return _Sums.total([_Sums.of(*pair) for pair in in_parts(one, other)])


def in_parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Give tensors of one shape a part after the other, flat and in double precision."""
    parts = [torch.split(tensor.detach().reshape(-1), _PART) for tensor in tensors]
    for group in zip(*parts, strict=True):
        if group[0].numel():
            yield tuple(part.to(torch.float64) for part in group)


def _distance(name: str, sums: _Sums, equal: bool) -> Distance:
    l2, first, second = math.sqrt(sums.gap), math.sqrt(sums.first), math.sqrt(sums.second)
    relative = l2 / first if first else (math.inf if l2 else 0.0)
    cosine = sums.product / (first * second) if first and second else math.nan
    cosine = max(-1.0, min(1.0, cosine)) if math.isfinite(cosine) else math.nan
    return Distance(name, sums.count, l2, relative, sums.largest, cosine, equal)
