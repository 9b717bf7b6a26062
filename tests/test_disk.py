"""Data sets of torchvision are offered while their files are on the disk, and never fetched."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets as torchvision_datasets

from builder.data import DATASETS, disk, load
from builder.data.datasets import _load
from builder.errors import DataError

COUNTS = {"train": 120, "t10k": 30}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of data sets, empty at first."""
    monkeypatch.setenv(disk.VARIABLE, str(tmp_path))
    _load.cache_clear()
    return tmp_path


def idx(values: np.ndarray) -> bytes:
    """Values as the files of MNIST hold them."""
    head = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.tobytes()


def lay_out(folder: Path, names: tuple[str, ...], classes: int = 10) -> None:
    """Write files such as torchvision's, each picture filled with the number of its class."""
    for name in names:
        count = COUNTS["train" if "train" in name else "t10k"]
        labels = (np.arange(count) % classes).astype(np.uint8)
        pictures = np.broadcast_to(labels[:, None, None], (count, 28, 28)).copy()
        pictures[:, 0, 1] = 255
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(idx(pictures if "images" in name else labels))


def test_nothing_is_offered_without_files(folder: Path) -> None:
    assert not set(disk.ON_DISK) & set(DATASETS)
    assert len(DATASETS) == len(list(DATASETS))
    assert "CIFAR10" not in DATASETS
    with pytest.raises(DataError, match="There is no data set 'FashionMNIST'"):
        load("FashionMNIST")
    with pytest.raises(DataError, match=f"not there. .*{disk.VARIABLE}"):
        disk.read("FashionMNIST", 100)


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST", "EMNIST"])
def test_files_that_are_there_are_read(folder: Path, name: str) -> None:
    lay_out(folder, disk.ON_DISK[name].files)
    assert name in DATASETS
    samples = load(name, samples=110)
    assert samples.x.shape == (110, *DATASETS[name].shape)
    assert samples.x.dtype == torch.float32
    assert samples.x.max() == 1
    torch.testing.assert_close(samples.x[:, 0, 5, 5], samples.y / 255)
    corner = (1, 0) if name == "EMNIST" else (0, 1)  # EMNIST is written column by column
    assert (samples.x[:, 0, *corner] == 1).all()
    assert len(samples.classes) == (47 if name == "EMNIST" else 10)
    assert torch.equal(samples.y, load(name, samples=110).y)


def test_all_of_both_parts_are_there_if_so_many_are_asked_for(folder: Path) -> None:
    lay_out(folder, disk.ON_DISK["MNIST"].files)
    assert len(load("MNIST").x) == sum(COUNTS.values())


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_pickles_that_are_not_the_published_ones_are_not_read(folder: Path, name: str) -> None:
    for file in disk.ON_DISK[name].files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    assert name in DATASETS
    with pytest.raises(DataError, match="damaged, or others of the same names"):
        load(name)


def test_files_that_are_cut_off_are_told_of(folder: Path) -> None:
    files = disk.ON_DISK["KMNIST"].files
    lay_out(folder, files)
    (folder / files[0]).write_bytes((folder / files[0]).read_bytes()[:-5])
    with pytest.raises(DataError, match="Kuzushiji-MNIST are damaged"):
        load("KMNIST")


@pytest.mark.parametrize("name", disk.ON_DISK)
def test_rows_name_what_torchvision_has(name: str) -> None:
    row = disk.ON_DISK[name]
    found = getattr(torchvision_datasets, name)
    assert row.help
    assert row.source
    if name.startswith("CIFAR"):
        assert all(file.startswith(found.base_folder) for file in row.files)
    elif name != "EMNIST":
        assert len(row.classes) == len(found.classes)
