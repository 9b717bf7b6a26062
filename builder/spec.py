"""The one document that everything is translated from.

A `ModelSpec` is plain data and holds only choices: no shapes, no weights, no widgets. It never
changes; edits (`builder.edit`) return a new one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from builder.errors import SpecError, shown
from builder.names import check_class_name, check_input_name, check_node_name

if TYPE_CHECKING:
    from builder.own.layer import OwnLayer

FORMAT = 1
CONTAINERS = ("sequential", "modulelist", "graph")
DTYPES = ("float32", "int64")
MAX_JSON_BYTES = 4_000_000
MAX_NODES = 10_000
MAX_OWN_LAYERS = 200
MAX_NUMBER = 1e100
MAX_LIST_DEPTH = 3
MAX_TENSOR_DEPTH = 6

Value: TypeAlias = Any  # None, bool, int, float, str, or a tuple of those


@dataclass(frozen=True)
class Input:
    """One input of the model. `shape` leaves the batch axis out: `(3, 32, 32)` for RGB pictures."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_input_name(self.name)
        shape = tuple(self.shape)
        object.__setattr__(self, "shape", shape)
        for size in shape:
            if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= 10**12:
                raise SpecError(
                    f"The shape of input {self.name!r} holds {shown(size)}; "
                    "every size is a whole number from 1 to 10^12."
                )
        if len(shape) > 8:
            raise SpecError(f"Input {self.name!r} has {len(shape)} axes; 8 at most are allowed.")
        if self.dtype not in DTYPES:
            raise SpecError(
                f"Input {self.name!r} has dtype {shown(self.dtype)}; known are {', '.join(DTYPES)}."
            )


@dataclass(frozen=True)
class Init:
    """How a parameter starts: a scheme of `builder.initial` and its arguments."""

    scheme: str
    args: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.scheme, str) or not 0 < len(self.scheme) <= 100:
            raise SpecError("A parameter starts by a scheme, whose name is text.")
        frozen = {
            str(key): _freeze(value, self.scheme, MAX_TENSOR_DEPTH)
            for key, value in self.args.items()
        }
        object.__setattr__(self, "args", MappingProxyType(frozen))

    def __reduce__(self) -> tuple[Any, ...]:
        return Init, (self.scheme, dict(self.args))


@dataclass(frozen=True, eq=False)
class Node:
    """One step of a block.

    Args:
        name: the attribute it becomes and so the prefix of its parameters; digits are a position.
        op: a layer (`nn.Conv2d`), a function (`F.relu`, `+`), a named block of the model, or the
            name of an earlier node, which is then called again with the same weights.
        args: arguments by torch's names. What is left out is torch's default, or told by the wire.
        inputs: names of the nodes or inputs it reads; empty means the node before it.
        enabled: a node switched off hands its first input on unchanged (`nn.Identity`).
        init: how its parameters start, by their names within the layer; the others as torch
            draws them.
        frozen: whether its parameters stay as they start (`requires_grad` is off).
    """

    name: str
    op: str
    args: Mapping[str, Value] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    enabled: bool = True
    init: Mapping[str, Init] = field(default_factory=dict)
    frozen: bool = False

    def __post_init__(self) -> None:
        check_node_name(self.name)
        if not isinstance(self.op, str) or not 0 < len(self.op) <= 100:
            raise SpecError(f"The op of layer {self.name!r} must be text.", node=self.name)
        for word in ("enabled", "frozen"):
            if not isinstance(getattr(self, word), bool):
                raise SpecError(
                    f"Layer {self.name!r} is {word} or not: true or false.", node=self.name
                )
        frozen = {str(key): _freeze(value, self.name) for key, value in self.args.items()}
        object.__setattr__(self, "args", MappingProxyType(frozen))
        object.__setattr__(self, "inputs", _as_names(self.inputs))
        object.__setattr__(self, "init", MappingProxyType(dict(self.init)))

    @cached_property
    def _identity(self) -> tuple[Any, ...]:
        # For Python 1, 1.0 and True are equal; a layer takes one of them and refuses the others.
        args = tuple(sorted((key, repr(value)) for key, value in self.args.items()))
        init = tuple(
            (name, start.scheme, repr(dict(start.args)))
            for name, start in sorted(self.init.items())
        )
        return self.name, self.op, args, self.inputs, self.enabled, init, self.frozen

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy can be neither pickled nor deep-copied.
        parts = (self.name, self.op, dict(self.args), self.inputs, self.enabled)
        return Node, (*parts, dict(self.init), self.frozen)

    @property
    def positional(self) -> bool:
        """Whether the name is only the node's position, as in `nn.Sequential(...)`."""
        return self.name.isdigit()


