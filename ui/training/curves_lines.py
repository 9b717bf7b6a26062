"""What a run has measured, as lines: sorted once, then only what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from builder.store import Point
from ui import state

_KEPT = "curves:lines"

Column = NDArray[np.float64]


@dataclass
class Line:
    """One metric of one split, as it was measured; NaN where that was no number."""

    steps: list[int] = field(default_factory=list)
    epochs: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def over(self, axis: str, *, pace: float | None = None) -> tuple[Column, Column]:
        """Return the line over `epoch`, `step` or `seconds`.

        Args:
            pace: seconds a step takes, on the mean of the run.
        """
        x = np.array(self.epochs if axis == "epoch" else self.steps, np.float64)
        if axis == "seconds":
            x *= pace or 0.0
        return x, np.array(self.values, np.float64)


@dataclass
class Lines:
    """The lines of a run, by metric and then by split.

    Args:
        run: its id.
        last: the last point that is in them.
        count: how many points that is.
    """

    run: str
    last: Point | None = None
    count: int = 0
    metrics: dict[str, dict[str, Line]] = field(default_factory=dict)

    def add(self, points: Sequence[Point]) -> None:
        """Add points to the lines they belong to."""
        known: dict[tuple[str, str], Line] = {}
        for point in points:
            key = (point.metric, point.split)
            line = known.get(key)
            if line is None:
                splits = self.metrics.setdefault(point.metric, {})
                line = known[key] = splits.setdefault(point.split, Line())
            line.steps.append(point.step)
            line.epochs.append(point.epoch)
            line.values.append(np.nan if point.value is None else point.value)
        self.count += len(points)
        self.last = points[-1] if points else self.last


def lines_of(run_id: str, points: Sequence[Point]) -> Lines:
    """Return the lines of all points of a run; those sorted before are not sorted again."""
    kept: Lines | None = state.get(_KEPT)
    known = (
        kept is not None
        and kept.run == run_id
        and kept.count <= len(points)
        and (kept.count == 0 or points[kept.count - 1] is kept.last)
    )
    if kept is None or not known:  # another run, or one that went back to a checkpoint
        kept = Lines(run_id)
    kept.add(points[kept.count :])
    state.put(_KEPT, kept)
    return kept


def smoothed(values: Column, weight: float) -> Column:
    """Return the exponential mean of a line.

    Args:
        weight: of what came before, from 0 to below 1; the mean is unbiased from the first point
            on (pandas' `ewm(adjust=True)`).
    """
    if not weight or not len(values):
        return values
    found: Column = pd.Series(values).ewm(alpha=1 - weight).mean().to_numpy()
    return found


def as_table(points: Sequence[Point], pace: float | None) -> pd.DataFrame:
    """Return all points, a row each, none left out."""
    table = pd.DataFrame(
        [(p.step, p.epoch, p.split, p.metric, p.value) for p in points],
        columns=["step", "epoch", "split", "metric", "value"],
    )
    if pace is not None:
        table.insert(2, "seconds", table["step"] * pace)
    return table
