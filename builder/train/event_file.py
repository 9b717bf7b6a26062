"""A run as a TensorBoard event file: `tensorboard --logdir` on its folder shows its curves."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

from builder.train.measure import Measured


class EventFile:
    """Writes measurements as they come.

    Args:
        step: what comes after it takes the place of what an earlier part of the run wrote there.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder, self.step = folder, step
        self._writer: RecordWriter | None = None

    def add(self, measured: Iterable[Measured]) -> None:
        """Write measurements; a full disk loses them here, not in the run's own record.

        What is of one step is one event, written at once: tensorboardX's own writer of scalars
        hands each to a thread, which costs a small model a twentieth of its speed.
        """
        try:
            if self._writer is None:
                self._writer = self._open()
            for step, group in groupby(measured, key=lambda one: one[0]):
                values = [
                    Summary.Value(tag=f"{metric}/{split}", simple_value=value)
                    for _, _, split, metric, value in group
                ]
                event = Event(step=step, wall_time=time.time(), summary=Summary(value=values))
                self._writer.write(event.SerializeToString())
            self._writer.flush()
        except OSError:
            self.close()

    def _open(self) -> RecordWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{self.step}"
        writer = RecordWriter(str(self.folder / name))
        writer.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
        if self.step:
            begins = SessionLog(status=SessionLog.START)
            writer.write(Event(step=self.step + 1, session_log=begins).SerializeToString())
        return writer

    def close(self) -> None:
        """Write what is left, if it can be written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                writer.close()
