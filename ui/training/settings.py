"""The settings of this session's next run, and what starts runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.data import DATASETS
from builder.train import Recipe
from builder.train.launch import Launcher
from builder.train.suggest import for_data
from ui import state

RUN = "run"
_RECIPE = "recipe"


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
    """Return settings whose data have the shape that the model takes, where there are such."""
    shape = ws.spec.inputs[0].shape
    for row in DATASETS.values():
        if row.shape == shape:
            return for_data(Recipe(), row.name)
    return Recipe()


def change(**values: Any) -> None:
    """Change some of the settings."""
    state.put(_RECIPE, replace(recipe(), **values))


def choose_data(name: str, options: Mapping[str, Any] | None = None) -> None:
    """Take other data, with the settings to start from with them."""
    try:
        state.put(_RECIPE, for_data(recipe(), name, options))
    except BuilderError:  # the form says what is wrong with them
        change(dataset=name, options=dict(options or {}))
