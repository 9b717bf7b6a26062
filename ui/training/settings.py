"""The settings of this session's next run, and what starts runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.build import DEFAULT_BUDGET
from builder.data import DATASETS
from builder.train import Recipe
from builder.train.launch import Launcher
from builder.train.suggest import for_data, for_options
from ui import state

RUN, BUDGET = "run", "budget"
_RECIPE = "recipe"
_UNREAD = "recipe:unread"  # data for which there are no settings to start from yet


@st.cache_resource(on_release=Launcher.close)
def launcher() -> Launcher:
    """Return what starts workers, shared by all sessions."""
    return Launcher(state.store())


def recipe() -> Recipe:
    """Return this session's settings: those it has, those of the model's last run, or the first."""
    found = state.get(_RECIPE)
    if found is None:
        ws = state.workspace()
        runs = state.store().runs(model_id=ws.model_id)
        found = Recipe.from_json(runs[0].recipe) if runs else _first_recipe(ws)
        state.put(_RECIPE, found)
    return found  # type: ignore[no-any-return]


def _first_recipe(ws: state.Workspace) -> Recipe:
    """Return settings with the data that come nearest to what the model takes."""
    entry = ws.spec.inputs[0]
    words = entry.dtype == "int64"
    rows = [row for row in DATASETS.values() if (row.kind == "text") == words]
    nearest = max(
        rows,
        key=lambda row: (
            row.shape == entry.shape,
            prod(row.shape) == prod(entry.shape),
            len(row.shape) == len(entry.shape),
        ),
    )
    return for_data(Recipe(), nearest.name)


def budget() -> int:
    """Return how many parameters a model may have."""
    found: int = state.get(BUDGET, DEFAULT_BUDGET)
    return found


def change(**values: Any) -> None:
    """Change some of the settings."""
    state.put(_RECIPE, replace(recipe(), **values))


def choose_data(name: str, options: Mapping[str, Any] | None = None) -> None:
    """Take other data, with the settings to start from with them."""
    try:
        state.put(_RECIPE, for_data(recipe(), name, options))
        state.put(_UNREAD, None)
    except BuilderError:  # the form says what is wrong with them
        change(dataset=name, options=dict(options or {}))
        state.put(_UNREAD, name)


def choose_options(options: Mapping[str, Any]) -> None:
    """Take other settings of the same data; what else was chosen stays, as far as it can."""
    if state.get(_UNREAD) == recipe().dataset:
        choose_data(recipe().dataset, options)
        return
    try:
        state.put(_RECIPE, for_options(recipe(), options))
    except BuilderError:
        change(options=dict(options))
