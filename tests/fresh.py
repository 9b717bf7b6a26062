"""Runs written code where LayerLab is not: many sources in one fresh process."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from builder import ModelSpec, build, write_source

SEED = 7

_SCRIPT = """
import importlib.util, json, sys, warnings
import torch

assert importlib.util.find_spec("builder") is None, "LayerLab can be imported here"
warnings.simplefilter("ignore")
torch.set_num_threads(1)


def same(a, b):
    if isinstance(a, torch.Tensor):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(((a == b) | ((a != a) & (b != b))).all())  # what is no number is equal here
    if a is None:
        return b is None
    return len(a) == len(b) and all(map(same, a, b))


def check(case):
    names = {}
    exec(compile(case["source"], case["name"], "exec"), names)
    torch.manual_seed(case["seed"])
    model = names[case["name"]]()
    assert str(model) == case["tree"], f"prints as {model}"
    assert list(model.state_dict()) == list(case["weights"]), list(model.state_dict())
    drawn = model.state_dict()
    assert all(same(drawn[key], value) for key, value in case["weights"].items()), "draws others"
    model.load_state_dict(case["weights"])
    for mode, expected in case["outputs"].items():
        model.train(mode == "train")
        torch.manual_seed(case["seed"])
        # Layers may overwrite what they are given.
        with torch.no_grad():
            found = model(*[value.clone() for value in case["inputs"]])
        assert same(found, expected), f"another output in mode {mode}"


failures = {}
for key, case in torch.load(sys.argv[1], weights_only=True).items():
    try:
        check(case)
    except Exception as error:
        failures[key] = f"{type(error).__name__}: {error}\\n{case['source']}"
print(json.dumps(failures))
"""


@dataclass(frozen=True)
class Case:
    """A model, what it was given, and what the built module made of it, in each mode."""

    spec: ModelSpec
    model: nn.Module
    inputs: tuple[Tensor, ...]
    outputs: dict[str, Any]
    source: str


def make_case(spec: ModelSpec, inputs: tuple[Tensor, ...] = ()) -> Case:
    """Build a model and run it, on random numbers if no others are given."""
    torch.manual_seed(SEED)
    model = build(spec)
    inputs = inputs or random_inputs(spec, 3)
    outputs = {}
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    for mode in ("eval", "train"):
        model.train(mode == "train")
        torch.manual_seed(SEED)
        with torch.no_grad():
            outputs[mode] = model(*[value.clone() for value in inputs])
    model.load_state_dict(weights)
    return Case(spec, model, inputs, outputs, write_source(spec))


def random_inputs(spec: ModelSpec, batch: int) -> tuple[Tensor, ...]:
    """Return inputs of the shapes and dtypes that a model asks for."""
    shapes = [(entry.dtype, (batch, *entry.shape)) for entry in spec.inputs]
    return tuple(
        torch.randint(0, 5, shape) if dtype == "int64" else torch.randn(shape)
        for dtype, shape in shapes
    )


def failures(cases: dict[str, Case], folder: Path) -> dict[str, str]:
    """Return, by name, what was wrong with the written code of each case in a fresh process."""
    folder.mkdir(parents=True, exist_ok=True)
    script, data = folder / "check.py", folder / "cases.pt"
    script.write_text(_SCRIPT, encoding="utf-8")
    torch.save({key: _plain(case) for key, case in cases.items()}, data)
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(data)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _plain(case: Case) -> dict[str, Any]:
    return {
        "name": case.spec.name,
        "source": case.source,
        "tree": str(case.model),
        "weights": dict(case.model.state_dict()),
        "inputs": list(case.inputs),
        "outputs": case.outputs,
        "seed": SEED,
    }
