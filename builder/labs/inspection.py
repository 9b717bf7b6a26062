"""What a built module says of itself, read from it as torch holds it."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn


def listing(named: Iterable[tuple[str, nn.Module]]) -> str:
    """Return what `for name, module in named: print(name, module)` prints."""
    return "\n".join(f"{name} {module}" for name, module in named)
