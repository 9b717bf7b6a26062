"""The settings of a training run, and the tables of losses and optimizers to choose from."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer

from builder.catalog.fields import Field
from builder.errors import RecipeError
from builder.train.groups import Group
from builder.train.schedules import Phase
from builder.values import frozen

FORMAT = 1
MAX_LR = 1e12


@dataclass(frozen=True)
class Loss:
    """One row: a loss of `torch.nn` that fits a task.

    Args:
        name: its class in `torch.nn`.
        tasks: what it can be used for.
        help: a sentence.
        target: the form of target it takes: `index` (a class number), `onehot` (a column for each
            class; one column where the model has one output), `value`.
        expects: what the model's output should be, in words.
    """

    name: str
    tasks: tuple[str, ...]
    help: str
    target: str
    expects: str

    def make(self) -> nn.Module:
        """Return the loss itself, with torch's defaults."""
        made = getattr(nn, self.name)()
        assert isinstance(made, nn.Module)
        return made

    def prepare(self, y: Tensor, outputs: int) -> Tensor:
        """Return targets in the form that this loss takes.

        Args:
            y: class numbers (n,) int64, or values (n, 1) float32.
            outputs: number of outputs of the model.
        """
        if self.target != "onehot" or y.dtype != torch.int64:
            return y
        if outputs == 1:
            return y.to(torch.float32).unsqueeze(1)
        return nn.functional.one_hot(y, outputs).to(torch.float32)


_BOTH = ("classification", "regression")
_LOSS_ROWS = (
    Loss(
        "CrossEntropyLoss",
        ("classification",),
        "The usual choice for classes: softmax and negative log likelihood in one.",
        "index",
        "raw scores, one for each class; no softmax at the end",
    ),
    Loss(
        "NLLLoss",
        ("classification",),
        "Negative log likelihood; the model itself ends with LogSoftmax.",
        "index",
        "log-probabilities, one for each class: LogSoftmax at the end",
    ),
    Loss(
        "MultiMarginLoss",
        ("classification",),
        "Asks the right class to win by a margin, as a support vector machine does.",
        "index",
        "raw scores, one for each class",
    ),
    Loss(
        "BCEWithLogitsLoss",
        ("classification",),
        "A yes or no for each class; with two classes one output is enough.",
        "onehot",
        "raw scores; no sigmoid at the end",
    ),
    Loss("MSELoss", _BOTH, "Mean of squared differences.", "onehot", "values near the target"),
    Loss("L1Loss", _BOTH, "Mean of absolute differences.", "onehot", "values near the target"),
    Loss(
        "SmoothL1Loss",
        _BOTH,
        "Squared near zero, absolute far away: outliers pull less.",
        "onehot",
        "values near the target",
    ),
    Loss(
        "HuberLoss",
        _BOTH,
        "As SmoothL1Loss, scaled by its delta.",
        "onehot",
        "values near the target",
    ),
)
LOSSES: Mapping[str, Loss] = MappingProxyType({row.name: row for row in _LOSS_ROWS})


def suggest_loss(task: str) -> str:
    """Return the loss that most people would take for a task."""
    return "CrossEntropyLoss" if task == "classification" else "MSELoss"


@dataclass(frozen=True)
class OptimizerRow:
    """One optimizer of `torch.optim`.

    Args:
        name: its class.
        help: a sentence.
        lr: a learning rate to start from.
        fields: its arguments besides the parameters and the learning rate, in torch's order.
        first: those that a person needs first.
        fused: whether torch has it in one kernel.
    """

    name: str
    help: str
    lr: float
    fields: Mapping[str, Field]
    first: tuple[str, ...]
    fused: bool


# What torch cannot say of an optimizer: a sentence, a first learning rate, what is needed first.
_KNOWN: Mapping[str, tuple[str, float, str]] = {
    "SGD": ("Steps down the gradient; with momentum it rolls on.", 0.05, "momentum nesterov"),
    "Adam": ("Adapts the step of every weight; a safe first choice.", 1e-3, "betas"),
    "AdamW": ("Adam with weight decay done right.", 1e-3, "weight_decay betas"),
    "RMSprop": ("Divides by a running size of the gradient.", 1e-3, "alpha momentum"),
    "Adagrad": ("Steps shrink where gradients have been large.", 1e-2, "lr_decay"),
    "Adadelta": ("Adagrad with a memory that fades; wants a large learning rate.", 1.0, "rho"),
    "Adamax": ("Adam by the largest gradient seen.", 2e-3, "betas"),
    "NAdam": ("Adam with Nesterov's look ahead.", 2e-3, "betas"),
    "RAdam": ("Adam with a careful start.", 1e-3, "betas"),
    "ASGD": ("Averages the weights of its last steps.", 1e-2, "alpha"),
    "Rprop": ("Uses only the sign of the gradient; for whole batches.", 1e-2, "etas"),
    "Adafactor": ("Adam with little memory, for large models.", 1e-2, ""),
}
# LBFGS needs the loss as a function, SparseAdam sparse gradients, Muon matrices only.
_NOT_ALONE = ("Optimizer", "LBFGS", "SparseAdam", "Muon")
_HIDDEN = {"params", "lr", "foreach", "maximize", "capturable", "differentiable", "fused"}
_HELP = {
    "momentum": "How much of the last step is kept.",
    "nesterov": "Look ahead along the momentum first; needs momentum and no dampening.",
    "dampening": "Takes this share off each new gradient in the momentum.",
    "weight_decay": "Pulls every weight towards zero.",
    "betas": "How slowly the running means of the gradient and of its square forget.",
    "eps": "Added to the denominator so that nothing divides by zero.",
    "alpha": "How slowly the running mean forgets.",
    "rho": "How slowly the running mean forgets.",
    "lr_decay": "How fast the learning rate falls.",
    "amsgrad": "Keep the largest running square seen.",
    "centered": "Subtract the running mean of the gradient.",
    "etas": "Factors by which a step shrinks and grows.",
    "step_sizes": "Smallest and largest step.",
}


