"""The lines on which models differ: layers that were added, removed, exchanged or changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from builder.catalog import CATALOG
from builder.initial import in_words
from builder.own.layer import OwnLayer
from builder.spec import ModelSpec, Node
from builder.train.compare.difference import ABSENT, Difference, call, flat, of_columns, shown_value


def of_models(found: Sequence[ModelSpec | None]) -> Iterator[Difference]:
    """Tell the lines on which models differ; `None` stands for one that cannot be read."""
    yield from of_columns("model", [_frame(spec) for spec in found])
    specs = {column: spec for column, spec in enumerate(found) if spec is not None}
    names = dict.fromkeys(name for spec in specs.values() for name in (None, *spec.blocks))
    for name in names:
        blocks = [
            spec.block(name).nodes if name is None or name in spec.blocks else ()
            for spec in specs.values()
        ]
        for line in _of_blocks(f"{name}." if name else "", blocks):
            values = dict(zip(specs, line.values, strict=True))
            yield replace(line, values=tuple(values.get(c, ABSENT) for c in range(len(found))))


def _frame(spec: ModelSpec | None) -> dict[str, str]:
    if spec is None:
        return {"model": "cannot be read"}
    inputs = {
        f"input {entry.name}": f"{', '.join(map(str, entry.shape))} {entry.dtype}"
        for entry in spec.inputs
    }
    own = {
        f"{name} · {part}": text
        for name, layer in spec.layers.items()
        for part, text in _own(layer)
    }
    return {"name": spec.name, "container": spec.container, **inputs, **own}


def _own(layer: OwnLayer) -> Iterator[tuple[str, str]]:
    """Return what a layer of one's own is made of, part by part."""
    for setting in layer.settings:
        told = f"axis {setting.axis} of {setting.input or layer.inputs[0]}"
        given = shown_value(setting.default) if setting.default is not None else "to be set"
        yield setting.name, f"{setting.kind}, {given if setting.axis is None else told}"
    for parameter in layer.parameters:
        yield parameter.name, f"{parameter.shape}, {in_words(parameter.init)}"
    yield f"forward({', '.join(layer.inputs)})", layer.forward


def _of_blocks(prefix: str, blocks: Sequence[Sequence[Node]]) -> Iterator[Difference]:
    """Tell the layers that were added, removed or changed, beside one another."""
    rows: dict[tuple[int, int], list[Node | None]] = {}
    names: list[dict[str, tuple[int, int]]] = []
    for column, nodes in enumerate(blocks):
        places = _places(blocks[0], nodes)
        names.append({node.name: place for node, place in zip(nodes, places, strict=True)})
        for node, place in zip(nodes, places, strict=True):
            rows.setdefault(place, [None] * len(blocks))[column] = node
    for place in sorted(rows):
        yield from _of_nodes(prefix, rows[place], names)


def _places(first: Sequence[Node], nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Return where each node stands beside the first model's: `(i, 0)` beside its node `i`.

    A node that it does not have is `(i, k)`, the k-th behind its node `i`. Nodes that are wholly
    alike are found first; between those, nodes of the same op are taken for one that was changed.
    """
    if _in_step(first, nodes):
        return [(position, 0) for position in range(len(nodes))]
    beside: dict[int, int] = {}
    alike = difflib.SequenceMatcher(
        None, [_content(n) for n in first], [_content(n) for n in nodes], autojunk=False
    )
    for tag, a, a_end, b, b_end in alike.get_opcodes():
        if tag == "equal":
            beside |= dict(zip(range(b, b_end), range(a, a_end), strict=True))
        elif tag == "replace":
            ops = difflib.SequenceMatcher(
                None, [n.op for n in first[a:a_end]], [n.op for n in nodes[b:b_end]], autojunk=False
            )
            for inner, i, i_end, j, j_end in ops.get_opcodes():
                if inner == "equal" or (inner == "replace" and i_end - i == j_end - j):
                    pairs = zip(range(b + j, b + j_end), range(a + i, a + i_end), strict=True)
                    beside |= dict(pairs)
    places, last, extra = [], -1, 0
    for position in range(len(nodes)):
        if position in beside:
            last, extra = beside[position], 0
        else:
            extra += 1
        places.append((last, extra))
    return places


def _in_step(first: Sequence[Node], nodes: Sequence[Node]) -> bool:
    """Whether each node stands beside that of its number: only arguments, or one node, differ."""
    if len(first) != len(nodes):
        return False
    pairs = list(zip(first, nodes, strict=True))
    return (
        all(one.op == other.op for one, other in pairs)
        or sum(_content(one) != _content(other) for one, other in pairs) <= 1
    )


def _content(node: Node) -> Node:
    """Return what a node is, whatever it is called and reads."""
    return replace(node, name="0", inputs=())


def _of_nodes(
    prefix: str,
    nodes: Sequence[Node | None],
    names: Sequence[Mapping[str, tuple[int, int]]],
) -> Iterator[Difference]:
    some = [node for node in nodes if node is not None]
    label = f"{prefix}{some[0].name} {some[0].op.rpartition('.')[2]}"
    if len({node.op for node in some}) > 1 or len(some) < len(nodes):
        values = tuple(ABSENT if node is None else call(node.op, node.args) for node in nodes)
        yield Difference("model", f"{prefix}{some[0].name}", values)
        return
    columns = [_details(node, at) for node, at in zip(some, names, strict=True)]
    for line in of_columns("model", columns):
        yield Difference("model", f"{label} · {line.path}", line.values)


def _details(node: Node, places: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    row = CATALOG.get(node.op)
    stated = {n: f.default for n, f in row.fields.items() if not f.required} if row else {}
    inferred = set(row.infer) if row else set()
    args = {k: v for k, v in stated.items() if k not in inferred} | dict(node.args)
    column = dict(flat(args))
    for name, start in node.init.items():
        column[f"{name} starts"] = f"{start.scheme} {shown_value(tuple(start.args.values()))}"
    # A layer further up shifts the numbers that are read; what they stand for counts.
    column["reads"] = shown_value(tuple(str(places.get(name, name)) for name in node.inputs))
    column["switched"] = "on" if node.enabled else "off"
    column["frozen"] = shown_value(node.frozen)
    if not node.positional:
        column["name"] = node.name
    return column
