"""A look at data before training: balance, ranges, gaps, leaks, and duplicates across the split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from builder.data.samples import Samples
from builder.data.split import Split

# A class this many times rarer than another is learned badly by a plain loss.
_UNEVEN = 10
# A column of as many values as rows tells every class, and nothing of the next row.
_ROWS_A_VALUE = 5
_SAME = 1 - 1e-6
_NAMED = 5
_AT_ONCE = 4_000_000  # numbers


@dataclass(frozen=True)
class Range:
    """What a feature holds, gaps aside.

    Args:
        missing: how many of its values are gaps.
    """

    name: str
    low: float
    high: float
    mean: float
    std: float
    missing: int


@dataclass(frozen=True)
class Look:
    """What there is to know of data and their split.

    Args:
        count: samples.
        train, validation: how many of them are learned from and judged on.
        balance: of each class, how many samples it has in training and in validation.
        ranges: of each feature of a table, or of all values together.
        leaks: the columns of a table that tell the target.
        duplicates: samples whose inputs an earlier one has too.
        crossing: validation samples whose inputs are in training too.
        findings: what of all this needs attention, in sentences.
    """

    count: int
    train: int
    validation: int
    balance: tuple[tuple[str, int, int], ...]
    ranges: tuple[Range, ...]
    leaks: tuple[str, ...]
    duplicates: int
    crossing: int
    findings: tuple[str, ...]


def look(samples: Samples, split: Split) -> Look:
    """Look at a data set and its split."""
    marks = _marks(samples.x)
    learned = torch.unique(marks[split.train])
    crossing = int(torch.isin(marks[split.validation], learned).sum())
    duplicates = len(marks) - len(torch.unique(marks))
    balance, ranges, leaks = _balance(samples, split), _ranges(samples), _leaks(samples)
    findings = (
        *_told_leaks(leaks),
        *_told_duplicates(duplicates, crossing, len(split.validation)),
        *_told_balance(balance),
        *_told_ranges(ranges),
    )
    return Look(
        len(samples.x), len(split.train), len(split.validation),
        balance, ranges, leaks, duplicates, crossing, findings,
    )  # fmt: skip


def _marks(x: Tensor) -> Tensor:
    """Return a number for each sample (n,), int64, the same for the same values.

    It is a sum with random odd weights modulo 2^64 over the bits of each value; two of a million
    samples that differ share one with a chance of about 1e-7.
    """
    flat = x.flatten(1)
    draw = np.random.default_rng(0).integers(-(2**62), 2**62, flat.shape[1]) * 2 + 1
    weights = torch.from_numpy(draw)
    step = max(1, _AT_ONCE // max(1, flat.shape[1]))
    parts = []
    for rows in torch.split(flat, step):
        bits = (rows + 0.0).contiguous().view(torch.int32) if rows.is_floating_point() else rows
        parts.append((bits.to(torch.int64) * weights).sum(1))
    return torch.cat(parts)


def _balance(samples: Samples, split: Split) -> tuple[tuple[str, int, int], ...]:
    if not samples.classes:
        return ()
    sizes = [
        torch.bincount(samples.y[rows].flatten(), minlength=len(samples.classes)).tolist()
        for rows in (split.train, split.validation)
    ]
    return tuple(zip(samples.classes, *sizes, strict=True))


def _ranges(samples: Samples) -> tuple[Range, ...]:
    if not samples.x.is_floating_point():
        return ()
    if samples.x.dim() == 2 and len(samples.features) == samples.x.shape[1]:
        return tuple(map(_range, samples.features, samples.x.unbind(1)))
    return (_range("all values", samples.x.flatten()),)


def _range(name: str, values: Tensor) -> Range:
    there = values[~values.isnan()]
    missing = len(values) - len(there)
    if not len(there):
        return Range(name, float("nan"), float("nan"), float("nan"), float("nan"), missing)
    std, mean = torch.std_mean(there, correction=0)
    low, high = torch.aminmax(there)
    return Range(name, float(low), float(high), float(mean), float(std), missing)


def _leaks(samples: Samples) -> tuple[str, ...]:
    """Return the columns that are the target, or determine it.

    A column determines a class if each of its values comes with one class only, and comes often
    enough for this to say something; it determines a number if the two lie on a line.
    """
    if samples.kind != "table" or len(samples.x) <= _ROWS_A_VALUE:
        return ()
    tells = _tells_class if samples.classes else _tells_value
    y = samples.y.flatten()
    columns = zip(samples.features, samples.x.unbind(1), strict=True)
    return tuple(name for name, column in columns if tells(column, y))


def _tells_class(column: Tensor, y: Tensor) -> bool:
    values, numbers = torch.unique(column, return_inverse=True)
    if not 1 < len(values) <= len(column) // _ROWS_A_VALUE:
        return False
    classes = int(y.max()) + 1
    return len(torch.unique(numbers * classes + y)) == len(values) and len(values) >= len(
        torch.unique(y)
    )


def _tells_value(column: Tensor, y: Tensor) -> bool:
    there = ~column.isnan()
    both = torch.stack((column[there], y[there])).double()
    if both.shape[1] <= 2 or (both.std(1) == 0).any():
        return False
    return abs(float(torch.corrcoef(both)[0, 1])) > _SAME


def _listed(names: tuple[str, ...] | list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _told_leaks(leaks: tuple[str, ...]) -> Iterator[str]:
    if leaks:
        yield (
            f"{_listed(leaks)}: the target can be told from this alone. If it is not known before "
            "the target is, leave it out; a model would learn nothing else."
        )


def _told_duplicates(duplicates: int, crossing: int, kept: int) -> Iterator[str]:
    if crossing:
        yield (
            f"{crossing:,} of {kept:,} validation samples are in training too, value for value: "
            "on these, validation measures memory."
        )
    elif duplicates:
        some = f"{duplicates:,} samples repeat" if duplicates > 1 else "1 sample repeats"
        yield f"{some} an earlier one, but not across the split."


def _told_balance(balance: tuple[tuple[str, int, int], ...]) -> Iterator[str]:
    sizes = {name: train + kept for name, train, kept in balance}
    there = {name: size for name, size in sizes.items() if size}
    if there and max(there.values()) >= _UNEVEN * min(there.values()):
        most, least = max(there, key=there.__getitem__), min(there, key=there.__getitem__)
        yield (
            f"Class {most} has {there[most]:,} samples, {least} has {there[least]:,}: accuracy "
            "looks high even if the rare class is never found. Class weights in the loss help."
        )
    unseen = [name for name, train, kept in balance if kept and not train]
    if unseen:
        yield f"No training sample is of class {_listed(unseen)}, which validation asks for."


def _told_ranges(ranges: tuple[Range, ...]) -> Iterator[str]:
    gaps = [one.name for one in ranges if one.missing]
    if gaps:
        total = sum(one.missing for one in ranges)
        yield f"{total:,} values are missing, in {_listed(gaps)}; the training rows fill them."
    constant = [one.name for one in ranges if one.std == 0]
    if constant:
        yield f"{_listed(constant)}: one value in every sample, which tells a model nothing."
