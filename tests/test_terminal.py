"""The workbench from a terminal: the same runs, and an exit status that means something."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from builder import TEMPLATES
from builder.__main__ import main
from builder.store import Store
from builder.train import Recipe

ROOT = Path(__file__).parents[1]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.json"
    path.write_text(Recipe("moons", epochs=3).to_json())
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_text(TEMPLATES["MLP"].to_json())
    return path


def test_a_model_is_trained_listed_and_exported(
    home: Path, tmp_path: Path, model: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(model), "--recipe", str(recipe), "--name", "first"]) == 0
    said = capsys.readouterr().err
    assert "epoch 3.0 of 3" in said
    assert "finished: " in said
    assert main(["runs"]) == 0
    assert "finished  first on moons, epoch 3 of 3" in capsys.readouterr().out
    store = Store(home)
    (run,) = store.runs()
    store.close()
    assert main(["export", run.id[:15], str(tmp_path / "out")]) == 0
    state = torch.load(tmp_path / "out" / "MLP.pt", weights_only=True)
    assert set(state) == set(torch.load(home / "runs" / run.id / "weights.pt", weights_only=True))
    assert json.loads((tmp_path / "out" / "run.json").read_text())["versions"]["torch"]
    lines = (tmp_path / "out" / "curves.csv").read_text().splitlines()
    assert lines[0] == "step,epoch,split,metric,value"
    assert len(lines) > 3
    done = subprocess.run(
        [sys.executable, "check.py"], cwd=tmp_path / "out", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_data_and_epochs_on_the_command_line_win_over_the_recipe(
    home: Path, model: Path, recipe: Path
) -> None:
    assert main(["train", "MLP", "--recipe", str(recipe), "--data", "circles", "--epochs=1"]) == 0
    store = Store(home)
    (run,) = store.runs()
    store.close()
    used = Recipe.from_json(run.recipe)
    assert (used.dataset, used.epochs, run.epoch) == ("circles", 1, 1.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "nowhere.json"], "nowhere.json: No such file or directory."),
        (["train", "MLP", "--data", "nothing"], "nothing"),
        (["train", "MLP", "--data", "moons", "--epochs", "0"], "epochs is 0"),
        (["train", "LeNet5", "--data", "moons"], "2"),
        (["export", "2020"], "There is no run '2020'"),
        (["resume", "2020"], "There is no run '2020'"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(
    home: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_run_that_fails_ends_with_1(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(Recipe("circles", optimizer="SGD", lr=1e9, epochs=50).to_json())
    assert main(["train", "MLP", "--recipe", str(path)]) == 1


def test_an_interrupted_run_ends_with_130_and_goes_on_to_the_same_weights(
    home: Path, tmp_path: Path, model: Path
) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(Recipe("moons", epochs=500).to_json())
    assert main(["train", str(model), "--recipe", str(path), "--name", "whole"]) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", "train", str(model), "--recipe", str(path)],
        cwd=ROOT,
        env={**os.environ, "LAYERLAB_HOME": str(home)},
        stderr=subprocess.DEVNULL,
    )
    store = Store(home)
    while not any(run.step > 0 and run.active for run in store.runs()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    cut, whole = store.runs()
    assert cut.status == "stopped"
    assert cut.step < whole.step
    assert main(["resume", cut.id]) == 0
    first, second = (
        torch.load(store.folder(run.id) / "weights.pt", weights_only=True) for run in (cut, whole)
    )
    store.close()
    assert all(torch.equal(first[key], second[key]) for key in second)
