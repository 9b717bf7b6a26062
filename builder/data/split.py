"""Which samples are kept for validation, and the scale and the fillings that the others set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, UnionType
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from builder.data.samples import Samples
from builder.errors import DataError, shown

METHODS: Mapping[str, str] = MappingProxyType(
    {
        "random": "Drawn by the seed; classes keep their shares.",
        "time": "The last ones, in the order of the data.",
        "folds": "Equal parts drawn by the seed; one of them is kept, and each can be in turn.",
    }
)
MAX_SEED = 2**32 - 1
_MAX_FOLDS = 100

Rows: TypeAlias = tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]


@dataclass(frozen=True)
class Split:
    """A split of a data set.

    Args:
        train, validation: row numbers, int64.
        offset, spread: of each column over the training rows, for tables, and over all their steps
            for series; `None` where the data are in a natural range already. Standard scaling
            takes mean and standard deviation, min-max scaling the lowest value and the way to the
            highest.
        fill: of each column, what stands for a gap; `None` where the data have none.
        target_mean, target_std: of the target over the training rows, for regression.
    """

    train: Tensor
    validation: Tensor
    offset: Tensor | None = None
    spread: Tensor | None = None
    fill: Tensor | None = None
    target_mean: Tensor | None = None
    target_std: Tensor | None = None

    def filled(self, x: Tensor) -> Tensor:
        """Return inputs whose gaps hold what the training rows put there."""
        return x if self.fill is None else torch.where(x.isnan(), self.fill, x)

    def scaled(self, x: Tensor) -> Tensor:
        """Return inputs without gaps, in the scale that the training rows set."""
        x = self.filled(x)
        if self.offset is None or self.spread is None:
            return x
        return (x - self.offset) / self.spread

    def scaled_target(self, y: Tensor) -> Tensor:
        """Return targets in the scale that the training rows set; classes stay as they are."""
        if self.target_mean is None or self.target_std is None:
            return y
        return (y - self.target_mean) / self.target_std

    def unscaled_target(self, y: Tensor) -> Tensor:
        """Return targets, or forecasts of them, in the units of the data set."""
        if self.target_mean is None or self.target_std is None:
            return y
        return y * self.target_std + self.target_mean


def split(
    samples: Samples,
    *,
    validation: float = 0.2,
    seed: int = 0,
    method: str = "random",
    folds: int = 5,
    fold: int = 0,
) -> Split:
    """Split a data set.

    Classes keep their shares in both parts, as nearly as whole rows allow. What follows in time is
    not mixed: its last part is kept, so no target of it is seen in training; its folds go forward,
    each judged on the stretch behind all that it learned from.

    Args:
        validation: share of the rows that is kept for validation, between 0 and 1; `folds` sets
            a share of its own.
        seed: decides which rows, where time does not; the same seed gives the same split.
        method: a row of `METHODS`.
        folds, fold: with `folds`, how many parts, and which of them, from 0, is kept.

    Raises:
        DataError: a setting is none that works, or a part would have no room for every class.
    """
    if method not in METHODS:
        raise DataError(f"There is no split {shown(method)}; there are {', '.join(METHODS)}.")
    _check_seed(seed)
    if method == "folds":
        _check_folds(samples, folds, fold)
        rows = _fold(samples, folds, fold, seed)
    else:
        by_time = samples.by_time or method == "time"
        stratified = samples.task == "classification" and not by_time
        _check_share(samples, validation, stratified)
        rows = _share(samples, validation, None if by_time else seed, stratified)
    return _measured(samples, *(torch.as_tensor(part) for part in rows))


def _share(samples: Samples, validation: float, seed: int | None, stratified: bool) -> Rows:
    """Return training and validation rows; without a seed, the last rows are kept."""
    from sklearn.model_selection import train_test_split

    return tuple(
        train_test_split(
            np.arange(len(samples.x)),
            test_size=validation,
            random_state=seed,
            shuffle=seed is not None,
            stratify=samples.y.numpy() if stratified else None,
        )
    )


def _fold(samples: Samples, folds: int, fold: int, seed: int) -> Rows:
    from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

    if samples.by_time:
        parts = TimeSeriesSplit(folds)
    elif samples.task == "classification":
        parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        parts = KFold(folds, shuffle=True, random_state=seed)
    return tuple(list(parts.split(np.zeros(len(samples.x)), samples.y.numpy()))[fold])


def _measured(samples: Samples, train: Tensor, validation: Tensor) -> Split:
    """Take fillings and scale from the training rows."""
    x, y = samples.x[train], samples.y[train]
    fill = None
    if samples.x.is_floating_point() and samples.x.isnan().any():
        fill = _FILLINGS[samples.gaps](x).nan_to_num(0.0)  # a column may have gaps alone
        x = torch.where(x.isnan(), fill, x)
    offset, spread = None, None
    if samples.kind in ("table", "series"):
        # Each window of a series holds the same steps as the next, shifted: one scale for all.
        rows = x.flatten(0, 1) if samples.kind == "series" else x
        offset, spread = _scale(rows, samples.scaling)
    valued = samples.task == "regression"
    return Split(
        train=train,
        validation=validation,
        offset=offset,
        spread=spread,
        fill=fill,
        target_mean=y.mean(dim=0) if valued else None,
        target_std=_not_zero(y.std(dim=0, correction=0)) if valued else None,
    )


_FILLINGS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "mean": lambda x: x.nanmean(dim=0),
        "median": lambda x: x.nanmedian(dim=0).values,
        "zero": lambda x: torch.zeros(x.shape[1:]),
    }
)
# Of the training rows: what is taken off, and what the rest is divided by.
_SCALES: Mapping[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = MappingProxyType(
    {
        "standard": lambda x: (x.mean(dim=0), x.std(dim=0, correction=0)),
        "minmax": lambda x: (x.amin(dim=0), x.amax(dim=0) - x.amin(dim=0)),
        "none": lambda x: (torch.zeros(x.shape[1:]), torch.ones(x.shape[1:])),
    }
)
GAPS, SCALINGS = tuple(_FILLINGS), tuple(_SCALES)


def _scale(x: Tensor, scaling: str | tuple[str, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return offset and spread of each column; both are `None` if nothing is scaled."""
    ways = {scaling} if isinstance(scaling, str) else set(scaling)
    if ways <= {"none"}:
        return None, None
    if isinstance(scaling, str):
        offset, spread = _SCALES[scaling](x)
        return offset, _not_zero(spread)
    offset, spread = _SCALES["none"](x)
    for way in ways - {"none"}:
        chosen = torch.tensor([name == way for name in scaling])
        found = _SCALES[way](x)
        offset = torch.where(chosen, found[0], offset)
        spread = torch.where(chosen, found[1], spread)
    return offset, _not_zero(spread)


