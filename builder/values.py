"""Plain values as they come out of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of arguments in which lists are tuples, as torch's own defaults are."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
