"""Arrays of NumPy: `.npy`, one array, and `.npz`, several under their names.

Pickled objects are never read. The size of each array is read from its head before its numbers.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray

from builder.data.own.shelf import PREFIX, called
from builder.data.samples import Kind, Samples
from builder.errors import DataError, shown

Numbers: TypeAlias = NDArray[Any]

TASKS = ("classification", "regression")
LAST_COLUMN = ""  # in place of a name for `y`
ONLY = "array"  # what the array of a .npy file is called
MAX_NUMBERS = 100_000_000
MAX_CLASSES = 1_000
MAX_ARRAYS = 1_000
_X_NAMES = ("x", "data", "x_train", "inputs", "images", "features", "samples", "arr_0")
_Y_NAMES = ("y", "target", "targets", "label", "labels", "y_train", "classes", "arr_1")
_OPTIONS = ("x", "y", "task", "kind")


@dataclass(frozen=True)
class Head:
    """What an array is, told without its numbers."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        return f"{self.shape} of {self.dtype.name}"


def heads(path: Path) -> dict[str, Head]:
    """Return the arrays of a file by their names.

    Raises:
        DataError: it is no file of arrays, or a broken one.
    """
    try:
        if _is_zip(path):
            with zipfile.ZipFile(path) as file:
                names = [name for name in file.namelist() if name.endswith(".npy")]
                found = {}
                for name in names[:MAX_ARRAYS]:
                    with file.open(name) as content:
                        found[name.removesuffix(".npy")] = _head(content)
        else:
            with path.open("rb") as content:
                found = {ONLY: _head(content)}
    except _UNREADABLE:
        raise DataError(
            f"{called(path)} holds no arrays that can be read; what numpy.save and numpy.savez "
            "write can be."
        ) from None
    if not found:
        raise DataError(f"{called(path)} is a ZIP without arrays (.npy) in it.")
    return found


def suggest(path: Path) -> dict[str, Any]:
    """Return the options to start from.

    They are `x` and `y`, the names of the arrays of inputs and of targets (an empty `y` is the
    last column of `x`), `task` and `kind`.

    Raises:
        DataError: as `heads`.
    """
    found = heads(path)
    usable = {name: head for name, head in found.items() if head.shape} or found
    x = _named(usable, _X_NAMES) or max(usable, key=lambda name: len(usable[name].shape))
    rows = usable[x].shape[:1]
    fitting = {n: h for n, h in usable.items() if n != x and h.shape[:1] == rows}
    y = _named(fitting, _Y_NAMES) or min(
        fitting, key=lambda name: len(fitting[name].shape), default=LAST_COLUMN
    )
    fits = kinds(found[x].shape)
    try:
        task = _guess_task(_both(path, {"x": x, "y": y})[1])
    except DataError:  # `read` says it, of the options that are chosen
        task = TASKS[0]
    return {"x": x, "y": y, "task": task, "kind": fits[0] if fits else "table"}


def kinds(shape: tuple[int, ...]) -> tuple[Kind, ...]:
    """Return what an array of a shape may be read as, the likeliest first."""
    if len(shape) in (1, 2):
        return ("table", "sequence")
    if len(shape) == 3:
        small = min(shape[1:]) >= 4
        return ("picture", "sequence") if small else ("sequence", "picture")
    return ("picture",) if len(shape) == 4 else ()


