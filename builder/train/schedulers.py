"""The schedulers of `torch.optim.lr_scheduler` that need no code. One row each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch.optim import lr_scheduler

from builder.catalog.fields import Field
from builder.errors import RecipeError, shown


@dataclass(frozen=True)
class Scheduler:
    """One class of `torch.optim.lr_scheduler`.

    Args:
        name: the class.
        help: a sentence.
        fields: its arguments besides the optimizer, in torch's order.
        fill: what an argument that is left out is, by the length of the phase and the rates of
            the groups; torch has no default for it, or one that fits no run in particular.
        wants_metric: whether it follows the validation loss.
    """

    name: str
    help: str
    fields: Mapping[str, Field]
    fill: Mapping[str, Callable[[int, list[float]], Any]]
    wants_metric: bool = False

    def check(self, args: Mapping[str, Any]) -> None:
        """Raise `RecipeError` for the first argument that cannot work."""
        for name, value in args.items():
            if name not in self.fields:
                raise RecipeError(
                    f"{self.name} has no argument {shown(name)}; it has {', '.join(self.fields)}."
                )
            wrong = self.fields[name].problem(value)
            if wrong:
                raise RecipeError(f"{self.name}: {wrong}")
        milestones = args.get("milestones", ())
        if list(milestones) != sorted(set(milestones)):
            raise RecipeError(f"{self.name}: milestones must rise; they are {shown(milestones)}.")

    def arguments(self, args: Mapping[str, Any], length: int, rates: list[float]) -> dict[str, Any]:
        """Return all that torch is given, what was left out filled in."""
        filled = {name: make(length, rates) for name, make in self.fill.items()}
        return {**filled, **{name: value for name, value in args.items() if value is not None}}


def _part(share: float) -> Callable[[int, list[float]], int]:
    return lambda length, _: max(1, round(length * share))


def _own(factor: float) -> Callable[[int, list[float]], list[float]]:
    return lambda _, rates: [rate * factor for rate in rates]


# What torch cannot say: a sentence, and what fills an argument by length and rates.
_KNOWN: Mapping[str, tuple[str, Mapping[str, Callable[[int, list[float]], Any]]]] = {
    "CosineAnnealingLR": (
        "Falls along half a cosine to eta_min.", {"T_max": _part(1)},
    ),
    "LinearLR": (
        "Goes straight from start_factor to end_factor of the rate; a warm-up.",
        {"total_iters": _part(1)},
    ),
    "StepLR": ("Multiplies by gamma every step_size.", {"step_size": _part(1 / 3)}),
    "MultiStepLR": (
        "Multiplies by gamma at each milestone.",
        {"milestones": lambda n, _: sorted({max(1, n // 2), max(1, 3 * n // 4)})},
    ),
    "ExponentialLR": (
        "Multiplies by gamma each time.",
        {"gamma": lambda n, _: 0.01 ** (1 / max(1, n))},
    ),
    "OneCycleLR": (
        "Up to the rate, then down to almost nothing; once over the run.",
        {"max_lr": _own(1), "total_steps": lambda n, _: n + 1},
    ),
    "CosineAnnealingWarmRestarts": (
        "Falls along half a cosine, jumps back, and falls again.", {"T_0": _part(1 / 4)},
    ),
    "ReduceLROnPlateau": ("Multiplies by factor when the validation loss stops falling.", {}),
    "ConstantLR": (
        "A part of the rate at first, all of it later.", {"total_iters": _part(1 / 4)},
    ),
    "PolynomialLR": ("Falls to nothing along a power.", {"total_iters": _part(1)}),
    "CyclicLR": (
        "Back and forth between a tenth of the rate and the rate.",
        {"base_lr": _own(0.1), "max_lr": _own(1), "step_size_up": _part(1 / 8)},
    ),
}  # fmt: skip
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "LambdaLR": "Its argument is code.",
        "MultiplicativeLR": "Its argument is code.",
        "SequentialLR": "Phases, one after the other, are that.",
        "ChainedScheduler": "It multiplies several at once; phases follow one another.",
        "LRScheduler": "It is what all schedulers are made from.",
    }
)
_HIDDEN = {
    "optimizer", "last_epoch", "epochs", "steps_per_epoch", "scale_fn", "scale_mode", "mode",
    "base_lr", "max_lr", "total_steps", "eps",
}  # fmt: skip
_HELP = {
    "T_max": "How long the way down is; empty for the length of the phase.",
    "T_0": "How long the first fall is; empty for a quarter of the phase.",
    "T_mult": "By how much each fall is longer than the one before.",
    "base_momentum": "Momentum where the rate is highest.",
    "cooldown": "Epochs of rest after each reduction.",
    "cycle_momentum": "Move the momentum against the rate.",
    "anneal_strategy": "The shape of rise and fall.",
    "div_factor": "The first rate is the highest by this.",
    "end_factor": "Part of the rate at the end.",
    "eta_min": "Where the fall ends.",
    "factor": "What the rate is multiplied by.",
    "final_div_factor": "The last rate is the first by this.",
    "gamma": "What the rate is multiplied by; for ExponentialLR empty falls to a hundredth.",
    "max_momentum": "Momentum where the rate is lowest.",
    "milestones": "When; empty for half and three quarters of the phase.",
    "min_lr": "No rate falls below it.",
    "patience": "Epochs without a lower loss that are borne.",
    "pct_start": "Share of the phase in which the rate rises.",
    "power": "1 is a straight line.",
    "start_factor": "Part of the rate at the start.",
    "step_size": "How often; empty for a third of the phase.",
    "step_size_up": "How long a rise is; empty for an eighth of the phase.",
    "step_size_down": "How long a fall is; empty for as long as a rise.",
    "three_phase": "End with a stretch of its own, far below the first rate.",
    "threshold": "By how much a loss must be lower to count.",
    "threshold_mode": "Whether the threshold is a share of the loss.",
    "total_iters": "How long it takes; empty for the length of the phase.",
}
_CHOICES = {"anneal_strategy": ("cos", "linear"), "threshold_mode": ("rel", "abs")}
_SHARES = {"pct_start", "base_momentum", "max_momentum"}


def known_schedulers() -> tuple[str, ...]:
    """Return the names of all public schedulers of torch."""
    classes = ((name, getattr(lr_scheduler, name)) for name in dir(lr_scheduler))
    return tuple(
        name
        for name, cls in classes
        if inspect.isclass(cls)
        and issubclass(cls, lr_scheduler.LRScheduler)
        and not name.startswith("_")
    )


def _schedulers() -> Iterator[Scheduler]:
    rest = [name for name in known_schedulers() if name not in LEFT_OUT and name not in _KNOWN]
    for name in (*_KNOWN, *rest):
        help, fill = _KNOWN.get(name, (f"{name} of torch.optim.lr_scheduler.", {}))
        parameters = inspect.signature(getattr(lr_scheduler, name)).parameters
        fields = {
            key: _field(key, parameter, filled=key in fill)
            for key, parameter in parameters.items()
            if key not in _HIDDEN
        }
        yield Scheduler(name, help, fields, fill, name == "ReduceLROnPlateau")


def _field(name: str, parameter: inspect.Parameter, *, filled: bool) -> Field:
    default = parameter.default
    if filled or default is inspect.Parameter.empty:
        default = None
    facts: dict[str, Any] = {
        "default": default,
        "initial": default,
        "optional": default is None,
        "help": _HELP.get(name, f"{name} of torch."),
    }
    kind = str(parameter.annotation)
    if name in _CHOICES:
        return Field(name, "choice", choices=_CHOICES[name], **facts)
    if isinstance(default, bool):
        return Field(name, "bool", **facts)
    if name == "milestones":
        return Field(name, "ints", low=1, **facts)
    if kind.startswith(("int", "<class 'int'")):
        return Field(name, "int", low=0 if name in ("patience", "cooldown") else 1, **facts)
    share = name in _SHARES or name in ("start_factor", "end_factor")
    high = 1.0 if share else math.inf
    return Field(name, "float", low=0, high=high, **facts)


SCHEDULERS: Mapping[str, Scheduler] = MappingProxyType({row.name: row for row in _schedulers()})
