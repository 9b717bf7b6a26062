"""The open model: its parameters, how each starts, and what was drawn for it."""

from __future__ import annotations

import streamlit as st

from builder import ModelSpec
from builder.labs.initialisation.drawn import Drawn, draws
from builder.labs.initialisation.places import Place, places
from builder.labs.numbers import LARGEST_SEED
from ui import state

SEED = "initial-seed"
_CACHED = 16


def opened(spec: ModelSpec) -> tuple[Place, ...]:
    """Return the parameters of a model, up to the layer that fails."""
    return _opened(spec.to_json())


@st.cache_data(max_entries=_CACHED, show_spinner=False)
def _opened(text: str) -> tuple[Place, ...]:
    return places(ModelSpec.from_json(text))


def drawn(spec: ModelSpec) -> dict[str, Drawn]:
    """Return what the model starts with, by the chosen seed; raises `BuilderError` if it cannot."""
    return _drawn(spec.to_json(), seed())


@st.cache_data(max_entries=_CACHED, show_spinner="Drawing the weights")
def _drawn(text: str, seed: int) -> dict[str, Drawn]:
    return draws(ModelSpec.from_json(text), seed)


def seed() -> int:
    """Return the seed that weights are drawn by on this page."""
    return int(state.get(SEED, 0))


def choose_seed() -> None:
    """Draw the choice of the seed."""
    st.number_input(
        "Seed", 0, LARGEST_SEED, 0, key=SEED, width=130, bind="query-params",
        help="The same seed draws the same weights, here and in the code.",
    )  # fmt: skip
