"""What a sweep has come to so far: a result for each run, a point for each choice of values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from builder.store import Member, Run, Store
from builder.train.scores import higher_is_better, scores
from builder.train.sweeps.plan import Values

_FAILED = ("refused", "failed")


@dataclass(frozen=True)
class Result:
    """One run of a sweep.

    Args:
        run: `None` where there could be none, or where it was deleted.
        status: that of the run; `refused` where its values cannot work, `deleted`.
        message: why it failed or was refused.
    """

    member: Member
    run: Run | None
    status: str
    message: str

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.run is None or not self.run.active

    @property
    def failed(self) -> bool:
        """Whether its values led nowhere: a run that was stopped or died says nothing of them."""
        return self.status in _FAILED

    def score(self, measure: str) -> float | None:
        """Return what it came to; only a run that has finished counts."""
        if self.run is None or self.status != "finished":
            return None
        found = scores(self.run).get(measure)
        return found if found is not None and math.isfinite(found) else None


@dataclass(frozen=True)
class Point:
    """A choice of values, and the results of its seeds."""

    values: Values
    results: tuple[Result, ...]

    def scores(self, measure: str) -> list[float]:
        """Return the scores that there are."""
        found = (result.score(measure) for result in self.results)
        return [score for score in found if score is not None]

    def mean(self, measure: str) -> float | None:
        """Return the mean over the seeds, `None` without any."""
        found = self.scores(measure)
        return fmean(found) if found else None

    def spread(self, measure: str) -> float | None:
        """Return the standard deviation over the seeds, `None` with fewer than two."""
        found = self.scores(measure)
        return stdev(found) if len(found) > 1 else None

    @property
    def failed(self) -> int:
        """How many of its runs led nowhere."""
        return sum(result.failed for result in self.results)

    @property
    def over(self) -> bool:
        """Whether nothing more is to come of those that have begun."""
        return all(result.over for result in self.results)


def results(store: Store, sweep_id: str) -> list[Result]:
    """Return the results of a sweep so far, in the order in which they were recorded."""
    runs = {run.id: run for run in store.runs(sweep=sweep_id, binned=None)}
    return [_result(member, runs.get(member.run or "")) for member in store.members(sweep_id)]


def _result(member: Member, run: Run | None) -> Result:
    if run is None:
        return Result(member, None, "refused" if member.problem else "deleted", member.problem)
    if run.binned is not None:
        return Result(member, None, "deleted", "")
    return Result(member, run, run.status, run.message)


def points(found: Iterable[Result]) -> list[Point]:
    """Return the points of some results, in their order."""
    by_values: dict[Values, list[Result]] = {}
    for result in found:
        by_values.setdefault(result.member.values, []).append(result)
    return [Point(values, tuple(some)) for values, some in by_values.items()]


def best(found: Sequence[Point], measure: str) -> Point | None:
    """Return the point with the best mean, of those with the fewest failures; `None` so far."""
    scored = [(point, point.mean(measure)) for point in found]
    sign = -1.0 if higher_is_better(measure) else 1.0
    ranked = [(point.failed, sign * mean, place) for place, (point, mean) in enumerate(scored)
              if mean is not None]  # fmt: skip
    return found[min(ranked)[-1]] if ranked else None
