"""A run that is stopped, killed or starved of disk goes on as if it had never stopped."""

import errno
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from builder import TEMPLATES, build
from builder.data import load, split
from builder.spec import ModelSpec
from builder.store import Store
from builder.train import checkpoint
from builder.train.checkpoint import Checkpoints
from builder.train.data import Data
from builder.train.launch import Launcher
from builder.train.recipe import Recipe
from builder.train.schedules import Phase
from builder.train.trainer import Trainer
from tests.conftest import wait

ROOT = Path(__file__).parents[1]


def data_of(name: str) -> tuple[Data, str]:
    samples = load(name)
    parts = split(samples, validation=0.3, seed=0)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    data = Data(x[parts.train], y[parts.train], x[parts.validation], y[parts.validation])
    return data, samples.task


def trainer_of(spec: ModelSpec, recipe: Recipe) -> Trainer:
    torch.manual_seed(recipe.seed)
    data, task = data_of(recipe.dataset)
    return Trainer(build(spec).train(), data, recipe, task=task)


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "Adam": ("MLP", {}),
    "momentum": ("MLP", {"optimizer": "SGD", "optimizer_args": {"momentum": 0.9}, "lr": 0.05}),
    "LBFGS": (
        "MLP",
        {
            "optimizer": "LBFGS",
            "optimizer_args": {"line_search_fn": "strong_wolfe"},
            "lr": 0.5,
            "batch_size": 1000,
        },
    ),
    "accumulated": ("MLP", {"accumulate": 3, "batch_size": 20}),
    "penalised and clipped": ("MLP", {"l1": 1e-4, "l2": 1e-3, "clip_norm": 0.5, "clip_value": 0.1}),
    "lowered": ("MLP", {"precision": "bfloat16"}),
    "patient": ("MLP", {"patience": 2, "keep_epochs": (1, 3)}),
    "scheduled": (
        "MLP",
        {"schedule": (Phase("LinearLR", {}, 2), Phase("CosineAnnealingLR", {}))},
    ),
    "plateau": ("MLP", {"schedule": (Phase("ReduceLROnPlateau", {"patience": 0}),)}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", [1, 7, 22, 40])
def test_a_restored_trainer_ends_with_the_same_bits(case: str, stop: int, tmp_path: Path) -> None:
    template, settings = CASES[case]
    recipe = Recipe(dataset="moons", epochs=4, **settings)
    whole = trainer_of(TEMPLATES[template], recipe)
    while not whole.over:
        whole.batch()
    first = trainer_of(TEMPLATES[template], recipe)
    for _ in range(min(stop, 4 * first.batches)):
        first.batch()
    first.take()
    Checkpoints(tmp_path).save(first.state())
    torch.manual_seed(random.randrange(10**6))  # another process has other random states
    second = trainer_of(TEMPLATES[template], recipe)
    state = Checkpoints(tmp_path).load()
    assert state is not None
    second.restore(state)
    while not second.over:
        second.batch()
    assert same(weights(whole), weights(second))
    assert [m for m in whole.take() if m[0] > stop] == [m for m in second.take() if m[0] > stop]
    assert whole.ended == second.ended
    assert whole.best.loss == second.best.loss


def test_dropout_draws_on_where_it_stopped(tmp_path: Path) -> None:
    from builder import edit

    spec = edit.insert(TEMPLATES["MLP"], 2, "nn.Dropout", {})
    recipe = Recipe(dataset="moons", epochs=3)
    whole = trainer_of(spec, recipe)
    while not whole.over:
        whole.batch()
    first = trainer_of(spec, recipe)
    for _ in range(17):
        first.batch()
    first.take()
    state = first.state()
    Checkpoints(tmp_path).save(state)
    second = trainer_of(spec, recipe)
    second.restore(Checkpoints(tmp_path).load() or {})
    while not second.over:
        second.batch()
    assert same(weights(whole), weights(second))


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    for step in (1, 2, 3):
        kept.save({"step": step})
    (tmp_path / "checkpoint-a").write_bytes((tmp_path / "checkpoint-a").read_bytes()[:-1])
    assert Checkpoints(tmp_path).load() == {"step": 2}
    (tmp_path / "checkpoint-b").write_bytes(b"")
    assert Checkpoints(tmp_path).load() is None


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Checkpoints(tmp_path)
    kept.save({"step": 1})
    kept.save({"step": 2})

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        kept.save({"step": 3})
    assert Checkpoints(tmp_path).load() == {"step": 2}
    assert not list(tmp_path.glob("*.part"))


def finished(store: Store, run_id: str) -> dict[str, Tensor]:
    run = store.run(run_id)
    assert (run.status, run.message) == ("finished", "")
    return torch.load(store.folder(run_id) / "weights.pt", weights_only=True)


def test_a_run_killed_at_random_points_ends_as_if_it_had_never_stopped(
    store: Store, launcher: Launcher
) -> None:
    recipe = Recipe(dataset="moons", epochs=100, checkpoint_every=7, lr=0.01)
    whole = launcher.start(TEMPLATES["MLP"], recipe)
    wait(lambda: not store.run(whole).active)
    killed = launcher.start(TEMPLATES["MLP"], recipe)
    draw = random.Random(4)
    deaths, resumed_at = 0, 0
    for _ in range(3):
        # One that goes on near its end may be over before it is seen to run.
        wait(lambda at=resumed_at: not (run := store.run(killed)).active or run.step > at)
        time.sleep(draw.uniform(0.05, 0.6))
        run = store.run(killed)
        if not run.active:
            break
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
        wait(lambda: (launcher.tend(now=True), store.run(killed).status == "died")[1])
        deaths, resumed_at = deaths + 1, store.run(killed).step
        launcher.resume(killed)
    wait(lambda: (launcher.tend(), not store.run(killed).active)[1])
    assert deaths
    assert same(finished(store, whole), finished(store, killed))
    lines = [
        [(p.step, p.value) for p in store.points(run) if (p.split, p.metric) == ("train", "loss")]
        for run in (whole, killed)
    ]
    assert lines[0] == lines[1]
    assert {event.name for event in store.events(killed)} == {"resumed"}
