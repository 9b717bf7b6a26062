"""The settings to start from with a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.data import load
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe

# By the kind of data: epochs, and the optimizer's usual rate times this.
_FIRST = {"picture": (10, 1), "sequence": (50, 5), "series": (50, 1), "text": (10, 3)}
_SMALL = (200, 10)
_LARGE = 5_000  # samples: a table of more is no toy
_FOR_LARGE = (20, 1)


def for_data(recipe: Recipe, dataset: str, options: Mapping[str, Any] | None = None) -> Recipe:
    """Return a recipe for other data: what belongs to the old ones is as it is at first.

    Raises:
        DataError: there are no such data.
    """
    options = options or {}
    samples = load(dataset, **options)
    large = len(samples.x) > _LARGE
    epochs, factor = _FIRST.get(samples.kind, _FOR_LARGE if large else _SMALL)
    return replace(
        recipe,
        dataset=dataset,
        options=options,
        augment={},
        loss_args={},
        schedule=(),
        epochs=epochs,
        batch_size=32,
        lr=OPTIMIZERS[recipe.optimizer].lr * (1 if recipe.optimizer == "SGD" else factor),
    ).with_loss_for(samples.task)
