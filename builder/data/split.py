"""Which samples are kept for validation, and the scale that the others set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import UnionType

import numpy as np
import torch
from torch import Tensor

from builder.data.samples import Samples
from builder.errors import DataError, shown

_MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Split:
    """A split of a data set.

    Args:
        train, validation: row numbers, int64.
        mean, std: of each column over the training rows, for tables; `None` where the data are in
            a natural range already.
        target_mean, target_std: of the target over the training rows, for regression.
    """

    train: Tensor
    validation: Tensor
    mean: Tensor | None = None
    std: Tensor | None = None
    target_mean: Tensor | None = None
    target_std: Tensor | None = None

    def scaled(self, x: Tensor) -> Tensor:
        """Return inputs in the scale that the training rows set."""
        if self.mean is None or self.std is None:
            return x
        return (x - self.mean) / self.std

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


def split(samples: Samples, *, validation: float, seed: int) -> Split:
    """Split a data set.

    Classes keep their shares in both parts, as nearly as whole rows allow. What follows in time is
    not mixed: its last part is kept, so no target of it is seen in training.

    Args:
        validation: share of the rows that is kept for validation, between 0 and 1.
        seed: decides which rows, where time does not; the same seed gives the same split.

    Raises:
        DataError: the share or the seed is none, or a part would have no room for every class.
    """
    from sklearn.model_selection import train_test_split

    _check(samples, validation, seed)
    train, kept = train_test_split(
        range(len(samples.x)),
        test_size=validation,
        random_state=None if samples.by_time else seed,
        shuffle=not samples.by_time,
        stratify=samples.y.numpy() if samples.task == "classification" else None,
    )
    chosen = torch.tensor(train)
    x, y = samples.x[chosen], samples.y[chosen]
    table = samples.kind == "table"
    valued = samples.task == "regression"
    return Split(
        train=chosen,
        validation=torch.tensor(kept),
        mean=x.mean(dim=0) if table else None,
        std=_spread(x) if table else None,
        target_mean=y.mean(dim=0) if valued else None,
        target_std=_spread(y) if valued else None,
    )


def _check(samples: Samples, validation: float, seed: int) -> None:
    """Raise `DataError` for what scikit-learn would refuse in its own words."""
    if _no_number(validation, int | float) or not 0 < validation < 1:
        raise DataError(
            f"The share for validation is {shown(validation)}; a number between 0 and 1 works, "
            "such as 0.2."
        )
    if _no_number(seed, int) or not 0 <= seed <= _MAX_SEED:
        raise DataError(
            f"The seed of the split is {shown(seed)}; a whole number from 0 to {_MAX_SEED:,} works."
        )
    count, least = len(samples.x), 1
    if samples.task == "classification":
        numbers, sizes = np.unique(samples.y.numpy(), return_counts=True)
        least = len(numbers)
        if sizes.min() < 2:
            raise DataError(
                f"Class {samples.classes[numbers[sizes.argmin()]]} has 1 sample of {samples.name}, "
                "which cannot be in both parts; every class needs 2 or more."
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
        f"A share of {validation:g} of the {count} samples of {samples.name} leaves {size} for "
        f"{part}, too few for {why}; {works} would do."
    )


def _no_number(value: object, kind: type | UnionType) -> bool:
    return isinstance(value, bool) or not isinstance(value, kind)


def _spread(values: Tensor) -> Tensor:
    """Return the standard deviation of each column, 1 for a column that never changes."""
    std = values.std(dim=0, correction=0)
    return torch.where(std > 0, std, torch.ones_like(std))
