"""Numbers that people bring, typed, pasted, uploaded or drawn, and what becomes of them."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from builder.errors import LabError, shown
from builder.labs.activation import ACTIVATIONS, make, view

MOST, MOST_AXES = 100_000, 4
LARGEST_SEED = 2**31 - 1
_EMPTY = "There is no number here; a list such as 0.5, -1, 2 works."
_SEPARATORS = re.compile(r"[\s,;]+")
_MARKS = re.compile(r"[\[\]()]|[^\s,;\[\]()]+")
# How torch and numpy print a tensor: `tensor([1., 2.], dtype=torch.float64)`.
_PRINTED = re.compile(r"\s*\w*\.?(?:tensor|array)\((.*\])[^\[\]]*\)\s*", re.DOTALL)

Nested: TypeAlias = "float | list[Nested]"


@dataclass(frozen=True)
class Numbers:
    """A tensor, and where it comes from.

    Args:
        values: float32, 1 to `MOST_AXES` axes, 1 to `MOST` finite numbers.
        seed: of the generator that drew it from a standard normal, `None` for any other.
    """

    values: Tensor
    seed: int | None = None


def draw(shape: Sequence[int], seed: int = 0) -> Numbers:
    """Return `torch.randn(*shape)` after `torch.manual_seed(seed)`, whose state stays as it is.

    Raises:
        LabError: a shape of no numbers, of too many, or of too many axes.
    """
    _check_shape(shape)
    generator = torch.Generator().manual_seed(seed)
    return Numbers(torch.randn(*shape, generator=generator), seed)


def read_shape(text: str) -> tuple[int, ...]:
    """Return a shape as people type it, `1, 10` or `(1, 10)`; raises `LabError` if it is none."""
    words = [word for word in _SEPARATORS.split(text.strip().strip("()[]")) if word]
    if not words or not all(word.isdecimal() and len(word) < 10 for word in words):
        raise LabError(f"The shape is {shown(text)}; whole numbers such as 1, 10 work.")
    shape = tuple(map(int, words))
    _check_shape(shape)
    return shape


def _check_shape(shape: Sequence[int]) -> None:
    if not 1 <= len(shape) <= MOST_AXES:
        raise LabError(f"There are {len(shape)} axes; from 1 to {MOST_AXES} work.")
    count = math.prod(shape)
    if not 1 <= count <= MOST:
        raise LabError(f"{_by(shape)} is {count:,} numbers; from 1 to {MOST:,} work.")


def _by(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def read_list(text: str) -> tuple[float, ...]:
    """Return the numbers of a line of text, separated by commas or spaces.

    Raises:
        LabError: it holds none, or something that is no finite number.
    """
    words = [word for word in _SEPARATORS.split(text.strip().strip("[]()")) if word]
    if not words:
        raise LabError(_EMPTY)
    return tuple(map(_number, words))


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise LabError(f"{shown(word)} is no number; one such as 0.5 or -1e3 works.") from None
    if not abs(value) <= torch.finfo(torch.float32).max:
        raise LabError(f"{word} is not finite in float32; one such as 0.5 or -1e3 works.")
    return value


def read_text(text: str) -> Numbers:
    """Return a tensor as people type or paste it.

    In brackets, as Python, torch and numpy write them, it has the axes that they give it. Without,
    it is a table: each line a row, its numbers separated by commas, semicolons, tabs or spaces.

    Raises:
        LabError: no number, something that is none, rows of different lengths, too much.
    """
    if len(text) > 40 * MOST:
        raise LabError(f"The text has {len(text):,} letters; up to {MOST:,} numbers work.")
    if "[" in text:
        printed = _PRINTED.fullmatch(text)
        return _checked(np.array(_nested(printed[1] if printed else text), dtype=np.float32))
    rows = [read_list(line) for line in text.splitlines() if line.strip()]
    if not rows:
        raise LabError(_EMPTY)
    return _checked(np.array(_even(list(map(list, rows))), dtype=np.float32))


def _nested(text: str) -> Nested:
    """Read lists within lists."""
    stack: list[list[Nested]] = [[]]
    for mark in _MARKS.findall(text):
        if mark in "[(":
            if len(stack) > MOST_AXES:
                raise LabError(f"There are more than {MOST_AXES} axes; from 1 to 4 work.")
            stack.append([])
        elif mark in ")]":
            if len(stack) == 1:
                raise LabError("A bracket is closed that was not opened.")
            done = stack.pop()
            stack[-1].append(_even(done))
        else:
            stack[-1].append(_number(mark))
    if len(stack) > 1:
        raise LabError("A bracket is opened and not closed.")
    [whole] = stack
    return whole[0] if len(whole) == 1 else _even(whole)


def _even(rows: list[Nested]) -> list[Nested]:
    """Check that the entries of a list have one shape."""
    for place, (first, second) in enumerate(pairwise(map(np.shape, rows))):
        if first != second:
            raise LabError(
                f"Entry {place + 1} has {_size(first)} and entry {place + 2} {_size(second)}; "
                "rows of one length make a tensor."
            )
    return rows


def _size(shape: Sequence[int]) -> str:
    return "1 number" if shape in ((), (1,)) else f"{_by(shape)} numbers"


def read_file(name: str, data: bytes) -> Numbers:
    """Return a tensor out of an uploaded file: `.npy`, or a table as `.csv` or `.txt`.

    A first line of names is left out. Nothing in the file is executed.

    Raises:
        LabError: the file is none of these, is damaged, or holds what `read_text` refuses.
    """
    if name.lower().endswith(".npy"):
        return _checked(_npy(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LabError(f"{shown(name)} is no text; a .npy, .csv or .txt file works.") from None
    first, _, rest = text.lstrip().partition("\n")
    names = [word for word in _SEPARATORS.split(first.strip()) if word]
    if rest.strip() and names and not any(map(_reads, names)):
        text = rest
    return read_text(text)


def _reads(word: str) -> bool:
    try:
        float(word.strip("\"'[]()"))
    except ValueError:
        return "[" in word or "(" in word
    return True


def _npy(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            reader = np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(file)
    except (ValueError, EOFError, OSError) as error:
        raise LabError(f"This is no .npy file: {error}") from None
    if dtype.kind not in "fiub":
        raise LabError(f"The array holds {dtype}; real numbers work.")
    # What a header announces is checked before any memory is taken for it.
    _check_shape(shape or (1,))
    file.seek(0)
    try:
        found: NDArray[Any] = np.load(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise LabError(f"The .npy file is damaged: {error}") from None
    return found


def _checked(values: NDArray[Any]) -> Numbers:
    values = np.atleast_1d(values)
    if not values.size:
        raise LabError(_EMPTY)
    _check_shape(values.shape)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, dtype=np.float32)
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        place = ", ".join(map(str, bad[0]))
        raise LabError(
            f"The number at ({place}) is {values[tuple(bad[0])]}, and {len(bad) - 1:,} more are "
            "not finite either; finite numbers work."
        )
    return Numbers(torch.from_numpy(values.copy()))


def apply(op: str, args: Mapping[str, Any], x: Tensor) -> Tensor:
    """Return what an activation makes of a tensor, as it evaluates.

    Raises:
        LabError: an argument that torch does not take, or a tensor that does not fit: an axis
            that is not there, one of odd size for GLU, one that is no picture for Softmax2d.
    """
    row = ACTIVATIONS[op]
    size = str(tuple(x.shape))
    dim = {**row.initial_args(), **args}.get("dim")
    if dim is not None and not -x.ndim <= dim < x.ndim:
        raise LabError(f"{row.title} has dim={dim}; {size} has the axes 0 to {x.ndim - 1}.")
    if view(op, args) == "gate" and dim is not None and x.shape[dim] % 2:
        raise LabError(
            f"{row.title} halves axis {dim}, so its size must be even; it is {x.shape[dim]} in "
            f"{size}."
        )
    if row.ndims and x.ndim not in (*row.ndims, min(row.ndims) - 1):
        raise LabError(
            f"{row.title} takes {min(row.ndims)} axes, (N, channels, height, width), or 3 without "
            f"the batch; {size} has {x.ndim}."
        )
    count = args.get("num_parameters", 1)
    if count > 1 and (x.ndim < 2 or x.shape[1] != count):
        has = x.shape[1] if x.ndim > 1 else "no"
        raise LabError(
            f"{row.title} has {count} slopes, one for each entry of axis 1; {size} has {has} there."
        )
    module = make(op, args)
    with torch.no_grad():
        y: Tensor = module(x.clone())
    return y
