"""A kernel as a table of numbers: what can be changed about it, and how it is read from text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from builder.errors import KernelError, shown

Kernel: TypeAlias = NDArray[np.float32]

MAX_SIDE = 31
_LARGEST = 1e6
_MOST_TEXT = 40_000
# How torch and numpy print a table: what stands in the brackets is all that matters.
_PRINTED = re.compile(
    r"(?:Parameter containing:\s*)?(?:\w+\.)?(?:tensor|array)\s*"
    r"\((.*?)(?:,\s*\w+=[^\[\]]{0,200})?\)",
    re.DOTALL,
)


def as_kernel(values: object) -> Kernel:
    """Return numbers, (kH, kW), as a kernel."""
    return np.ascontiguousarray(np.asarray(values, dtype=np.float32))


# changes


def normalise(kernel: Kernel) -> Kernel:
    """Return the kernel with sum 1; one whose sum is 0 with absolute values that sum to 1.

    Raises:
        KernelError: all its values are 0.
    """
    total = float(kernel.astype(np.float64).sum())
    reach = float(np.abs(kernel.astype(np.float64)).sum())
    if not reach:
        raise KernelError("All values of the kernel are 0, so nothing makes its sum 1.")
    return as_kernel(kernel / (total if abs(total) > 1e-6 * reach else reach))


def flip(kernel: Kernel, axis: int) -> Kernel:
    """Return the kernel mirrored: axis 0 swaps top and bottom, axis 1 left and right."""
    return as_kernel(np.flip(kernel, axis))


def rotate(kernel: Kernel) -> Kernel:
    """Return the kernel turned a quarter clockwise."""
    return as_kernel(np.rot90(kernel, -1))


def transpose(kernel: Kernel) -> Kernel:
    """Return the kernel with rows for columns."""
    return as_kernel(kernel.T)


def resize(kernel: Kernel, height: int, width: int) -> Kernel:
    """Return the kernel in another size: cut at its rim, or with zeros around it."""
    for axis, size in enumerate((height, width)):
        more = size - kernel.shape[axis]
        if more > 0:
            pad = [(0, 0), (0, 0)]
            pad[axis] = (more // 2, more - more // 2)
            kernel = np.pad(kernel, pad)
        elif more < 0:
            start = -more // 2
            kernel = np.take(kernel, range(start, start + size), axis)
    return as_kernel(kernel)


# what people type


def parse_kernel(text: str) -> Kernel:
    """Return the kernel that a text means: a row a line, numbers apart by spaces, commas or tabs.

    Rows may also end with a semicolon or stand in brackets, as numpy, torch and MATLAB have it.
    Fractions such as 1/9 are numbers.

    Raises:
        KernelError: a cell is no number, the rows differ in length, there are several kernels,
            or one that is too large.
    """
    if len(text) > _MOST_TEXT:
        raise KernelError(
            f"The text has {len(text):,} letters; a kernel has {MAX_SIDE} rows at most."
        )
    text = text.strip()
    printed = _PRINTED.fullmatch(text)
    parts = (printed[1] if printed else text).split("/")
    text = "/".join(part.strip(" \t") for part in parts)
    if re.search(r"\]\s*\][\s,;]*\[\s*\[", text):
        raise KernelError("The text holds several kernels; one table of rows and columns works.")
    # Where rows stand in brackets of their own, a long one may go over several lines.
    between = r"\][\s,;]*\[" if re.search(r"\[[^\]]*\[|\][\s,;]*\[", text) else r"[;\n]"
    rows = [_cells(line) for line in re.split(between, text)]
    return check_kernel(row for row in rows if row)


def _cells(line: str) -> list[str]:
    """Return the cells of a row; nothing between two commas is a cell too, and empty."""
    line = line.strip(" \t\r\n,;[]")
    return [cell for part in line.split(",") for cell in part.split() or [""]] if line else []


def check_kernel(rows: Iterable[Iterable[object]]) -> Kernel:
    """Return a table of numbers, or of texts that are numbers, as a kernel.

    Raises:
        KernelError: a cell is no number, the rows differ in length, there are none, or more than
            31 either way.
    """
    table = [list(row) for row in rows]
    if not table or not table[0]:
        raise KernelError("The kernel is empty; it has at least one row and one column.")
    if len(table) > MAX_SIDE or max(map(len, table)) > MAX_SIDE:
        raise KernelError(
            f"The kernel has {len(table)} rows and {max(map(len, table))} columns; "
            f"{MAX_SIDE} of each at most."
        )
    for number, row in enumerate(table, start=1):
        if len(row) != len(table[0]):
            raise KernelError(
                f"Row {number} has {_count(row)}, row 1 has {_count(table[0])}; all rows are "
                "equally long."
            )
    return as_kernel(
        [
            [_number(cell, row, column) for column, cell in enumerate(cells, start=1)]
            for row, cells in enumerate(table, start=1)
        ]
    )


def _count(row: list[object]) -> str:
    return "1 number" if len(row) == 1 else f"{len(row)} numbers"


def _number(cell: object, row: int, column: int) -> float:
    try:
        value = _read(cell) if isinstance(cell, str) else float(cell)  # type: ignore[arg-type]
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        value = math.nan
    if not abs(value) <= _LARGEST:
        got = "empty" if isinstance(cell, str) and not cell.strip() else shown(cell)
        raise KernelError(
            f"Row {row}, column {column} is {got}; a number up to a million, or a fraction such "
            "as 1/9, works."
        )
    return value


def _read(text: str) -> float:
    """Return the number that a text is.

    Not by `fractions.Fraction`: it works 1e999999999 out to the last digit, which never ends.
    """
    above, *below = (float(part) for part in text.replace("−", "-").split("/"))
    if not below:
        return above
    (divisor,) = below
    return above / divisor if math.isfinite(divisor) else math.nan
