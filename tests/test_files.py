"""What people take away: weights in two formats, and the script that measures them."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES, BuilderError, ModelSpec, build, edit, write_source
from builder.data import DATASETS, load, mismatches, split
from builder.data.datasets import maker_source
from builder.errors import DataError
from builder.files import (
    ScriptFacts,
    load_weights,
    weights_pt,
    weights_safetensors,
    write_script,
)
from builder.resolve import resolve
from builder.train.measure import accuracy, predict, r_squared
from builder.train.recipe import Recipe
from tests.hostile import saved

FORMATS = [weights_pt, weights_safetensors]
Format = Callable[[Mapping[str, Tensor]], bytes]
PACKAGES = packages_distributions()
RUNNING = [name for name, spec in TEMPLATES.items() if resolve(spec).runs]


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("name", RUNNING)
def test_weights_come_back_as_they_went_away(name: str, written: Format) -> None:
    state = build(TEMPLATES[name]).state_dict()
    found = load_weights(written(state))
    assert set(found) == set(state)
    for key, tensor in state.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)
    fresh = build(TEMPLATES[name])
    fresh.load_state_dict(found)
    assert all(torch.equal(fresh.state_dict()[key], tensor) for key, tensor in state.items())


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(200, 200, bias=False)
        self.outer = nn.Linear(200, 200, bias=False)
        self.outer.weight = self.inner.weight


@pytest.mark.parametrize("written", FORMATS)
def test_tied_weights_are_written_under_both_names(written: Format) -> None:
    state = _Tied().state_dict()
    found = load_weights(written(state))
    assert set(found) == {"inner.weight", "outer.weight"}
    assert torch.equal(found["inner.weight"], found["outer.weight"])
    _Tied().load_state_dict(found)


@pytest.mark.parametrize("written", FORMATS)
def test_a_model_of_activations_has_a_file_of_weights_too(written: Format) -> None:
    assert load_weights(written(nn.ReLU().state_dict())) == {}


def test_a_pt_file_holds_tied_weights_once() -> None:
    once, size = weights_pt(_Tied().state_dict()), 200 * 200 * 4
    assert size < len(once) < 1.5 * size


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(12.0).reshape(3, 4).T,
        torch.arange(12.0)[::2],
        torch.arange(4.0).expand(3, 4),
        torch.tensor(7),
        torch.zeros(0, 3),
        torch.randn(5, dtype=torch.bfloat16),
        torch.tensor([True, False]),
        nn.Parameter(torch.ones(2)),
    ],
    ids=["transposed", "strided", "expanded", "scalar", "empty", "bfloat16", "bool", "parameter"],
)
def test_every_kind_of_tensor_comes_back(tensor: Tensor, written: Format) -> None:
    found = load_weights(written({"w": tensor}))["w"]
    assert found.dtype == tensor.dtype
    assert torch.equal(found, tensor)
    assert not found.requires_grad


@pytest.mark.parametrize("written", FORMATS)
def test_a_part_of_a_large_tensor_takes_the_place_of_the_part(written: Format) -> None:
    assert len(written({"w": torch.zeros(1_000_000)[:10]})) < 5_000


@pytest.mark.parametrize("written", FORMATS)
def test_writing_weights_leaves_them_alone(written: Format) -> None:
    layer = nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    load_weights(written(layer.state_dict()))["weight"].zero_()
    assert torch.equal(layer.weight, before)
    assert layer.weight.requires_grad


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved(torch.ones(2)), "no state_dict"),
        (saved({1: torch.ones(2)}), "no state_dict"),
        (saved({"epoch": 3, "model": {}}), "'epoch' of type int"),
        (saved({"model": nn.Linear(2, 2).state_dict()}), "'model' of type OrderedDict"),
        (weights_pt({"w": torch.ones(99)})[:-40], "cut off"),
    ],
)
def test_weights_of_our_own_are_tensors_and_nothing_else(data: bytes, words: str) -> None:
    with pytest.raises(BuilderError, match=words):
        load_weights(data)


@dataclass(frozen=True)
class Case:
    """A model that learned some data, and the run that is to be repeated."""

    template: str
    facts: ScriptFacts
    called: str = ""

    @property
    def name(self) -> str:
        """Name of the class, another one for every case: all stand in one folder."""
        return self.called or f"{self.template}{self.facts.dataset.title().replace('_', '')}"

    def model(self) -> ModelSpec:
        """Return the template, brought to the data as the page would and named for the case."""
        spec, samples = TEMPLATES[self.template], load(self.facts.dataset, **self.facts.options)
        found = mismatches(spec, samples)
        if found:
            spec = found[0].fixes[0].apply(spec)
        return edit.rename_model(spec, self.name)


def _case(template: str, data: str, validation: float = 0.2, seed: int = 0, **options: Any) -> Case:
    return Case(template, ScriptFacts(data, options, validation, seed))


TABLES = (
    _case("MLP", "iris", validation=0.3, seed=2**32 - 1),
    _case("MyModel", "wine", seed=4),
    _case("Perceptron", "breast_cancer"),  # one output for two classes
    _case("MLP", "breast_cancer", validation=1 / 3),
    _case("MLP", "diabetes", validation=0.15000000000000002, seed=123456789),
)
POINTS = (
    _case("MLP", "circles", samples=300, noise=0.3),
    _case("MLP", "moons", seed=9),
    _case("MLP", "xor", noise=0.0),
    _case("MLP", "gaussians", samples=5000),
    Case("MLP", ScriptFacts("spirals", {"seed": 2**31 - 1, "noise": 0.5}, 0.2, 0)),
)
# Classes of names that the script itself uses.
NAMESAKES = tuple(
    Case("MLP", ScriptFacts("xor", {}, 0.2, 0), called)
    for called in ("model", "Path", "np", "xor", "out", "print")
)
DIGITS = (_case("LeNet5", "digits"), _case("MyRNN", "digits", validation=0.5))
MNIST = (_case("LeNet5", "mnist"),)
SEQUENCES = (
    _case("MyRNN", "sine", seed=3, length=7),
    _case("GRUClassifier", "sines", validation=0.35),
    _case("MyRNN", "adding", samples=300),
    _case("LSTMClassifier", "parity", length=6),
    _case("MyRNN", "sequential_digits", length=5),
    _case("MyRNN", "sequential_mnist"),
    _case("MyRNN", "sunspots", validation=0.3),
    _case("GRUClassifier", "co2"),
    _case("MyRNN", "seattle", length=7),
    _case("MyRNN", "san_francisco", length=5),
)
TEXTS = (_case("TextClassifier", "names", seed=2), _case("CharLSTM", "prose", step=16))
# Other ways to split: in the order of time, and in parts of which each is kept in turn.
SPLITS = tuple(
    Case(template, ScriptFacts(data, {}, 0.2, 3, how, folds=4, fold=2), f"Split{number}")
    for number, (template, data, how) in enumerate(
        (
            ("MLP", "iris", "time"),
            ("MLP", "wine", "folds"),
            ("MLP", "diabetes", "folds"),
            ("MyRNN", "sine", "folds"),
        )
    )
)


def _learn(case: Case, folder: Path) -> str:
    """Train a little, write all three files, and return what the script is to print."""
    facts = case.facts
    samples = load(facts.dataset, **facts.options)
    parts = split(
        samples, validation=facts.validation, seed=facts.seed,
        method=facts.split, folds=facts.folds, fold=facts.fold,
    )  # fmt: skip
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    torch.manual_seed(0)
    spec = case.model()
    model = build(spec)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(20):
        rows = parts.train[torch.randperm(len(parts.train))[:256]]
        out = model(x[rows])
        if samples.task == "regression":
            loss = nn.functional.mse_loss(out, y[rows])
        elif out.shape[1] == 1:
            loss = nn.functional.binary_cross_entropy_with_logits(out, y[rows].float()[:, None])
        else:
            loss = nn.functional.cross_entropy(out, y[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    model.eval()
    out, wanted = predict(model, x[parts.validation]), y[parts.validation]
    (folder / f"{case.name}.pt").write_bytes(weights_pt(model.state_dict()))
    (folder / f"{case.name}.py").write_text(write_source(spec))
    (folder / f"check_{case.name}.py").write_text(write_script(case.name, facts))
    if samples.task == "regression":
        return f"validation R2 {r_squared(out, wanted):.4f}"
    return f"validation accuracy {accuracy(out, wanted):.4f}"


_RUN_ALL = """
import runpy, sys
for path in sys.argv[1:]:
    runpy.run_path(path, run_name="__main__")
