"""Where a fault is: the layer in its place, and what arrives there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.catalog import Layer, Wire
from builder.resolve import fixes
from builder.resolve.resolution import FaultKind, Fix, Step
from builder.resolve.types import TensorType, Type
from builder.rows import row_of
from builder.spec import Block, ModelSpec, Node


@dataclass(frozen=True)
class Problem:
    """A fault before its fixes were tried."""

    node: str
    message: str
    fixes: tuple[Fix, ...] = ()
    kind: FaultKind = "other"
    block: str | None = None


@dataclass(frozen=True)
class Scene:
    """A layer in its place."""

    spec: ModelSpec
    block: str | None
    block_of: Block
    position: int
    wires: Mapping[str, Type]
    known: Mapping[str, Step]

    @property
    def node(self) -> Node:
        return self.block_of.nodes[self.position]

    @property
    def called(self) -> Node:
        """The layer itself, or the earlier one that it calls again."""
        node = self.node
        where = self.block_of.positions
        # Only what comes earlier can be called: a document may also name the layer itself.
        while where.get(node.op, len(where)) < where[node.name]:
            node = self.block_of.node(node.op)
        return node

    @property
    def shared(self) -> str | None:
        """Name of the earlier layer that it calls again, `None` if it calls none."""
        called = self.called
        return None if called is self.node else called.name

    @property
    def built(self) -> Step | None:
        """The step in which its weights were made, if it uses weights made before."""
        return self.known.get(self.called.name)

    @property
    def own_weights(self) -> tuple[Fix, ...]:
        """Proposals for a layer that calls an earlier one, whose sizes are not its own."""
        return () if self.shared is None else (fixes.own_weights(self),)

    def row(self, op: str) -> Layer | None:
        """Return the row of an op, `None` for a block, an earlier layer or a stranger."""
        return row_of(self.spec, op)

    @property
    def holds_module(self) -> bool:
        row = self.row(self.node.op)
        return self.node.op in self.spec.blocks or (row is not None and row.is_module)

    def problem(self, message: str, *proposed: Fix, kind: FaultKind = "other") -> Problem:
        """Return a problem of this layer; leaving the layer out is always the last proposal."""
        last = () if kind == "size" else fixes.without(self)
        return Problem(self.node.name, message, (*proposed, *last), kind, self.block)


def wire_size(wire: Wire, inputs: tuple[Type, ...]) -> int | None:
    """Return the size that a wire tells, `None` where it cannot be told."""
    if wire.input >= len(inputs):
        return None
    value = inputs[wire.input]
    if not isinstance(value, TensorType) or not -len(value.shape) <= wire.axis < len(value.shape):
        return None
    size = value.shape[wire.axis]
    return size if isinstance(size, int) else None


def with_inferred(
    row: Layer, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Return arguments with those that the wire tells, in torch's order, and the names of those."""
    told = {}
    for name, wire in row.infer.items():
        if name not in args:
            size = wire_size(wire, inputs)
            if size is not None:
                told[name] = size
    ordered = {name: {**args, **told}[name] for name in row.fields if name in args or name in told}
    extra = {name: value for name, value in args.items() if name not in row.fields}
    return {**ordered, **extra}, frozenset(told)
