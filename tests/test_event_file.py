"""A run's event file is one that TensorBoard reads, and one that is gone on with after a stop."""

import io
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX import record_writer

from builder.train.event_file import EventFile


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(event.step, round(event.value, 4)) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "run", 0)
    file.add([(1, 0.1, "train", "loss", 0.5), (1, 0.1, "train", "accuracy", 0.8)])
    file.add([(2, 0.2, "train", "loss", 0.25), (2, 0.2, "validation", "loss", 0.75)])
    file.close()
    assert read(tmp_path / "run") == {
        "loss/train": [(1, 0.5), (2, 0.25)],
        "accuracy/train": [(1, 0.8)],
        "loss/validation": [(2, 0.75)],
    }


def test_what_comes_after_a_checkpoint_is_replaced_when_the_run_goes_on(tmp_path: Path) -> None:
    first = EventFile(tmp_path / "run", 0)
    first.add([(step, 0.0, "train", "loss", float(step)) for step in (1, 2, 3)])
    first.close()
    second = EventFile(tmp_path / "run", 2)
    second.add([(step, 0.0, "train", "loss", 10.0 * step) for step in (3, 4)])
    second.close()
    assert read(tmp_path / "run") == {"loss/train": [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]}


def test_a_full_disk_loses_events_and_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    opened: list[Full] = []
    monkeypatch.setattr(record_writer, "open_file", lambda _: opened.append(Full()) or opened[-1])
    file = EventFile(tmp_path / "run", 0)
    for step in (1, 2):
        file.add([(step, 0.0, "train", "loss", 0.5)])
    file.close()
    assert [one.closed for one in opened] == [True, True]