def read(path: Path, options: Mapping[str, Any]) -> Samples:
    """Return the samples of a file of arrays.

    A table (n, columns) and a sequence (n, steps) or (n, steps, features) are read as they are; a
    picture (n, H, W), (n, H, W, C) or (n, C, H, W) with C of 1 or 3 gets values from 0 to 1. Of
    targets, each value that occurs is a class.

    Args:
        options: those of `suggest`; those left out are guessed.

    Raises:
        DataError: an option does not fit the file, or an array cannot be used so.
    """
    whole = set(_OPTIONS) <= set(options)
    given = dict(options) if whole else {**suggest(path), **options}
    for name in given:
        if name not in _OPTIONS:
            raise DataError(
                f"{called(path)} has no setting {shown(name)}; it has {', '.join(_OPTIONS)}."
            )
    if given["task"] not in TASKS:
        raise DataError(f"task is {shown(given['task'])}; {' or '.join(TASKS)} works.")
    x, y = _both(path, given)
    allowed = kinds(x.shape)
    if given["kind"] not in allowed:
        works = f"{' or '.join(allowed)} works" if allowed else "1 to 4 axes work"
        raise DataError(
            f"The array {given['x']} is {x.shape} and cannot be read as {shown(given['kind'])}; "
            f"{works}.",
            mends={f"Read it as a {kind}": {"kind": kind} for kind in allowed},
        )
    if not x.size or not y.size:
        raise DataError(f"The array {given['x']} is {x.shape}: it holds no samples to learn from.")
    inputs = _KINDS[given["kind"]](_plain(x, given["x"]), given["x"])
    values = torch.from_numpy(np.ascontiguousarray(inputs, np.float32))
    if values.isinf().any():
        raise DataError(f"The array {given['x']} holds infinite numbers; finite ones and NaN work.")
    targets, classes = (_classes if given["task"] == TASKS[0] else _values)(y, given["y"])
    return Samples(
        PREFIX + path.stem,
        values,
        targets,
        classes,
        _features(given["kind"], values.shape),
        given["task"],
        given["kind"],
        MappingProxyType(given),
    )


def _features(kind: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    if kind == "picture":
        return ()
    word = "column" if kind == "table" else "value"
    return tuple(f"{word} {number}" for number in range(1, shape[-1] + 1))


# reading

_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, SyntaxError,
    NotImplementedError, RuntimeError, KeyError, OverflowError, MemoryError,
)  # fmt: skip


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _head(file: IO[bytes]) -> Head:
    version = npy.read_magic(file)
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = reader(file)
    return Head(tuple(map(int, shape)), dtype)


def _both(path: Path, options: Mapping[str, Any]) -> tuple[Numbers, Numbers]:
    """Return inputs and targets as they are in the file."""
    found = heads(path)
    x_name, y_name = options["x"], options["y"]
    for role, name in (("x", x_name), ("y", y_name)):
        if name not in found and not (role == "y" and name == LAST_COLUMN):
            raise DataError(
                f"{called(path)} has no array {shown(name)} for {role}; it has {', '.join(found)}."
            )
    x = _array(path, x_name, found[x_name])
    if y_name != LAST_COLUMN:
        y = _array(path, y_name, found[y_name])
    elif x.ndim == 2 and x.shape[1] > 1:
        x, y = x[:, :-1], x[:, -1]
    else:
        raise DataError(
            f"The array {x_name} is {x.shape}; only of (n, columns) with two or more columns can "
            "the last one be the target. Choose an array of targets."
        )
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise DataError(
            f"{x_name} is {found[x_name]} and {y_name} is {found.get(y_name)}; both need an axis "
            "of samples first, of the same length."
        )
    return x, y


def _array(path: Path, name: str, head: Head) -> Numbers:
    if head.dtype.hasobject:
        raise DataError(
            f"The array {name} holds Python objects, which would have to be run to be read; save "
            "it as numbers, such as a.astype('float32')."
        )
    if head.dtype.names or head.dtype.kind not in "biufUS":
        raise DataError(f"The array {name} is {head}; numbers work, and words as targets.")
    count = int(np.prod(head.shape, dtype=object))
    if count > MAX_NUMBERS or count * head.dtype.itemsize > 8 * MAX_NUMBERS:
        raise DataError(
            f"The array {name} is {head}, {count:,} numbers; up to {MAX_NUMBERS:,} can be read."
        )
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            with found:
                return np.asarray(found[name])
        return np.asarray(found)
    except _UNREADABLE:
        raise DataError(
            f"The array {name} of {called(path)} is broken: it does not hold what its head says."
        ) from None


def _plain(x: Numbers, name: str) -> Numbers:
    if x.dtype.kind in "US":
        raise DataError(f"The array {name} holds words; inputs are numbers.")
    return x


# inputs by kind


def _table(x: Numbers, name: str) -> Numbers:
    del name
    return x.reshape(len(x), -1)


def _sequence(x: Numbers, name: str) -> Numbers:
    del name
    return x.reshape(len(x), -1, 1) if x.ndim < 3 else x


