"""What resolving gives: steps, totals, and the fault with its fixes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from builder.resolve.probe import Parameter
from builder.resolve.types import TensorType, Type, describe, tensors
from builder.spec import ModelSpec

FaultKind: TypeAlias = Literal["size", "batch", "other"]


@dataclass(frozen=True)
class Fix:
    """An edit that mends a fault. `apply` also lets later layers follow the sizes it changes."""

    label: str
    edit: Callable[[ModelSpec], ModelSpec] = field(compare=False)

    def apply(self, spec: ModelSpec) -> ModelSpec:
        """Return the mended spec."""
        from builder.resolve.walk import settle

        return settle(self.edit(spec))


@dataclass(frozen=True)
class Fault:
    """Why a model cannot run.

    Args:
        node: name of the layer, within its block.
        message: what it received, what it needs, and how the number comes about.
        fixes: edits that were tried and mend it, the best first.
        block: the named block that the layer stands in, `None` for the main one.
        path: names from the main block down to the layer.
        kind: `size` where the layer's own argument contradicts the wire, `batch` where the batch
            is lost, `other`.
    """

    node: str
    message: str
    fixes: tuple[Fix, ...] = ()
    block: str | None = None
    path: tuple[str, ...] = ()
    kind: FaultKind = "other"


@dataclass(frozen=True)
class Note:
    """Something that runs and is probably not meant: shown at its layer, with fixes."""

    node: str
    message: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Step:
    """One node as it runs.

    Args:
        name, op: as in the document; a node called again has the op of the node it calls.
        key: prefix of its parameters in the `state_dict` of its block, without the last dot; empty
            if it has none of its own.
        args: arguments it is built with, those told by the wire included.
        inferred: names of the arguments told by the wire.
        inputs, output: types of what goes in and comes out.
        parameters: what it learns, by name within the layer.
        params: number of values it learns, 0 for a layer called again.
        buffers: number of values it keeps without learning them.
        macs: multiply-accumulates of matrix products and convolutions, for one sample.
        shared: name of the node whose weights it uses, `None` if its own.
        frozen: whether its parameters stay as they start.
        steps: the steps inside, for a named block; those of a block called again hold no weights.
        notes: torch's own warnings.
    """

    name: str
    op: str
    key: str
    args: Mapping[str, Any]
    inferred: frozenset[str]
    sources: tuple[str, ...]
    inputs: tuple[Type, ...]
    output: Type
    parameters: tuple[Parameter, ...] = ()
    params: int = 0
    buffers: int = 0
    macs: int = 0
    shared: str | None = None
    enabled: bool = True
    frozen: bool = False
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def layers(self) -> int:
        """How many layers it stands for: 1, or those inside a block and the block."""
        return 1 + sum(step.layers for step in self.steps)

    @cached_property
    def trainable(self) -> int:
        """Number of values that training changes."""
        if self.frozen:
            return 0
        return sum(step.trainable for step in self.steps) if self.steps else self.params

    @property
    def shapes(self) -> tuple[tuple[Any, ...], ...]:
        """Shape of every tensor that comes out, the batch axis as `N`."""
        return tuple(entry.shape for entry in tensors(self.output))

    @property
    def shape_text(self) -> str:
        """What people read: `(N, 16, 32, 32)`."""
        return describe(self.output)

    @property
    def activation_bytes(self) -> int:
        """Memory of what comes out, for one sample."""
        return sum(entry.bytes for entry in tensors(self.output))


@dataclass(frozen=True)
class Resolution:
    """A spec worked out: every layer up to the fault, and the fault.

    Args:
        steps: one per node that runs, in order; a block's own steps are inside its step.
        faults: empty if the model runs; at present the first fault only, what follows it being
            unknown.
        notes: what runs and is probably not meant.
        unreached: names of the nodes after the fault.
        outputs: types of what the model gives; empty while it has a fault.
    """

    steps: tuple[Step, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[Note, ...] = ()
    unreached: tuple[str, ...] = ()
    outputs: tuple[Type, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether the model runs."""
        return not self.faults

    @cached_property
    def by_name(self) -> dict[str, Step]:
        """The steps of the main block by name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def params(self) -> int:
        """Number of learned values, shared ones counted once."""
        return sum(step.params for step in self.steps)

    @cached_property
    def trainable(self) -> int:
        """Number of values that training changes."""
        return sum(step.trainable for step in self.steps)

    @cached_property
    def buffers(self) -> int:
        """Number of values kept without being learned."""
        return sum(step.buffers for step in self.steps)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(step.macs for step in self.steps)

    @cached_property
    def activation_bytes(self) -> int:
        """Memory of all that the layers give for one sample, as training keeps it."""
        return sum(step.activation_bytes for step in self.steps)

    @property
    def output(self) -> TensorType | None:
        """Type of the model's single output tensor, `None` if it has another form or a fault."""
        if len(self.outputs) == 1 and isinstance(self.outputs[0], TensorType):
            return self.outputs[0]
        return None
