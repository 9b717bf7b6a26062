"""Looks at a run as it goes, for a small share of its time."""

from __future__ import annotations

import math
import time

from builder.errors import FormulaError
from builder.store import Store
from builder.train.looks import LOOKS, Look
from builder.train.looks.given import Given
from builder.train.trainer import Trainer

SHARE = 0.02  # of a run's time
MOST = 128  # states kept of one whose past is watched
_EVERY = 0.5
_AT_FIRST = 0.05  # seconds that may be spent before any have been earned
_QUICK = 0.2


class Lookout:
    """Makes the looks that fit a run, and keeps them in the store.

    The time that a look takes is paid for before the next: over a run they take `SHARE` of it.

    Args:
        kind: of the data.
    """

    def __init__(self, store: Store, run_id: str, trainer: Trainer, kind: str) -> None:
        self.store, self.run_id, self.trainer, self.kind = store, run_id, trainer, kind
        given = self._given(over=False)
        self.looks = [look for look in LOOKS.values() if look.fits(given)]
        self._took = {look.name: 0.0 for look in self.looks}
        self._made = {look.name: -math.inf for look in self.looks}
        self._wait = {look.name: _EVERY for look in self.looks}
        self._steps: dict[str, list[int]] = {}
        self._credit, self._since = _AT_FIRST, time.perf_counter()

    def look(self, *, over: bool = False, still: bool = False) -> None:
        """Make what is due.

        Args:
            over: the run has ended, so all are made.
            still: the run is paused, so that those that are quick cost it nothing.
        """
        now = time.perf_counter()
        self._credit = min(_AT_FIRST, self._credit + SHARE * (now - self._since))
        self._since = now
        for look in sorted(self.looks, key=lambda look: self._made[look.name]):
            quick = still and self._took[look.name] < _QUICK
            due = self._credit > 0 and now - self._made[look.name] >= self._wait[look.name]
            if over or quick or due:
                self._make(look, over=over)

    def _make(self, look: Look, *, over: bool) -> None:
        began = time.perf_counter()
        try:
            seen = look.make(self._given(over=over))
        except (RuntimeError, ValueError, IndexError, TypeError, FormulaError):
            # A model that cannot be looked at so still learns.
            self.looks.remove(look)
            return
        if seen is not None:
            self._keep(look, seen)
        self._made[look.name] = time.perf_counter()
        self._took[look.name] = self._made[look.name] - began
        self._credit -= self._took[look.name]

    def _keep(self, look: Look, seen: bytes) -> None:
        step = self.trainer.step
        if not look.past:
            self.store.put_live(self.run_id, look.name, step, seen)
            return
        if look.name not in self._steps:  # a run that goes on has a past already
            kept = self.store.history(self.run_id, look.name)
            self._steps[look.name] = [step for step, _ in kept]
        steps = self._steps[look.name]
        if steps and steps[-1] == step:
            return
        self.store.add_history(self.run_id, look.name, step, seen)
        steps.append(step)
        if len(steps) > MOST:
            # Every other one is let go of, and from now on they come half as often.
            self.store.drop_history(self.run_id, look.name, steps[1:-1:2])
            del steps[1:-1:2]
            self._wait[look.name] *= 2

    def _given(self, *, over: bool) -> Given:
        trainer = self.trainer
        return Given(trainer.model, trainer.data, trainer.measure, self.kind, over)
