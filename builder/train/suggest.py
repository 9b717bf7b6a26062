"""The settings to start from with a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from builder.data import load
from builder.data.samples import Task
from builder.train.losses import suggest_loss
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
    changed = replace(
        recipe,
        dataset=dataset,
        options=options,
        augment={},
        loss_args={},
        schedule=(),
        epochs=epochs,
        batch_size=32,
        lr=OPTIMIZERS[recipe.optimizer].lr * (1 if recipe.optimizer == "SGD" else factor),
    )
    return _with_usual_loss(changed, samples.task)


def for_options(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """Return a recipe for other settings of its data; all else stays, as far as it fits.

    Raises:
        DataError: the data cannot be had so.
    """
    samples = load(recipe.dataset, **options)
    return _with_usual_loss(replace(recipe, options=options), samples.task)


def _with_usual_loss(recipe: Recipe, task: Task) -> Recipe:
    """Return a recipe whose loss is neither wrong for the task nor the usual one of another."""
    others = {suggest_loss(other) for other in get_args(Task)} - {suggest_loss(task)}
    if recipe.loss in others:
        return replace(recipe, loss=suggest_loss(task), loss_args={})
    return recipe.with_loss_for(task)
