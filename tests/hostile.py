"""Files of weights as nobody should write them, and as older versions of torch did."""

import io
import os
import pickle
import pickletools
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

TRILLION = 10**12


def saved(value: Any, **how: Any) -> bytes:
    """Return what `torch.save` writes; `legacy=True` as before torch 1.6."""
    content = io.BytesIO()
    zipped = not how.pop("legacy", False)
    torch.save(value, content, _use_new_zipfile_serialization=zipped, **how)
    return content.getvalue()


class Trap:
    """Unpickled without care, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def rezipped(
    data: bytes,
    change: Callable[[str, bytes], bytes | None],
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """Return a zip whose entries are what `change` makes of name and content; `None` drops one."""
    content = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as plain,
        zipfile.ZipFile(content, "w", compression) as other,
    ):
        for entry in plain.infolist():
            new = change(entry.filename, plain.read(entry))
            if new is not None:
                other.writestr(entry.filename, new)
    return content.getvalue()


def packed(data: bytes) -> bytes:
    """Return the same file, deflated."""
    return rezipped(data, lambda _, content: content, zipfile.ZIP_DEFLATED)


def bomb(size: int = 512 * 2**20) -> bytes:
    """Return half a megabyte that grows to 512: the zeros of one tensor, deflated."""
    content, block = io.BytesIO(), bytes(2**20)
    with (
        zipfile.ZipFile(io.BytesIO(saved({"w": torch.zeros(101)}))) as plain,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as grown,
    ):
        for entry in plain.infolist():
            with grown.open(entry.filename, "w") as file:
                if entry.filename.endswith("data/0"):
                    for _ in range(size // len(block)):
                        file.write(block)
                elif entry.filename.endswith(".pkl"):
                    file.write(renumbered(plain.read(entry), 101, size // 4))
                else:
                    file.write(plain.read(entry))
    return content.getvalue()


def renumbered(pickled: bytes, old: int, new: int, *, last: bool = False) -> bytes:
    """Return a pickle that says `new` where it said the whole number `old`, or the last time."""
    ops = list(pickletools.genops(pickled))
    ends = [position for _, _, position in ops[1:]] + [len(pickled)]
    found = [
        place
        for place, (code, argument, _) in enumerate(ops)
        if code.name.startswith(("BININT", "LONG")) and argument == old
    ]
    chosen = set(found[-1:] if last else found)
    out = bytearray()
    for place, ((_, _, start), end) in enumerate(zip(ops, ends, strict=True)):
        out += pickle.dumps(new, 2)[2:-1] if place in chosen else pickled[start:end]
    return bytes(out)


def announcing(numbers: int, *, of_its_file: bool = True) -> bytes:
    """Return a file of 101 numbers whose tensor is said to have more.

    Args:
        of_its_file: whether its values are said to be as many, or its shape alone.
    """
    return rezipped(
        saved({"w": torch.zeros(101)}),
        lambda name, data: (
            renumbered(data, 101, numbers, last=not of_its_file) if name.endswith(".pkl") else data
        ),
    )


def announcing_legacy(numbers: int) -> bytes:
    """Return the same in the format of torch before 1.6."""
    data = saved({"w": torch.zeros(101)}, legacy=True)
    stream, pickles = io.BytesIO(data), []
    for _ in range(5):
        start = stream.tell()
        list(pickletools.genops(stream))
        pickles.append(data[start : stream.tell()])
    pickles[3] = renumbered(pickles[3], 101, numbers)
    return b"".join(pickles) + data[stream.tell() :]


def asking_for_zeros(count: int) -> bytes:
    """Return a file whose pickle asks for a bytearray of so many bytes, which torch allows."""

    class Zeros:
        def __reduce__(self) -> tuple[Any, ...]:
            return bytearray, (count,)

    return saved({"w": torch.zeros(1), "z": Zeros()})


def as_torch_1_6(state: dict[str, Tensor]) -> bytes:
    """Return a zip as its first versions wrote it: with nothing but pickle, version and data."""
    return rezipped(
        saved(state),
        lambda name, content: content if name.endswith((".pkl", "version")) or "/data/" in name
        else None,
    )  # fmt: skip


def as_tar() -> bytes:
    """Return a file as torch wrote it before 0.1.10: a tar of pickles."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:", format=tarfile.PAX_FORMAT) as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(0, 2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return content.getvalue()
