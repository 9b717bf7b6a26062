"""Two checkpoints beside one another, and the mean of several."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from builder.errors import BuilderError, shown
from builder.files.loading import same_bits
from builder.files.matching import Form

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
    return _Sums.total([_Sums.of(*pair) for pair in _in_parts(one, other)])


def _in_parts(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
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


def picture(tensor: Tensor, side: int = 256) -> Tensor:
    """Return a tensor as a picture (h, w) of at most `side` each way, in float32.

    The first axis runs down and all others across; a vector is one row. Where several numbers share
    a pixel, the one farthest from 0 is shown, so that none is averaged away.
    """
    flat = tensor.detach().float()
    flat = flat.reshape(1, -1) if flat.dim() < 2 else flat.reshape(flat.shape[0], -1)
    size = min(flat.shape[0], side), min(flat.shape[1], side)
    if tuple(flat.shape) == size or not flat.numel():
        return flat
    high = F.adaptive_max_pool2d(flat[None], size)[0]
    low = -F.adaptive_max_pool2d(-flat[None], size)[0]
    return torch.where(high.abs() >= low.abs(), high, low)


def average(
    states: Sequence[Mapping[str, Tensor]], titles: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Return the mean of checkpoints, taken in double precision.

    Whole numbers, such as the batches that a batch norm has seen, are the largest of theirs: they
    count, and are no weights.

    Args:
        titles: what the checkpoints are called, for the message.

    Raises:
        BuilderError: fewer than two are given, or they are of different models.
    """
    if len(states) < 2:
        raise BuilderError("A mean needs two checkpoints or more.")
    titles = titles or [f"checkpoint {number}" for number in range(1, len(states) + 1)]
    for title, state in zip(titles[1:], states[1:], strict=True):
        for complaint in _unlike(states[0], state):
            raise BuilderError(
                f"{titles[0]} and {title} are of different models: {complaint}. Those of one model "
                "have a mean."
            )
    return {name: _mean([state[name] for state in states]) for name in states[0]}


def _unlike(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Iterator[str]:
    for name in (*one, *other):
        if name not in one or name not in other:
            yield f"only one of them has {shown(name)}"
        elif Form.of(one[name]) != Form.of(other[name]):
            forms = Form.of(one[name]), Form.of(other[name])
            yield f"{shown(name)} is {forms[0]} in one, {forms[1]} in the other"


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    if not tensors[0].is_floating_point():
        return torch.stack(list(tensors)).amax(dim=0)
    parts = [torch.stack(group).mean(dim=0) for group in _in_parts(*tensors)]
    flat = torch.cat(parts) if parts else torch.zeros(0)
    return flat.reshape(tensors[0].shape).to(tensors[0].dtype)
