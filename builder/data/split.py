"""Which samples are kept for validation, and the scale that the others set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from builder.data.datasets import Samples
from builder.errors import DataError


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


def split(samples: Samples, *, validation: float, seed: int) -> Split:
    """Split a data set; classes keep their shares in both parts.

    Raises:
        DataError: a part would be empty, or lack a class.
    """
    from sklearn.model_selection import train_test_split

    rows = torch.arange(len(samples.x)).numpy()
    classes = samples.y.numpy() if samples.task == "classification" else None
    try:
        train, kept = train_test_split(
            rows, test_size=validation, random_state=seed, stratify=classes
        )
    except ValueError:
        raise DataError(
            f"{len(rows)} samples cannot be split with {validation:.0%} for validation so that "
            f"both parts hold every class; a share nearer to one half works."
        ) from None
    chosen = torch.from_numpy(train)
    x, y = samples.x[chosen], samples.y[chosen]
    table = samples.kind == "table"
    valued = samples.task == "regression"
    return Split(
        train=chosen,
        validation=torch.from_numpy(kept),
        mean=x.mean(dim=0) if table else None,
        std=_spread(x) if table else None,
        target_mean=y.mean(dim=0) if valued else None,
        target_std=_spread(y) if valued else None,
    )


def _spread(values: Tensor) -> Tensor:
    """Return the standard deviation of each column, 1 for a column that never changes."""
    std = values.std(dim=0, correction=0)
    return torch.where(std > 0, std, torch.ones_like(std))
