"""The data of a run, as tensors in a file: made once by whoever starts it, read by the worker.

Reading it takes milliseconds, where making it imports scikit-learn and parses text for a second.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from builder.data import Samples, Split, load, split, title
from builder.train.recipe import Recipe

# What of a recipe decides about its data, the options besides.
_DECIDING = ("dataset", "split", "validation", "folds", "fold", "seed")


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

    def channels_last(self) -> Data:
        """Return the same pictures (n, C, H, W) with the channels of a pixel side by side."""
        x, kept = (
            t.contiguous(memory_format=torch.channels_last) for t in (self.x, self.x_validation)
        )
        return replace(self, x=x, x_validation=kept)


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


def split_by(recipe: Recipe, samples: Samples) -> Split:
    """Return the split that a recipe asks for.

    Raises:
        DataError: it asks for one that these samples cannot have.
    """
    return split(
        samples,
        validation=recipe.validation,
        seed=recipe.seed,
        method=recipe.split,
        folds=recipe.folds,
        fold=recipe.fold,
    )


def prepare_data(home: Path, recipe: Recipe) -> dict[str, Any]:
    """Write the file, unless it is there, and return a description of the data in plain values.

    The description has the `title`, the `task`, the `kind`, the `shape` of a sample, how many are
    in `train` and in `validation`, and the `digest` of all tensors, SHA-256.
    """
    path = _path(home, recipe)
    if not path.exists():
        _make(path, recipe)
    with safe_open(path, framework="pt") as file:
        about = dict(file.metadata())
        x, kept = file.get_slice("x").get_shape(), file.get_slice("x_validation").get_shape()
    return {
        **about,
        "title": title(recipe.dataset),
        "shape": x[1:],
        "train": x[0],
        "validation": kept[0],
    }


def _make(path: Path, recipe: Recipe) -> None:
    samples = load(recipe.dataset, **recipe.options)
    parts = split_by(recipe, samples)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    tensors = {
        "x": x[parts.train],
        "y": y[parts.train],
        "x_validation": x[parts.validation],
        "y_validation": y[parts.validation],
    }
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(save(tensors)).hexdigest()
    about = {"task": samples.task, "kind": samples.kind, "digest": digest}
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")  # two tabs may make the same data
    try:
        part.write_bytes(save(tensors, about))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _path(home: Path, recipe: Recipe) -> Path:
    facts = {name: getattr(recipe, name) for name in _DECIDING} | {"options": dict(recipe.options)}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    name = recipe.dataset.replace(":", "-")
    return home / "data" / f"{name}-{digest}.safetensors"
