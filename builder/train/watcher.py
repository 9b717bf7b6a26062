"""Between the loop and the store: writes what was measured, hears what is wanted."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
import torch
from torch import Tensor

from builder.errors import BuilderError
from builder.store import Store
from builder.train.checkpoint import Checkpoints, write_whole
from builder.train.commands import CHANGES
from builder.train.event_file import EventFile
from builder.train.looks.lookout import Lookout
from builder.train.loop import Progress
from builder.train.measure import Measured
from builder.train.trainer import Trainer

_CHECKPOINT_SECONDS = 3.0
_CHECKPOINT_SHARE = 30  # a checkpoint waits so many times as long as it took
_POLL = 0.05


class Watcher:
    """Watches one run; `tick` is what the loop calls.

    Args:
        kind: of the data, which decides what can be watched live.
        at_once: how many runs may train at a time; a pause gives its place away.
        also: called at each tick as well.

    Attributes:
        stopped: whether a person stopped it.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        trainer: Trainer,
        kind: str,
        *,
        at_once: int,
        paused: bool = False,
        also: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.store, self.run_id, self.trainer = store, run_id, trainer
        self.lookout = Lookout(store, run_id, trainer, kind)
        self.at_once, self.paused, self.also = at_once, paused, also
        self.stopped = False
        self.folder = store.folder(run_id)
        self.checkpoints = Checkpoints(self.folder)
        self.event_file = EventFile(self.folder / "tensorboard", trainer.step)
        self._unwritten: list[Measured] = []
        self._last: dict[str, float] = {}
        self._until: float = trainer.step if paused else math.inf
        self._changed = False
        now = time.perf_counter()
        self._save_due = now + _CHECKPOINT_SECONDS

    def resume(self) -> bool:
        """Go on from the last checkpoint, if there is one."""
        state = self.checkpoints.load()
        if state is None:
            return False
        self.trainer.restore(state)
        self.paused, self._until = False, math.inf  # who resumes it wants it to go
        self.store.rewind(self.run_id, self.trainer.step)
        self.event_file = EventFile(self.folder / "tensorboard", self.trainer.step)
        self.store.add_event(self.run_id, self.trainer.step, self.trainer.epoch, "resumed")
        return True

    def tick(self, progress: Progress) -> bool:
        """Record where the loop stands; returns whether it should go on."""
        self._hear(progress)
        self._record(progress)
        self.also(progress)
        every = self.trainer.recipe.checkpoint_every
        at_one = every is not None and progress.step % every == 0
        now = time.perf_counter()
        if at_one or self._changed or (not every and now >= self._save_due):
            self.save()
        if self.paused and progress.step >= self._until:
            self._wait(progress)
        progress.look_at = self._until if self.paused else math.inf
        return not self.stopped

    # what is wanted

    def _hear(self, progress: Progress) -> None:
        for name, args in self.store.take_commands(self.run_id):
            if name == "stop":
                self.stopped = True
            elif name == "pause":
                self.paused, self._until = True, progress.step
            elif name == "go":
                self.paused, self._until = False, math.inf
            elif name in ("batch", "epoch"):
                each = self.trainer.batches if name == "epoch" else 1
                self.paused, self._until = True, (progress.step // each + 1) * each
            elif name in CHANGES:
                self._change(name, args)

    def _change(self, name: str, args: Mapping[str, Any]) -> None:
        try:
            CHANGES[name](self.trainer, **args)
        except BuilderError as error:
            name, args = "refused", {"message": error.message}
        self._changed = True
        self.store.add_event(self.run_id, self.trainer.step, self.trainer.epoch, name, **args)
        self.store.update_run(self.run_id, facts={"frozen": self.trainer.frozen()})

    def _wait(self, progress: Progress) -> None:
        """Stand still until a person wants something, the place given to a run that waits."""
        self.save()
        self.store.update_run(self.run_id, status="paused")
        while not self.stopped and self.paused and progress.step >= self._until:
            time.sleep(_POLL)
            self._hear(progress)
        if self._changed:
            self.save()
        while not self.stopped and not self.store.unpause(self.run_id, at_once=self.at_once):
            time.sleep(_POLL)
            self._hear(progress)

    # what was measured

    def _record(self, progress: Progress) -> None:
        over = progress.done or self.stopped
        self._unwritten += progress.measured
        self._last |= {f"{split} {name}": value for _, _, split, name, value in progress.measured}
        try:
            self.store.add_points(
                self.run_id,
                self._unwritten,
                step=progress.step,
                epoch=progress.epoch,
                facts={"seconds": self.trainer.seconds},
            )
            self._unwritten = []
            if over:
                last = {k: v for k, v in self._last.items() if not k.startswith(("group", "layer"))}
                best = {"loss": self.trainer.best.loss, "step": self.trainer.best.step}
                self.store.update_run(self.run_id, facts={"metrics": last, "best": best})
            self.lookout.look(over=over, still=self.paused)
        except sa.exc.OperationalError:
            # The disk is full or the database busy: what was measured is kept for the next tick.
            if over:
                raise
        self.event_file.add(progress.measured)

    # what can be taken away, and gone on from

    def save(self) -> None:
        """Write the checkpoint and the weights; a full disk leaves those of the last time."""
        began = time.perf_counter()
        try:
            self.checkpoints.save(self.trainer.state())
            self._write_weights("weights.pt", self.trainer.model.state_dict())
            if self.trainer.best.weights is not None:
                self._write_weights("best.pt", self.trainer.best.weights)
            for epoch in sorted(self.trainer.kept):
                self._write_weights(f"epoch-{epoch}.pt", self.trainer.kept[epoch])
                del self.trainer.kept[epoch]
        except OSError as error:
            message = (
                f"No checkpoint could be written at step {self.trainer.step}: {error.strerror}."
            )
            self.store.update_run(self.run_id, facts={"checkpoint_problem": message})
        else:
            self.store.update_run(
                self.run_id,
                facts={"checkpoint": self.trainer.step, "checkpoint_problem": None},
            )
        took = time.perf_counter() - began
        self._changed = False
        self._save_due = time.perf_counter() + max(_CHECKPOINT_SECONDS, _CHECKPOINT_SHARE * took)

    def _write_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        content = io.BytesIO()
        torch.save({k: v.detach().cpu().contiguous() for k, v in weights.items()}, content)
        write_whole(self.folder / name, content.getvalue())
