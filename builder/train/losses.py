"""The losses of `torch.nn` that fit a task. One row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn


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
