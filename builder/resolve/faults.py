"""Saying what is wrong with a layer, and what would mend it.

Each check sees the scene (the spec, the layer, what arrives) and returns a `Problem` or `None`.
Checks before torch catch what torch would accept and get wrong, and what it would say badly; those
after it explain a refusal. Fixes are proposals: `resolve` tries them and keeps those that help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.catalog import CATALOG, Layer, Wire, did_you_mean
from builder.errors import shown
from builder.resolve import fixes
from builder.resolve.resolution import FaultKind, Fix, Step
from builder.resolve.types import TensorType, Type, describe, tensors
from builder.resolve.window import explain_window, largest_kernel
from builder.spec import Block, ModelSpec, Node

# Which arguments must divide which sizes; torch asserts these one layer at a time.
_DIVIDES: Mapping[str, tuple[str, ...]] = {
    "groups": ("in_channels", "out_channels"),
    "num_groups": ("num_channels",),
    "num_heads": ("embed_dim",),
    "nhead": ("d_model",),
}
_AXIS_WORDS = {-1: "the last axis", 1: "axis 1"}


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
        while node.op in self.block_of:
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

    @property
    def holds_module(self) -> bool:
        row = CATALOG.get(self.node.op)
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


def structure(scene: Scene, sources: Sequence[str]) -> Problem | None:
    """Check how the layer is connected: known op, inputs there, allowed by the container."""
    node, block = scene.node, scene.block_of
    row = CATALOG.get(node.op)
    earlier = node.op in block and block.positions[node.op] < scene.position
    if row is None and node.op not in scene.spec.blocks and not earlier:
        return scene.problem(f"There is no layer called {node.op!r}.{did_you_mean(node.op)}")
    if row is None and node.args:
        has = f"{node.op} has" if earlier else f"block {node.op} has"
        return scene.problem(
            f"{node.name} sets {', '.join(map(shown, node.args))}; {has} its own arguments.",
            fixes.unset(scene, node, tuple(node.args)),
        )
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
        lambda: _wire(scene, row, node, args, inputs),
        lambda: _divides(scene, row, args),
    )
    for check in checks:
        problem = check()
        if problem is not None:
            return problem
    return None


def _count(scene: Scene, row: Layer, inputs: tuple[Type, ...]) -> Problem | None:
    low, high = row.inputs
    if len(inputs) < low or (high is not None and len(inputs) > high):
        wanted = (
            f"{low}" if low == high else f"{low} or more" if high is None else f"{low} to {high}"
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
            *fixes.take(scene, source, value),
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
    if row.dtype == "any":
        return None
    wanted = "int64" if row.dtype == "int" else "float32"
    for index, value in enumerate(inputs):
        if index and row.dtype == "int":
            continue
        wrong = next((t for t in tensors(value) if t.dtype != wanted), None)
        if wrong is None:
            continue
        what = "whole numbers (int64), the indices to look up" if row.dtype == "int" else "float32"
        return scene.problem(
            f"{row.op} reads {what}; it receives {wrong.dtype} numbers of shape {wrong}.",
            *fixes.dtype(scene, wanted),
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
        came = ""
        if wire.axis == -1 and len(value.shape) > 2:
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


def _size_text(row: Layer, name: str, asked: Any, where: str, told: int, value: TensorType) -> str:
    return f"{row.op} has {name}={asked}; it receives {told:,} in {where} of {value}."


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
            )
    return None


def after_torch(
    scene: Scene,
    row: Layer,
    node: Node,
    args: Mapping[str, Any],
    inputs: tuple[Type, ...],
    refusal: str,
) -> Problem:
    """Explain torch's refusal; its own words stand where we know none better."""
    value = inputs[0] if inputs else ()
    problem = None
    if isinstance(value, TensorType):
        if row.window in ("conv", "pool"):
            problem = _window(scene, row, node, args, value)
        if row.op in ("Tensor.view", "Tensor.reshape"):
            problem = _view(scene, args, value)
        if row.op in ("nn.PixelShuffle", "nn.PixelUnshuffle", "nn.ChannelShuffle", "nn.GLU"):
            problem = _multiples(scene, row, args, value)
    if problem is None and len(inputs) > 1:
        problem = _several(scene, row, inputs)
    if problem is not None:
        return problem
    received = " and ".join(describe(entry) for entry in inputs)
    changed = {name: value for name, value in row.changed(args).items() if name not in row.infer}
    with_args = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    settings = f" with {with_args}" if with_args else ""
    return scene.problem(
        f"{row.op}{settings} cannot take {received}: {refusal.rstrip('.')}.",
        *fixes.fresh(scene, row, node),
    )