def _not_zero(spread: Tensor) -> Tensor:
    """Return 1 for a column that never changes: it is moved to zero and stays there."""
    return torch.where(spread > 0, spread, torch.ones_like(spread))


def _check_seed(seed: int) -> None:
    if not _whole(seed) or not 0 <= seed <= MAX_SEED:
        raise DataError(
            f"The seed of the split is {shown(seed)}; a whole number from 0 to {MAX_SEED:,} works."
        )


def _check_share(samples: Samples, validation: float, stratified: bool) -> None:
    """Raise `DataError` for what scikit-learn would refuse in its own words."""
    if _no_number(validation, int | float) or not 0 < validation < 1:
        raise DataError(
            f"The share for validation is {shown(validation)}; a number between 0 and 1 works, "
            "such as 0.2."
        )
    count, least = len(samples.x), 1
    if stratified:
        least, smallest, name = _smallest_class(samples)
        if smallest < 2:
            raise DataError(
                f"Class {name} has 1 sample of {samples.called}, which cannot be in both parts; "
                "every class needs 2 or more."
            )
    kept = math.ceil(count * validation)  # as scikit-learn rounds
    if least <= kept <= count - least:
        return
    part, size = ("validation", kept) if kept < least else ("training", count - kept)
    ends = math.ceil(100 * least / count), math.floor(100 * (count - least) / count)
    works = f"a share from {ends[0] / 100:g} to {ends[1] / 100:g}"
    if ends[0] > ends[1]:
        works = f"{2 * least} samples or more"
    why = f"{least} classes, which need a sample each" if least > 1 else "at least 1"
    raise DataError(
        f"A share of {validation:g} of the {count} samples of {samples.called} leaves {size} for "
        f"{part}, too few for {why}; {works} would do."
    )


def _check_folds(samples: Samples, folds: int, fold: int) -> None:
    if not _whole(folds) or not 2 <= folds <= _MAX_FOLDS:
        raise DataError(
            f"The number of folds is {shown(folds)}; a whole number from 2 to {_MAX_FOLDS} works."
        )
    if not _whole(fold) or not 0 <= fold < folds:
        raise DataError(
            f"The fold that is kept is {shown(fold)}; with {folds} folds, a whole number from 0 to "
            f"{folds - 1} works."
        )
    size, whose = len(samples.x), samples.called
    if not samples.by_time and samples.task == "classification":
        _, size, name = _smallest_class(samples)
        whose = f"class {name} of {whose}"
    # The first stretch of a series is learned from and never kept.
    most = size - 1 if samples.by_time else size
    if most < folds:
        raise DataError(
            f"{folds} folds need {folds + size - most} samples of {whose}, which has {size}; "
            + (f"{most} folds or fewer would do." if most >= 2 else "it is too small for folds.")
        )


def _smallest_class(samples: Samples) -> tuple[int, int, str]:
    """Return the number of classes that occur, and size and name of the smallest."""
    numbers, sizes = np.unique(samples.y.numpy(), return_counts=True)
    return len(numbers), int(sizes.min()), samples.classes[numbers[sizes.argmin()]]


def _whole(value: object) -> bool:
    return not _no_number(value, int)


def _no_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, bool) or not isinstance(value, kind)
