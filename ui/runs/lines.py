"""What runs have measured, as lines: read once, then only what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from builder.store import Point, Run
from ui import state
from ui.runs.rows import seconds

_KEPT = "runs:lines"
AXES = ("epoch", "step", "seconds")


@dataclass
class Measured:
    """The points of a run, read so far.

    Args:
        began: what tells this start of the run from a later one, which forgets points.
    """

    began: tuple[float | None, int | None]
    points: list[Point] = field(default_factory=list)
    by_metric: dict[str, list[Point]] = field(default_factory=dict)

    def read(self, run: Run) -> None:
        """Add what is new."""
        new = state.store().points(run.id, after=self.points[-1].id if self.points else 0)
        self.points += new
        for point in new:
            self.by_metric.setdefault(f"{point.split} {point.metric}", []).append(point)


def measured(runs: Sequence[Run]) -> dict[str, Measured]:
    """Return what the runs have measured, by their ids; others are let go of."""
    kept: dict[str, Measured] = state.get(_KEPT) or {}
    found = {}
    for run in runs:
        began = (run.started, run.pid)
        one = kept.get(run.id)
        if one is None or one.began != began:
            one = Measured(began)
        if run.active or not one.points or one.points[-1].step < run.step:
            one.read(run)
        found[run.id] = one
    state.put(_KEPT, found)
    return found


def line(
    run: Run, found: Measured, metric: str, axis: str, smoothing: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a metric of a run over an axis of `AXES`.

    Args:
        metric: split and name, such as `validation loss`.
        axis: `seconds` are those of the steps at the run's mean speed.
        smoothing: weight of what came before, from 0 to below 1; the mean is unbiased from the
            first point on (pandas' `ewm(adjust=True)`).
    """
    points = found.by_metric.get(metric, [])
    values = np.array([np.nan if p.value is None else p.value for p in points], np.float64)
    if axis == "epoch":
        x = np.array([point.epoch for point in points], np.float64)
    else:
        x = np.array([point.step for point in points], np.float64)
    if axis == "seconds" and run.step:
        x *= (seconds(run) or 0.0) / run.step
    if smoothing and len(values):
        values = pd.Series(values).ewm(alpha=1 - smoothing).mean().to_numpy()
    return x, values


def as_table(runs: Sequence[Run], names: Sequence[str]) -> pd.DataFrame:
    """Return all that the runs measured, a row for each point, none left out."""
    found = measured(runs)
    parts = [
        pd.DataFrame(
            {
                "run": run.id,
                "name": name,
                "step": [p.step for p in found[run.id].points],
                "epoch": [p.epoch for p in found[run.id].points],
                "split": [p.split for p in found[run.id].points],
                "metric": [p.metric for p in found[run.id].points],
                "value": [p.value for p in found[run.id].points],
            }
        )
        for run, name in zip(runs, names, strict=True)
    ]
    return pd.concat(parts) if parts else pd.DataFrame()
