"""The settings of a training run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import Optimizer

from builder.catalog.fields import Field
from builder.data.split import MAX_SEED, METHODS
from builder.errors import RecipeError, shown
from builder.train.groups import Group, parameter_groups
from builder.train.losses import LOSSES, suggest_loss
from builder.train.optimizers import OPTIMIZERS
from builder.train.schedules import Phase
from builder.values import frozen

FORMAT = 1
MAX_LR = 1e12
_MOST = 100_000
PRECISIONS = ("float32", "bfloat16", "float16")


def devices() -> tuple[str, ...]:
    """Return the devices of this machine: `cpu`, and `cuda` or `mps` where there is one."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def _made(kind: type[Any], value: Any) -> Any:
    """Return a part of a recipe, which comes out of JSON as a mapping."""
    return kind(**value) if isinstance(value, Mapping) else value


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; plain data.

    Args:
        dataset, options: the data set and its own settings.
        split: how samples are kept for validation: `random` (classes keep their shares), `time`
            (the last ones; a series is always split so) or `folds`.
        validation: share of the samples that is kept for validation.
        folds, fold: with `folds`, how many parts, and which of them, from 0, is kept.
        augment: rows of `AUGMENTATIONS` and their arguments, for pictures in training.
        loss, loss_args: a row of `LOSSES` and its arguments.
        optimizer, optimizer_args: a row of `OPTIMIZERS` and its arguments.
        lr: learning rate.
        groups: parameters with settings of their own; all others have the recipe's.
        schedule, schedule_by: what the learning rates do, a phase after the other, counted in
            `epoch` or in `step`.
        batch_size: samples a batch.
        accumulate: batches whose gradients make one step.
        epochs: passes over the training samples.
        clip_norm, clip_value: bounds on the norm of all gradients, and on each number of them.
        l1, l2: weights of the sum of absolute values, and of half the sum of squares, of all
            trained parameters in the loss.
        precision: `float32`, or `bfloat16` or `float16` for what autocast lowers.
        patience: epochs without a better validation loss after which the run ends.
        minutes: of training after which it ends.
        keep_best: whether the weights with the lowest validation loss are kept beside the last.
        keep_epochs: epochs whose weights are kept as well.
        checkpoint_every: steps from one checkpoint to the next; `None` for every few seconds.
        seed: of the weights, of the split and of the order of the samples.
        device: where it trains.
    """

    dataset: str = "mnist"
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str = "random"
    validation: float = 0.2
    folds: int = 5
    fold: int = 0
    augment: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    loss: str = "CrossEntropyLoss"
    loss_args: Mapping[str, Any] = field(default_factory=dict)
    optimizer: str = "Adam"
    optimizer_args: Mapping[str, Any] = field(default_factory=dict)
    lr: float = 1e-3
    groups: tuple[Group, ...] = ()
    schedule: tuple[Phase, ...] = ()
    schedule_by: str = "epoch"
    batch_size: int = 32
    accumulate: int = 1
    epochs: int = 10
    clip_norm: float | None = None
    clip_value: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    precision: str = "float32"
    patience: int | None = None
    minutes: float | None = None
    keep_best: bool = True
    keep_epochs: tuple[int, ...] = ()
    checkpoint_every: int | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("options", "loss_args", "optimizer_args"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        object.__setattr__(self, "augment", {k: frozen(v) for k, v in self.augment.items()})
        object.__setattr__(self, "groups", tuple(_made(Group, g) for g in self.groups))
        object.__setattr__(self, "schedule", tuple(_made(Phase, p) for p in self.schedule))
        object.__setattr__(self, "keep_epochs", tuple(self.keep_epochs))

    def to_json(self) -> str:
        """Return the settings as JSON, format 1."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read settings; raises `RecipeError` that says what is wrong."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecipeError(
                f"The recipe is not JSON: {error.msg}, line {error.lineno}."
            ) from None
        if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
            raise RecipeError(f'A recipe is a JSON object with "format": {FORMAT}.')
        known = {entry.name for entry in fields(cls)}
        unknown = sorted(set(found) - known)
        if unknown:
            raise RecipeError(f"A recipe has no {unknown[0]!r}; it has {', '.join(sorted(known))}.")
        try:
            return cls(**found)
        except (TypeError, ValueError, AttributeError) as error:
            raise RecipeError(f"The recipe has a value of a wrong type: {error}.") from None

    def check(self, task: str) -> None:
        """Raise `RecipeError` for the first setting that cannot work with a task."""
        if self.loss not in LOSSES:
            raise RecipeError(f"There is no loss {self.loss!r}; known are {', '.join(LOSSES)}.")
        if task not in LOSSES[self.loss].tasks:
            fitting = ", ".join(row.name for row in LOSSES.values() if task in row.tasks)
            raise RecipeError(
                f"{self.loss} does not fit {task}, whose target is "
                f"{'a class' if task == 'classification' else 'a number'}; these do: {fitting}."
            )
        row = OPTIMIZERS.get(self.optimizer)
        if row is None:
            raise RecipeError(
                f"There is no optimizer {self.optimizer!r}; known are {', '.join(OPTIMIZERS)}."
            )
        row.check(self.optimizer_args)
        LOSSES[self.loss].check(self.loss_args)
        if row.closure and self.accumulate > 1:
            raise RecipeError(
                f"{row.name} computes its loss several times a step, so a step is one batch; "
                "accumulate is 1 with it, and a larger batch does the same."
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        for name, row in FIELDS.items():
            value = getattr(self, name)
            wrong = row.problem(None if value == () else value)
            if wrong is not None:
                raise RecipeError(wrong)
        if self.device not in devices():
            raise RecipeError(
                f"This machine has no device {shown(self.device)}; it has {', '.join(devices())}."
            )
        if self.precision == "float16" and self.device == "cpu":
            raise RecipeError("float16 needs a graphics card; on the cpu bfloat16 works.")

    def units(self, samples: int) -> int:
        """Return how many epochs, or steps of the optimizer, the schedule counts.

        Args:
            samples: for training.
        """
        if self.schedule_by == "epoch":
            return self.epochs
        batches = math.ceil(samples / self.batch_size)
        return self.epochs * math.ceil(batches / self.accumulate)

    def outputs(self, classes: int) -> int | None:
        """Return how many outputs the loss asks for, `None` where more than one number will do.

        A loss that takes class numbers wants an output for each; a yes or no for each class can
        tell two of them by one output.
        """
        return classes if LOSSES[self.loss].target == "index" else None

    def make_optimizer(self, model: nn.Module) -> Optimizer:
        """Return the optimizer over all parameters of a model, in one kernel where torch can.

        Raises:
            RecipeError: the groups do not fit the model.
        """
        row = OPTIMIZERS[self.optimizer]
        cls: Callable[..., Optimizer] = getattr(torch.optim, self.optimizer)
        given = dict(self.optimizer_args)
        if row.fused and self.device in ("cpu", "cuda"):
            given["fused"] = True
        return cls(parameter_groups(model, self), lr=self.lr, **given)

    def with_loss_for(self, task: str) -> Recipe:
        """Return the recipe with a loss that fits the task, its own if that does."""
        if self.loss in LOSSES and task in LOSSES[self.loss].tasks:
            return self
        return replace(self, loss=suggest_loss(task))


def _whole(name: str, help: str, *, low: int = 1, high: int = _MOST, **more: Any) -> Field:
    return Field(name, "int", low=low, high=high, help=help, **more)


def _number(name: str, help: str, **more: Any) -> Field:
    return Field(name, "float", **{"low": 0, "high": MAX_LR, "help": help, **more})


_FIELDS = (
    Field("split", "choice", choices=tuple(METHODS), help=" ".join(
        f"{name}: {words}" for name, words in METHODS.items()
    )),
    _number("validation", "Share of the samples that the model does not learn from.",
            open_low=True, high=0.99, slider=(0.05, 0.5)),
    _whole("folds", "Equal parts of the samples.", low=2, high=100, slider=(2, 10)),
    _whole("fold", "Which of the folds is kept for validation, from 0.", low=0, high=99,
           slider=(0, 4)),
    _number("learning rate", "How far each step goes."),
    Field("schedule_by", "choice", choices=("epoch", "step"), help="What the schedule counts."),
    _whole("batch_size", "Samples a batch."),
    _whole("accumulate", "Gradients of so many batches make one step; their mean counts.",
           high=10_000),
    _whole("epochs", "Passes over the training samples."),
    _number("clip_norm", "Shortens the gradient of all parameters to this.",
            open_low=True, optional=True),
    _number("clip_value", "Bounds each number of the gradient.", open_low=True, optional=True),
    _number("l1", "Weight of the sum of absolute values in the loss."),
    _number("l2", "Weight of half the sum of squares in the loss."),
    Field("precision", "choice", choices=PRECISIONS,
          help="What autocast lowers: layers that multiply matrices. The weights stay float32."),
    _whole("patience", "Epochs without a lower validation loss after which the run ends.",
           optional=True),
    _number("minutes", "Minutes of training after which the run ends.",
            open_low=True, optional=True),
    Field("keep_best", "bool",
          help="The weights with the lowest validation loss, beside the last."),
    Field("keep_epochs", "ints", low=1, optional=True,
          help="Epochs whose weights are kept, beside the last and the best."),
    _whole("checkpoint_every", "Steps from one checkpoint to the next; a crash loses no more.",
           high=10**9, optional=True),
    _whole("seed", "Of the weights, the split and the order of the samples.", low=0, high=MAX_SEED,
           slider=(0, 4)),
)  # fmt: skip
_KEYS = {"learning rate": "lr"}
# The settings that are a plain value, in the recipe's order; a row has the name that people read.
FIELDS: Mapping[str, Field] = MappingProxyType({_KEYS.get(f.name, f.name): f for f in _FIELDS})
