"""A run as a TensorBoard event file: `tensorboard --logdir` on its folder shows its curves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tensorboardX import SummaryWriter

from builder.train.measure import Measured


class EventFile:
    """Writes measurements as they come.

    Args:
        step: what comes after it takes the place of what an earlier part of the run wrote there.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder, self.step = folder, step
        self._writer: SummaryWriter | None = None

    def add(self, measured: Iterable[Measured]) -> None:
        """Write measurements; a full disk loses them here, not in the run's own record."""
        try:
            if self._writer is None:
                purge = self.step + 1 if self.step else None
                self._writer = SummaryWriter(str(self.folder), purge_step=purge)
            for step, _, split, metric, value in measured:
                self._writer.add_scalar(f"{metric}/{split}", value, step)
            self._writer.flush()
        except OSError:
            self._writer = None

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