def _picture(x: Numbers, name: str) -> Numbers:
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[1] not in (1, 3) and x.shape[3] in (1, 3):
        x = np.moveaxis(x, 3, 1)
    if x.shape[1] not in (1, 3):
        raise DataError(
            f"The array {name} is {x.shape}; pictures are (n, H, W), (n, H, W, C) or "
            "(n, C, H, W) with 1 or 3 channels C."
        )
    if x.dtype.kind == "b" or not x.size:
        return x
    low, high = _ends(x)
    if x.dtype in (np.uint8, np.uint16):
        low, high = 0.0, float(np.iinfo(x.dtype).max)
    elif low >= 0:
        # Of 0 to 1 or 0 to 255 both ends are known; other numbers go from black to white.
        low, high = 0.0, next((top for top in (1.0, 255.0) if high <= top), high)
    return (x.astype(np.float32) - np.float32(low)) / np.float32((high - low) or 1.0)


def _ends(x: Numbers) -> tuple[float, float]:
    there = x[np.isfinite(x)]
    return (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)


_KINDS: Mapping[str, Callable[[Numbers, str], Numbers]] = MappingProxyType(
    {"table": _table, "sequence": _sequence, "picture": _picture}
)

# targets


def _guess_task(y: Numbers) -> str:
    if y.dtype.kind in "bUS" or (y.ndim == 2 and y.shape[1] > 1):
        return "classification"
    few = len(np.unique(y)) <= min(50, max(2, len(y) // 5))
    whole = y.dtype.kind in "iu" or bool((y == np.round(y)).all())
    return "classification" if whole and few else "regression"


def _column(y: Numbers, name: str) -> Numbers:
    """Return targets (n,), of (n,), of (n, 1), or of (n, k) with a single 1 in each row."""
    if y.ndim == 1:
        return y
    flat = y.reshape(len(y), -1)
    if flat.shape[1] == 1:
        return flat[:, 0]
    marks = flat if y.dtype.kind in "biuf" else np.zeros(flat.shape)
    if ((marks == 0) | (marks == 1)).all() and (marks.sum(1) == 1).all():
        return np.asarray(marks.argmax(1))
    raise DataError(
        f"{_role(name)} {y.shape}: {flat.shape[1]} values a sample. One value works, (n,) or "
        "(n, 1), or for classes a row of noughts with a single 1."
    )


def _role(name: str) -> str:
    return f"The target {name} is" if name else "The target, the last column, is"


def _classes(y: Numbers, name: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    column = _column(y, name)
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise DataError(f"{_role(name)} NaN or infinite for some samples; give every one a class.")
    found, numbers = np.unique(column, return_inverse=True)
    if len(found) < 2:
        raise DataError(
            f"{_role(name)} {_word(found[0])} for every sample; two or more classes are needed to "
            "tell apart."
        )
    if len(found) > MAX_CLASSES:
        raise DataError(
            f"{_role(name)} {len(found):,} different values; up to {MAX_CLASSES:,} classes work, "
            "and numbers do as a regression.",
            mends={} if column.dtype.kind in "US" else {"Learn a number": {"task": TASKS[1]}},
        )
    return torch.from_numpy(numbers.astype(np.int64).reshape(-1)), tuple(map(_word, found))


def _word(value: Any) -> str:
    if isinstance(value, np.bytes_):
        return bytes(value).decode("utf-8", "replace")
    return f"{value:g}" if isinstance(value, np.floating) else str(value)


def _values(y: Numbers, name: str) -> tuple[torch.Tensor, tuple[str, ...]]:
    if y.dtype.kind in "US":
        raise DataError(
            f"{_role(name)} made of words; a regression needs numbers.",
            mends={"Learn a class": {"task": TASKS[0]}},
        )
    column = _column(y, name).astype(np.float32)
    if not np.isfinite(column).all():
        raise DataError(f"{_role(name)} NaN or infinite for some samples; finite numbers work.")
    if column.min() == column.max():
        raise DataError(f"{_role(name)} {column[0]:g} for every sample: there is nothing to learn.")
    return torch.from_numpy(column).unsqueeze(1), ()


def _named(found: Mapping[str, Head], names: tuple[str, ...]) -> str | None:
    small = {name.lower(): name for name in reversed([*found])}
    return next((small[name] for name in names if name in small), None)
