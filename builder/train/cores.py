"""How the cores of this machine are shared out among runs."""

from __future__ import annotations

import os


def at_once() -> int:
    """Return how many runs train at a time: as many as there are cores."""
    return max(1, os.cpu_count() or 1)


def threads(runs: int) -> int:
    """Return how many torch threads each of some runs gets that train at the same time.

    Threads that outnumber the cores wait for one another: two workers of two threads on two cores
    train at a hundredth of the speed of one. One core is left to the page.
    """
    return max(1, ((os.cpu_count() or 1) - 1) // max(1, runs))
