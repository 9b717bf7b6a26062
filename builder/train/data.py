"""The data of a run, as tensors in a file: made once by whoever starts it, read by the worker.

Reading it takes milliseconds, where making it imports scikit-learn and parses text for a second.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from builder.data import load, split
from builder.train.recipe import Recipe


@dataclass(frozen=True)
class Data:
    """What a run trains on, scaled and split: inputs (n, *shape) and targets."""

    x: Tensor
    y: Tensor
    x_validation: Tensor
    y_validation: Tensor

    def to(self, device: str) -> Data:
        """Return the same data on a device."""
        return Data(*(t.to(device) for t in (self.x, self.y, self.x_validation, self.y_validation)))


@dataclass(frozen=True)
class RunData:
    """Split and scaled tensors, and what kind of data they are."""

    data: Data
    task: str
    kind: str


def load_data(home: Path, recipe: Recipe) -> RunData:
    """Return the data of a recipe, from its file if there is one, else made and kept."""
    path = _path(home, recipe)
    if not path.exists():
        prepare_data(home, recipe)
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
        tensors = [file.get_tensor(name) for name in ("x", "y", "x_validation", "y_validation")]
    return RunData(Data(*tensors), about["task"], about["kind"])


def prepare_data(home: Path, recipe: Recipe) -> None:
    """Write the file, unless it is there."""
    path = _path(home, recipe)
    if path.exists():
        return
    samples = load(recipe.dataset, **recipe.options)
    parts = split(samples, validation=recipe.validation, seed=recipe.seed)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    tensors = {
        "x": x[parts.train],
        "y": y[parts.train],
        "x_validation": x[parts.validation],
        "y_validation": y[parts.validation],
    }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(save(tensors, {"task": samples.task, "kind": samples.kind}))
    part.replace(path)


def _path(home: Path, recipe: Recipe) -> Path:
    facts = [recipe.dataset, sorted(recipe.options.items()), recipe.validation, recipe.seed]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    return home / "data" / f"{recipe.dataset}-{digest}.safetensors"
