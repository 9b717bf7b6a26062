"""Edits: every one takes a spec and returns a new one, so that undo is a list.

`block` names the block to edit, `None` the main one. Raises `EditError` for what cannot be done and
`SpecError` for a name that cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.catalog import CATALOG, did_you_mean
from builder.errors import EditError, shown
from builder.names import check_node_name
from builder.rows import row_of
from builder.spec import Block, Init, Input, ModelSpec, Node
from builder.twins import as_module


def set_args(
    spec: ModelSpec, name: str, args: Mapping[str, Any], *, block: str | None = None
) -> ModelSpec:
    """Set some arguments of a layer; the others stay."""
    return _on_node(spec, name, block, lambda node: replace(node, args={**node.args, **args}))


def unset_args(
    spec: ModelSpec, name: str, args: Iterable[str], *, block: str | None = None
) -> ModelSpec:
    """Leave arguments to torch's defaults, or to the wire."""
    gone = set(args)

    def edit(node: Node) -> Node:
        return replace(node, args={k: v for k, v in node.args.items() if k not in gone})

    return _on_node(spec, name, block, edit)


def set_op(
    spec: ModelSpec, name: str, op: str, args: Mapping[str, Any], *, block: str | None = None
) -> ModelSpec:
    """Put another layer in the same place."""
    _check_op(spec, op, block)

    def edit(node: Node) -> Node:
        return replace(node, op=op, args=dict(args), init={}, frozen=False)

    return _on_node(spec, name, block, edit)


def set_sources(
    spec: ModelSpec, name: str, sources: Sequence[str], *, block: str | None = None
) -> ModelSpec:
    """Choose what a layer reads; empty means the layer before it."""
    return _on_node(spec, name, block, lambda node: replace(node, inputs=tuple(sources)))


def switch(spec: ModelSpec, name: str, enabled: bool, *, block: str | None = None) -> ModelSpec:
    """Switch a layer on, or off: it then hands its input on unchanged."""
    return _on_node(spec, name, block, lambda node: replace(node, enabled=enabled))


def set_init(
    spec: ModelSpec, name: str, init: Mapping[str, Init], *, block: str | None = None
) -> ModelSpec:
    """Say how a layer's parameters start; those not named as torch draws them."""
    return _on_node(spec, name, block, lambda node: replace(node, init=dict(init)))


def start(
    spec: ModelSpec, name: str, parameter: str, init: Init | None, *, block: str | None = None
) -> ModelSpec:
    """Say how one parameter of a layer starts, `None` for as torch draws it; the others stay."""
    held = spec.block(block).node(name).init
    told = {key: kept for key, kept in held.items() if key != parameter}
    if init is not None:  # in its old place: parameters are drawn in this order
        told = {**held, parameter: init}
    return set_init(spec, name, told, block=block)


def freeze(spec: ModelSpec, name: str, frozen: bool, *, block: str | None = None) -> ModelSpec:
    """Keep a layer's parameters as they start, or let them learn."""
    return _on_node(spec, name, block, lambda node: replace(node, frozen=frozen))


def insert(
    spec: ModelSpec,
    index: int,
    op: str,
    args: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    inputs: Sequence[str] = (),
    block: str | None = None,
) -> ModelSpec:
    """Put a new layer at position `index`, with its row's first values where `args` is `None`."""
    target = spec.block(block)
    if not 0 <= index <= len(target.nodes):
        raise EditError(f"There are {len(target.nodes)} layers; position {index} is not one.")
    _check_op(spec, op, block)
    row = row_of(spec, op)
    if args is None:
        args = row.initial_args() if row else {}
    new = Node(name or new_name(target, index, op), op, args, tuple(inputs))
    nodes = list(target.nodes)
    # A layer that reads the one before by name would go round the newcomer.
    if index and index < len(nodes) and (row is None or row.inputs[0] == 1) and not inputs:
        before, after = nodes[index - 1].name, nodes[index]
        if before in after.inputs:
            names = tuple(new.name if source == before else source for source in after.inputs)
            nodes[index] = replace(after, inputs=names)
    outputs = target.outputs
    if nodes and index == len(nodes) and outputs == (nodes[-1].name,):
        outputs = (new.name,)
    nodes.insert(index, new)
    return _with_nodes(spec, block, nodes, outputs)


