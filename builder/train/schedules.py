"""Schedules: how the learning rates change over a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.optimizer import Optimizer

from builder.errors import RecipeError, shown
from builder.train.optimizers import OptimizerRow
from builder.train.schedulers import LEFT_OUT, SCHEDULERS
from builder.values import frozen


@dataclass(frozen=True)
class Phase:
    """A scheduler of `torch.optim.lr_scheduler` for a stretch of a run.

    Args:
        scheduler: its class.
        args: its arguments besides the optimizer.
        length: how many epochs, or steps where the recipe schedules by steps; `None` to the end,
            for the last phase only.
    """

    scheduler: str
    args: Mapping[str, Any] = field(default_factory=dict)
    length: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", frozen(self.args))


def check(phases: Sequence[Phase], row: OptimizerRow, total: int, by: str) -> None:
    """Raise `RecipeError` for the first phase that cannot work.

    Args:
        total: epochs, or steps, of the run.
        by: `epoch` or `step`, for the words.
    """
    used = 0
    for number, phase in enumerate(phases):
        known = SCHEDULERS.get(phase.scheduler)
        if known is None:
            why = LEFT_OUT.get(phase.scheduler, f"known are {', '.join(SCHEDULERS)}.")
            raise RecipeError(f"There is no scheduler {shown(phase.scheduler)} here: {why}")
        known.check(phase.args)
        if known.wants_metric and (len(phases) > 1 or by == "step"):
            raise RecipeError(
                f"{phase.scheduler} follows the validation loss, which is measured once an epoch; "
                "it works by epoch, and alone."
            )
        if phase.args.get("cycle_momentum") and row.momentum is None:
            raise RecipeError(
                f"{row.name} has no momentum for {phase.scheduler} to cycle; with cycle_momentum "
                "off it works."
            )
        last = number == len(phases) - 1
        length = phase.length
        if length is None:
            if not last:
                raise RecipeError(
                    f"Phase {number + 1}, {phase.scheduler}, has no end; only the last may be open."
                )
            length = max(1, total - used)
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            raise RecipeError(
                f"Phase {number + 1}, {phase.scheduler}, lasts {shown(length)} {by}s; a whole "
                "number from 1 up works."
            )
        used += length
        if used > total:
            raise RecipeError(
                f"The schedule is longer than the run: with phase {number + 1}, "
                f"{phase.scheduler}, it takes {used:,} {by}s, and the run has {total:,}. A shorter "
                "phase, or more epochs, would do."
            )


class Schedule:
    """The phases of a run, one after the other, over all groups of an optimizer.

    Each phase begins from the groups' own rates, as torch's `SequentialLR` has it.

    Args:
        total: epochs, or steps, of the run.

    Attributes:
        wants_metric: whether `step` takes the validation loss.
    """

    def __init__(self, phases: Sequence[Phase], optimizer: Optimizer, total: int) -> None:
        self.phases, self.optimizer, self.total = tuple(phases), optimizer, total
        self.wants_metric = any(SCHEDULERS[phase.scheduler].wants_metric for phase in phases)
        self.base = [float(group["lr"]) for group in optimizer.param_groups]
        self._begin(0)

    def _begin(self, index: int) -> None:
        self.index, self.position = index, 0
        phase = self.phases[index]
        before = sum(earlier.length or 0 for earlier in self.phases[:index])
        self.length = phase.length or max(1, self.total - before)
        for group, rate in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = rate
            group.pop("initial_lr", None)  # that of the phase before
        row = SCHEDULERS[phase.scheduler]
        given = row.arguments(phase.args, self.length, self.base)
        momentum = any(key in self.optimizer.defaults for key in ("momentum", "betas"))
        if "cycle_momentum" in row.fields and not momentum:
            given["cycle_momentum"] = False
        cls: Callable[..., Any] = getattr(lr_scheduler, phase.scheduler)
        self.current = cls(self.optimizer, **given)
        self._ends = "total_steps" in row.fill  # torch refuses to go beyond them

    def step(self, metric: float | None = None) -> None:
        """Go on by an epoch, or by a step."""
        self.position += 1
        if self.position == self.length and self.index + 1 < len(self.phases):
            self._begin(self.index + 1)
        elif self.wants_metric:
            self.current.step(metric)
        elif self.position <= self.length or not self._ends:
            self.current.step()

    def scale(self, factor: float, groups: Sequence[int]) -> None:
        """Multiply the rates of some groups, now and in all that the schedule will do with them."""
        for number in groups:
            self.base[number] *= factor
            group = self.optimizer.param_groups[number]
            for key in _RATES:
                if key in group:
                    group[key] = group[key] * factor
            for key in ("base_lrs", "max_lrs", "_last_lr"):
                rates = getattr(self.current, key, None)
                if rates is not None and len(rates) > number:
                    rates[number] = rates[number] * factor

    def state_dict(self) -> dict[str, Any]:
        """Return where it stands, in plain values."""
        return {
            "index": self.index,
            "position": self.position,
            "base": list(self.base),
            "current": self.current.state_dict(),
            "groups": [
                {key: value for key, value in group.items() if key != "params"}
                for group in self.optimizer.param_groups
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where it stood."""
        self.base = list(state["base"])
        self._begin(state["index"])
        self.position = state["position"]
        self.current.load_state_dict(state["current"])
        # To begin a phase sets the rates of its start.
        for group, kept in zip(self.optimizer.param_groups, state["groups"], strict=True):
            group.update(kept)


