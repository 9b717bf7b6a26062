"""One thing of a run that can be varied while all else stays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builder.catalog import Field
from builder.spec import ModelSpec
from builder.train.compare import shown_value
from builder.train.recipe import Recipe

_DECADES = 100.0  # a range whose ends are further apart than this is gone through by factors
_DIGITS = 3
_PARTS = 5


@dataclass(frozen=True)
class Setup:
    """What a run is started with."""

    spec: ModelSpec
    recipe: Recipe


@dataclass(frozen=True)
class Setting:
    """One thing of a setup that can have another value while all else stays.

    Args:
        path: what it is called in a plan.
        label: for people.
        field: what values it takes.
        value: the one it has.
        put: returns the setup with another value, which is not checked.
        words: a value as people read it.
    """

    path: str
    label: str
    field: Field
    value: Any
    put: Callable[[Setup, Any], Setup]
    words: Callable[[Any], str] = shown_value

    @property
    def kind(self) -> str:
        """What kind of value it takes; a size that is the same along all axes is one number."""
        one = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        if one and self.field.kind in ("size", "scale"):
            return "int" if self.field.kind == "size" else "float"
        return self.field.kind

    @property
    def numeric(self) -> bool:
        """Whether its values have an order and a distance."""
        return self.kind in ("int", "float")

    @property
    def _bounds(self) -> tuple[float, float]:
        return self.field.slider or (self.field.low, self.field.high)

    @property
    def by_factors(self) -> bool:
        """Whether a step of it is a factor, as with a rate, and not a distance."""
        low, high = self._bounds
        return self.numeric and low >= 0 and high > max(1.0, low) * _DECADES

    def range(self) -> tuple[float, float]:
        """Return a range to search, about its value where there is no natural one."""
        value = self.value or 0
        if not self.by_factors:
            low, high = self._bounds
            low = low if math.isfinite(low) else value - 1
            return low, high if math.isfinite(high) else max(value, low) + 1
        if self.kind == "int":
            return self.number(max(1, value // 4)), self.number(4 * max(1, value))
        return self.number((value or 1e-3) / 100), self.number((value or 1e-4) * 100)

    def suggested(self) -> tuple[Any, ...]:
        """Return values worth trying; of numbers, its own is among them."""
        field = self.field
        if field.kind == "bool":
            return (True, False)
        if field.kind == "choice":
            return (*([None] if field.optional else []), *field.choices)
        if not self.numeric:
            return (self.value,)
        found = [self.number(value) for value in self._spread()]
        found += [] if self.value is None else [self.value]
        some = sorted({value for value in found if field.problem(value) is None})
        return (*([None] if field.optional else []), *some)

    def _spread(self) -> list[float]:
        low, high = self.range()
        if not self.by_factors:
            step = (high - low) / _PARTS
            step = max(1, round(step)) if self.kind == "int" else step
            return [low + step * part for part in range(_PARTS + 1) if low + step * part <= high]
        if self.kind == "int":
            return [low, low * 2, high / 2, high]
        return [low, low * 10, high / 10] if self.value else [0.0, low, low * 10, high]

    def number(self, value: float) -> int | float:
        """Return the nearest number of three digits that this setting takes."""
        low, high = self.field.low, self.field.high
        if self.kind == "int":
            return int(min(max(round(value), low), high))
        return min(max(float(f"{value:.{_DIGITS}g}"), low), high)
