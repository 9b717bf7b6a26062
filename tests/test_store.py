"""The store: used by several processes at once, and nothing in it is lost or half done."""

import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from builder import TEMPLATES
from builder.errors import BuilderError, RunError
from builder.store import Store

SPEC = TEMPLATES["MLP"]


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    store = Store(home)
    yield store
    store.close()


def write_points(home: Path, run_id: str, first: int) -> None:
    store = Store(home)
    for step in range(first, first + 100):
        store.add_points(run_id, [(step, step / 10, "train", "loss", 1.0)], step=step)
    store.close()


def test_a_model_comes_back_as_it_was_kept_and_only_its_last_state(store: Store) -> None:
    store.save_model("a", TEMPLATES["LeNet5"])
    store.save_model("a", SPEC)
    assert store.load_model("a") == SPEC
    assert store.load_model("b") is None


def test_two_processes_write_at_once_and_nothing_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A new process runs what is `__main__` here, and AppTest leaves the last page there.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    run_id = store.create_run(SPEC, "{}")
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=write_points, args=(store.home, run_id, first))
        for first in (0, 1000)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=300)
        assert writer.exitcode == 0
    points = store.points(run_id)
    assert {point.step for point in points} == {*range(100), *range(1000, 1100)}
    assert [point.id for point in points] == sorted(point.id for point in points)


def test_only_what_is_new_is_read(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}")
    store.add_points(run_id, [(1, 0.1, "train", "loss", 2.0)])
    [first] = store.points(run_id)
    store.add_points(run_id, [(2, 0.2, "train", "loss", 1.0)])
    assert [point.step for point in store.points(run_id, after=first.id)] == [2]


def test_a_run_is_claimed_once_the_oldest_first_and_no_more_than_allowed(store: Store) -> None:
    ids = [store.create_run(SPEC, "{}") for _ in range(3)]
    assert store.claim(ids[2], at_once=2) == ids[2]
    assert store.claim(ids[2], at_once=2) is None
    assert store.claim(None, at_once=2) == ids[0]
    assert store.claim(None, at_once=2) is None
    store.update_run(ids[0], status="finished")
    assert store.claim(None, at_once=2) == ids[1]
    assert store.run(ids[1]).pid == os.getpid()


@pytest.mark.parametrize("stale", ["pid", "start"])
def test_a_process_that_is_gone_or_another_is_found_dead(store: Store, stale: str) -> None:
    run_id = store.create_run(SPEC, "{}")
    store.claim(run_id, at_once=1)
    assert store.bury() == []
    # A pid that nobody has, or one that somebody else has taken since.
    gone = {"pid": {"pid": 2**22 - 1}, "start": {"pid_started": time.time() - 10**6}}[stale]
    store.update_run(run_id, **gone)
    (store.folder(run_id) / "log.txt").write_text("one\nmy last words\n")
    assert store.bury() == [run_id]
    run = store.run(run_id)
    assert run.status == "died"
    assert "my last words" in run.message


def test_commands_are_taken_once_and_in_order(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}")
    store.send(run_id, "rate", lr=0.1)
    store.send(run_id, "stop")
    assert store.take_commands(run_id) == [("rate", {"lr": 0.1}), ("stop", {})]
    assert store.take_commands(run_id) == []


def test_of_what_is_watched_only_the_newest_is_kept(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}")
    assert store.live(run_id, "boundary") is None
    store.put_live(run_id, "boundary", 1, b"old")
    store.put_live(run_id, "boundary", 2, b"new")
    assert store.live(run_id, "boundary") == (2, b"new")


def test_facts_are_added_to_those_there_are(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}", budget=7)
    store.update_run(run_id, facts={"threads": 1})
    assert store.run(run_id).facts == {"budget": 7, "threads": 1}


def test_a_run_that_goes_on_is_not_deleted_and_one_that_is_over_leaves_nothing(
    store: Store,
) -> None:
    run_id = store.create_run(SPEC, "{}")
    with pytest.raises(RunError, match="stop it first"):
        store.delete_run(run_id)
    store.update_run(run_id, status="finished")
    store.add_points(run_id, [(1, 0.1, "train", "loss", 2.0)])
    (store.folder(run_id) / "weights.pt").write_bytes(b"x")
    store.delete_run(run_id)
    assert store.points(run_id) == []
    assert not store.folder(run_id).exists()
    with pytest.raises(RunError, match="no run"):
        store.run(run_id)


def test_a_database_of_another_version_is_refused_in_words(store: Store) -> None:
    with sqlite3.connect(store.home / "layerlab.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BuilderError, match="version 99"):
        Store(store.home)


def test_a_home_that_cannot_be_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BuilderError, match="LAYERLAB_HOME"):
        Store(file / "home")


def test_a_kernel_is_kept_under_its_name_until_it_is_deleted(home: Path) -> None:
    store = Store.open(home)
    store.save_kernel("mine", np.array([[1, 2], [3, -1 / 9]], np.float32))
    store.save_kernel("mine", np.array([[0, 1]], np.float32))
    store.save_kernel("other", np.array([[-1 / 9]], np.float32))
    kept = Store.open(home).kernels()
    assert {name: values.tolist() for name, values in kept.items()} == {
        "mine": [[0, 1]],
        "other": [[np.float32(-1 / 9)]],
    }
    store.delete_kernel("mine")
    assert list(store.kernels()) == ["other"]


def test_a_label_changes_what_it_names_and_leaves_the_rest(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}", name="first", sweep="s1")
    store.label_run(run_id, tags=["b", "a", "b"], notes="a note")
    store.label_run(run_id, notes="")
    run = store.run(run_id)
    assert (run.name, run.tags, run.notes, run.sweep) == ("first", ("a", "b"), "", "s1")


def test_a_binned_run_is_hidden_and_comes_back_until_the_bin_is_emptied(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}")
    with pytest.raises(RunError, match="stop it first"):
        store.bin_run(run_id)
    store.update_run(run_id, status="finished")
    store.bin_run(run_id)
    assert store.runs() == []
    assert [run.id for run in store.runs(binned=True)] == [run_id]
    store.restore_run(run_id)
    assert [run.id for run in store.runs()] == [run_id]
    store.bin_run(run_id)
    store.empty_bin(older_than=60)
    assert store.run(run_id).binned
    store.empty_bin()
    assert store.runs(binned=None) == []


def test_a_run_that_is_rewound_forgets_what_came_after_and_nothing_before(store: Store) -> None:
    run_id = store.create_run(SPEC, "{}")
    other = store.create_run(SPEC, "{}")
    for step in (1, 2, 3):
        store.add_points(run_id, [(step, step / 10, "train", "loss", 1.0)])
        store.add_points(other, [(step, step / 10, "train", "loss", 1.0)])
        store.add_history(run_id, "weights", step, bytes([step]))
        store.add_event(run_id, step, step / 10, "scale", factor=0.1)
    store.rewind(run_id, 2)
    assert [point.step for point in store.points(run_id)] == [1, 2]
    assert store.history(run_id, "weights") == [(1, b"\x01"), (2, b"\x02")]
    assert [(e.step, e.name, e.args) for e in store.events(run_id)] == [
        (1, "scale", {"factor": 0.1}),
        (2, "scale", {"factor": 0.1}),
    ]
    assert len(store.points(other)) == 3
    store.drop_history(run_id, "weights", [1])
    assert store.history(run_id, "weights") == [(2, b"\x02")]
