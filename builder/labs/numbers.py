"""Numbers that people bring, typed, pasted, uploaded or drawn, and what becomes of them."""

from __future__ import annotations

import math
import re

from builder.errors import DataError, shown

_SEPARATORS = re.compile(r"[\s,;]+")


def read_list(text: str) -> tuple[float, ...]:
    """Return the numbers of a line of text, separated by commas or spaces.

    Raises:
        DataError: it holds none, or something that is no finite number.
    """
    words = [word for word in _SEPARATORS.split(text.strip().strip("[]()")) if word]
    if not words:
        raise DataError("There is no number here; a list such as 0.5, -1, 2 works.")
    return tuple(_number(word) for word in words)


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise DataError(f"{shown(word)} is no number; one such as 0.5 or -1e3 works.") from None
    if not math.isfinite(value):
        raise DataError(f"{word} is not finite; a number such as 0.5 or -1e3 works.")
    return value
