"""The record of a run, made before it starts of all that it is, and its way back to the queue."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from builder.build import DEFAULT_BUDGET, check, parameter_names
from builder.code import write_source
from builder.data import augment, load, mismatches
from builder.errors import DataError, RunError
from builder.spec import ModelSpec
from builder.store import Member, Run, Store
from builder.train import groups, schedules
from builder.train.checkpoint import Checkpoints
from builder.train.data import prepare_data
from builder.train.given import FACT, FILE, Given, given_to
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe


def record(
    store: Store,
    spec: ModelSpec,
    recipe: Recipe,
    *,
    model_id: str | None = None,
    budget: int = DEFAULT_BUDGET,
    name: str = "",
    paused: bool = False,
    given: Given | None = None,
    member: Member | None = None,
    **facts: Any,
) -> str:
    """Record a run, queued, and return its id.

    The record holds all that the run is: spec, recipe, code, a description of the data with their
    digest, and the versions of what computes.

    Args:
        name: what people call the run.
        paused: whether it stands still before its first batch, until it is told to go.
        given: the weights that it starts from, where it does not draw them.
        member: what it is in the sweep that it belongs to.
        facts: what else is known of it: the `sweep`, the torch `threads` that it is to have.

    Raises:
        TakenError: the sweep has another member of that number by now.
        ModelError, BudgetError: the model cannot run, is too large, or the weights do not fit.
        DataError: data and model do not fit; the message is the first mismatch.
        RecipeError: a setting cannot work.
    """
    check_start(spec, recipe, budget=budget)
    files = {}
    if given is not None:
        given.check(spec)
        files[FILE] = given.content()
    facts |= {
        "code": write_source(spec),
        "data": prepare_data(store.home, recipe),
        "versions": _versions(),
        "budget": budget,
        "paused": paused,
    }
    facts |= {"name": name} if name else {}
    facts |= {FACT: given.facts()} if given is not None else {}
    units = recipe.units(facts["data"]["train"])
    schedules.check(recipe.schedule, OPTIMIZERS[recipe.optimizer], units, recipe.schedule_by)
    return store.create_run(
        spec, recipe.to_json(), files, model_id=model_id, member=member, **facts
    )


def repeat(store: Store, run: Run, recipe: Recipe | None = None) -> str:
    """Record a run once more as it was, or with other settings; returns the new one's id.

    Raises:
        BuilderError: as `record`; the weights that it was given are not there any more.
    """
    return record(
        store,
        ModelSpec.from_json(run.spec),
        recipe or Recipe.from_json(run.recipe),
        model_id=run.model_id,
        budget=run.facts.get("budget", DEFAULT_BUDGET),
        given=given_to(store, run),
    )


def check_start(spec: ModelSpec, recipe: Recipe, *, budget: int = DEFAULT_BUDGET) -> None:
    """Raise what `record` raises, but for a schedule or a split that does not fit the samples.

    That is quick once the data are loaded: nothing is split, scaled or written.
    """
    check(spec, budget=budget)
    samples = load(recipe.dataset, **recipe.options)
    recipe.check(samples.task)
    augment.check(recipe.augment, samples.shape)
    groups.check(parameter_names(spec), recipe)
    wrong = mismatches(spec, samples, recipe.outputs(samples.outputs))
    if wrong:
        raise DataError(wrong[0].message)


def requeue(store: Store, run_id: str, *commands: tuple[str, Mapping[str, Any]]) -> None:
    """Queue a run that was stopped, failed or died, to go on from its last checkpoint.

    Args:
        commands: what it is told before it goes on, such as `("scale", {"factor": 0.1})`.

    Raises:
        RunError: it goes on already, is done, or has left no checkpoint.
    """
    run = store.run(run_id)
    if run.active or run.status == "finished":
        raise RunError(f"This run is {run.status}; only one that was cut short can go on.")
    if not Checkpoints(store.folder(run_id)).exist:
        raise RunError(
            "This run ended before its first checkpoint, so there is nothing to go on from; "
            "run it again."
        )
    store.take_commands(run_id)  # those that came too late for it to hear
    for name, args in commands:
        store.send(run_id, name, **args)
    store.update_run(run_id, status="queued", message="", handed=0.0, ended=None)


def _versions() -> dict[str, str]:
    packages = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {"python": platform.python_version(), **packages}
