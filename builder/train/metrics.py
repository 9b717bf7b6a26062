"""Scores of a model's outputs: one row each, by the task they fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from builder.errors import RunError, shown

Better: TypeAlias = Literal["higher", "lower"]
_SUMS_TO_ONE = 1e-4


@dataclass(frozen=True)
class Answers:
    """What a model said of some samples, and what is true; what is derived is derived once.

    Args:
        out: outputs (n, outputs), float32: of classes one for each, or one that says yes above 0;
            otherwise a value.
        y: class numbers, int64 (n,), or values (n, 1).
    """

    out: Tensor
    y: Tensor

    @cached_property
    def finite(self) -> bool:
        """Whether every output is a number."""
        return bool(torch.isfinite(self.out).all())

    @cached_property
    def true(self) -> NDArray[Any]:
        """What is true, (n,)."""
        return self.y.flatten().cpu().numpy()

    @cached_property
    def values(self) -> NDArray[Any]:
        """The outputs as values, (n,)."""
        return self.out.flatten().cpu().numpy()

    @cached_property
    def chosen(self) -> NDArray[Any]:
        """The class chosen for each sample, (n,)."""
        return chosen(self.out).cpu().numpy()

    @cached_property
    def present(self) -> list[int]:
        """The classes that occur among the true ones."""
        return [int(number) for number in np.unique(self.true)]

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The probability of each class, (n, classes): a softmax, unless the outputs are some."""
        out = self.out.double()
        if out.shape[1] == 1:
            yes = out.squeeze(1).sigmoid()
            out = torch.stack([1 - yes, yes], dim=1)
        elif out.amin() < 0 or (out.sum(dim=1) - 1).abs().max() > _SUMS_TO_ONE:
            out = out.softmax(dim=1)
        found: NDArray[np.float64] = (out / out.sum(dim=1, keepdim=True)).cpu().numpy()
        return found


Scored: TypeAlias = Callable[[Answers], float | None]


@dataclass(frozen=True)
class Metric:
    """One score.

    Args:
        name: as curves and tables call it.
        task: what it scores, `classification` or `regression`.
        better: whether a higher or a lower value is better.
        help: what it says, in a sentence.
        of: gives the score, `None` where it is not defined.
        cheap: whether it may be taken of training batches as they pass.
    """

    name: str
    task: str
    better: Better
    help: str
    of: Scored
    cheap: bool = False


def chosen(out: Tensor) -> Tensor:
    """Return the class that outputs (n, outputs) choose, int64 (n,).

    A single output says yes above 0, as its sigmoid does above one half.
    """
    return (out.squeeze(1) > 0).long() if out.shape[1] == 1 else out.argmax(dim=1)


def accuracy(out: Tensor, y: Tensor) -> float:
    """Return the share of samples whose class is right; see `chosen`."""
    return float((chosen(out) == y).float().mean())


def r_squared(out: Tensor, y: Tensor) -> float:
    """Return the coefficient of determination: 1 is perfect, 0 as good as the mean."""
    residual = float(((y - out) ** 2).sum())
    spread = float(((y - y.mean()) ** 2).sum())
    return 1.0 - residual / spread if spread else 0.0


def _of_classes(name: str, **args: Any) -> Scored:
    """Return a score of scikit-learn that compares chosen and true classes."""

    def score(given: Answers) -> float | None:
        from sklearn import metrics

        if len(given.present) < 2 or not given.finite:
            return None
        return float(getattr(metrics, name)(given.true, given.chosen, **args))

    return score


def _of_values(name: str) -> Scored:
    """Return a score of scikit-learn that compares values."""

    def score(given: Answers) -> float | None:
        from sklearn import metrics

        return float(getattr(metrics, name)(given.true, given.values)) if given.finite else None

    return score


def _of_changing_values(score: Scored) -> Scored:
    """Return a score that needs targets which are not all the same."""
    return lambda given: score(given) if bool((given.y != given.y[:1]).any()) else None


def _balanced(given: Answers) -> float | None:
    # scikit-learn's own balanced accuracy warns of a chosen class that does not occur.
    return _of_classes("recall_score", labels=given.present, average="macro", zero_division=0.0)(
        given
    )


