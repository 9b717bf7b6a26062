"""The edits that faults propose; `resolve` tries each and keeps those that help."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from builder import edit, twins
from builder.catalog import CATALOG, Layer, similar
from builder.resolve.resolution import Fix
from builder.resolve.types import TensorType, Type
from builder.spec import ModelSpec, Node

if TYPE_CHECKING:
    from builder.resolve.scene import Scene

Edit = Callable[[ModelSpec], ModelSpec]


def without(scene: Scene) -> tuple[Fix, ...]:
    """Leave the layer out, or take it away."""
    name = scene.node.name
    off = partial(edit.switch, name=name, enabled=False, block=scene.block)
    gone = partial(edit.remove, name=name, block=scene.block)
    return Fix(f"Switch {name} off", off), Fix(f"Remove {name}", gone)


def set_one(scene: Scene, node: Node, arg: str, value: Any, label: str) -> Fix:
    """Set one argument."""
    return Fix(label, partial(edit.set_args, name=node.name, args={arg: value}, block=scene.block))


def set_all(scene: Scene, node: Node, args: Mapping[str, Any], label: str) -> Fix:
    """Set several arguments."""
    return Fix(label, partial(edit.set_args, name=node.name, args=dict(args), block=scene.block))


def own_weights(scene: Scene) -> Fix:
    """Make a call of an earlier layer a layer of its own, as large as what it receives."""
    called, name = scene.called, scene.node.name
    row = scene.row(called.op)
    told = row.infer if row else ()
    args = {key: value for key, value in called.args.items() if key not in told}
    change = partial(edit.set_op, name=name, op=called.op, args=args, block=scene.block)
    return Fix(f"Give {name} weights of its own", change)


def unset(scene: Scene, node: Node, args: Sequence[str]) -> Fix:
    """Take arguments out that the layer does not have."""
    words = " and ".join(args)
    label = f"Remove {words}"
    return Fix(label, partial(edit.unset_args, name=node.name, args=tuple(args), block=scene.block))


def initial(scene: Scene, row: Layer, node: Node, arg: str) -> Iterable[Fix]:
    """Give a missing argument the value that a fresh layer has."""
    value = row.fields[arg].initial
    if value is not None:
        yield set_one(scene, node, arg, value, f"Set {arg} to {value}")


def in_range(scene: Scene, row: Layer, node: Node, arg: str) -> Iterable[Fix]:
    """Bring an argument to the lowest value that is allowed, or back to where it started."""
    field, value = row.fields[arg], node.args.get(arg)
    low = field.low
    # The upper ends are there to keep the machine alive; nobody wants to land on them.
    if isinstance(value, int | float) and not isinstance(value, bool) and value < low:
        low = int(low) if low == int(low) else low
        if field.problem(low) is None:
            yield set_one(scene, node, arg, low, f"Set {arg} to {low}")
    unset = partial(edit.unset_args, name=node.name, args=(arg,), block=scene.block)
    if arg in row.infer:
        yield Fix(f"Let the wire tell {arg}", unset)
        return
    if field.stated and field.initial not in (None, low):
        yield set_one(scene, node, arg, field.initial, f"Set {arg} to {field.initial}")
    if not field.required and field.default not in (low, field.initial if field.stated else low):
        yield Fix(f"Leave {arg} to torch: {field.default}", unset)


def read_previous(scene: Scene) -> Fix:
    """Read the layer before."""
    plain = partial(edit.set_sources, name=scene.node.name, sources=(), block=scene.block)
    return Fix("Read the layer before", plain)


def container(scene: Scene, kind: str) -> Fix:
    """Change the container."""
    words = {"modulelist": "Make it a ModuleList", "graph": "Make it a graph"}
    return Fix(words[kind], partial(edit.set_container, container=kind, block=scene.block))


def as_module(scene: Scene) -> Iterable[Fix]:
    """Use the module that does what the function does."""
    node = scene.node
    module = twins.as_module(node)
    if module is not None:
        op, args = module.op, dict(module.args)
        change = partial(edit.set_op, name=node.name, op=op, args=args, block=scene.block)
        yield Fix(f"Use {op}", change)


def _free(spec: ModelSpec, block: str | None) -> ModelSpec:
    """Make room for functions: a Sequential holds none."""
    if spec.block(block).container == "sequential":
        return edit.set_container(spec, "modulelist", block=block)
    return spec


def _before(scene: Scene, op: str, args: Mapping[str, Any], index: int = 0) -> Edit:
    """Return an edit that puts a layer between this one and its input number `index`."""
    row = CATALOG[op]
    position, block = scene.position, scene.block
    source = scene.block_of.sources(position)[index]
    before = scene.block_of.nodes[position - 1].name if position else scene.block_of.inputs[0]

    def apply(spec: ModelSpec) -> ModelSpec:
        if not row.is_module:
            spec = _free(spec, block)
        spec = edit.insert(spec, position, op, dict(args), inputs=(source,), block=block)
        target = spec.block(block)
        new, after = target.nodes[position].name, target.nodes[position + 1]
        if after.inputs:
            names = [new if i == index else name for i, name in enumerate(after.inputs)]
            spec = edit.set_sources(spec, after.name, names, block=block)
        return edit.set_sources(spec, new, (), block=block) if source == before else spec

    return apply


def take(scene: Scene, index: int, value: tuple[Type, ...]) -> Iterable[Fix]:
    """Take one of several outputs: all steps, or the last one."""
    first = value[0] if value else ()
    if not isinstance(first, TensorType):
        return
    source = scene.block_of.sources(scene.position)[index]
    item = _before(scene, "item", {"index": 0}, index)
    freer = " (it becomes a ModuleList)" if scene.block_of.container == "sequential" else ""

    def last(spec: ModelSpec) -> ModelSpec:
        spec = item(spec)
        return edit.insert(spec, scene.position + 1, "last_step", {}, block=scene.block)

    fixes = [Fix(f"Take its first output, {first}{freer}", item)]
    producer = scene.block_of
    op = producer.node(source).op if source in producer else ""
    if op in CATALOG and CATALOG[op].unrolls and len(first.shape) == 3:
        step = Fix(f"Take the last time step{freer}", last)
        # A Linear after a recurrent layer nearly always wants what was understood at the end.
        fixes = [step, *fixes] if scene.node.op == "nn.Linear" else [*fixes, step]
    yield from fixes


def inputs(scene: Scene, low: int, high: int | None) -> Iterable[Fix]:
    """Give the layer as many inputs as it takes."""
    block, position = scene.block_of, scene.position
    have = block.sources(position)
    if high is not None and len(have) > high:
        cut = partial(
            edit.set_sources, name=scene.node.name, sources=have[:high], block=scene.block
        )
        yield Fix(f"Read {', '.join(have[:high])} only", cut)
        return
    earlier = [node.name for node in block.nodes[:position]][::-1] + list(block.inputs)
    kind = scene.wires.get(have[0]) if have else None
    alike = [name for name in earlier if name not in have and scene.wires.get(name) == kind]
    for other in (*alike[:1], *[name for name in earlier if name not in (*have, *alike)][:1]):
        names = (*have, other)

        def connect(spec: ModelSpec, names: tuple[str, ...] = names) -> ModelSpec:
            spec = _free(spec, scene.block)
            return edit.set_sources(spec, scene.node.name, names, block=scene.block)

        if len(names) >= low:
            yield Fix(f"Read {' and '.join(names)}", connect)


def dtype(scene: Scene, index: int, wanted: str) -> Iterable[Fix]:
    """Change the dtype of the model input that the layer reads."""
    for entry in scene.spec.inputs:
        if entry.dtype != wanted:
            change = partial(edit.set_input, name=entry.name, dtype=wanted)
            yield Fix(f"Make input {entry.name} {wanted}", change)
    if wanted == "float32":
        embed = _before(scene, "nn.Embedding", CATALOG["nn.Embedding"].initial_args(), index)
        yield Fix("Put an Embedding before it", embed)


def flatten(scene: Scene) -> Fix:
    """Put a Flatten before the layer."""
    return Fix("Put a Flatten before it", _before(scene, "nn.Flatten", {}))


def example_input(scene: Scene, row: Layer) -> Iterable[Fix]:
    """Give the model input that the layer reads the shape of the row's example."""
    source = scene.block_of.sources(scene.position)[0]
    if scene.block is None and source in scene.block_of.inputs:
        shape = row.examples[0]
        change = partial(edit.set_input, name=source, shape=shape)
        yield Fix(f"Make input {source} {shape}", change)