def remove(spec: ModelSpec, name: str, *, block: str | None = None) -> ModelSpec:
    """Take a layer out; what read it reads what it read."""
    target = spec.block(block)
    position = _position(target, name)
    before = target.nodes[position - 1].name if position else target.inputs[0]
    source = target.sources(position)[0]
    if source == name:  # a document may hold a layer that reads itself
        source = before
    heir = next((node.name for node in target.nodes if node.op == name), None)
    nodes = []
    for index, node in enumerate(target.nodes):
        if index == position:
            continue
        inputs = node.inputs
        if not inputs and index == position + 1:
            inputs = () if source == before else (source,)
        inputs = tuple(source if entry == name else entry for entry in inputs)
        node = replace(node, inputs=inputs)
        if heir == node.name:  # the weights stay with the next one that shares them
            held = target.nodes[position]
            node = replace(node, op=held.op, args=held.args, init=held.init, frozen=held.frozen)
        elif heir and node.op == name:
            node = replace(node, op=heir)
        nodes.append(node)
    outputs = tuple(source if entry == name else entry for entry in target.outputs)
    return _with_nodes(spec, block, nodes, outputs)


def move(spec: ModelSpec, name: str, to: int, *, block: str | None = None) -> ModelSpec:
    """Move a layer to position `to`, counted with the layer taken out."""
    target = spec.block(block)
    nodes = list(target.nodes)
    node = nodes.pop(_position(target, name))
    nodes.insert(max(0, min(to, len(nodes))), node)
    return _with_nodes(spec, block, nodes)


def duplicate(spec: ModelSpec, name: str, *, block: str | None = None) -> ModelSpec:
    """Put a copy behind a layer, with weights of its own; a copy of a call is another call."""
    target = spec.block(block)
    position = _position(target, name)
    node = target.nodes[position]
    inputs = node.inputs if len(node.inputs) > 1 else ()
    spec = insert(spec, position + 1, node.op, dict(node.args), inputs=inputs, block=block)
    copy = spec.block(block).nodes[position + 1].name

    def edit(new: Node) -> Node:
        return replace(new, enabled=node.enabled, init=node.init, frozen=node.frozen)

    return _on_node(spec, copy, block, edit)


def rename(spec: ModelSpec, name: str, new: str, *, block: str | None = None) -> ModelSpec:
    """Give a layer another name; what refers to it follows."""
    target = spec.block(block)
    position = _position(target, name)
    if new == name:
        return spec
    check_node_name(new)
    if new in target or new in target.inputs:
        raise EditError(f"There is already a layer called {new!r}.", node=name)
    if new.isdigit() and new != str(position):
        raise EditError(
            f"A number as a name is the layer's position, which is {position}.", node=name
        )
    nodes = [replace(n, name=new) if n.name == name else n for n in target.nodes]
    return _with_nodes(spec, block, nodes, renamed={name: new})


def rename_model(spec: ModelSpec, name: str) -> ModelSpec:
    """Give the model another name, which becomes the name of its class."""
    return replace(spec, name=name)


def set_input(
    spec: ModelSpec,
    name: str,
    *,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
) -> ModelSpec:
    """Change the shape (without batch) or the dtype of a model input."""
    if all(entry.name != name for entry in spec.inputs):
        raise EditError(f"The model has no input called {shown(name)}.")

    def edit(entry: Input) -> Input:
        if entry.name != name:
            return entry
        return Input(name, entry.shape if shape is None else tuple(shape), dtype or entry.dtype)

    return replace(spec, inputs=tuple(edit(entry) for entry in spec.inputs))


def set_container(spec: ModelSpec, container: str, *, block: str | None = None) -> ModelSpec:
    """Put the same layers in another container.

    Towards `sequential` functions become their modules (`F.relu` → `nn.ReLU`); a layer that reads
    anything but the one before it, or has no module, is an `EditError`.
    """
    target = spec.block(block)
    if container == target.container:
        return spec
    nodes: list[Node] = list(target.nodes)
    if container == "sequential":
        nodes = [_for_sequential(target, position) for position in range(len(nodes))]
        if len(target.inputs) > 1 or len(target.results) > 1:
            raise EditError("A Sequential has one input and one output; this model has more.")
        if nodes and target.results != (nodes[-1].name,):
            raise EditError(f"A Sequential ends with its last layer, not with {target.results[0]}.")
    if container != "graph":
        return _replace_block(
            spec, block, _numbered(replace(target, container=container, nodes=tuple(nodes)))
        )
    taken = {*target.inputs, *target.positions}
    names: dict[str, str] = {}
    for node in nodes:
        if node.positional:
            names[node.name] = _attribute(_op_of(target, node.op), taken)
            taken.add(names[node.name])
    named = [_follow(replace(n, name=names.get(n.name, n.name)), names) for n in nodes]
    outputs = tuple(names.get(entry, entry) for entry in target.outputs)
    return _replace_block(
        spec, block, replace(target, container="graph", nodes=tuple(named), outputs=outputs)
    )


