"""The model that is looked into: with fresh weights, those a run left, or those brought back.

What is chosen here counts on every page that looks into a model, and a refresh finds it again.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass

import streamlit as st
from torch import nn

from builder import BuilderError, ModelSpec
from builder.build import DEFAULT_BUDGET
from builder.data import title
from builder.errors import BudgetError, ModelError
from builder.files import LAST, kept, load_weights
from builder.files.shelf import Shelved, WeightShelf
from builder.labs.numbers import LARGEST_SEED
from builder.labs.subject import assembled, fresh, loaded
from builder.store import Run
from builder.train import Recipe
from ui import state

FRESH = "fresh"
_KEY = "subject"
_CACHED = 4


@dataclass
class Chosen:
    """Whose weights a session looks at.

    Args:
        weights: `fresh`, or the id of a run or of weights on the shelf; empty is the last run
            there is.
        kept: which of a run's weights, by the names of `builder.files.kept`.
        seed: of fresh weights.
    """

    weights: str = ""
    kept: str = LAST
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with weights.

    Args:
        made_from: what tells it from any other.
        spec: the open one, or that of the weights as it was when they were trained or brought.
        model: built, in evaluation. All sessions share it: look, and change nothing; what is to be
            hooked, trained or moved is a `twin` of it (`builder.labs.subject`).
        run: whose weights they are, `None` for fresh ones and those brought back.
        kept: which of its weights.
        fault: why it cannot run, `None` if it can.
        brought: the weights on the shelf that these are.
    """

    made_from: Hashable
    spec: ModelSpec
    model: nn.Module
    run: Run | None = None
    kept: str = LAST
    fault: BuilderError | None = None
    brought: Shelved | None = None


def chosen() -> Chosen:
    """Return this session's choice: the one it has, or that of the address."""
    found = state.get(_KEY)
    if found is None:
        seed = state.address("seed") or ""
        found = Chosen(
            state.address("weights") or "",
            state.address("kept") or LAST,
            min(int(seed), LARGEST_SEED) if seed.isdecimal() else 0,
        )
        state.put(_KEY, found)
    return found  # type: ignore[no-any-return]


def runs() -> dict[str, Run]:
    """Return the runs of the open model that have left weights, the newest first."""
    store = state.store()
    found = store.runs(model_id=state.workspace().model_id)
    return {run.id: run for run in found if LAST in kept(store.folder(run.id))}


def shelf() -> WeightShelf:
    """Return where the weights lie that were brought back for the open model."""
    return WeightShelf(state.store().home, state.workspace().model_id)


def look_into(id: str) -> None:
    """Choose the weights of a run, or those of this id on the shelf."""
    chosen().weights = id


def choose() -> None:
    """Draw the choice: fresh weights by their seed, those a run has left, those brought back."""
    here = chosen()
    titles = {run.id: run_title(run) for run in runs().values()}
    titles |= {one.id: f"Brought back: {one.title}" for one in shelf().listed()}
    titles |= {FRESH: "Fresh, untrained"}
    weights = here.weights if here.weights in titles else next(iter(runs()), FRESH)
    key = state.show("subject:weights", weights)
    st.selectbox(
        "Weights", list(titles), key=key, width=330, format_func=titles.__getitem__,
        on_change=lambda: setattr(here, "weights", state.get(key)),
    )  # fmt: skip
    if weights == FRESH:
        _choose_seed(here)
    elif weights in runs():
        _choose_kept(here, weights)
    state.set_address("weights", here.weights or None)
    state.set_address("kept", here.kept if here.kept != LAST else None)
    state.set_address("seed", str(here.seed) if here.seed else None)


def _choose_seed(here: Chosen) -> None:
    key = state.show("subject:seed", here.seed)
    st.number_input(
        "Seed", 0, LARGEST_SEED, step=1, key=key, width=140, help="Draws other fresh weights.",
        on_change=lambda: setattr(here, "seed", state.get(key)),
    )  # fmt: skip


def _choose_kept(here: Chosen, run_id: str) -> None:
    names = list(kept(state.store().folder(run_id)))
    if len(names) == 1:
        return
    key = state.show("subject:kept", here.kept if here.kept in names else LAST)
    st.selectbox(
        "Kept", names, key=key, width=130, format_func=str.capitalize,
        help="Which of the weights that the run has kept.",
        on_change=lambda: setattr(here, "kept", state.get(key)),
    )  # fmt: skip


def run_title(run: Run) -> str:
    """Return what a run is called in a list."""
    when = time.strftime("%d %b, %H:%M:%S", time.localtime(run.created))
    return f"Run of {when} on {title(Recipe.from_json(run.recipe).dataset)}, epoch {run.epoch:g}"


def subject(*, running: bool = True) -> Subject:
    """Return the model with the chosen weights.

    Args:
        running: whether it has to run; if not, one that cannot is its modules as far as they are
            known, and its fault.

    Raises:
        BuilderError: it cannot run, is too large, or the weights do not fit.
    """
    here, known = chosen(), runs()
    newest = next(iter(known.values()), None)
    brought = {one.id: one for one in shelf().listed()}.get(here.weights)
    if brought is not None:
        path = shelf().path(brought.id)
        model = _trained(brought.spec, DEFAULT_BUDGET, str(path), path.stat().st_mtime_ns)
        return Subject(brought.digest, ModelSpec.from_json(brought.spec), model, brought=brought)
    run = None if here.weights == FRESH else known.get(here.weights, newest)
    if run is None:
        spec = state.workspace().spec
        text = spec.to_json()
        made_from = (text, here.seed)
        try:
            return Subject(made_from, spec, _fresh(*made_from))
        except ModelError as error:
            if running or isinstance(error, BudgetError):
                raise
            return Subject(made_from, spec, _assembled(*made_from), fault=error)
    left = kept(state.store().folder(run.id))
    which = here.kept if here.kept in left else LAST
    path, changed = str(left[which]), left[which].stat().st_mtime_ns
    model = _trained(run.spec, run.facts.get("budget", DEFAULT_BUDGET), path, changed)
    return Subject((path, changed), ModelSpec.from_json(run.spec), model, run, which)


@st.cache_resource(max_entries=_CACHED, show_spinner="Building the model")
def _fresh(text: str, seed: int) -> nn.Module:
    return fresh(ModelSpec.from_json(text), seed).eval()


@st.cache_resource(max_entries=_CACHED, show_spinner=False)
def _assembled(text: str, seed: int) -> nn.Module:
    return assembled(ModelSpec.from_json(text), seed).eval()


@st.cache_resource(max_entries=_CACHED, show_spinner="Loading the weights")
def _trained(_text: str, _budget: int, path: str, changed: int) -> nn.Module:
    """Return a model with the weights of a file; kept by the file's name and time."""
    del changed
    with open(path, "rb") as file:
        weights = load_weights(file.read())
    return loaded(ModelSpec.from_json(_text), weights, budget=_budget).eval()
