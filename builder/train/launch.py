"""Starting runs: a warm spare worker, a queue as long as it must be, and the word to stop."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from builder.build import DEFAULT_BUDGET, check, parameter_names
from builder.code import write_source
from builder.data import augment, load, mismatches
from builder.errors import DataError, RunError
from builder.home import HOME_VARIABLE
from builder.spec import ModelSpec
from builder.store import Store
from builder.train import groups, schedules
from builder.train.checkpoint import Checkpoints
from builder.train.data import prepare_data
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe
from builder.train.worker import at_once

_ROOT = Path(__file__).resolve().parents[2]
_NICENESS = 5
_HANDED_SECONDS = 20.0
_SWEEP_SECONDS = 2.0

# Every worker this process has started and not yet seen end. They are the process's children, not
# a launcher's: one that is forgotten with its launcher would stay behind as a zombie.
started: set[subprocess.Popen[str]] = set()


def record(
    store: Store,
    spec: ModelSpec,
    recipe: Recipe,
    *,
    model_id: str | None = None,
    budget: int = DEFAULT_BUDGET,
    name: str = "",
    sweep: str | None = None,
    paused: bool = False,
) -> str:
    """Record a run, queued, and return its id.

    The record holds all that the run is: spec, recipe, code, a description of the data with their
    digest, and the versions of what computes.

    Args:
        name: what people call the run.
        sweep: the sweep it belongs to.
        paused: whether it stands still before its first batch, until it is told to go.

    Raises:
        ModelError, BudgetError: the model cannot run, or is too large.
        DataError: data and model do not fit; the message is the first mismatch.
        RecipeError: a setting cannot work.
    """
    check(spec, budget=budget)
    samples = load(recipe.dataset, **recipe.options)
    recipe.check(samples.task)
    augment.check(recipe.augment, samples.shape)
    groups.check(parameter_names(spec), recipe)
    wrong = mismatches(spec, samples, recipe.outputs(samples.outputs))
    if wrong:
        raise DataError(wrong[0].message)
    facts: dict[str, Any] = {
        "code": write_source(spec),
        "data": prepare_data(store.home, recipe),
        "versions": _versions(),
        "budget": budget,
        "paused": paused,
    }
    facts |= {"name": name} if name else {}
    facts |= {"sweep": sweep} if sweep else {}
    units = recipe.units(facts["data"]["train"])
    schedules.check(recipe.schedule, OPTIMIZERS[recipe.optimizer], units, recipe.schedule_by)
    return store.create_run(spec, recipe.to_json(), model_id=model_id, **facts)


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


class Launcher:
    """Starts workers for one store. One a process; safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.spare: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._swept = 0.0

    def start(self, spec: ModelSpec, recipe: Recipe, **facts: Any) -> str:
        """Record a run and set it going, or queue it if the cores are taken; see `record`."""
        run_id = record(self.store, spec, recipe, **facts)
        self.sweep(now=True)
        return run_id

    def stop(self, run_id: str) -> None:
        """Stop a run: a queued one at once, a running one at its next look at the store."""
        run = self.store.run(run_id)
        if run.status == "queued" and self.store.claim(run_id, at_once=10**6):
            self.store.update_run(run_id, status="stopped", ended=time.time())
        elif run.active:
            self.store.send(run_id, "stop")

    def resume(self, run_id: str, *commands: tuple[str, Mapping[str, Any]]) -> None:
        """Let a run that was cut short go on from its last checkpoint; see `requeue`."""
        requeue(self.store, run_id, *commands)
        self.sweep(now=True)

    def sweep(self, *, now: bool = False) -> None:
        """Bury the dead and give free cores to those who wait; cheap enough for every look."""
        with self._lock:
            if not now and time.monotonic() - self._swept < _SWEEP_SECONDS:
                return
            self._swept = time.monotonic()
            started.difference_update([child for child in started if child.poll() is not None])
            self.store.bury()
            running = len(self.store.runs(status="running"))
            waiting = self.store.runs(status="queued")[::-1]
            handed = [run for run in waiting if time.time() - run.handed < _HANDED_SECONDS]
            free = at_once() - running - len(handed)
            for run in [run for run in waiting if run not in handed][: max(0, free)]:
                self.store.update_run(run.id, handed=time.time())
                self._hand(run.id)

    def keep_warm(self) -> None:
        """See to it that a spare worker stands ready; returns at once."""
        with self._lock:
            if self.spare is not None and self.spare.poll() is not None:
                self._dismiss()
            if self.spare is None:
                self.spare = self._process("--spare", stdin=subprocess.PIPE)

    def close(self) -> None:
        """Dismiss the spare worker; runs go on."""
        with self._lock:
            self._dismiss()

    def _dismiss(self) -> None:
        if self.spare is not None and self.spare.stdin is not None:
            self.spare.stdin.close()
            self.spare.kill()  # it has nothing to finish
            self.spare.wait()
        self.spare = None

    def _hand(self, run_id: str) -> None:
        """Give a run to the spare worker, or to a fresh one if the spare is gone."""
        spare, self.spare = self.spare, None
        if spare is not None and spare.stdin is not None:
            with suppress(BrokenPipeError), spare.stdin:
                if spare.poll() is None:
                    spare.stdin.write(f"{run_id}\n")
                    return
        self._process(run_id, stdin=subprocess.DEVNULL)

    def _process(self, argument: str, *, stdin: int) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            HOME_VARIABLE: str(self.store.home),
        }
        with (self.store.home / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "builder.train.worker", argument],
                stdin=stdin,
                stdout=log,
                stderr=log,
                text=True,
                cwd=_ROOT,
                env=environment,
                # It outlives the server, and an interrupt at the server's terminal is not its own.
                start_new_session=True,
                preexec_fn=_give_way if os.name == "posix" else None,
            )
        started.add(worker)
        return worker


def _versions() -> dict[str, str]:
    packages = {name: metadata.version(name) for name in ("torch", "numpy")}
    return {"python": platform.python_version(), **packages}


def _give_way() -> None:
    """Let the page's answers go before training."""
    os.nice(_NICENESS)
