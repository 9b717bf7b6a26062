"""Grids of numbers between Python and the lab's components."""

from collections.abc import Sequence

from ui.components.bridge import Intent

Numbers = Sequence[Sequence[float]]

# Infinity and NaN are no JSON; these are what a script turns back into numbers.
_WORDS = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def plain(rows: Numbers) -> list[list[float | str]]:
    """The numbers as JSON carries them."""
    return [[_WORDS.get(str(number), number) for number in map(float, row)] for row in rows]


def is_place(intent: Intent, size: tuple[int, int]) -> bool:
    """Whether "row" and "column" of a message name a cell of a grid of this (height, width)."""
    return all(
        type(intent.get(name)) is int and 0 <= intent[name] < extent
        for name, extent in zip(("row", "column"), size, strict=True)
    )
