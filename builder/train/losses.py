"""The losses of `torch.nn` that fit a task. One row each, their arguments by introspection."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from builder.catalog.fields import Field, signature
from builder.errors import RecipeError, shown

BALANCED = "balanced"
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Loss:
    """One row: a loss of `torch.nn` that fits a task.

    Args:
        name: its class in `torch.nn`.
        tasks: what it can be used for.
        help: a sentence.
        target: the form of target it takes: `index` (a class number), `onehot` (a column for each
            class; one column where the model has one output), `sign` (the same with -1 for 0),
            `value`; the last three take values as they are.
        expects: what the model's output should be, in words.
        threshold: where a single output turns from no to yes.
        low, high: the range outside which outputs mean nothing to it.
        counts: whether its targets are counts, which must not be standardised.
        fields: its own arguments, in torch's order; the mean over a batch is always taken.
    """

    name: str
    tasks: tuple[str, ...]
    help: str
    target: str
    expects: str
    threshold: float = 0.0
    low: float = -math.inf
    high: float = math.inf
    counts: bool = False
    fields: Mapping[str, Field] = field(default_factory=dict)

    def form(self, classes: int) -> dict[str, Field]:
        """Return the fields for a model with so many outputs: a weight for each."""
        return {
            name: replace(own, length=classes or None) if own.kind == "floats" else own
            for name, own in self.fields.items()
        }

    def check(self, args: Mapping[str, Any], classes: int = 0) -> None:
        """Raise `RecipeError` for the first argument that cannot work.

        Args:
            args: arguments by torch's names.
            classes: number of outputs of the model, 0 where it is not known yet.
        """
        form = self.form(classes)
        for name, value in args.items():
            if name not in form:
                own = f"; it has {', '.join(form)}" if form else ""
                raise RecipeError(f"{self.name} has no argument {shown(name)}{own}.")
            wrong = form[name].problem(value)
            if wrong:
                raise RecipeError(f"{self.name}: {wrong}")
        if self.target != "index" and classes == 1 and args.get("weight") is not None:
            raise RecipeError(
                f"{self.name}: weight is one number for each output, and the model has one output, "
                "so nothing would be weighed; empty works."
            )

    def make(
        self, args: Mapping[str, Any] = _NONE, y: Tensor | None = None, classes: int = 0
    ) -> nn.Module:
        """Return the loss itself.

        Args:
            args: arguments by torch's names. A class weight may be `"balanced"`: the weight of a
                class is n / (classes * count) over the classes that occur, as scikit-learn's
                `compute_class_weight` has it; `pos_weight` is then the negatives to a positive.
            y: the targets of training, as in `prepare`; "balanced" counts them, and the weights
                are put on their device.
            classes: number of outputs of the model, with which weights are counted.

        Raises:
            RecipeError: an argument that cannot work, or targets that the loss cannot take.
        """
        self.check(args, classes)
        if self.counts and y is not None and y.numel() and bool((y < 0).any()):
            raise RecipeError(
                f"{self.name} takes counts, and the smallest target is {float(y.min()):.3g}; "
                "targets from 0 up, not standardised, work."
            )
        given = dict(args)
        for name, own in self.fields.items():
            if own.kind == "floats" and given.get(name) is not None:
                given[name] = self._weights(name, given[name], y, classes)
        made = getattr(nn, self.name)(**given)
        assert isinstance(made, nn.Module)
        return made

    def prepare(self, y: Tensor, outputs: int) -> Tensor:
        """Return targets in the form that this loss takes.

        Args:
            y: class numbers (n, ...) int64, or values (n, 1) float32.
            outputs: number of outputs of the model.

        Returns:
            Class numbers and values as they are, or columns (n, outputs, ...) float32.
        """
        if self.target in ("index", "value") or y.dtype != torch.int64:
            return y
        if outputs == 1:
            columns = y.to(torch.float32).unsqueeze(1)
        else:
            columns = nn.functional.one_hot(y, outputs).to(torch.float32).movedim(-1, 1)
        return 2 * columns - 1 if self.target == "sign" else columns

    def fault(self, out: Tensor) -> str | None:
        """Return why a model's outputs mean nothing to this loss, `None` if they do.

        Args:
            out: outputs of the model, as the loss gets them.
        """
        if not out.numel() or not bool(out.isfinite().all()):
            return None
        low, high = float(out.min()), float(out.max())
        if low >= self.low and high <= self.high:
            return None
        return f"{self.name} expects {self.expects}; the model gives {low:.3g} to {high:.3g}."

    def code(self, args: Mapping[str, Any] = _NONE, classes: int = 0) -> str:
        """Return the line of code that makes the loss.

        It reads the names `y`, the targets of training as the loss takes them, where weights are
        balanced, and `torch` and `nn`.
        """
        given = []
        for name, value in args.items():
            text = repr(value)
            if self.fields[name].kind == "floats" and value is not None:
                text = self._weights_code(name, value, classes)
            given.append(f"{name}={text}")
        return f"nn.{self.name}({', '.join(given)})"

    def _weights(self, name: str, value: Any, y: Tensor | None, classes: int) -> Tensor:
        if value != BALANCED:
            return torch.tensor(value, dtype=torch.float32, device=None if y is None else y.device)
        if y is None:
            raise RecipeError(f"{self.name}: balanced weights are counted from the targets.")
        # A class that does not occur would be divided by 0; its weight is never used.
        if name == "pos_weight":
            columns = self.prepare(y, classes).movedim(1, -1).reshape(-1, classes)
            return (1 - columns).sum(0) / columns.sum(0).clamp(min=1)
        flat = y.flatten()
        counts = torch.bincount(flat, minlength=classes)
        return len(flat) / ((counts > 0).sum() * counts.clamp(min=1))

    def _weights_code(self, name: str, value: Any, classes: int) -> str:
        if value != BALANCED:
            return f"torch.tensor({[float(number) for number in value]!r})"
        if name == "pos_weight":
            return "(1 - y).sum(0) / y.sum(0).clamp(min=1)"
        numbers = "y" if self.target == "index" else "y.argmax(1)"
        least = f", minlength={classes}" if classes else ""
        counts = f"torch.bincount({numbers}{least}).clamp(min=1)"
        return f"len(y) / (len({numbers}.unique()) * {counts})"


_CLASSES, _VALUES = ("classification",), ("regression",)
_BOTH = (*_CLASSES, *_VALUES)
_NEAR = "values near the target"
_LOSS_ROWS = (
    Loss(
        "CrossEntropyLoss",
        _CLASSES,
        "The usual choice for classes: softmax and negative log likelihood in one.",
        "index",
        "raw scores, one for each class; no softmax at the end",
    ),
    Loss(
        "NLLLoss",
        _CLASSES,
        "Negative log likelihood; the model itself ends with LogSoftmax.",
        "index",
        "log-probabilities, one for each class: LogSoftmax at the end",
        high=1e-4,  # a logarithm of 1 that was rounded
    ),
    Loss(
        "MultiMarginLoss",
        _CLASSES,
        "Asks the right class to win by a margin, as a support vector machine does.",
        "index",
        "raw scores, one for each class",
    ),
    Loss(
        "BCEWithLogitsLoss",
        _CLASSES,
        "A yes or no for each class; with two classes one output is enough.",
        "onehot",
        "raw scores; no sigmoid at the end",
    ),
    Loss(
        "BCELoss",
        _CLASSES,
        "A yes or no for each class; the model itself ends with Sigmoid.",
        "onehot",
        "probabilities from 0 to 1: Sigmoid at the end",
        threshold=0.5,
        low=0.0,
        high=1.0,
    ),
    Loss(
        "MultiLabelSoftMarginLoss",
        _CLASSES,
        "A yes or no for each class, averaged over them, each with a weight of its own.",
        "onehot",
        "raw scores; no sigmoid at the end",
    ),
    Loss(
        "SoftMarginLoss",
        _CLASSES,
        "A yes or no for each class as plus and minus one: log(1 + exp(-y x)).",
        "sign",
        "raw scores, above 0 for yes",
    ),
    Loss("MSELoss", _BOTH, "Mean of squared differences.", "onehot", _NEAR, 0.5),
    Loss("L1Loss", _BOTH, "Mean of absolute differences.", "onehot", _NEAR, 0.5),
    Loss(
        "SmoothL1Loss",
        _BOTH,
        "Squared near zero, absolute far away: outliers pull less.",
        "onehot",
        _NEAR,
        0.5,
    ),
    Loss("HuberLoss", _BOTH, "As SmoothL1Loss, scaled by its delta.", "onehot", _NEAR, 0.5),
    Loss(
        "PoissonNLLLoss",
        _VALUES,
        "For counts: how likely they are where the model gives the logarithm of their mean.",
        "value",
        "the logarithm of the expected count, or the count itself where log_input is off",
        counts=True,
    ),
)

_PAIRS = "It compares two or three inputs of one model, and a recipe has one."
_ELSE = "It takes something else beside output and target: "
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "AdaptiveLogSoftmaxWithLoss": "It is the last layer of the model and the loss in one.",
        "LinearCrossEntropyLoss": "It is the last layer of the model and the loss in one.",
        "CTCLoss": _ELSE + "the lengths of inputs and of targets.",
        "GaussianNLLLoss": _ELSE + "a variance for each value.",
        "CosineEmbeddingLoss": _PAIRS,
        "HingeEmbeddingLoss": _PAIRS,
        "MarginRankingLoss": _PAIRS,
        "TripletMarginLoss": _PAIRS,
        "TripletMarginWithDistanceLoss": _PAIRS,
        "KLDivLoss": "With one class a sample it is NLLLoss, divided by the number of classes.",
        "MultiLabelMarginLoss": "With one class a sample it is MultiMarginLoss.",
        "NLLLoss2d": "It is NLLLoss by its old name.",
    }
)

# Torch's old ways of asking for a sum: the loop steps by the mean of a batch.
_REDUCTION = frozenset({"size_average", "reduce", "reduction"})
# BCELoss and BCEWithLogitsLoss weigh samples of one batch by `weight`, not classes.
_BATCH_WEIGHT = frozenset({"BCELoss", "BCEWithLogitsLoss"})
_WEIGHTS: Mapping[str, Any] = {
    "kind": "floats",
    "choices": (BALANCED,),
    "optional": True,
    "low": 0,
}
_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "weight": {
        **_WEIGHTS,
        "help": "How much each class counts; balanced makes rare classes count as much as others.",
    },
    "pos_weight": {
        **_WEIGHTS,
        "help": "How much a yes counts beside a no, for each output; balanced evens them out.",
    },
    "label_smoothing": {
        "low": 0,
        "high": 1,
        "slider": (0, 1),
        "help": "Share of the target that is spread evenly over all classes.",
    },
    "ignore_index": {"help": "Class number whose samples do not count, such as padding."},
    "p": {"low": 1, "high": 2, "help": "1 for the margin that is missing, 2 for its square."},
    "margin": {"help": "How far the right class should be ahead."},
    "beta": {"low": 0, "help": "Difference at which squared turns into absolute."},
    "delta": {
        "low": 0,
        "open_low": True,
        "help": "Difference at which squared turns into absolute.",
    },
    "log_input": {"help": "The model gives the logarithm of the expected count."},
    "full": {"help": "Add Stirling's approximation, so that the loss is the whole likelihood."},
    "eps": {"low": 0, "help": "Added before a logarithm where log_input is off."},
}


def _fields(name: str) -> Iterator[Field]:
    cls: Callable[..., nn.Module] = getattr(nn, name)
    for key, parameter in signature(cls).items():
        if key in _REDUCTION or (key == "weight" and name in _BATCH_WEIGHT):
            continue
        facts: dict[str, Any] = {"kind": _kind(parameter.default), **_ARGUMENTS[key]}
        yield Field(key, default=parameter.default, initial=parameter.default, **facts)


def _kind(default: Any) -> str:
    return type(default).__name__ if isinstance(default, bool | int) else "float"


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        row.name: replace(row, fields={own.name: own for own in _fields(row.name)})
        for row in _LOSS_ROWS
    }
)


def known_losses() -> tuple[str, ...]:
    """Return the names of all losses of `torch.nn`."""
    return tuple(name for name in dir(nn) if "Loss" in name and inspect.isclass(getattr(nn, name)))


def suggest_loss(task: str) -> str:
    """Return the loss that most people would take for a task."""
    return "CrossEntropyLoss" if task == "classification" else "MSELoss"
