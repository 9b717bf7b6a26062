"""Edits of a model's own layers: every one takes a spec and returns a new one.

Raises `EditError` for what cannot be done and `SpecError` for a name that cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from builder import edit
from builder.errors import EditError, shown
from builder.names import free_name
from builder.own.layer import OwnLayer
from builder.own.reading import renamed
from builder.spec import Block, ModelSpec, Node


def define(spec: ModelSpec, name: str, layer: OwnLayer) -> ModelSpec:
    """Add a layer, or put it in the place of the one that has its name."""
    return replace(spec, layers={**spec.layers, name: layer})


def new_layer_name(spec: ModelSpec, wanted: str) -> str:
    """Return `wanted`, with a number behind it where something has that name."""
    nodes = {node.name for block in _blocks(spec) for node in block.nodes}
    return free_name(wanted, {spec.name, *spec.blocks, *spec.layers, *nodes})


def uses(spec: ModelSpec, name: str) -> tuple[tuple[str | None, str], ...]:
    """Return where a layer is used: the block, `None` for the main one, and the node."""
    return tuple(
        (block, node.name)
        for block in (None, *spec.blocks)
        for node in spec.block(block).nodes
        if node.op == name
    )


def rename_layer(spec: ModelSpec, name: str, new: str) -> ModelSpec:
    """Give a layer another name; what uses it follows."""
    _held(spec, name)
    if new == name:
        return spec
    if new in spec.layers:
        raise EditError(f"There is already a layer of this model called {shown(new)}.")
    layers = {new if key == name else key: layer for key, layer in spec.layers.items()}

    def follow(node: Node) -> Node:
        return replace(node, op=new) if node.op == name else node

    return _with_nodes(spec, follow, layers)


def forget(spec: ModelSpec, name: str) -> ModelSpec:
    """Take a layer out, and every use of it."""
    _held(spec, name)
    while used := uses(spec, name):
        block, node = used[0]
        spec = edit.remove(spec, node, block=block)
    return replace(spec, layers={key: kept for key, kept in spec.layers.items() if key != name})


def rename_part(spec: ModelSpec, name: str, part: str, new: str) -> ModelSpec:
    """Give a setting, a parameter or an input another name.

    Shapes, the formula, and what the model says of the layer where it is used follow.
    """
    layer = _held(spec, name)
    if new == part:
        return spec

    def other(word: str) -> str:
        return new if word == part else word

    changed = OwnLayer(
        tuple(replace(one, name=other(one.name), input=other(one.input)) for one in layer.settings),
        tuple(
            replace(one, name=other(one.name), shape=renamed(one.shape, part, new))
            for one in layer.parameters
        ),
        renamed(layer.forward, part, new),
        tuple(map(other, layer.inputs)),
        layer.help,
    )

    def follow(node: Node) -> Node:
        if node.op != name:
            return node
        args = {other(key): value for key, value in node.args.items()}
        return replace(node, args=args, init={other(k): v for k, v in node.init.items()})

    return _with_nodes(spec, follow, {**spec.layers, name: changed})


def _held(spec: ModelSpec, name: str) -> OwnLayer:
    if name not in spec.layers:
        raise EditError(f"The model has no layer of its own called {shown(name)}.")
    return spec.layers[name]


def _blocks(spec: ModelSpec) -> Iterator[Block]:
    yield spec.main
    yield from spec.blocks.values()


def _with_nodes(
    spec: ModelSpec, follow: Callable[[Node], Node], layers: dict[str, OwnLayer]
) -> ModelSpec:
    """Return the model with these layers, and with every node of every block changed."""
    blocks = {
        name: replace(block, nodes=tuple(map(follow, block.nodes)))
        for name, block in spec.blocks.items()
    }
    nodes = tuple(map(follow, spec.nodes))
    return replace(spec, nodes=nodes, blocks=blocks, layers=layers)
