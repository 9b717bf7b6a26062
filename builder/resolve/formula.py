"""The formula of a layer of one's own followed part by part: what each line gives, or why not.

It is followed on `meta`, for a batch of 2 and of 3: what differs between the two is the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from builder import initial
from builder.errors import FormulaError
from builder.own.layer import FORWARD, OwnLayer
from builder.own.parts import Binary, Call, Expression, Run
from builder.own.reading import TRAINING
from builder.own.row import OwnRow
from builder.resolve.probe import empty, merged
from builder.resolve.scene import with_inferred
from builder.resolve.types import Type, describe, tensors

_MATRIX = ("@", "matmul", "mm", "bmm")
_BATCHES = (2, 3)


@dataclass(frozen=True)
class Followed:
    """A formula as far as it could be followed.

    Args:
        shapes: of the parameters, by name.
        lines: what every line says, and the shape of what it gives.
        fault: what stopped it, `None` if nothing did.
        where: what the fault is in: the name of a setting or a parameter, or `forward`.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lines: tuple[tuple[str, str], ...] = ()
    fault: FormulaError | None = None
    where: str = FORWARD


def follow(layer: OwnLayer, settings: Mapping[str, Any], inputs: tuple[Type, ...]) -> Followed:
    """Follow a layer for these settings and what comes in; never raises for one that is wrong."""
    for where, fault in layer.faults.items():
        return Followed(fault=fault, where=where)
    shapes: dict[str, tuple[int, ...]] = {}
    for parameter in layer.parameters:
        try:
            shapes[parameter.name] = shape = layer.shape(parameter, settings)
        except FormulaError as error:
            return Followed(shapes, fault=error, where=parameter.name)
        wrong = initial.problem(parameter.init, shape)
        if wrong is not None:
            fault = FormulaError(f"{parameter.name} cannot start as it says: {wrong}.")
            return Followed(shapes, fault=fault, where=parameter.name)
    return _Trace(layer, settings, inputs, shapes).followed()


def try_out(row: OwnRow, args: Mapping[str, Any], inputs: tuple[Type, ...]) -> Followed:
    """Follow a layer as a model uses it: what the wire tells need not be among the arguments."""
    told, _ = with_inferred(row, args, inputs)
    for name, entry in row.fields.items():
        if entry.required and name not in told and name in row.infer:
            wire = row.infer[name]
            words = (
                f"{name} is the size of axis {wire.axis} of {describe(inputs[wire.input])}, which "
                "is no fixed size there."
            )
            return Followed(fault=FormulaError(words), where=name)
    return follow(row.layer, row.complete(told), inputs)


class _Trace:
    """What every part gave, in each batch."""

    def __init__(
        self,
        layer: OwnLayer,
        settings: Mapping[str, Any],
        inputs: tuple[Type, ...],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.layer, self.shapes = layer, shapes
        self.gave: dict[int, dict[int, Any]] = {batch: {} for batch in _BATCHES}
        held = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
        count = sum(one.numel() for one in held.values())
        self.runs = {
            batch: Run(
                {
                    **dict(zip(layer.inputs, (empty(one, batch) for one in inputs), strict=True)),
                    **settings,
                    **held,
                    TRAINING: True,
                },
                held=count,
                watch=self._watch(batch),
            )
            for batch in _BATCHES
        }

    def _watch(self, batch: int) -> Any:
        def watch(part: Expression, value: Any) -> None:
            self.gave[batch][id(part)] = value

        return watch

    def followed(self) -> Followed:
        fault = None
        for run in self.runs.values():
            try:
                self.layer.plan.follow(run)
            except FormulaError as error:
                fault = fault or error
        return Followed(self.shapes, tuple(self._lines()), fault and self._explained(fault))

    def _lines(self) -> Any:
        plan = self.layer.plan
        for line in plan.lines:
            if id(line.value) in self.gave[2]:
                yield f"{', '.join(line.targets)} = {line.value.text}", self._of(line.value)
        if id(plan.result) in self.gave[2]:
            yield f"return {plan.result.text}", self._of(plan.result)

    def _of(self, part: Expression) -> str:
        """Return what a part gave, in words: `(N, 3)`, `16`."""
        two, three = (self.gave[batch].get(id(part)) for batch in _BATCHES)
        kind = _type(two, three)
        if kind is not None:
            first = next(tensors(kind), None)
            other = f" {first.dtype}" if first is not None and first.dtype != "float32" else ""
            return f"{describe(kind)}{other}"
        return "a number of the batch" if two != three else f"{two}"

    def _explained(self, fault: FormulaError) -> FormulaError:
        """Say what the part received, where torch refused it."""
        part = fault.part
        if fault.__cause__ is None or not isinstance(part, Expression):
            return fault
        given = {
            inner.text: self._of(inner)
            for inner in part.parts
            if isinstance(self.gave[2].get(id(inner)), Tensor)
        }
        if not given:
            return fault
        listed = " and ".join(f"`{text}` {shape}" for text, shape in given.items())
        why = self._rule(part) or self._named(f"{fault.__cause__}".strip().splitlines()[0])
        words = f"cannot be computed of {listed}: {why.rstrip('.')}."
        return part.error(words)

    def _rule(self, part: Expression) -> str | None:
        found = [self.gave[2].get(id(inner)) for inner in part.parts]
        values = [value for value in found if isinstance(value, Tensor)]
        if len(values) < len(found):
            return None
        ranks = [value.ndim for value in values]
        sign = _sign(part)
        if sign in _MATRIX:
            if sign == "mm" and ranks != [2, 2]:
                return "mm multiplies matrices, of 2 axes each; @ takes more"
            if min(ranks) and values[0].shape[-1] != values[1].shape[max(-2, -ranks[1])]:
                return (
                    "the last axis of the first must be as long as the last but one of the second"
                )
            return None
        if isinstance(part, Binary):
            return "sizes must be equal, or 1, axis by axis from the last"
        return None

    def _named(self, words: str) -> str:
        """Write the batch in torch's words as N: it was asked with a batch of 2."""
        for key, two in self.gave[2].items():
            kind = _type(two, self.gave[3].get(key))
            for one in tensors(kind) if kind is not None else ():
                words = words.replace(f"{list(one.at(2))}", f"{one}")
        return words


def _sign(part: Expression) -> str:
    if isinstance(part, Binary):
        return part.sign
    return part.function.name if isinstance(part, Call) else ""


def _type(two: Any, three: Any) -> Type | None:
    """Return the type of tensors, `None` for anything else."""
    whole = two if isinstance(two, tuple | list) else (two,)
    if not whole or not all(isinstance(one, Tensor) for one in whole):
        return None
    try:
        return merged(two, three)
    except (TypeError, ValueError):
        return None
