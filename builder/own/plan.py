"""A formula as a plan: lines, and what is given at the end.

Following it is all that "running a formula" means here; nothing is compiled or evaluated as Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from builder.catalog.fields import MAX_SIZE
from builder.errors import shown
from builder.own.parts import Expression, Name, Run, Value, kind


@dataclass(frozen=True)
class Line:
    """`a = value`, or `a, b = value`."""

    targets: tuple[str, ...]
    value: Expression

    def keep(self, run: Run) -> None:
        """Compute the value and keep it under its name."""
        found = self.value.value(run)
        if len(self.targets) == 1:
            run.values[self.targets[0]] = found
            return
        if not isinstance(found, tuple | list) or len(found) != len(self.targets):
            raise self.value.error(f"gives {kind(found)}; {len(self.targets)} names wait for it.")
        run.values.update(zip(self.targets, found, strict=True))


@dataclass(frozen=True)
class Plan:
    """A formula: lines, and what is given at the end."""

    lines: tuple[Line, ...]
    result: Expression

    def follow(self, run: Run) -> Value:
        """Return what the formula gives: a tensor, or a tuple of tensors.

        Raises:
            FormulaError: a part cannot be computed, or what comes out is no tensor.
        """
        for line in self.lines:
            line.keep(run)
        found = self.result.value(run)
        if isinstance(found, list):
            found = tuple(found)
        tensors = found if isinstance(found, tuple) else (found,)
        if not tensors or not all(isinstance(one, Tensor) for one in tensors):
            raise self.result.error(f"gives {kind(found)}; a layer gives a tensor.")
        return found

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every name that some part reads."""
        roots = (*(line.value for line in self.lines), self.result)
        return frozenset(
            part.name for root in roots for part in root.all_parts() if isinstance(part, Name)
        )


def size_of(expression: Expression, settings: Mapping[str, Value]) -> int:
    """Return one size of a parameter, written in settings.

    Raises:
        FormulaError: it is no whole number from 1 to 10^8.
    """
    found = expression.value(Run(dict(settings)))
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= MAX_SIZE:
        raise expression.error(
            f"is {shown(found)}; a size is a whole number from 1 to {MAX_SIZE:,}."
        )
    return found
