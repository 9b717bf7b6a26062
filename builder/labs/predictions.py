"""What a model takes a picture for, and where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from builder.errors import LabError

_BATCH = 128


@dataclass(frozen=True)
class Prediction:
    """One class and what the model gives it: the score, and the share of all, from 0 to 1."""

    index: int
    name: str
    score: float
    share: float


def predictions(
    output: Tensor, classes: Sequence[str] = (), most: int = 10
) -> tuple[Prediction, ...]:
    """Return the classes that a model finds likeliest, the first first; none if it does not class.

    Args:
        output: what the model gave. (1, K) with K above 1 is a score a class. Scores that are
            shares already, or their logarithms (after Softmax, LogSoftmax), are taken as such.
        classes: names of the classes, if there are K of them.
        most: how many to return.
    """
    if output.dim() != 2 or output.shape[0] != 1 or output.shape[1] < 2:
        return ()
    scores = output[0].detach().double()
    found = _shares(scores)
    names = list(classes) if len(classes) == len(scores) else [str(i) for i in range(len(scores))]
    order = torch.argsort(found, descending=True, stable=True)[:most].tolist()
    return tuple(Prediction(i, names[i], scores[i].item(), found[i].item()) for i in order)


def _shares(scores: Tensor) -> Tensor:
    one = torch.ones((), dtype=scores.dtype)
    if bool((scores >= 0).all()) and torch.isclose(scores.sum(), one, atol=1e-5):
        return scores
    if bool((scores <= 0).all()) and torch.isclose(scores.exp().sum(), one, atol=1e-5):
        return scores.exp()
    return scores.softmax(0)


def next_mistake(model: nn.Module, x: Tensor, y: Tensor, after: int) -> int | None:
    """Return the next sample that a model takes for another class, round and round.

    Args:
        model: in evaluation.
        x, y: samples as the model takes them, (n, *shape), and the numbers of their classes, (n,).
        after: where to begin; this sample comes last.

    Returns:
        Its number; `None` if the model is right about every sample.

    Raises:
        LabError: the model gives no score for each class.
    """
    order = torch.arange(after + 1, after + 1 + len(x)) % len(x)
    for rows in torch.split(order, _BATCH):
        with torch.no_grad():
            scores = model(x[rows])
        if not isinstance(scores, Tensor) or scores.dim() != 2 or scores.shape[1] < 2:
            raise LabError("A mistake needs scores: a model that gives (N, K), one a class.")
        wrong = rows[scores.argmax(dim=1) != y[rows]]
        if len(wrong):
            return int(wrong[0])
    return None