def _window(
    scene: Scene, row: Layer, node: Node, args: Mapping[str, Any], value: TensorType
) -> Problem | None:
    names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[row.rank]
    sizes = value.sample[1:]
    bad = []
    for axis, (name, size) in enumerate(zip(names, sizes, strict=False)):
        out, formula = explain_window(row, args, size, axis)
        if out < 1:
            bad.append(f"{name} {formula}")
    if not bad:
        return None
    fit = min(largest_kernel(row, args, size, axis) for axis, size in enumerate(sizes))
    kernel = args["kernel_size"]
    shown = kernel if isinstance(kernel, int) else "x".join(map(str, kernel))
    return scene.problem(
        f"{row.op}: a window of {shown} is larger than what it receives, {value}; "
        f"it would give {', '.join(bad)}. At most {fit} fits.",
        *fixes.smaller_window(scene, row, node, args, sizes, fit),
    )


def _view(scene: Scene, args: Mapping[str, Any], value: TensorType) -> Problem:
    asked = ", ".join(map(str, args["shape"]))
    return scene.problem(
        f"A sample has {value.features:,} values ({value}); they cannot be seen as ({asked}) for "
        "every size of the batch.",
        *fixes.whole_samples(scene, value, args["shape"]),
    )


def _multiples(
    scene: Scene, row: Layer, args: Mapping[str, Any], value: TensorType
) -> Problem | None:
    if row.op == "nn.GLU":
        return scene.problem(
            f"nn.GLU halves axis {args.get('dim', -1)}, so its size must be even; it receives "
            f"{value}."
        )
    name = next(iter(row.fields))
    number = args[name]
    if row.op == "nn.PixelUnshuffle":
        common = math.gcd(*value.sample[1:])
        wrong, must = f"{value.sample[1:]}", "both sides"
    else:
        common, wrong, must = value.sample[0], str(value.sample[0]), "the channels"
    needed = number**2 if row.op == "nn.PixelShuffle" else number
    candidates = [
        n for n in range(1, 65) if common % (n**2 if row.op == "nn.PixelShuffle" else n) == 0
    ]
    near = sorted(candidates, key=lambda n: abs(n - number))[:2]
    return scene.problem(
        f"{row.op}: {needed} must divide {must}, {wrong}, of {value}.",
        *(fixes.set_one(scene, scene.node, name, n, f"Set {name} to {n}") for n in near),
    )


def _several(scene: Scene, row: Layer, inputs: tuple[Type, ...]) -> Problem | None:
    types = [value for value in inputs if isinstance(value, TensorType)]
    if len(types) != len(inputs):
        return None
    sources = scene.block_of.sources(scene.position)
    listed = ", ".join(f"{n} {t}" for n, t in zip(sources, types, strict=False))
    rule = {
        "torch.cat": "their sizes must be equal in every axis but the joined one",
        "torch.stack": "their sizes must be equal",
        "torch.matmul": "the last axis of the first must equal the last but one of the second",
    }.get(row.op, "their sizes must be equal, or 1, in every axis")
    if row.group != "Function":
        return None
    return scene.problem(
        f"{row.op} receives {listed}; {rule}.", *fixes.project(scene, row, sources, types)
    )


def batch(scene: Scene, step: Step, came: TensorType, got: TensorType) -> Problem:
    """Explain a layer that changes the size of the batch."""
    first = got.shape[0] if got.shape else "nothing"
    numbers = ""
    if step.op in ("Tensor.view", "Tensor.reshape"):
        asked = math.prod(n for n in step.args["shape"] if n > 0)
        sizes = " · ".join(map(str, came.sample))
        numbers = (
            f" A sample has {sizes} = {came.features:,} values, "
            f"and the view asks for {asked:,} a row."
        )
        proposed = fixes.whole_samples(scene, came, step.args["shape"])
    else:
        proposed = tuple(fixes.keep_batch(scene))
    return scene.problem(
        f"{step.op} changes the batch: {came} becomes {got}, so a batch of 2 comes out as "
        f"{got.at(2)[0] if got.shape else first}.{numbers}",
        *proposed,
        kind="batch",
    )