def axes(scene: Scene, row: Layer, node: Node, value: TensorType) -> Iterable[Fix]:
    """Bring the number of axes and the layer together."""
    count = len(value.shape)
    proposed = [
        *_sibling(scene, row, node, count),
        *_without_flatten(scene),
        *(_more_axes(scene, row, value) if count < max(row.ndims) else ()),
        *(_fewer(scene, row, count) if count > max(row.ndims) else ()),
    ]
    yield from proposed or example_input(scene, row)


def _sibling(scene: Scene, row: Layer, node: Node, count: int) -> Iterable[Fix]:
    for op in row.family_ops:
        if op in CATALOG and count in CATALOG[op].ndims:
            args = _fewer_numbers(node.args, CATALOG[op])
            change = partial(edit.set_op, name=node.name, op=op, args=args, block=scene.block)
            yield Fix(f"Use {op}", change)


def _without_flatten(scene: Scene) -> Iterable[Fix]:
    source = scene.block_of.sources(scene.position)[0]
    if source in scene.block_of:
        before = scene.block_of.node(source)
        if before.op in ("nn.Flatten", "torch.flatten"):
            gone = partial(edit.remove, name=before.name, block=scene.block)
            yield Fix(f"Remove {before.name}, the Flatten before it", gone)


def _more_axes(scene: Scene, row: Layer, value: TensorType) -> Iterable[Fix]:
    def split(dim: int, sizes: tuple[int, ...]) -> Edit:
        return _before(scene, "nn.Unflatten", {"dim": dim, "unflattened_size": sizes})

    count, sample = len(value.shape), value.sample
    if count == max(row.ndims) - 1 and not row.rank:  # a sequence
        yield Fix("Read its features one at a time", split(1, (-1, 1)))
        yield Fix("Read it as a single step", split(1, (1, -1)))
    elif count == max(row.ndims) - 1:
        source = scene.block_of.sources(scene.position)[0]
        if scene.block is None and source in scene.block_of.inputs:
            shape = (1, *sample)
            change = partial(edit.set_input, name=source, shape=shape)
            yield Fix(f"Make input {source} one channel: {shape}", change)
        yield Fix("Make it one channel", split(1, (1, -1)))
    elif count == 2 and row.rank == 2:
        for channels in (1, 3):
            side = math.isqrt(sample[0] // channels)
            if channels * side * side == sample[0]:
                sizes = (channels, side, side)
                yield Fix(f"Read it as a picture: {sizes}", split(1, sizes))


def _fewer(scene: Scene, row: Layer, count: int) -> Iterable[Fix]:
    last = max(row.ndims) - 1
    # The last axis of a sequence stays what it is; in a picture the channels do.
    args = {"start_dim": last} if row.rank or last == 1 else {"start_dim": 1, "end_dim": count - 2}
    args = {name: number for name, number in args.items() if (name, number) != ("start_dim", 1)}
    yield Fix("Put a Flatten before it", _before(scene, "nn.Flatten", args))


def _fewer_numbers(args: Mapping[str, Any], row: Layer) -> dict[str, Any]:
    """Keep the arguments a sibling has; a size given per axis becomes its first number."""
    kept = {}
    for name, value in args.items():
        if name in row.fields:
            per_axis = isinstance(value, tuple) and row.fields[name].length is not None
            kept[name] = value[0] if per_axis else value
    return kept


def producer(scene: Scene, wanted: Any) -> Iterable[Fix]:
    """Make the layer before give the size that this one asks for."""
    if not isinstance(wanted, int) or not scene.position:
        return
    source = scene.block_of.sources(scene.position)[0]
    position = scene.block_of.positions.get(source)
    while position is not None:
        node = scene.block_of.nodes[position]
        row = scene.row(node.op)
        names = ("out_features", "out_channels", "embedding_dim", "hidden_size")
        arg = next((name for name in names if row and name in row.fields), None)
        if arg is not None:
            yield set_one(scene, node, arg, wanted, f"Make {node.name} give {wanted:,}")
            return
        if row is None or row.group not in ("Activation", "Dropout", "Normalisation"):
            return
        position = scene.block_of.positions.get(scene.block_of.sources(position)[0])


def divisors(scene: Scene, arg: str, number: int, common: int) -> Iterable[Fix]:
    """Take the nearest numbers that divide."""
    fitting = [n for n in range(1, min(common, 4096) + 1) if common % n == 0]
    for near in sorted(fitting, key=lambda n: (abs(n - number), -n))[:2]:
        yield set_one(scene, scene.node, arg, near, f"Set {arg} to {near}")


def smaller_window(
    scene: Scene,
    row: Layer,
    node: Node,
    args: Mapping[str, Any],
    sizes: Sequence[int],
    fit: Sequence[int],
) -> Iterable[Fix]:
    """Shrink the window to what fits, or pad the input."""
    kernel = args["kernel_size"]
    if isinstance(kernel, tuple):
        smaller: Any = tuple(map(min, kernel, fit))
    else:
        smaller = min(fit)
    yield set_one(scene, node, "kernel_size", smaller, f"Set kernel_size to {smaller}")
    if row.window == "conv" and isinstance(kernel, int):
        dilation = row.complete(args).get("dilation", 1)
        dilation = dilation if isinstance(dilation, int) else max(dilation)
        needed = max(0, -(-(dilation * (kernel - 1) + 1 - min(sizes)) // 2))
        yield set_one(scene, node, "padding", needed, f"Set padding to {needed}")


def whole_samples(scene: Scene, value: TensorType, shape: Sequence[int]) -> tuple[Fix, ...]:
    """View each sample as one row."""
    name, block = scene.node.name, scene.block
    rest = tuple(shape[1:])
    proposals = []
    if len(rest) == 1:
        label = f"View it as (-1, {value.features:,}), and let the next layer follow"
        args = {"shape": (-1, value.features)}
        proposals.append(Fix(label, partial(edit.set_args, name=name, args=args, block=block)))
    whole = partial(edit.set_op, name=name, op="torch.flatten", args={"start_dim": 1}, block=block)
    return (*proposals, Fix("Use torch.flatten(x, 1), and let the next layer follow", whole))


def keep_batch(scene: Scene) -> Iterable[Fix]:
    """Leave axis 0 alone."""
    for arg in ("start_dim", "dim"):
        row = scene.row(scene.node.op)
        if row is not None and arg in row.fields:
            field = row.fields[arg]
            value: Any = (1,) if field.kind == "ints" else 1
            yield set_one(scene, scene.node, arg, value, f"Set {arg} to {value}")
    dims = scene.node.args.get("dims")
    if isinstance(dims, tuple):
        first = (0, *(axis for axis in dims if axis != 0))
        yield set_one(scene, scene.node, "dims", first, f"Keep the batch first: {first}")
    if scene.node.op == "torch.transpose":
        yield set_all(scene, scene.node, {"dim0": 1, "dim1": 2}, "Swap axes 1 and 2")


def project(
    scene: Scene, row: Layer, sources: Sequence[str], types: Sequence[TensorType]
) -> Iterable[Fix]:
    """Bring one input to the form of the other by a projection of its own."""
    if row.op == "torch.matmul" and types[0].shape[-1] == types[1].shape[-1]:
        turn = _before(scene, "torch.transpose", {"dim0": -2, "dim1": -1}, 1)
        yield Fix(f"Transpose {sources[1]}", turn)
    if row.op not in ("+", "-", "*") or len(types) != 2:
        return
    for this, other in ((1, 0), (0, 1)):
        mine, wanted = types[this], types[other]
        if len(mine.shape) != len(wanted.shape):
            continue
        sizes, target = mine.sample, wanted.sample
        rank = len(sizes) - 1
        if rank == 0:
            layer = _before(scene, "nn.Linear", {"out_features": target[0]}, this)
            yield Fix(f"Put a Linear to {target[0]} behind {sources[this]}", layer)
        elif rank in (1, 2, 3) and all(a >= b for a, b in zip(sizes[1:], target[1:], strict=True)):
            stride = tuple(-(-a // b) for a, b in zip(sizes[1:], target[1:], strict=True))
            args: dict[str, Any] = {"out_channels": target[0], "kernel_size": 1}
            if set(stride) != {1}:
                args["stride"] = stride[0] if len(set(stride)) == 1 else stride
            layer = _before(scene, f"nn.Conv{rank}d", args, this)
            yield Fix(f"Put a 1x1 convolution behind {sources[this]}", layer)


def fresh(scene: Scene, row: Layer, node: Node) -> Iterable[Fix]:
    """Leave an argument to torch, or go back to the arguments of a fresh layer."""
    for name in node.args:
        if not row.fields[name].required and name not in row.infer:
            label = f"Leave {name} to torch: {row.fields[name].default}"
            change = partial(edit.unset_args, name=node.name, args=(name,), block=scene.block)
            yield Fix(label, change)
    args = {**row.initial_args()}
    if dict(node.args) != args:
        change = partial(edit.set_op, name=node.name, op=node.op, args=args, block=scene.block)
        yield Fix("Back to its first values", change)


def nearest(scene: Scene) -> Iterable[Fix]:
    """Use the layer whose name comes nearest."""
    node = scene.node
    for op in similar(node.op)[:1]:
        args = {name: value for name, value in node.args.items() if name in CATALOG[op].fields}
        change = partial(edit.set_op, name=node.name, op=op, args=args, block=scene.block)
        yield Fix(f"Use {op}", change)


def without_outputs(spec: ModelSpec, block: str | None) -> ModelSpec:
    """Let the last layer be the output."""
    if block is None:
        return replace(spec, outputs=())
    return replace(spec, blocks={**spec.blocks, block: replace(spec.blocks[block], outputs=())})
