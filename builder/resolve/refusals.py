"""Explaining what torch refused, and what it let through: a batch that changes its size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from builder.catalog import Layer
from builder.own.layer import FORWARD
from builder.own.row import OwnRow
from builder.resolve import fixes
from builder.resolve.formula import follow
from builder.resolve.resolution import Step
from builder.resolve.scene import Problem, Scene
from builder.resolve.types import TensorType, Type, describe, tensors
from builder.resolve.window import explain_window, largest_kernel
from builder.spec import Node


def after_torch(
    scene: Scene,
    row: Layer,
    node: Node,
    args: Mapping[str, Any],
    inputs: tuple[Type, ...],
    refusal: str,
) -> Problem:
    """Explain torch's refusal; its own words stand where we know none better."""
    if isinstance(row, OwnRow):
        return _own(scene, row, args, inputs, refusal)
    value = inputs[0] if inputs else ()
    problem = None
    if isinstance(value, TensorType):
        if row.window in ("conv", "pool"):
            problem = _window(scene, row, node, args, value)
        if row.title.startswith(("ReflectionPad", "CircularPad")):
            problem = _border(scene, row, node, args, value)
        if row.op in ("Tensor.view", "Tensor.reshape"):
            problem = _view(scene, args, value)
        if row.op in ("nn.PixelShuffle", "nn.PixelUnshuffle", "nn.ChannelShuffle", "nn.GLU"):
            problem = _multiples(scene, row, args, value)
    if problem is None and len(inputs) > 1:
        problem = _several(scene, row, inputs)
    if problem is not None:
        return problem
    for entry in inputs:  # torch was asked with a batch of 2, which nobody else knows of
        for kind in tensors(entry):
            sizes = list(kind.at(2))
            refusal = refusal.replace(f"torch.Size({sizes})", f"{kind}").replace(
                f"{sizes}", f"{kind}"
            )
    changed = {name: value for name, value in row.changed(args).items() if name not in row.infer}
    with_args = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    settings = f" with {with_args}" if with_args else ""
    return scene.problem(
        f"{row.op}{settings} cannot take {_received(inputs)}: {refusal.rstrip('.')}.",
        *fixes.fresh(scene, row, node),
    )


def _own(
    scene: Scene, row: OwnRow, args: Mapping[str, Any], inputs: tuple[Type, ...], refusal: str
) -> Problem:
    """Say which part of a formula fails, and of what."""
    followed = follow(row.layer, row.complete(args), inputs)
    fault = followed.fault
    if fault is None:
        return scene.problem(f"{row.op} cannot take {_received(inputs)}: {refusal.rstrip('.')}.")
    where = f", the shape of {followed.where}" if followed.where != FORWARD else ""
    if followed.where == FORWARD and fault.line and "\n" in row.layer.forward.strip():
        where = f", line {fault.line}"
    return scene.problem(f"{row.op}{where}: {fault.message}")


def _received(inputs: tuple[Type, ...]) -> str:
    return " and ".join(describe(entry) for entry in inputs)


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
    fit = [largest_kernel(row, args, size, axis) for axis, size in enumerate(sizes)]
    kernel = args["kernel_size"]
    single = isinstance(kernel, int)
    shown = kernel if single else _by(kernel)
    return scene.problem(
        f"{row.op}: a window of {shown} is larger than what it receives, {value}; "
        f"it would give {', '.join(bad)}. At most {min(fit) if single else _by(fit)} fits.",
        *fixes.smaller_window(scene, row, node, args, sizes, fit),
    )


def _by(sizes: Iterable[int]) -> str:
    return "x".join(map(str, sizes))


def unfit(scene: Scene, row: Layer, output: Type) -> Problem | None:
    """Check what came out on `meta`: with numbers in it torch would refuse, or give nothing."""
    if any(0 in kind.sample for kind in tensors(output)):
        return scene.problem(
            f"{row.op} would give {describe(output)}, which holds no number at all.",
            *fixes.fresh(scene, row, scene.called),
        )
    return _unpooled(scene, row, output)


def _unpooled(scene: Scene, row: Layer, output: Type) -> Problem | None:
    """Check that a MaxUnpool has a place for every index; on `meta` there are none to check."""
    if "MaxUnpool" not in row.title and "max_unpool" not in row.title:
        return None
    picked = scene.known.get(scene.block_of.sources(scene.position)[1])
    pool = scene.known.get(picked.sources[0]) if picked and picked.op == "item" else None
    if pool is None or "return_indices" not in pool.args or not isinstance(output, TensorType):
        return None
    came, gives = next(tensors(pool.inputs[0])).sample[1:], output.sample[1:]
    if math.prod(came) <= math.prod(gives):
        return None
    same = {name: pool.args[name] for name in scene.called.args if name in pool.args}
    return scene.problem(
        f"{row.op} gives {_by(gives)} = {math.prod(gives)} places; the indices that {pool.name} "
        f"took are of {_by(came)} = {math.prod(came)}.",
        fixes.set_all(scene, scene.called, same, f"Take the sizes of {pool.name}"),
    )


def _view(scene: Scene, args: Mapping[str, Any], value: TensorType) -> Problem:
    asked = ", ".join(map(str, args["shape"]))
    return scene.problem(
        f"A sample has {value.features:,} values ({value}); they cannot be seen as ({asked}) for "
        "every size of the batch.",
        *fixes.whole_samples(scene, value, args["shape"]),
    )


def _border(
    scene: Scene, row: Layer, node: Node, args: Mapping[str, Any], value: TensorType
) -> Problem | None:
    fit = min(value.sample[1:]) - (0 if "Circular" in row.title else 1)
    pads = args["padding"] if isinstance(args["padding"], tuple) else (args["padding"],)
    if max(pads) <= fit:
        return None
    what = "goes round" if "Circular" in row.title else "mirrors"
    smaller = tuple(min(pad, fit) for pad in pads)
    new = smaller if isinstance(args["padding"], tuple) else smaller[0]
    return scene.problem(
        f"{row.op}: a border of {max(pads)} {what} more cells than there are in {value}; "
        f"at most {fit} works.",
        fixes.set_one(scene, node, "padding", new, f"Set padding to {new}"),
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
