"""The chain of layers that the Convolution page runs over a picture: a model like any other.

Its convolutions start with given values and stay so (`Node.init`, `Node.frozen`), so resolving,
building, written code and use in another model need nothing of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from builder import edit
from builder.catalog import CATALOG
from builder.labs.kernels import KERNELS, Kernel
from builder.resolve import resolve
from builder.resolve.types import TensorType
from builder.spec import Init, Input, ModelSpec, Node

Mixing: TypeAlias = Literal["each", "across"]

NAME = "Filter"
GREY, COLOUR = 1, 3
_ARGS = {"kernel_size": 3, "padding": "same", "bias": False}


def first_chain() -> ModelSpec:
    """Return the chain that the page opens with: the sharpening filter over a grey picture."""
    spec = ModelSpec(NAME, (Input("x", (GREY, 512, 512)),), "graph", (_conv("conv", GREY),))
    (sharpen,) = KERNELS["sharpen_notes"].make(3)
    return with_kernel(spec, "conv", sharpen)


def _conv(name: str, channels: int) -> Node:
    args = {"out_channels": channels, **_ARGS, **({"groups": channels} if channels > 1 else {})}
    return Node(name, "nn.Conv2d", args, frozen=True)


def as_init(kernel: Kernel) -> Init:
    """Return a kernel as first values, each the shortest number that gives the same float32."""
    rows = [[float(str(value)) for value in row] for row in kernel.astype(np.float32)]
    return Init("values", {"values": rows})


def kernel_of(node: Node) -> Kernel | None:
    """Return the kernel, (kH, kW), that all channels of a convolution share; `None` without one."""
    init = node.init.get("weight")
    if init is None or init.scheme != "values":
        return None
    values = np.array(init.args["values"], dtype=np.float32)
    return values if values.ndim == 2 else None


def with_kernel(
    spec: ModelSpec, name: str, kernel: Kernel, *, block: str | None = None
) -> ModelSpec:
    """Give a convolution one kernel, (kH, kW), for all its channels, and its size."""
    height, width = kernel.shape
    size = height if height == width else (height, width)
    node = spec.block(block).node(name)
    spec = edit.set_args(spec, name, {"kernel_size": size}, block=block)
    return edit.set_init(spec, name, {**node.init, "weight": as_init(kernel)}, block=block)


def with_bias(spec: ModelSpec, name: str, value: float | None) -> ModelSpec:
    """Add one number to every output of a convolution; `None` for no bias."""
    node = spec.main.node(name)
    init = {key: start for key, start in node.init.items() if key != "bias"}
    if value is not None:
        init["bias"] = Init("values", {"values": value})
    spec = edit.set_args(spec, name, {"bias": value is not None})
    return edit.set_init(spec, name, init)


def bias_of(node: Node) -> float | None:
    """Return the number that a convolution adds, `None` if it has no bias."""
    init = node.init.get("bias")
    return float(init.args["values"]) if init is not None else None


def with_gradient(spec: ModelSpec, name: str, kernels: Sequence[Kernel]) -> ModelSpec:
    """Replace a convolution by two and the length of the vector that their results make."""
    across, down = kernels
    spec = with_kernel(spec, name, across)
    position = spec.main.positions[name]
    first = spec.main.node(name)
    source = spec.main.sources(position)[0]
    other = edit.new_name(spec.main, position + 1, "nn.Conv2d")
    spec = edit.insert(spec, position + 1, "nn.Conv2d", first.args, name=other, inputs=(source,))
    spec = edit.freeze(edit.set_init(spec, other, first.init), other, True)
    spec = with_kernel(spec, other, down)
    length = edit.new_name(spec.main, position + 2, "torch.hypot")
    return edit.insert(spec, position + 2, "torch.hypot", {}, name=length, inputs=(name, other))


def add_step(spec: ModelSpec, index: int, op: str) -> ModelSpec:
    """Put a layer into the chain; a convolution starts as one that hands its input on."""
    if op != "nn.Conv2d":
        spec = edit.insert(spec, index, op)
        node = spec.nodes[index]
        return spec if op != "nn.ConvTranspose2d" else _spread(spec, node.name)
    given = spec.main.inputs[0] if index == 0 else spec.nodes[index - 1].name
    channels = channels_of(spec, given)
    name = edit.new_name(spec.main, index, op)
    spec = edit.insert(spec, index, op, _conv(name, channels).args, name=name)
    spec = edit.freeze(spec, name, True)
    kernel = np.zeros((3, 3), np.float32)
    kernel[1, 1] = 1
    return with_kernel(spec, name, kernel)


def _spread(spec: ModelSpec, name: str) -> ModelSpec:
    """Let a transposed convolution twice as large as its input spread each pixel evenly."""
    index = spec.main.positions[name]
    given = spec.main.sources(index)[0]
    channels = channels_of(spec, given)
    args = {"out_channels": channels, "kernel_size": 2, "stride": 2, "bias": False}
    if channels > 1:
        args["groups"] = channels
    spec = edit.set_op(spec, name, "nn.ConvTranspose2d", args)
    spec = edit.freeze(spec, name, True)
    return with_kernel(spec, name, np.ones((2, 2), np.float32))


def channels_of(spec: ModelSpec, name: str) -> int:
    """Return how many channels a step or the input gives; 1 where that is not known."""
    for entry in spec.inputs:
        if entry.name == name:
            return entry.shape[0]
    step = resolve(spec).by_name.get(name)
    if step is None or not isinstance(step.output, TensorType) or len(step.output.shape) != 4:
        return 1
    channels = step.output.shape[1]
    return channels if isinstance(channels, int) else 1


def mixing_of(node: Node) -> Mixing:
    """Return whether a convolution keeps channels apart or sums over them."""
    return "each" if node.args.get("groups", 1) == node.args.get("out_channels") else "across"


def with_mixing(spec: ModelSpec, name: str, mixing: Mixing) -> ModelSpec:
    """Let a convolution keep channels apart (`each`) or sum over all of them (`across`)."""
    given = spec.main.sources(spec.main.positions[name])[0]
    channels = channels_of(spec, given) if mixing == "each" else 1
    spec = edit.set_args(spec, name, {"out_channels": channels})
    if channels > 1:
        return edit.set_args(spec, name, {"groups": channels})
    return edit.unset_args(spec, name, ["groups"])


def for_picture(spec: ModelSpec, height: int, width: int, channels: int) -> ModelSpec:
    """Return the chain for a picture of another size or number of channels."""
    before = spec.inputs[0].shape[0]
    spec = replace(spec, inputs=(Input(spec.inputs[0].name, (channels, height, width)),))
    if channels == before:
        return spec
    for node in spec.nodes:
        if node.op in ("nn.Conv2d", "nn.ConvTranspose2d") and node.init:
            summing = before > 1 and mixing_of(node) == "across"
            spec = with_mixing(spec, node.name, "across" if summing else "each")
    return spec


def as_layer(chain: ModelSpec, name: str, model: ModelSpec, index: int) -> ModelSpec:
    """Put a convolution of the chain into another model, fixed, for the channels it finds there.

    Args:
        chain: where the convolution stands, under `name`.
        model: the model that gets it, in its main block at position `index`.

    Raises:
        EditError: there is no such position.
    """
    node = chain.main.node(name)
    before = model.main.inputs[0] if index == 0 else model.nodes[index - 1].name
    channels = channels_of(model, before)
    args = {
        key: value
        for key, value in node.args.items()
        if key not in ("groups", "in_channels", "out_channels")
    }
    out = channels if mixing_of(node) == "each" else 1
    args = {"out_channels": out, **args, **({"groups": out} if out > 1 else {})}
    model = edit.insert(model, index, node.op, args)
    new = model.nodes[index].name
    model = edit.set_init(model, new, node.init)
    return edit.freeze(model, new, True)


_GROUPS = ("Convolution", "Pooling", "Resampling", "Activation", "Padding", "Normalisation")


@lru_cache(maxsize=1)
def offered() -> tuple[str, ...]:
    """Return the layers that make a picture of a picture, by the palette's groups."""
    rows = [
        row
        for group in _GROUPS
        for row in CATALOG.values()
        if row.group == group and row.is_module and row.inputs == (1, 1)
    ]
    return tuple(row.op for row in rows if row.rank in (0, 2) and _keeps_axes(row.op))


def _keeps_axes(op: str) -> bool:
    resolution = resolve(edit.insert(_EMPTY, 0, op))
    if resolution.faults:  # such as PixelShuffle, whose channels depend on the picture
        return CATALOG[op].ndims in ((), (4,))
    return resolution.output is not None and len(resolution.output.shape) == 4


_EMPTY = ModelSpec(NAME, (Input("x", (COLOUR, 64, 64)),), "graph")
