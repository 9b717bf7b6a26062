"""The batch that a model is run on to look into it: samples of a data set, or random numbers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from builder import BuilderError
from builder.data import DATASETS, load, title
from builder.labs.batches import fits, random_inputs, real_inputs
from builder.labs.numbers import LARGEST_SEED
from builder.train import Recipe
from ui.subject import Subject

_RANDOM = "random"
_SAMPLES = (2, 16, 64, 128, 256)


@dataclass(frozen=True)
class Batch:
    """One batch, and what tells it from any other.

    Args:
        inputs: a tensor for each input of the model, (N, *shape).
        source: what people call the data.
    """

    made_from: Hashable
    inputs: tuple[Tensor, ...]
    source: str


def choose_batch(here: Subject, samples: int = 64) -> Batch:
    """Draw the choice of data and of how many samples; a refresh finds it again.

    Args:
        samples: how many at first, one of 2, 16, 64, 128 and 256.

    Raises:
        BuilderError: the data cannot be had any more.
    """
    data = _choose_data(here)
    seed = 0
    if data == _RANDOM:
        seed = st.number_input(
            "Seed of the input", 0, LARGEST_SEED, 0, key="input-seed", width=150,
            bind="query-params", help="Draws other random numbers.",
        )  # fmt: skip
    count = st.select_slider(
        "Samples", _SAMPLES, samples, key="samples", width=170, bind="query-params"
    )
    if data == _RANDOM:
        inputs = random_inputs(here.spec, count, seed)
        return Batch((here.made_from, seed, count), inputs, "Random normal")
    recipe = _recipe(here, data)
    inputs = real_inputs(load(data, **recipe.options), recipe, count)
    return Batch((here.made_from, recipe.to_json(), count), inputs, title(data))


def _choose_data(here: Subject) -> str:
    """Draw the choice among data sets whose samples fit, that of the run first, and random ones."""
    names = [row.name for row in DATASETS.values() if fits(here.spec, row.shape, row.kind)]
    own = _own(here)
    if own is not None:
        names = [own, *(name for name in names if name != own)]
    return st.selectbox(
        "Input", [*names, _RANDOM], key="input", width=200, bind="query-params",
        format_func=lambda name: "Random normal" if name == _RANDOM else title(name),
        help="Samples that training keeps for validation, or standard normal numbers.",
    )  # fmt: skip


def _own(here: Subject) -> str | None:
    """Return the data that the weights were learned from, `None` if they are not there."""
    if here.run is None:
        return None
    recipe = Recipe.from_json(here.run.recipe)
    try:
        load(recipe.dataset, **recipe.options)
    except BuilderError:
        return None
    return recipe.dataset


def _recipe(here: Subject, data: str) -> Recipe:
    """Return the settings of the run, if it learned from these data; else the usual ones."""
    if here.run is not None:
        found = Recipe.from_json(here.run.recipe)
        if found.dataset == data:
            return found
    return Recipe(dataset=data)