ours = {name.partition(".")[0] for name in sys.modules} & {"builder", "ui", "pages", "streamlit"}
assert not ours, ours
"""


def _clean() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def test_the_scripts_print_what_the_page_shows(tmp_path: Path) -> None:
    cases = TABLES + POINTS + NAMESAKES + DIGITS + SEQUENCES + TEXTS + SPLITS
    shown = [_learn(case, tmp_path) for case in cases]
    scripts = [f"check_{case.name}.py" for case in cases]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN_ALL, *scripts],
        cwd=tmp_path, env=_clean(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == shown


def test_a_script_runs_alone_from_any_folder(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "taken home", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (case,) = MNIST
    shown = _learn(case, folder)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(folder / f"check_{case.name}.py")],
        cwd=elsewhere, env=_clean(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"{shown}\n"
    assert 0.15 < float(shown.split()[-1]) < 1  # it has learned: not the number of any weights


def test_every_data_set_has_its_script_tried() -> None:
    tried = TABLES + POINTS + DIGITS + MNIST + SEQUENCES + TEXTS
    assert {case.facts.dataset for case in tried} == set(DATASETS)


def test_the_scripts_are_clean(tmp_path: Path) -> None:
    for data in DATASETS:
        text = write_script("LeNet5", ScriptFacts(data, {}, 0.2, 0))
        (tmp_path / f"check_{data}.py").write_text(text)
    (tmp_path / "LeNet5.py").write_text(write_source(TEMPLATES["LeNet5"]))
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--isolated"], ["format", "--isolated", "--diff"]):
        done = subprocess.run(
            [*ruff, *command, "--no-cache", "."],
            cwd=tmp_path, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("data", DATASETS)
def test_a_script_is_short_and_needs_nothing_of_ours(data: str) -> None:
    text = write_script("LeNet5", ScriptFacts(data, {}, 0.2, 0))
    assert len(text.splitlines()) - len(maker_source(data).splitlines()) <= 38
    row, tops = DATASETS[data], set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            tops |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            tops.add(str(node.module).partition(".")[0])
    told = {top for top, names in PACKAGES.items() if any(n in row.source for n in (top, *names))}
    assert tops - sys.stdlib_module_names - told <= {"numpy", "torch", "sklearn", "LeNet5"}


def test_a_recipe_will_do_for_the_facts_of_a_script() -> None:
    recipe = Recipe(dataset="moons", options={"noise": 0.2}, validation=0.3, seed=5)
    facts = ScriptFacts("moons", {"noise": 0.2}, 0.3, 5)
    assert write_script("MLP", recipe) == write_script("MLP", facts)


def test_a_script_of_data_that_do_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="'cifar'"):
        write_script("MLP", ScriptFacts("cifar", {}, 0.2, 0))
    with pytest.raises(DataError, match=r"9.0.*0\.5"):
        write_script("MLP", ScriptFacts("moons", {"noise": 9.0}, 0.2, 0))