_RATES = ("lr", "initial_lr", "max_lr", "min_lr")


def make(phases: Sequence[Phase], optimizer: Optimizer, total: int) -> Schedule | None:
    """Return the schedule over an optimizer, `None` where there is none."""
    return Schedule(phases, optimizer, total) if phases else None


def scale(
    schedule: Schedule | None, optimizer: Optimizer, factor: float, groups: Sequence[int]
) -> None:
    """Multiply the learning rates of some groups; a schedule goes on from there."""
    if schedule is not None:
        schedule.scale(factor, groups)
        return
    for number in groups:
        optimizer.param_groups[number]["lr"] *= factor


def set_rate(
    schedule: Schedule | None, optimizer: Optimizer, lr: float, groups: Sequence[int]
) -> None:
    """Set the learning rates of some groups; a schedule goes on from there."""
    for number in groups:
        now = float(optimizer.param_groups[number]["lr"])
        if schedule is not None and now > 0:
            schedule.scale(lr / now, [number])
        optimizer.param_groups[number]["lr"] = lr


def plan(phases: Sequence[Phase], rates: Sequence[float], total: int) -> list[list[float]]:
    """Return the rate of each group in each epoch, or step, of the run that is planned.

    `ReduceLROnPlateau` follows what is not known yet: its rates stay.
    """
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    schedule = make(phases, optimizer, total)
    optimizer.step()  # torch wants it to be first
    planned: list[list[float]] = [[] for _ in rates]
    for _ in range(total):
        for line, group in zip(planned, optimizer.param_groups, strict=True):
            line.append(float(group["lr"]))
        if schedule is not None and not schedule.wants_metric:
            schedule.step()
    return planned


def code(phases: Sequence[Phase], rates: Sequence[float], total: int, by: str) -> str:
    """Return the code of a schedule, given `optimizer`."""
    if not phases:
        return ""
    made, ends, used = [], [], 0
    for phase in phases:
        length = phase.length or max(1, total - used)
        used += length
        row = SCHEDULERS[phase.scheduler]
        given = {
            name: _plain(value)
            for name, value in row.arguments(phase.args, length, list(rates)).items()
        }
        words = "".join(f", {name}={value!r}" for name, value in given.items())
        made.append(f"torch.optim.lr_scheduler.{phase.scheduler}(optimizer{words})")
        ends.append(used)
    when = "epoch" if by == "epoch" else "step of the optimizer"
    metric = "validation_loss" if SCHEDULERS[phases[0].scheduler].wants_metric else ""
    call = f"\n# after each {when}:\n# scheduler.step({metric})"
    if len(made) == 1:
        return f"scheduler = {made[0]}{call}"
    listed = "".join(f"        {entry},\n" for entry in made)
    return (
        "scheduler = torch.optim.lr_scheduler.SequentialLR(\n    optimizer,\n"
        f"    [\n{listed}    ],\n    milestones={ends[:-1]},\n){call}"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list) and len(set(value)) == 1:
        return value[0]
    return list(value) if isinstance(value, tuple) else value


# One click each: what many runs do, by the length of the run.


def warm_up_then_cosine(total: int) -> tuple[Phase, ...]:
    """Rise over a tenth of the run, then fall along a cosine."""
    warm = max(1, total // 10)
    if total < 2:
        return (Phase("CosineAnnealingLR"),)
    return (
        Phase("LinearLR", {"start_factor": 0.1}, warm),
        Phase("CosineAnnealingLR"),
    )


def steps_down(total: int) -> tuple[Phase, ...]:
    """Divide by ten after each third of the run."""
    return (Phase("StepLR", {"step_size": max(1, total // 3), "gamma": 0.1}),)


def one_cycle(total: int) -> tuple[Phase, ...]:
    """Rise to the rate and fall to almost nothing, once."""
    del total
    return (Phase("OneCycleLR"),)


def on_plateau(total: int) -> tuple[Phase, ...]:
    """Divide by ten when the validation loss stops falling."""
    return (Phase("ReduceLROnPlateau", {"patience": max(1, min(10, total // 10))}),)


CHAINS: Mapping[str, Callable[[int], tuple[Phase, ...]]] = MappingProxyType(
    {
        "Warm-up, then cosine": warm_up_then_cosine,
        "÷ 10 at each third": steps_down,
        "One cycle": one_cycle,
        "On a plateau": on_plateau,
    }
)
