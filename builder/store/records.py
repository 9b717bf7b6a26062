"""What the store gives back: the record of a run, and what it measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACTIVE = ("queued", "running", "paused")


@dataclass(frozen=True)
class Run:
    """The record of one training run.

    Args:
        spec, recipe: JSON of the model and of the settings, as they were at the start.
        status: `queued`, `running`, `paused`, `finished`, `stopped` (by a person), `failed` (with
            a message) or `died` (the process vanished).
        message: what went wrong, in words; the last lines of the log for one that died.
        created, started, ended: seconds since 1970.
        step, epoch: how far it has come; the epoch with its fraction.
        facts: what is known of it besides: threads, torch's version, final metrics.
    """

    id: str
    model_id: str | None
    spec: str
    recipe: str
    status: str
    message: str
    created: float
    handed: float
    started: float | None
    ended: float | None
    pid: int | None
    pid_started: float | None
    step: int
    epoch: float
    facts: Mapping[str, Any]

    @property
    def active(self) -> bool:
        """Whether it runs or waits to."""
        return self.status in ACTIVE

    @property
    def name(self) -> str:
        """What people call it; nothing at first."""
        return str(self.facts.get("name", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """Words that people put on it."""
        return tuple(self.facts.get("tags", ()))

    @property
    def notes(self) -> str:
        """What people wrote on it."""
        return str(self.facts.get("notes", ""))

    @property
    def binned(self) -> float | None:
        """When it was put into the bin, seconds since 1970; `None` if it was not."""
        return self.facts.get("binned")

    @property
    def sweep(self) -> str | None:
        """The sweep it belongs to."""
        return self.facts.get("sweep")


@dataclass(frozen=True)
class Point:
    """One measurement of a run; `split` is `train` or `validation`."""

    id: int
    step: int
    epoch: float
    split: str
    metric: str
    value: float | None


@dataclass(frozen=True)
class Event:
    """What a person did to a run while it went on: `name` is the command, `args` its arguments."""

    step: int
    epoch: float
    name: str
    args: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Runs that vary one or two settings and are otherwise alike.

    Args:
        created: seconds since 1970.
        plan: JSON of what is tried; see `builder.train.sweeps.plan`.
        status: `going` while there are runs to come, `planned` when all have been recorded,
            `cancelled` by a person.
        given: what is known of the weights that all its runs start from, `None` where each draws
            its own.
        model_id, budget: of all its runs.
    """

    id: str
    created: float
    plan: str
    status: str
    given: Mapping[str, Any] | None
    model_id: str | None
    budget: int


@dataclass(frozen=True)
class Member:
    """One of a sweep: values of what is varied, a seed, and the run, if there could be one.

    Args:
        number: from 0, in the order in which they were recorded.
        values: a value for each setting that is varied.
        run: its id; `None` where the values could not work, or where it was deleted.
        problem: why the values could not work, in words.
    """

    number: int
    values: tuple[Any, ...]
    seed: int
    run: str | None
    problem: str = ""