def new_name(block: Block, index: int, op: str) -> str:
    """Return the name that a layer put at `index` gets: its position, or `conv1` in a graph."""
    if block.container != "graph":
        # A name that is free for the moment; renumbering makes it the position.
        return str(next(n for n in range(index, 10**6) if str(n) not in block))
    return _attribute(_op_of(block, op), {*block.inputs, *block.positions})


def _attribute(op: str, taken: set[str]) -> str:
    row = CATALOG.get(op)
    base = row.attribute if row else op.lower()
    return next(f"{base}{n}" for n in range(1, 10**6) if f"{base}{n}" not in taken)


def _op_of(block: Block, op: str) -> str:
    """Return the layer behind an op that may be another node called again."""
    seen: set[str] = set()
    while op in block and op not in seen:
        seen.add(op)
        op = block.node(op).op
    return op


def _for_sequential(block: Block, position: int) -> Node:
    node = block.nodes[position]
    before = block.nodes[position - 1].name if position else block.inputs[0]
    if block.sources(position) != (before,):
        raise EditError(
            f"Layer {node.name!r} reads {', '.join(block.sources(position))}; in a Sequential "
            "every layer reads the one before it and nothing else.",
            node=node.name,
        )
    if node.op in block:
        raise EditError(
            f"Layer {node.name!r} calls {node.op!r} again; a Sequential runs every layer once.",
            node=node.name,
        )
    row = CATALOG.get(node.op)
    if row is None or row.is_module:
        return replace(node, inputs=())
    module = as_module(node)
    if module is None:
        raise EditError(
            f"Layer {node.name!r} is the function {node.op}; a Sequential holds modules only.",
            node=node.name,
        )
    return replace(module, inputs=())


def _check_op(spec: ModelSpec, op: str, block: str | None) -> None:
    if row_of(spec, op) is None and op not in spec.blocks and op not in spec.block(block):
        raise EditError(f"There is no layer called {shown(op)}.{did_you_mean(op)}")
    if block is not None and block in _inside(spec, op):
        raise EditError(f"{block!r} cannot contain {op!r}, which contains {block!r}.")


def _inside(spec: ModelSpec, op: str) -> set[str]:
    """Return the blocks that an op brings with it, itself among them."""
    found: set[str] = set()
    waiting = [op]
    while waiting:
        name = waiting.pop()
        if name in spec.blocks and name not in found:
            found.add(name)
            waiting += [node.op for node in spec.blocks[name].nodes]
    return found


def _position(block: Block, name: str) -> int:
    if name not in block:
        raise EditError(f"There is no layer called {shown(name)}.", node=name)
    return block.positions[name]


def _on_node(
    spec: ModelSpec, name: str, block: str | None, edit: Callable[[Node], Node]
) -> ModelSpec:
    target = spec.block(block)
    position = _position(target, name)
    nodes = list(target.nodes)
    nodes[position] = edit(nodes[position])
    return _replace_block(spec, block, replace(target, nodes=tuple(nodes)))


def _with_nodes(
    spec: ModelSpec,
    block: str | None,
    nodes: Sequence[Node],
    outputs: tuple[str, ...] | None = None,
    renamed: Mapping[str, str] | None = None,
) -> ModelSpec:
    target = spec.block(block)
    names = dict(renamed or {})
    if outputs is None:
        outputs = tuple(names.get(entry, entry) for entry in target.outputs)
    followed = tuple(_follow(node, names) for node in nodes)
    changed = _numbered(replace(target, nodes=followed, outputs=outputs))
    return _replace_block(spec, block, changed)


def _follow(node: Node, names: Mapping[str, str]) -> Node:
    if not names:
        return node
    inputs = tuple(names.get(entry, entry) for entry in node.inputs)
    return replace(node, op=names.get(node.op, node.op), inputs=inputs)


def _numbered(block: Block) -> Block:
    """Give every layer whose name is a number the number of its position."""
    names = {
        node.name: str(position)
        for position, node in enumerate(block.nodes)
        if node.positional and node.name != str(position)
    }
    if not names:
        return block
    nodes = tuple(
        replace(_follow(node, names), name=names.get(node.name, node.name)) for node in block.nodes
    )
    outputs = tuple(names.get(entry, entry) for entry in block.outputs)
    return replace(block, nodes=nodes, outputs=outputs)


def _replace_block(spec: ModelSpec, name: str | None, block: Block) -> ModelSpec:
    if name is None:
        return replace(spec, container=block.container, nodes=block.nodes, outputs=block.outputs)
    return replace(spec, blocks={**spec.blocks, name: block})
