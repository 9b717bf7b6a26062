"""What the run on show has measured so far, read a piece at a time."""

from __future__ import annotations

from builder.store import Point
from ui import state

_POINTS = "points"


def points_of(run_id: str) -> list[Point]:
    """Return a run's points; only those that are new since the last time are read.

    A run that goes on from a checkpoint has forgotten what came after it, so all are read again.
    """
    resumed = sum(event.name == "resumed" for event in state.store().events(run_id))
    about, points = state.get(_POINTS, (None, []))
    if about != (run_id, resumed):
        points = []
    points = points + state.store().points(run_id, after=points[-1].id if points else 0)
    state.put(_POINTS, ((run_id, resumed), points))
    return points
