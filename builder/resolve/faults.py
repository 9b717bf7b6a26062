"""Saying what is wrong with a layer before torch is asked, and what would mend it.

Each check sees the scene (the spec, the layer, what arrives) and returns a `Problem` or `None`.
They catch what torch would accept and get wrong, and what it would refuse in words not meant for
people. Fixes are proposals: `resolve` tries them and keeps those that help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from builder.catalog import Layer, did_you_mean
from builder.errors import shown
from builder.resolve import fixes, starts
from builder.resolve.resolution import FaultKind, Fix
from builder.resolve.scene import Problem, Scene, wire_size
from builder.resolve.types import TensorType, Type, describe, tensors
from builder.resolve.window import per_axis
from builder.spec import Node

# Which arguments must divide which sizes; torch asserts these one layer at a time.
_DIVIDES: Mapping[str, tuple[str, ...]] = {
    "groups": ("in_channels", "out_channels"),
    "num_groups": ("num_channels",),
    "num_heads": ("embed_dim",),
    "nhead": ("d_model",),
}
_AXIS_ARGUMENTS = ("dim", "dim0", "dim1", "start_dim", "end_dim")
_ADD_AN_AXIS = ("torch.unsqueeze", "torch.stack")
_AXIS_WORDS = {-1: "the last axis", 1: "axis 1"}


def structure(scene: Scene, sources: Sequence[str]) -> Problem | None:
    """Check how the layer is connected: known op, inputs there, allowed by the container."""
    node, block = scene.node, scene.block_of
    row = scene.row(node.op)
    earlier = node.op in block and block.positions[node.op] < scene.position
    if row is None and node.op not in scene.spec.blocks and not earlier:
        return scene.problem(
            f"There is no layer called {node.op!r}.{did_you_mean(node.op)}", *fixes.nearest(scene)
        )
    if row is not None and row.fault is not None:
        return scene.problem(row.fault)
    if row is None and node.args:
        has = f"{node.op} has" if earlier else f"block {node.op} has"
        return scene.problem(
            f"{node.name} sets {', '.join(map(shown, node.args))}; {has} its own arguments.",
            fixes.unset(scene, node, tuple(node.args)),
        )
    if row is None:
        problem = starts.told_elsewhere(scene)
        if problem is not None:
            return problem
    for source in sources:
        if source not in scene.wires:
            later = source in block
            why = "comes later" if later else "is not there"
            return scene.problem(
                f"{node.name} reads {shown(source)}, which {why}; a layer reads earlier ones.",
                fixes.read_previous(scene),
            )
    if block.container != "sequential":
        return None
    fix = fixes.container(scene, "modulelist")
    before = block.nodes[scene.position - 1].name if scene.position else block.inputs[0]
    if tuple(sources) != (before,):
        return scene.problem(
            f"{node.name} reads {', '.join(sources)}; in a Sequential every layer reads the one "
            "before it. A ModuleList lets it read any earlier one.",
            fix,
            fixes.read_previous(scene),
        )
    if earlier:
        return scene.problem(
            f"{node.name} calls {node.op} again; a Sequential runs each of its layers once.", fix
        )
    if row is not None and not row.is_module:
        return scene.problem(
            f"{node.op} is a function, and a Sequential holds modules only.",
            *fixes.as_module(scene),
            fix,
            *fixes.inputs(scene, *row.inputs),
        )
    if row is not None and row.repeat > 1 and node.enabled:
        return scene.problem(
            f"{node.op} takes {row.repeat} inputs, and a Sequential hands on one.", fix
        )
    return None


def too_many(scene: Scene, most: int) -> Problem:
    """Say that blocks within blocks come to more layers than can be worked out."""
    return scene.problem(f"With {scene.node.name} the model has over {most:,} layers.")


def nesting(
    scene: Scene, name: str, given: int, stack: tuple[str, ...], deepest: int
) -> Problem | None:
    """Check a named block used as a layer."""
    if name in stack:
        return scene.problem(f"Block {name!r} contains itself.")
    if len(stack) >= deepest:
        return scene.problem(f"Blocks are nested more than {deepest} deep.")
    wanted = len(scene.spec.blocks[name].inputs)
    if given != wanted:
        return scene.problem(f"Block {name!r} has {wanted} inputs and receives {given}.")
    return None


def before_torch(
    scene: Scene, row: Layer, node: Node, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> Problem | None:
    """Check what torch would accept and get wrong, or refuse in words not meant for people."""
    checks: tuple[Callable[[], Problem | None], ...] = (
        lambda: _count(scene, row, inputs),
        lambda: _tuple_fed(scene, row, inputs),
        lambda: _arguments(scene, row, node, args),
        lambda: _untold(scene, row, args, inputs),
        lambda: _dtype(scene, row, inputs),
        lambda: _axes(scene, row, node, inputs),
        lambda: _axis(scene, row, args, inputs),
        lambda: _wire(scene, row, node, args, inputs),
        lambda: _divides(scene, row, args),
        lambda: _output_padding(scene, row, args),
    )
    for check in checks:
        problem = check()
        if problem is not None:
            return problem
    return None


def _count(scene: Scene, row: Layer, inputs: tuple[Type, ...]) -> Problem | None:
    low, high = row.inputs
    # Alone, an input stands for all; two of attention's three would leave one open.
    between = 1 < len(inputs) < row.repeat
    if between or len(inputs) < low or (high is not None and len(inputs) > high):
        join = "or" if row.repeat == high else "to"
        wanted = (
            f"{low}"
            if low == high
            else f"{low} or more"
            if high is None
            else f"{low} {join} {high}"
        )
        plural = "input" if wanted == "1" else "inputs"
        return scene.problem(
            f"{row.op} takes {wanted} {plural} and receives {len(inputs)}.",
            *fixes.inputs(scene, low, high),
        )
    return None


def _tuple_fed(scene: Scene, row: Layer, inputs: tuple[Type, ...]) -> Problem | None:
    if row.op == "item":
        return _picked(scene, inputs[0])
    for index, value in enumerate(inputs):
        state = index == 1 and row.group == "Recurrent"
        if isinstance(value, TensorType) or state:
            continue
        source = scene.block_of.sources(scene.position)[index]
        kinds = "; ".join(describe(item) for item in value)
        return scene.problem(
            f"{row.op} takes a tensor; {source} gives {len(value)} things: {kinds}.",
            *fixes.take(scene, index, value),
        )
    return None


def _picked(scene: Scene, value: Type) -> Problem | None:
    source = scene.block_of.sources(scene.position)[0]
    if isinstance(value, TensorType):
        return scene.problem(
            f"item takes one of several outputs; {source} gives a single tensor, {value}."
        )
    index, count = scene.called.args.get("index"), len(value)
    if isinstance(index, int) and not -count <= index < count:
        return scene.problem(
            f"item has index={index}; {source} gives {count} things, counted from 0.",
            fixes.set_one(scene, scene.called, "index", 0, "Set index to 0"),
        )
    return None


def _arguments(scene: Scene, row: Layer, node: Node, args: Mapping[str, Any]) -> Problem | None:
    unknown = [name for name in args if name not in row.fields]
    if unknown:
        known = ", ".join(row.fields) or "none"
        return scene.problem(
            f"{row.op} has no argument {shown(unknown[0])}; it has {known}.",
            fixes.unset(scene, node, unknown),
        )
    for name, field in row.fields.items():
        if name not in args:
            if field.required and name not in row.infer:
                return scene.problem(
                    f"{row.op} needs {name}: {field.wanted}.",
                    *fixes.initial(scene, row, node, name),
                )
            continue
        wrong = field.problem(args[name])
        if wrong is not None:
            return scene.problem(f"{row.op}: {wrong}", *fixes.in_range(scene, row, node, name))
    return None


def _untold(
    scene: Scene, row: Layer, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> Problem | None:
    for name, wire in row.infer.items():
        if name not in args and row.fields[name].required:
            return scene.problem(
                f"{row.op} reads {name} off {_AXIS_WORDS[wire.axis]} of what it receives, "
                f"{describe(inputs[wire.input])}, which is no fixed size there.",
                *fixes.example_input(scene, row),
            )
    return None


def _dtype(scene: Scene, row: Layer, inputs: tuple[Type, ...]) -> Problem | None:
    for index, value in enumerate(inputs):
        wanted = row.dtype_of(index)
        wrong = next((t for t in tensors(value) if t.dtype != wanted), None)
        if wanted is None or wrong is None:
            continue
        indices = "whole numbers (int64), the indices to look up"
        what = indices if wanted == "int64" else "float32"
        return scene.problem(
            f"{row.op} reads {what}; it receives {wrong.dtype} numbers of shape {wrong}.",
            *fixes.dtype(scene, index, wanted),
        )
    return None


def _axes(scene: Scene, row: Layer, node: Node, inputs: tuple[Type, ...]) -> Problem | None:
    value = inputs[0]
    if not isinstance(value, TensorType):
        return None
    count = len(value.shape)
    if row.ndims and count not in row.ndims:
        wanted = " or ".join(f"{ndim} axes {_axis_names(row, ndim)}" for ndim in row.ndims)
        return scene.problem(
            f"{row.op} takes {wanted}; it receives {count}: {value}.",
            *fixes.axes(scene, row, node, value),
        )
    if row.op == "nn.Linear" and count >= 4 and "in_features" not in node.args:
        return scene.problem(
            f"nn.Linear mixes the last axis only, which has {value.shape[-1]} of the "
            f"{value.features:,} values of a sample: it receives {value}. To see all of them it "
            "needs them in one axis.",
            fixes.flatten(scene),
            fixes.set_one(scene, node, "in_features", value.shape[-1], "Keep to the last axis"),
        )
    return None


def _axis(
    scene: Scene, row: Layer, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> Problem | None:
    """Check axes given by number; on `meta` some layers take any."""
    value = inputs[0]
    if not isinstance(value, TensorType):
        return None
    count = len(value.shape) + (row.op in _ADD_AN_AXIS)
    for name in _AXIS_ARGUMENTS:
        asked = args.get(name)
        wrong = [n for n in (asked if isinstance(asked, tuple) else (asked,)) if n is not None]
        wrong = [n for n in wrong if not -count <= n < count]
        if name in row.fields and wrong:
            return scene.problem(
                f"{row.op} has {name}={wrong[0]}; {value} has the axes 0 to {count - 1}, or "
                f"{-count} to -1 counted from the end.",
                fixes.set_one(scene, scene.called, name, -1, f"Set {name} to -1, the last axis"),
            )
    return None


def _axis_names(row: Layer, ndim: int) -> str:
    if row.group in ("Recurrent", "Attention"):
        names = ["N", "time", "features"] if ndim == 3 else ["N", "features"]
    elif row.op in ("nn.EmbeddingBag", "nn.Fold"):
        names = ["N", "length"] if ndim == 2 else ["N", "columns", "patches"]
    else:
        spatial = {2: [], 3: ["length"], 4: ["height", "width"], 5: ["depth", "height", "width"]}
        names = ["N", "channels", *spatial[ndim]]
    return f"({', '.join(names)})"


def _wire(
    scene: Scene, row: Layer, node: Node, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> Problem | None:
    for name, wire in row.infer.items():
        told = wire_size(wire, inputs)
        if name not in args or told is None:
            continue
        value = inputs[wire.input]
        assert isinstance(value, TensorType)
        asked = args[name]
        if isinstance(asked, tuple):  # normalized_shape may cover several axes
            tail = value.shape[-len(asked) :]
            if tail == asked:
                continue
        elif asked == told:
            continue
        where = _AXIS_WORDS[wire.axis]
        if scene.built is not None:  # its sizes were settled where it was first used
            again = f"by {scene.node.name}" if scene.shared else "with its block"
            return scene.problem(
                f"{scene.called.name} was made with {name}={asked}; called again {again}, it "
                f"receives {told:,} in {where} of {value}.",
                *scene.own_weights,
            )
        proposed = [fixes.set_one(scene, node, name, told, f"Set {name} to {told:,}")]
        came = _joined(scene)
        if row.group == "Linear" and len(value.shape) > 2:
            flat = fixes.flatten(scene)
            if value.features == asked:
                sizes = "·".join(str(size) for size in value.sample)
                came = f" {sizes} = {asked:,}: a Flatten before it would give just that."
                return scene.problem(_size_text(row, name, asked, where, told, value) + came, flat)
            proposed = [*proposed, flat] if len(value.shape) == 3 else [flat, *proposed]
        kind: FaultKind = "size" if proposed[0].label.startswith("Set ") else "other"
        return scene.problem(
            _size_text(row, name, asked, where, told, value) + came,
            *proposed,
            *fixes.producer(scene, asked),
            kind=kind,
        )
    return None


def _joined(scene: Scene) -> str:
    """Say how the number of features came about, if a Flatten before the layer made it."""
    source = scene.block_of.sources(scene.position)[0]
    step = scene.known.get(source)
    if step is None or step.op not in ("nn.Flatten", "torch.flatten"):
        return ""
    sizes = next(tensors(step.inputs[0])).sample
    if len(sizes) < 2 or describe(step.output) != f"(N, {math.prod(sizes)})":
        return ""
    return f" {source} joined {'·'.join(map(str, sizes))} = {math.prod(sizes):,}."


def _size_text(row: Layer, name: str, asked: Any, where: str, told: int, value: TensorType) -> str:
    return f"{row.op} has {name}={asked}; it receives {told:,} in {where} of {value}."


def _output_padding(scene: Scene, row: Layer, args: Mapping[str, Any]) -> Problem | None:
    """Check what torch checks only when it computes: on `meta` any extra size is taken."""
    if row.window != "transposed":
        return None
    full = row.complete(args)
    for axis in range(row.rank):
        extra, *steps = (
            per_axis(full[name], axis) for name in ("output_padding", "stride", "dilation")
        )
        if extra >= max(steps):
            most = max(steps) - 1
            return scene.problem(
                f"{row.op}: output_padding={extra} must be smaller than the stride, {steps[0]}, "
                f"or the dilation, {steps[1]}.",
                fixes.set_one(
                    scene, scene.called, "output_padding", most, f"Set output_padding to {most}"
                ),
            )
    return None


def _multiple(scene: Scene, row: Layer, name: str, size: int, number: int) -> Iterable[Fix]:
    """Propose that the layer before gives the next size that can be divided."""
    return fixes.producer(scene, -(-size // number) * number) if name in row.infer else ()


def _divides(scene: Scene, row: Layer, args: Mapping[str, Any]) -> Problem | None:
    for divisor, sizes in _DIVIDES.items():
        if divisor not in args:
            continue
        number = args[divisor]
        present = {name: args[name] for name in sizes if name in args}
        wrong = {name: size for name, size in present.items() if size % number}
        if wrong:
            name, size = next(iter(wrong.items()))
            common = math.gcd(*present.values())
            return scene.problem(
                f"{row.op}: {divisor}={number} does not divide {name}={size} "
                f"({size} / {number} = {size / number:.2f}).",
                *fixes.divisors(scene, divisor, number, common),
                *_multiple(scene, row, name, size, number),
            )
    return None
