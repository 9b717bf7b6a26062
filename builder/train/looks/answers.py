"""What a model answers to its validation samples: a confusion matrix, values against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors.torch import load, save
from torch import Tensor

from builder.train.looks.given import Given
from builder.train.metrics import Answers, chosen

SHOWN = 12  # samples of each cell that can be opened
_MOST_CLASSES = 100
_MOST_DOTS = 1000


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each.

    Args:
        counts: (classes, classes) int64; a row for each true class, a column for each chosen one.
        rows: (classes, classes, SHOWN) int64: which validation samples, from 0, those first that
            the model is surest of; -1 where there are no more.
        sure: (classes, classes, SHOWN) float32: the probability it gave its answer for each.
    """

    counts: Tensor
    rows: Tensor
    sure: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Confusion:
        """Read what `confusion` returned."""
        return cls(**load(data))


def is_of_classes(given: Given) -> bool:
    """Whether the task is one of classes, as many as a matrix can show."""
    return given.measure.task == "classification" and given.measure.outputs <= _MOST_CLASSES


def confusion(given: Given) -> bytes:
    """Return how the classes of validation samples are confused."""
    out, y, rows = given.answers()
    guess = chosen(out).cpu()
    shares = torch.from_numpy(Answers(out, y).shares).float()
    y = y.cpu()
    classes = max(given.measure.outputs, 2)
    sure = shares.gather(1, guess[:, None]).squeeze(1).nan_to_num(0.0)
    cells = y * classes + guess
    counts = torch.bincount(cells, minlength=classes**2)
    order = torch.argsort(sure, descending=True, stable=True)
    order = order[torch.argsort(cells[order], stable=True)]
    # The place of each sample within its cell: samples stand cell by cell now.
    begins = counts.cumsum(0) - counts
    place = torch.arange(len(order)) - begins[cells[order]]
    kept = order[place < SHOWN]
    at = cells[kept] * SHOWN + place[place < SHOWN]
    shown = torch.full((classes**2 * SHOWN,), -1, dtype=torch.int64)
    shares_shown = torch.zeros(classes**2 * SHOWN)
    shown[at], shares_shown[at] = rows[kept], sure[kept]
    shape = (classes, classes, SHOWN)
    return save(
        {
            "counts": counts.reshape(classes, classes),
            "rows": shown.reshape(shape),
            "sure": shares_shown.reshape(shape),
        }
    )


@dataclass(frozen=True)
class Predicted:
    """Predictions against what is true, of 1,000 validation samples at most.

    Args:
        values, truth: (n,) float32, in the scale that training sees.
        rows: (n,) int64: which validation samples, from 0.
    """

    values: Tensor
    truth: Tensor
    rows: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Predicted:
        """Read what `predicted` returned."""
        return cls(**load(data))


def is_of_values(given: Given) -> bool:
    """Whether the task is to tell one value."""
    return given.measure.task == "regression" and given.measure.outputs == 1


def predicted(given: Given) -> bytes:
    """Return predictions for validation samples, and what is true."""
    out, y, rows = given.answers()
    kept = torch.linspace(0, len(rows) - 1, min(len(rows), _MOST_DOTS)).long()
    return save(
        {
            "values": out.flatten().cpu()[kept].contiguous(),
            "truth": y.flatten().cpu()[kept].contiguous(),
            "rows": rows[kept].contiguous(),
        }
    )
