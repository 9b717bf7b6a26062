"""What the list of layers shows of a model: one row a node, from the spec and its resolution."""

from __future__ import annotations

from builder.catalog import Layer
from builder.resolve import Fault, Note, Resolution, Step, describe
from builder.rows import row_of, rows_of
from builder.spec import Block, ModelSpec, Node
from ui.components import DiagramEdge, DiagramNode, LayerRow, PaletteEntry, PortRow
from ui.values import to_text

_SHORT = {
    "kernel_size": "kernel",
    "num_embeddings": "vocabulary",
    "embedding_dim": "out",
    "embed_dim": "in",
    "d_model": "in",
    "num_features": "channels",
    "num_channels": "channels",
    "normalized_shape": "over",
    "input_size": "in",
    "hidden_size": "hidden",
    "unflattened_size": "into",
}


def steps_of(resolution: Resolution, block: str | None) -> dict[str, Step]:
    """Return the steps of a block by name; those of a named block at the first place it is used."""
    if block is None:
        return resolution.by_name
    used = _find(resolution.steps, block)
    return {step.name: step for step in used.steps} if used else {}


def _find(steps: tuple[Step, ...], block: str) -> Step | None:
    for step in steps:
        if step.op == block:
            return step
        inner = _find(step.steps, block)
        if inner is not None:
            return inner
    return None


def fault_in(resolution: Resolution, block: str | None) -> Fault | None:
    """Return the fault as it is seen from a block: at its layer, or at the block it is inside."""
    for fault in resolution.faults:
        if fault.block == block or block is None:
            return fault
    return None


def rows(spec: ModelSpec, resolution: Resolution, block: str | None) -> list[LayerRow]:
    """Return a row for every node of a block."""
    target = spec.block(block)
    steps = steps_of(resolution, block)
    fault = fault_in(resolution, block)
    faulty = None
    if fault is not None:
        faulty = fault.node if fault.block == block else fault.path[0]
    notes = {note.node: note for note in resolution.notes} if block is None else {}
    total = max(1, resolution.params)
    return [
        _row(
            spec,
            target,
            position,
            steps.get(node.name),
            fault if node.name == faulty else None,
            notes.get(node.name),
            total,
        )
        for position, node in enumerate(target.nodes)
    ]


def _row(
    spec: ModelSpec,
    block: Block,
    position: int,
    step: Step | None,
    fault: Fault | None,
    note: Note | None,
    total: int,
) -> LayerRow:
    node = block.nodes[position]
    row = row_of(spec, node.op)
    state = "fault" if fault else "off" if not node.enabled else "ok" if step else "unreached"
    again = node.op in block
    message = ""
    if fault is not None:
        inside = fault.path[fault.path.index(node.name) + 1 :] if node.name in fault.path else ()
        message = f"Inside, at {'.'.join(inside)}: {fault.message}" if inside else fault.message
    return LayerRow(
        name=node.name,
        op=node.op,
        title=_title(row, node.op, again=again),
        group=row.group if row else "Block",
        summary=_summary(row, node, step),
        shape=step.shape_text if step else "",
        params=step.params if step else 0,
        share=step.params / total if step else 0.0,
        state=state,
        message=message.replace("`", "'"),  # the list knows no Markdown
        fixes=[fix.label for fix in fault.fixes] if fault else (),
        warning=note.message if note else "",
        warning_fixes=[fix.label for fix in note.fixes] if note else (),
        inputs=", ".join(node.inputs),
    )


def _title(row: Layer | None, op: str, *, again: bool) -> str:
    """Return what a layer is called: Conv2d; functions keep their module, F.relu."""
    if row is None:
        return f"{op} again" if again else op
    return row.title if row.is_module else row.op


def _summary(row: Layer | None, node: Node, step: Step | None) -> list[tuple[str, bool]]:
    """Return the arguments worth seeing at a glance, each with whether the wire told it."""
    if row is None:
        return []
    args = step.args if step and step.args else node.args
    inferred = step.inferred if step else frozenset()
    parts = []
    for name in (*row.infer, *row.first, *row.fields):
        if name not in args or any(part[0] == name for part in parts):
            continue
        field = row.fields[name]
        shown = name in row.infer or field.required or args[name] != field.default
        if shown:
            parts.append((name, args[name]))
    words = [(_words(name, value), name in inferred) for name, value in parts[:5]]
    return [part for word in words for part in ((" · ", False), word)][1:]


def _words(name: str, value: object) -> str:
    short = _SHORT.get(name) or name.removesuffix("_features").removesuffix("_channels")
    short = short.replace("_", " ")
    if value is True:
        return short
    if value is False:
        return f"no {short}"
    text = to_text(value)
    return f"{short} ({text})" if isinstance(value, tuple) else f"{short} {text}"


def inputs(
    spec: ModelSpec, resolution: Resolution, block: str | None, selected: str | None
) -> list[PortRow]:
    """Return the rows for what goes in; for a named block, at the first place it is used."""
    if block is not None:
        used = _find(resolution.steps, block)
        names = spec.block(block).inputs
        shapes = [describe(value) for value in used.inputs] if used else [""] * len(names)
        return [PortRow(name, shape) for name, shape in zip(names, shapes, strict=False)]
    return [
        PortRow(
            entry.name,
            f"({', '.join(map(str, ('N', *entry.shape)))}{',' if not entry.shape else ''})",
            entry.dtype,
            entry.name == selected,
        )
        for entry in spec.inputs
    ]


def outputs(spec: ModelSpec, resolution: Resolution, block: str | None) -> list[PortRow]:
    """Return the rows for what comes out; none while the model does not run."""
    steps = steps_of(resolution, block)
    return [
        PortRow(name, describe(steps[name].output))
        for name in spec.block(block).results
        if name in steps and resolution.runs
    ]


def palette_entries(spec: ModelSpec) -> list[PaletteEntry]:
    """Return what can be added: the model's own blocks and layers, then the catalog."""
    entries = [PaletteEntry(r.op, r.title, r.group, r.help) for r in rows_of(spec)]
    own = [
        PaletteEntry(name, name, "Block", f"A block of this model with {len(b.nodes)} layers.")
        for name, b in spec.blocks.items()
    ]
    return own + entries


def graph(
    spec: ModelSpec, resolution: Resolution, block: str | None
) -> tuple[list[DiagramNode], list[DiagramEdge]]:
    """Return the boxes and lines of a block's diagram, its inputs among the boxes."""
    target = spec.block(block)
    ports = inputs(spec, resolution, block, None)
    nodes = [DiagramNode(port.name, port.name, port.shape, "Input") for port in ports]
    nodes += [
        DiagramNode(
            row.name,
            row.title if row.name.isdigit() else f"{row.name}: {row.title}",
            row.shape,
            row.group,
            row.state,
        )
        for row in rows(spec, resolution, block)
    ]
    present = {node.id for node in nodes}
    edges = [
        DiagramEdge(source, node.name)
        for position, node in enumerate(target.nodes)
        for source in target.sources(position)
        if source in present
    ]
    return nodes, edges
