"""What pairs and sweeps start from: a ticked run, or the Train page as it is set now."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from builder import BuilderError
from builder.build import DEFAULT_BUDGET
from builder.data import load, title
from builder.store import Run
from builder.train.compare import opened
from builder.train.given import Given, given_to
from builder.train.record import check_start
from builder.train.scores import LAST_LOSS, measures
from builder.train.sweeps import Setup
from ui import state
from ui.runs.chosen import chosen_runs
from ui.text import escaped
from ui.training.given import given
from ui.training.settings import budget, recipe

_HERE = "train page"


@dataclass(frozen=True)
class Base:
    """A setup, where it is from, and what goes with it.

    Args:
        run: the run that it is from, if it is from one.
    """

    setup: Setup
    run: Run | None
    model_id: str | None
    budget: int

    def given(self) -> Given | None:
        """Return the weights that it starts from, `None` where it draws its own.

        Raises:
            BuilderError: they are not there any more.
        """
        return given_to(state.store(), self.run) if self.run else given()

    @property
    def name(self) -> str:
        """Tells it from others in the keys of widgets."""
        return self.run.id if self.run else _HERE


def choose_base(key: str) -> Base | None:
    """Draw the choice of what to start from; returns it, if it can be read.

    Args:
        key: of the widgets.
    """
    ticked = {run.id: opened(run) for run in chosen_runs()}
    titles = {run_id: one.title for run_id, one in ticked.items()} | {_HERE: "the Train page"}
    options = list(titles)
    st.selectbox(
        "Start from", options, key=f"{key}:base", format_func=lambda name: titles.get(name, name),
        persist_state="session",
        help="A ticked run as it was, or the model and the settings that are open now.",
    )  # fmt: skip
    name = state.get(f"{key}:base")
    one = ticked.get(name if name in titles else options[0])
    if one is None:
        ws = state.workspace()
        found = Base(Setup(ws.spec, recipe()), None, ws.model_id, budget())
    elif one.spec is None or one.recipe is None:
        st.warning(escaped(one.problem), icon=":material/block:")
        return None
    else:
        allowed = one.run.facts.get("budget", DEFAULT_BUDGET)
        found = Base(Setup(one.spec, one.recipe), one.run, one.run.model_id, allowed)
    setup = found.setup
    st.caption(escaped(f"{setup.spec.name} on {title(setup.recipe.dataset)}"))
    return found


def refusal(base: Base, setup: Setup) -> str | None:
    """Return why a setup cannot be started, `None` if it can."""
    try:
        check_start(setup.spec, setup.recipe, budget=base.budget)
    except BuilderError as error:
        return error.message
    return None


def measures_of(setup: Setup) -> list[str]:
    """Return the scores that runs of a setup can have."""
    try:
        return measures(load(setup.recipe.dataset, **setup.recipe.options).task)
    except BuilderError:
        return [LAST_LOSS]


def first_measure(paths: tuple[str, ...], known: list[str], usual: str) -> str:
    """Return the score to compare by at first: no loss, where it is the loss that varies."""
    if any(path.startswith("loss") for path in paths):
        return next((name for name in known if "loss" not in name), usual)
    return usual
