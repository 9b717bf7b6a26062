"""Runs in processes of their own, really started, stopped and killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from builder import TEMPLATES, build
from builder.data import load, mismatches
from builder.errors import BudgetError, DataError, RecipeError
from builder.files import load_weights
from builder.store import Store
from builder.train.cores import at_once
from builder.train.data import load_data
from builder.train.launch import Launcher
from builder.train.live import Forecast
from builder.train.measure import accuracy, predict, r_squared
from builder.train.recipe import Recipe
from tests.conftest import wait

ROOT = Path(__file__).parents[1]
MLP = TEMPLATES["MLP"]
LONG = Recipe("circles", epochs=100_000)
SHORT = Recipe("circles", epochs=2)


def test_a_run_leaves_weights_that_score_what_was_recorded(
    store: Store, launcher: Launcher
) -> None:
    run_id = launcher.start(MLP, Recipe("moons", lr=0.01, epochs=30))
    wait(lambda: not store.run(run_id).active)
    run = store.run(run_id)
    assert (run.status, run.message, run.epoch) == ("finished", "", 30)
    model = build(MLP)
    model.load_state_dict(load_weights((store.folder(run_id) / "weights.pt").read_bytes()))
    data = load_data(store.home, Recipe.from_json(run.recipe)).data
    score = accuracy(predict(model.eval(), data.x_validation), data.y_validation)
    assert run.facts["metrics"]["validation accuracy"] == score
    points = [p for p in store.points(run_id) if (p.split, p.metric) == ("validation", "accuracy")]
    assert points[-1].value == score
    assert store.live(run_id, "boundary") is not None


def test_a_run_on_a_series_leaves_a_forecast_of_its_validation_part(
    store: Store, launcher: Launcher
) -> None:
    recipe = Recipe("sine", options={"samples": 100}, loss="MSELoss", epochs=2)
    (mismatch,) = mismatches(TEMPLATES["MyRNN"], load(recipe.dataset, **recipe.options))
    spec = mismatch.fixes[0].apply(TEMPLATES["MyRNN"])
    run_id = launcher.start(spec, recipe)
    wait(lambda: not store.run(run_id).active)
    run, live = store.run(run_id), store.live(run_id, "forecast")
    assert (run.status, run.message) == ("finished", "")
    assert live is not None
    values = Forecast.from_bytes(live[1]).values
    data = load_data(store.home, recipe).data
    score = r_squared(values[:, None], data.y_validation)
    assert run.facts["metrics"]["validation R2"] == score


def test_a_killed_worker_is_found_dead_with_its_last_words(
    store: Store, launcher: Launcher
) -> None:
    run_id = launcher.start(MLP, LONG)
    wait(lambda: store.points(run_id))
    with (store.folder(run_id) / "log.txt").open("a") as log:
        log.write("the last thing it said\n")
    pid = store.run(run_id).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(lambda: launcher.tend(now=True) or store.run(run_id).status == "died")
    assert "the last thing it said" in store.run(run_id).message
    again = launcher.start(MLP, SHORT)
    wait(lambda: store.run(again).status == "finished")


def test_a_run_stops_soon_after_it_is_told_to_and_keeps_its_weights(
    store: Store, launcher: Launcher
) -> None:
    run_id = launcher.start(MLP, LONG)
    wait(lambda: store.points(run_id))
    launcher.stop(run_id)
    wait(lambda: store.run(run_id).status == "stopped")
    assert load_weights((store.folder(run_id) / "weights.pt").read_bytes())


def test_a_run_outlives_the_process_that_started_it(store: Store) -> None:
    starter = (
        "from builder import TEMPLATES\n"
        "from builder.store import Store\n"
        "from builder.train import Recipe\n"
        "from builder.train.launch import Launcher\n"
        "print(Launcher(Store.open()).start(TEMPLATES['MLP'], Recipe('circles', epochs=20)))\n"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", starter],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    run_id = said.stdout.strip()
    wait(lambda: store.run(run_id).status == "finished")


def test_more_runs_than_cores_wait_in_order_and_all_finish(
    store: Store, launcher: Launcher
) -> None:
    ids = [launcher.start(MLP, SHORT) for _ in range(at_once() + 2)]
    assert [store.place_in_queue(run_id) for run_id in ids] == list(range(len(ids)))
    wait(lambda: launcher.tend() or all(not store.run(run_id).active for run_id in ids), 120)
    assert {store.run(run_id).status for run_id in ids} == {"finished"}


def test_a_queued_run_can_be_stopped_before_it_starts(store: Store, launcher: Launcher) -> None:
    run_id = store.create_run(MLP, SHORT.to_json())
    launcher.stop(run_id)
    assert store.run(run_id).status == "stopped"


def test_a_loss_that_is_no_number_fails_the_run_in_words(store: Store, launcher: Launcher) -> None:
    run_id = launcher.start(MLP, Recipe("circles", optimizer="SGD", lr=1e9, epochs=50))
    wait(lambda: not store.run(run_id).active)
    assert store.run(run_id).status == "failed"
    assert "learning rate of 1e+09" in store.run(run_id).message


def test_a_warm_spare_takes_the_run_and_goes_when_nobody_wants_it(
    store: Store, launcher: Launcher
) -> None:
    launcher.keep_warm()
    spare = launcher.spare
    assert spare is not None
    run_id = launcher.start(MLP, SHORT)
    wait(lambda: store.run(run_id).status == "finished")
    assert store.run(run_id).pid == spare.pid
    launcher.keep_warm()
    idle = launcher.spare
    assert idle is not None
    assert idle.stdin is not None
    idle.stdin.close()
    assert idle.wait(timeout=300) == 0
    launcher.keep_warm()
    assert launcher.spare not in (None, idle)


def test_a_spare_that_died_is_not_waited_for_and_leaves_nothing_open(
    store: Store, launcher: Launcher
) -> None:
    launcher.keep_warm()
    dead = launcher.spare
    assert dead is not None
    assert dead.stdin is not None
    dead.kill()
    dead.wait()
    run_id = launcher.start(MLP, SHORT)
    assert dead.stdin.closed
    wait(lambda: store.run(run_id).status == "finished")


def test_what_cannot_work_is_refused_before_anything_starts(
    store: Store, launcher: Launcher
) -> None:
    with pytest.raises(DataError, match="takes"):
        launcher.start(MLP, Recipe("mnist"))
    with pytest.raises(RecipeError, match="batch_size is 0"):
        launcher.start(MLP, Recipe("circles", batch_size=0))
    with pytest.raises(BudgetError, match="354 parameters"):
        launcher.start(MLP, SHORT, budget=100)
    assert store.runs() == []


def test_the_data_of_a_recipe_are_made_once(store: Store, launcher: Launcher) -> None:
    launcher.start(MLP, SHORT)
    [file] = (store.home / "data").iterdir()
    made = file.stat().st_mtime_ns
    data = load_data(store.home, SHORT)
    assert file.stat().st_mtime_ns == made
    assert data.data.x.dtype == torch.float32
    wait(lambda: launcher.tend() or not store.runs()[0].active)


def test_a_run_stands_still_goes_a_batch_an_epoch_and_on_as_it_is_told(
    store: Store, launcher: Launcher
) -> None:
    run_id = launcher.start(MLP, LONG, paused=True)
    batches = 13  # 400 of 500 samples, 32 a batch

    def at(step: int) -> Callable[[], bool]:
        return lambda: (store.run(run_id).status, store.run(run_id).step) == ("paused", step)

    wait(at(0))
    store.send(run_id, "batch")
    wait(at(1))
    store.send(run_id, "epoch")
    wait(at(batches))
    store.send(run_id, "epoch")
    wait(at(2 * batches))
    store.send(run_id, "scale", factor=0.1)
    store.send(run_id, "go")
    wait(lambda: store.run(run_id).step > 3 * batches)
    store.send(run_id, "pause")
    wait(lambda: store.run(run_id).status == "paused")
    launcher.stop(run_id)
    wait(lambda: store.run(run_id).status == "stopped")
    (event,) = store.events(run_id)
    assert (event.step, event.name, event.args) == (2 * batches, "scale", {"factor": 0.1})
    rates = [p for p in store.points(run_id) if (p.split, p.metric) == ("group:default", "lr")]
    assert rates[0].value == pytest.approx(LONG.lr)
    assert rates[-1].value == pytest.approx(LONG.lr / 10)


def test_a_paused_run_gives_its_place_to_one_that_waits(store: Store, launcher: Launcher) -> None:
    standing = [launcher.start(MLP, LONG, paused=True) for _ in range(at_once())]
    wait(lambda: all(store.run(run).status == "paused" for run in standing))
    other = launcher.start(MLP, SHORT)
    wait(lambda: (launcher.tend(), store.run(other).status == "finished")[1])
    for run in standing:
        launcher.stop(run)
    wait(lambda: not any(store.run(run).active for run in standing))