def _optimizers() -> dict[str, OptimizerRow]:
    found = {}
    for name in sorted(
        dir(torch.optim), key=lambda n: (list(_KNOWN).index(n) if n in _KNOWN else 99, n)
    ):
        cls = getattr(torch.optim, name)
        if not (inspect.isclass(cls) and issubclass(cls, Optimizer)) or name in _NOT_ALONE:
            continue
        parameters = inspect.signature(cls).parameters
        help, lr, first = _KNOWN.get(name, (f"{name} of torch.optim.", 1e-3, ""))
        found[name] = OptimizerRow(
            name=name,
            help=help,
            lr=lr,
            fields={
                key: _field(key, parameter.default)
                for key, parameter in parameters.items()
                if key not in _HIDDEN and not _unwritable(parameter.default)
            },
            first=tuple(first.split()),
            fused="fused" in parameters,
        )
    return found


def _unwritable(default: Any) -> bool:
    """Whether a default cannot be shown in a form: there is none, or a list with a hole."""
    return default is inspect.Parameter.empty or (isinstance(default, tuple) and None in default)


def _field(name: str, default: Any) -> Field:
    help = _HELP.get(name, f"{name} of torch.optim.")
    if isinstance(default, bool):
        return Field(name, "bool", default=default, initial=default, help=help)
    if isinstance(default, tuple):
        high = 1.0 if name == "betas" else math.inf
        return Field(
            name, "floats", default=default, initial=default, low=0, high=high,
            length=len(default), help=help,
        )  # fmt: skip
    share = name in ("momentum", "alpha", "rho", "dampening")
    return Field(
        name,
        "float",
        default=default,
        initial=default,
        optional=default is None,
        low=0 if not (isinstance(default, float) and default < 0) else -math.inf,
        high=1.0 if share else math.inf,
        slider=(0, 1) if share else None,
        help=help,
    )


OPTIMIZERS: Mapping[str, OptimizerRow] = MappingProxyType(_optimizers())


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
        for name, value in self.optimizer_args.items():
            if name not in row.fields:
                raise RecipeError(
                    f"{row.name} has no argument {name!r}; it has {', '.join(row.fields)}."
                )
            wrong = row.fields[name].problem(value)
            if wrong:
                raise RecipeError(f"{row.name}: {wrong}")
        if self.optimizer_args.get("nesterov") and not self.optimizer_args.get("momentum"):
            raise RecipeError(
                "Nesterov looks ahead along the momentum, so momentum must be above 0."
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        whole = {"batch_size": 100_000, "epochs": 100_000}
        for name, high in whole.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
                raise RecipeError(f"{name} is {value!r}; a whole number from 1 to {high:,} works.")
        if not isinstance(self.lr, int | float) or not 0 <= self.lr <= MAX_LR:
            raise RecipeError(f"The learning rate is {self.lr!r}; a number above 0 works.")
        if not isinstance(self.validation, int | float) or not 0 < self.validation < 1:
            raise RecipeError(f"validation is {self.validation!r}; a share between 0 and 1 works.")
        if (
            isinstance(self.seed, bool)
            or not isinstance(self.seed, int)
            or not 0 <= self.seed < 2**32
        ):
            raise RecipeError(f"The seed is {self.seed!r}; a whole number from 0 up works.")
        if self.device not in devices():
            raise RecipeError(
                f"This machine has no device {self.device!r}; it has {', '.join(devices())}."
            )

    def outputs(self, classes: int) -> int | None:
        """Return how many outputs the loss asks for, `None` where more than one number will do.

        A loss that takes class numbers wants an output for each; a yes or no for each class can
        tell two of them by one output.
        """
        return classes if LOSSES[self.loss].target == "index" else None

    def make_optimizer(self, model: nn.Module) -> Optimizer:
        """Return the optimizer over all parameters of a model, in one kernel where torch can."""
        row = OPTIMIZERS[self.optimizer]
        cls: Callable[..., Optimizer] = getattr(torch.optim, self.optimizer)
        given = dict(self.optimizer_args)
        if row.fused and self.device in ("cpu", "cuda"):
            given["fused"] = True
        return cls(model.parameters(), lr=self.lr, **given)

    def optimizer_code(self) -> str:
        """Return the line of code that makes the optimizer."""
        given = "".join(f", {name}={value!r}" for name, value in self.optimizer_args.items())
        return f"torch.optim.{self.optimizer}(model.parameters(), lr={self.lr:g}{given})"

    def with_loss_for(self, task: str) -> Recipe:
        """Return the recipe with a loss that fits the task, its own if that does."""
        if self.loss in LOSSES and task in LOSSES[self.loss].tasks:
            return self
        return replace(self, loss=suggest_loss(task))
