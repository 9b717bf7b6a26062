"""One line of the table that `make bench` prints."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A promise and what was measured.

    Args:
        name: what is measured, over what it is measured against.
        ratio: the two figures' ratio.
        target: what was promised, in words.
        holds: whether it holds.
        detail: the figures themselves, with their units.
    """

    name: str
    ratio: float
    target: str
    holds: bool
    detail: str


def table(rows: Iterable[Row]) -> str:
    """Return the rows as an aligned table."""
    cells = [("", "ratio", "promised", "holds", "measured")]
    cells += [
        (row.name, f"{row.ratio:.3f}", row.target, "yes" if row.holds else "NO", row.detail)
        for row in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