@dataclass(frozen=True)
class Block:
    """A container and its nodes in running order.

    Args:
        container: `sequential` (a chain, keys `0.weight`), `modulelist` (keys `layers.0.weight`,
            a node may read any earlier one) or `graph` (named attributes, keys `conv1.weight`).
        nodes: in running order.
        inputs: names of what goes in.
        outputs: names of what comes out; empty means the last node.
    """

    container: str
    nodes: tuple[Node, ...] = ()
    inputs: tuple[str, ...] = ("x",)
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.container not in CONTAINERS:
            raise SpecError(
                f"The container is {shown(self.container)}; known are {', '.join(CONTAINERS)}."
            )
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "inputs", _as_names(self.inputs))
        object.__setattr__(self, "outputs", _as_names(self.outputs))
        if not self.inputs:
            raise SpecError("A block needs at least one input.")
        if len(self.nodes) > MAX_NODES:
            raise SpecError(f"A block holds {len(self.nodes)} layers; {MAX_NODES} at most.")
        for name in self.inputs:
            check_input_name(name)
        if self.container == "graph":
            for node in self.nodes:
                if node.positional:
                    raise SpecError(
                        f"In a graph every layer is an attribute, and {node.name!r} cannot be one; "
                        "a name such as 'conv1' can.",
                        node=node.name,
                    )
        seen: set[str] = set()
        for name in (*self.inputs, *(node.name for node in self.nodes)):
            if name in seen:
                raise SpecError(f"Two parts are called {name!r}; every name is used once.")
            seen.add(name)

    def __contains__(self, name: str) -> bool:
        return name in self.positions

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each node stands, by name."""
        return {node.name: position for position, node in enumerate(self.nodes)}

    def node(self, name: str) -> Node:
        """Return the node called `name`; raises `SpecError` if there is none."""
        try:
            return self.nodes[self.positions[name]]
        except KeyError:
            raise SpecError(f"There is no layer called {shown(name)}.") from None

    def sources(self, position: int) -> tuple[str, ...]:
        """Return the names that the node at `position` reads, the implied one spelled out."""
        named = self.nodes[position].inputs
        if named:
            return named
        return (self.nodes[position - 1].name,) if position else self.inputs[:1]

    @property
    def results(self) -> tuple[str, ...]:
        """Names of what comes out, the implied one spelled out."""
        if self.outputs:
            return self.outputs
        return (self.nodes[-1].name,) if self.nodes else self.inputs[:1]


@dataclass(frozen=True)
class ModelSpec:
    """A whole model: its inputs, its main block, and what it defines to use as layers.

    `blocks` are containers of layers, `layers` are layers of one's own: parameters and a formula.
    """

    name: str
    inputs: tuple[Input, ...]
    container: str = "sequential"
    nodes: tuple[Node, ...] = ()
    outputs: tuple[str, ...] = ()
    blocks: Mapping[str, Block] = field(default_factory=dict)
    layers: Mapping[str, OwnLayer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "outputs", _as_names(self.outputs))
        object.__setattr__(self, "blocks", MappingProxyType(dict(self.blocks)))
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))
        self._check_names()

    def _check_names(self) -> None:
        """Check that every name stands for one thing: they end in code beside one another."""
        if len(self.layers) > MAX_OWN_LAYERS:
            raise SpecError(f"A model has {MAX_OWN_LAYERS} layers of its own at most.")
        classes: dict[str, str] = {}
        for what, names in (
            ("the model", (self.name,)),
            ("a block", self.blocks),
            ("a layer of one's own", self.layers),
        ):
            for name in names:
                check_class_name(name, what)
                if name in classes:
                    first = classes[name]
                    raise SpecError(
                        f"{first[0].upper()}{first[1:]} and {what} are both called {name!r}."
                    )
                classes[name] = what
        del classes[self.name]
        for block in (self.main, *self.blocks.values()):
            for node in block.nodes:
                if node.name in classes:
                    raise SpecError(
                        f"A layer and {classes[node.name]} are both called {node.name!r}.",
                        node=node.name,
                    )

    def __hash__(self) -> int:
        return hash((self.name, self.inputs, self.container, self.nodes, self.outputs))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.name, self.inputs, self.container, self.nodes, self.outputs)
        return ModelSpec, (*parts, dict(self.blocks), dict(self.layers))

    @cached_property
    def main(self) -> Block:
        """The outermost block."""
        names = tuple(entry.name for entry in self.inputs)
        return Block(self.container, self.nodes, names, self.outputs)

    def block(self, name: str | None) -> Block:
        """Return the block called `name`, the main one for `None`."""
        if name is None:
            return self.main
        try:
            return self.blocks[name]
        except KeyError:
            raise SpecError(f"The model has no block called {shown(name)}.") from None

    def to_json(self) -> str:
        """Return the document as JSON text, format 1; empty parts are left out."""
        document: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "inputs": [
                {"name": entry.name, "shape": list(entry.shape), "dtype": entry.dtype}
                for entry in self.inputs
            ],
            **_block_to_dict(self.main),
        }
        if self.blocks:
            document["blocks"] = {
                name: {**_block_to_dict(block), "inputs": list(block.inputs)}
                for name, block in self.blocks.items()
            }
        if self.layers:
            document["layers"] = {name: layer.to_dict() for name, layer in self.layers.items()}
        return json.dumps(document, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> ModelSpec:
        """Read a document; raises `SpecError` that says where it is wrong and what would work."""
        from builder.document import read_document

        return read_document(text)


def _block_to_dict(block: Block) -> dict[str, Any]:
    out: dict[str, Any] = {
        "container": block.container,
        "nodes": [_node_to_dict(node) for node in block.nodes],
    }
    if block.outputs:
        out["outputs"] = list(block.outputs)
    return out


def _node_to_dict(node: Node) -> dict[str, Any]:
    out: dict[str, Any] = {"name": node.name, "op": node.op}
    if node.args:
        out["args"] = dict(node.args)
    if node.inputs:
        out["inputs"] = list(node.inputs)
    if not node.enabled:
        out["enabled"] = False
    if node.init:
        out["init"] = {
            name: {"scheme": init.scheme, **init.args} for name, init in node.init.items()
        }
    if node.frozen:
        out["frozen"] = True
    return out


def _as_names(value: object) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, Iterable) else (value,)
    if isinstance(value, str) or not all(isinstance(name, str) for name in names):
        raise SpecError(f"A list of names was expected; {shown(value)} is none.")
    return names


def _freeze(value: object, node: str, depth: int = MAX_LIST_DEPTH) -> Value:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        if abs(value) > MAX_NUMBER or not math.isfinite(value):  # this order: 10**400 is no float
            raise SpecError(
                f"Layer {node!r} has an argument that is infinite, not a number, or beyond "
                f"{MAX_NUMBER:.0e}.",
                node=node,
            )
        return value
    if depth == 0:
        raise SpecError(f"Layer {node!r} has an argument of lists within lists.", node=node)
    if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes):
        return tuple(_freeze(item, node, depth - 1) for item in value)
    raise SpecError(
        f"Layer {node!r} has an argument of type {type(value).__name__}; "
        "numbers, text, true, false, null and lists of those can be stored.",
        node=node,
    )