def _one_against_rest(name: str) -> Scored:
    """Return a score of a ranking, as the mean over the classes that occur."""

    def score(given: Answers) -> float | None:
        from sklearn import metrics

        if len(given.present) < 2 or not given.finite:
            return None
        classes = given.present if given.shares.shape[1] > 2 else [1]
        function = getattr(metrics, name)
        each = [function(given.true == number, given.shares[:, number]) for number in classes]
        return float(np.mean(each))

    return score


def _log_loss(given: Answers) -> float | None:
    from sklearn.metrics import log_loss

    if not given.finite:
        return None
    return float(log_loss(given.true, given.shares, labels=range(given.shares.shape[1])))


def _among_three(given: Answers) -> float | None:
    from sklearn.metrics import top_k_accuracy_score

    classes = given.shares.shape[1]
    if classes < 4 or not given.finite:
        return None
    return float(top_k_accuracy_score(given.true, given.shares, k=3, labels=range(classes)))


# fmt: off
_ROWS = (
    Metric("accuracy", "classification", "higher",
           "The share of samples whose class is right.",
           lambda given: accuracy(given.out, given.y), cheap=True),
    Metric("balanced accuracy", "classification", "higher",
           "The share that is right of each class, averaged: a rare class counts as a common one.",
           _balanced),
    Metric("macro F1", "classification", "higher",
           "The harmonic mean of precision and recall of each class, averaged.",
           _of_classes("f1_score", average="macro", zero_division=0.0)),
    Metric("ROC AUC", "classification", "higher",
           "How often a sample of a class is ranked above one of the rest; a half is chance.",
           _one_against_rest("roc_auc_score")),
    Metric("average precision", "classification", "higher",
           "The precision over all thresholds, weighted by the recall each of them adds.",
           _one_against_rest("average_precision_score")),
    Metric("log loss", "classification", "lower",
           "Minus the mean logarithm of the probability given to the true class.",
           _log_loss),
    Metric("kappa", "classification", "higher",
           "Cohen's kappa: how far it agrees beyond chance; 0 is chance.",
           _of_classes("cohen_kappa_score")),
    Metric("Matthews", "classification", "higher",
           "The correlation of chosen and true classes; 0 is chance.",
           _of_classes("matthews_corrcoef")),
    Metric("top-3 accuracy", "classification", "higher",
           "The share of samples whose class is among the three most probable.",
           _among_three),
    Metric("R2", "regression", "higher",
           "The share of the spread that is explained; 0 is as good as the mean.",
           _of_changing_values(lambda given: r_squared(given.out, given.y)), cheap=True),
    Metric("MAE", "regression", "lower",
           "The mean distance from the truth, in the scale that training sees.",
           lambda given: float((given.out - given.y).abs().mean()), cheap=True),
    Metric("RMSE", "regression", "lower",
           "The root of the mean squared distance; large misses weigh more.",
           lambda given: float((given.out - given.y).square().mean().sqrt()), cheap=True),
    Metric("median AE", "regression", "lower",
           "The distance that half of the samples stay below.",
           _of_values("median_absolute_error")),
    Metric("max error", "regression", "lower",
           "The largest distance from the truth.",
           _of_values("max_error")),
    Metric("explained variance", "regression", "higher",
           "As R2, but a shift of all answers costs nothing.",
           _of_changing_values(_of_values("explained_variance_score"))),
)
# fmt: on
METRICS: Mapping[str, Metric] = MappingProxyType({row.name: row for row in _ROWS})


def metrics_of(task: str, *, cheap: bool = False) -> tuple[str, ...]:
    """Return the names of the metrics that fit a task, or of those that cost next to nothing."""
    return tuple(row.name for row in _ROWS if row.task == task and (row.cheap or not cheap))


@torch.no_grad()
def scores(wanted: str | Iterable[str], out: Tensor, y: Tensor) -> dict[str, float]:
    """Return scores by their names; those that are not defined for these samples are left out.

    Args:
        wanted: a task, for all that fit it, or names of `METRICS`.
        out, y: see `Answers`.

    Raises:
        RunError: there is no such metric.
    """
    names = metrics_of(wanted) if isinstance(wanted, str) else tuple(wanted)
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise RunError(f"There is no metric {shown(unknown[0])}; there are {', '.join(METRICS)}.")
    given = Answers(out.detach(), y)
    found = {name: METRICS[name].of(given) for name in names}
    return {name: value for name, value in found.items() if value is not None and _told(value)}


def _told(value: float) -> bool:
    # An infinite error says that the run is lost; one that is no number says nothing.
    return not math.isnan(value)
