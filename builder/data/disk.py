"""Data sets of torchvision whose files lie on the disk already. Nothing is ever fetched.

They are looked for in the folder that `LAYERLAB_DATA` names, or in `data` in the home, laid out
and named as torchvision does. CIFAR is kept as pickles, which torchvision reads only if they are,
by their digest, the ones that were published.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from builder.errors import DataError
from builder.home import home

VARIABLE = "LAYERLAB_DATA"
WHERE = (
    "MNIST, Fashion-MNIST, KMNIST, EMNIST and CIFAR stand in the list of data once their files, "
    f"unpacked, lie in the folder that `{VARIABLE}` names (or `data` in LayerLab's own), as "
    "torchvision lays them out: `FashionMNIST/raw/train-images-idx3-ubyte`, "
    "`cifar-10-batches-py/data_batch_1`. Nothing is fetched."
)

_RAW = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_CLOTHES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot",
)  # fmt: skip
_THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


@dataclass(frozen=True)
class OnDisk:
    """A data set that torchvision reads.

    Args:
        name: its class in `torchvision.datasets`.
        files: what must be there, below the folder.
        shape: of one picture.
        count: pictures, those of the test part among them.
        classes: their names; empty to take them from torchvision.
        settings: arguments that torchvision needs besides.
        upright: whether the pictures lie as they are read; others are transposed.
    """

    name: str
    title: str
    help: str
    source: str
    files: tuple[str, ...]
    shape: tuple[int, int, int]
    count: int
    classes: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    upright: bool = True

    @property
    def present(self) -> bool:
        """Whether its files are there."""
        return all((folder() / file).is_file() for file in self.files)


def _raw(name: str, prefix: str = "") -> tuple[str, ...]:
    files = _RAW if not prefix else tuple(
        f"{prefix}-{part}-{file}"
        for part in ("train", "test")
        for file in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )  # fmt: skip
    return tuple(f"{name}/raw/{file}" for file in files)


def _batches(name: str, *parts: str) -> tuple[str, ...]:
    return tuple(f"{name}/{part}" for part in parts)


_GREY, _COLOUR = (1, 28, 28), (3, 32, 32)
_KRIZHEVSKY = "Krizhevsky, 2009, from your disk."
_ROWS = (
    OnDisk(
        "MNIST", "MNIST, all of it", "70,000 handwritten digits of 28 by 28 pixels.",
        "LeCun, Cortes and Burges, from your disk.", _raw("MNIST"), _GREY, 70_000,
        tuple("0123456789"),
    ),
    OnDisk(
        "FashionMNIST", "Fashion-MNIST", "70,000 pieces of clothing; harder than digits.",
        "Xiao, Rasul and Vollgraf, 2017, from your disk.", _raw("FashionMNIST"), _GREY, 70_000,
        _CLOTHES,
    ),
    OnDisk(
        "KMNIST", "Kuzushiji-MNIST", "70,000 handwritten characters of old Japanese.",
        "Clanuwat et al., 2018, from your disk.", _raw("KMNIST"), _GREY, 70_000,
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    OnDisk(
        "EMNIST", "EMNIST, balanced", "131,600 handwritten digits and letters of 47 classes.",
        "Cohen et al., 2017, from your disk.", _raw("EMNIST", "emnist-balanced"), _GREY, 131_600,
        settings={"split": "balanced"}, upright=False,
    ),
    OnDisk(
        "CIFAR10", "CIFAR-10", "60,000 colour photographs of ten things, 32 by 32 pixels.",
        _KRIZHEVSKY, _batches("cifar-10-batches-py", "data_batch_1", "test_batch", "batches.meta"),
        _COLOUR, 60_000, _THINGS,
    ),
    OnDisk(
        "CIFAR100", "CIFAR-100", "60,000 colour photographs of a hundred things.",
        _KRIZHEVSKY, _batches("cifar-100-python", "train", "test", "meta"), _COLOUR, 60_000,
    ),
)  # fmt: skip
ON_DISK = {row.name: row for row in _ROWS}


def folder() -> Path:
    """Return where the files are looked for."""
    return Path(os.environ.get(VARIABLE) or home() / "data")


def read(name: str, samples: int) -> tuple[tuple[Any, Any], tuple[str, ...], tuple[str, ...]]:
    """Return pictures (n, C, H, W) from 0 to 1, class numbers, names of classes, no features.

    Args:
        samples: how many of both parts are drawn, by a fixed seed.

    Raises:
        DataError: the files are not there, or not what they should be.
    """
    from torchvision import datasets  # type: ignore[import-untyped]

    row = ON_DISK[name]
    if not row.present:
        raise DataError(f"The files of {row.title} are not there. {WHERE}")
    make = partial(getattr(datasets, name), folder(), download=False, **row.settings)
    try:
        parts = [make(train=train) for train in (True, False)]
        x = np.concatenate([np.asarray(part.data) for part in parts])
        y = np.concatenate([np.asarray(part.targets) for part in parts])
        x = np.moveaxis(x, -1, 1) if row.shape[0] == 3 else x[:, None]
        names = row.classes or tuple(map(str, parts[0].classes))
        if x.shape[1:] != row.shape or len(x) != len(y) or not 0 <= y.min() <= y.max() < len(names):
            raise ValueError
    except (AssertionError, EOFError, OSError, RuntimeError, ValueError, IndexError, TypeError):
        raise DataError(
            f"The files of {row.title} are damaged, or others of the same names; unpack them once "
            "more."
        ) from None
    drawn = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:samples].numpy()
    x = x[drawn].astype(np.float32) / np.float32(255)
    return (x if row.upright else x.swapaxes(-1, -2), y[drawn]), names, ()
