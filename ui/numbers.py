"""Numbers as people read them."""

from __future__ import annotations


def count(number: float) -> str:
    """Return a count in three figures: 854, 61.7 k, 1.24 M, 6.74 G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:,.0f}"


def memory(number: float) -> str:
    """Return bytes in three figures: 512 B, 24.1 KB, 1.2 MB."""
    for size, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if number >= size:
            return f"{number / size:.3g} {letters}"
    return f"{number:.0f} B"


def figures(number: float) -> str:
    """Return a score in four figures: 0.9556, 12.4, 1.6e-05."""
    if number and abs(number) < 1e-3:
        return f"{number:.1e}"
    return f"{number:,.4g}" if abs(number) < 1e4 else f"{number:.3e}"
