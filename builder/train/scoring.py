"""Weights scored on the samples that a recipe keeps for validation, as a run scores its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from builder.build import DEFAULT_BUDGET
from builder.data import load, mismatches
from builder.errors import DataError
from builder.labs.subject import loaded
from builder.spec import ModelSpec
from builder.train.data import load_data
from builder.train.losses import LOSSES
from builder.train.measure import Measure, outputs_of
from builder.train.recipe import Recipe


def validation_scores(
    home: Path,
    spec: ModelSpec,
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    *,
    budget: int = DEFAULT_BUDGET,
) -> dict[str, float]:
    """Return the loss and the quick scores of weights on the validation samples of a recipe.

    Args:
        home: the home folder of the store, where the data of recipes lie.

    Raises:
        ModelError: the model cannot run, or is too large.
        DataError: the data do not fit the model.
        RecipeError: a setting cannot work.
    """
    samples = load(recipe.dataset, **recipe.options)
    recipe.check(samples.task)
    wrong = mismatches(spec, samples, recipe.outputs(samples.outputs))
    if wrong:
        raise DataError(wrong[0].message)
    found = load_data(home, recipe)
    model = loaded(spec, weights, budget=budget).eval()
    data, row = found.data, LOSSES[recipe.loss]
    outputs = outputs_of(model, data.x)
    measure = Measure(row, row.make(recipe.loss_args, data.y, outputs), found.task, outputs)
    return measure(model, data.x_validation, data.y_validation)
