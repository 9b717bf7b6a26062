"""What every layer of a model makes of one picture.

A picture is fitted to the model's input (`Frame`, `fit`), the model is run on it step by step
(`look`), and what comes out is read as maps, filters and predictions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.build import check
from builder.catalog import CATALOG
from builder.errors import ModelError
from builder.resolve import Step, resolve
from builder.spec import Block, ModelSpec

Fit: TypeAlias = Literal["crop", "squeeze", "pad"]
Picture: TypeAlias = "NDArray[np.float32]"

FITS: Mapping[Fit, str] = MappingProxyType(
    {
        "crop": "Cut the middle out, in the proportions of the input.",
        "squeeze": "Keep everything, in other proportions.",
        "pad": "Keep everything and its proportions; black fills what is left.",
    }
)
# ITU-R BT.601, as Pillow and OpenCV weigh colours.
_GREY = (0.299, 0.587, 0.114)
_LEAST_SIDE, _MOST_PIXELS = 4, 4096 * 4096
MOST_BYTES, MOST_MACS = 2**30, 10**11


@dataclass(frozen=True)
class Frame:
    """How a model's input holds a picture.

    Args:
        channels, height, width: of the picture as the model sees it.
        shape: of the input itself, without the batch: (C, H, W), (H, W) or (C*H*W,).
        note: what a person should know of it; empty for a plain picture.
    """

    channels: int
    height: int
    width: int
    shape: tuple[int, ...]
    note: str = ""

    @classmethod
    def of(cls, spec: ModelSpec) -> Frame:
        """Return how the input of a model holds a picture.

        Raises:
            ModelError: it cannot; the message says which input could.
        """
        if len(spec.inputs) != 1:
            names = ", ".join(entry.name for entry in spec.inputs)
            raise ModelError(
                f"{spec.name} has {len(spec.inputs)} inputs ({names}), and a picture is one; "
                "a model with a single input of shape (3, 64, 64) can look at pictures."
            )
        shape, dtype = spec.inputs[0].shape, spec.inputs[0].dtype
        if dtype != "float32":
            raise ModelError(
                f"{spec.name} reads whole numbers, {shape} of {dtype}, such as the word indices "
                "that an Embedding takes. A picture is float32: an input of shape (1, 28, 28) "
                "holds a grey one."
            )
        frame = _frame(shape)
        if frame is None:
            raise ModelError(
                f"{spec.name} takes {shape}, which holds no picture. These do: (1, 28, 28) grey, "
                "(3, 64, 64) colour, or (784,), a grey one of 28 by 28 in a row."
            )
        if frame.channels * frame.height * frame.width > _MOST_PIXELS:
            raise ModelError(
                f"{spec.name} takes {shape}, more than the {_MOST_PIXELS:,} values that fit here."
            )
        return frame


def _frame(shape: tuple[int, ...]) -> Frame | None:
    if len(shape) == 3:
        channels = shape[0]
        odd = f"Its {channels} channels all get the same grey picture."
        return Frame(*shape, shape, "" if channels in (1, 3) else odd)
    if len(shape) == 2:
        note = f"It takes the picture as {shape[0]} rows of {shape[1]} numbers."
        return Frame(1, *shape, shape, note)
    if len(shape) != 1:
        return None
    for channels in (1, 3):
        side = math.isqrt(shape[0] // channels)
        if side >= _LEAST_SIDE and channels * side * side == shape[0]:
            kind = "grey" if channels == 1 else "colour"
            note = (
                f"It takes a {kind} picture of {side} by {side} as one row of {shape[0]} numbers."
            )
            return Frame(channels, side, side, shape, note)
    return None


def fit(values: Picture, frame: Frame, how: Fit = "crop", *, invert: bool = False) -> Tensor:
    """Return a picture as a model takes it, (1, *frame.shape), from 0 to 1.

    Args:
        values: (H, W) or (H, W, C) from 0 to 1, C being 1 or 3.
        frame: of the model.
        how: what to do where the proportions differ.
        invert: turn light and dark around, before black is added.
    """
    picture = _in_channels(torch.from_numpy(np.ascontiguousarray(values, np.float32)), frame)
    if invert:
        picture = 1.0 - picture
    height, width = picture.shape[-2:]
    size = frame.height, frame.width
    if how == "crop":
        # Cut before scaling: a strip of 1 by 10,000 would grow to millions of pixels.
        cut_height = max(1, min(height, round(width * frame.height / frame.width)))
        cut_width = max(1, min(width, round(height * frame.width / frame.height)))
        top, left = (height - cut_height) // 2, (width - cut_width) // 2
        picture = picture[..., top : top + cut_height, left : left + cut_width]
    elif how == "pad":
        scale = min(frame.height / height, frame.width / width)
        size = max(1, round(height * scale)), max(1, round(width * scale))
    if picture.shape[-2:] != size:
        picture = F.interpolate(picture, size, mode="bilinear", antialias=True)
    if size != (frame.height, frame.width):
        over, beside = frame.height - size[0], frame.width - size[1]
        picture = F.pad(picture, (beside // 2, beside - beside // 2, over // 2, over - over // 2))
    return picture.clamp(0.0, 1.0).reshape(1, *frame.shape)


def _in_channels(picture: Tensor, frame: Frame) -> Tensor:
    """Return (H, W) or (H, W, C) as (1, C, H, W) with the channels that the frame has."""
    if picture.dim() == 2:
        picture = picture.unsqueeze(-1)
    picture = picture.permute(2, 0, 1).unsqueeze(0)
    if picture.shape[1] == 3 and frame.channels != 3:
        picture = (picture * torch.tensor(_GREY).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    return picture.expand(1, frame.channels, -1, -1) if picture.shape[1] == 1 else picture


def as_picture(x: Tensor, frame: Frame) -> Picture:
    """Return an input, (1, *frame.shape), as (H, W, C) with 1 or 3 channels."""
    picture = x.reshape(frame.channels, frame.height, frame.width)
    picture = picture if frame.channels in (1, 3) else picture[:1]
    return np.ascontiguousarray(picture.permute(1, 2, 0).numpy())


@dataclass(frozen=True, eq=False)
class Layer:
    """What one layer gave.

    Args:
        name: the way to it, `subnet1.conv`; `lstm[1][0]` for one of several tensors.
        op: as in the document.
        value: the tensor, as the layer gave it.
    """

    name: str
    op: str
    value: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor, the batch of 1 included."""
        return tuple(self.value.shape)

    @property
    def maps(self) -> Tensor | None:
        """The values as pictures, float32 (n, h, w); `None` for a row of numbers.

        (1, C, H, W) is C of them, (1, T, F) is one; the axes of a volume are laid out in a row.
        """
        values = self.value.float().squeeze()
        return None if values.dim() < 2 else values.reshape(-1, *values.shape[-2:])

    @property
    def row(self) -> Tensor | None:
        """The values as a row of numbers, float32 (n,); `None` where they are pictures."""
        values = self.value.float().squeeze()
        return None if values.dim() > 1 else values.reshape(-1)


def look(model: nn.Module, spec: ModelSpec, x: Tensor) -> list[Layer]:
    """Run a model on one input and return what every layer gave, functions too, in order.

    A layer called twice stands there twice; the layers of a block come before the block. The model
    is left in evaluation, where dropout hands on what it gets and batch norm uses what it learned.

    Args:
        model: `build(spec)`, with any weights.
        x: (1, *shape of the input).

    Raises:
        ModelError: the model cannot run, it would take too much memory or time, or torch refused.
    """
    resolution = check(spec, budget=2**63)
    if resolution.activation_bytes > MOST_BYTES or resolution.macs > MOST_MACS:
        raise ModelError(
            f"One picture through {spec.name} takes {resolution.activation_bytes / 1e9:,.1f} GB "
            f"and {resolution.macs / 1e9:,.1f} billion multiply-adds; up to "
            f"{MOST_BYTES / 1e9:,.1f} GB and {MOST_MACS / 1e9:,.0f} billion are looked at here. "
            "A smaller input does it."
        )
    found: list[Layer] = []
    with torch.no_grad():
        _run(spec, spec.main, resolution.steps, model.eval(), (x,), found, ())
    return found


def _run(
    spec: ModelSpec,
    block: Block,
    steps: Sequence[Step],
    module: nn.Module,
    inputs: Sequence[Any],
    found: list[Layer],
    path: tuple[str, ...],
) -> Any:
    """Run one block as its own forward pass does, and keep what passes."""
    values: dict[str, Any] = dict(zip(block.inputs, inputs, strict=True))
    modules = _modules(spec, block, steps, module)
    for step in steps:
        given = [values[source] for source in step.sources]
        target = modules.get(step.shared or step.name)
        way = (*path, step.name)
        if not step.enabled:
            value = given[0]
        elif step.op in spec.blocks:
            assert target is not None
            inner = spec.blocks[step.op]
            value = _run(spec, inner, step.steps, target, given, found, way)
        else:
            value = _called(step, target, given, way)
        values[step.name] = value
        # A layer in place would write over what the one before it gave.
        found += [
            Layer(".".join(way) + part, step.op, tensor.detach().clone())
            for part, tensor in _tensors(value)
        ]
    results = tuple(values[name] for name in block.results)
    return results[0] if len(results) == 1 else results


def _modules(
    spec: ModelSpec, block: Block, steps: Sequence[Step], module: nn.Module
) -> dict[str, nn.Module]:
    """Return the modules of a block by the name of their step; they stand in running order."""
    holder = module.get_submodule("layers") if block.container == "modulelist" else module
    names = [step.name for step in steps if _holds_module(spec, step)]
    return dict(zip(names, holder.children(), strict=True))


def modules_of(model: nn.Module, spec: ModelSpec) -> dict[str, nn.Module]:
    """Return the modules of a model by the names that `look` gives to their layers.

    A layer called again has the module of the first; blocks themselves are left out.
    """
    found: dict[str, nn.Module] = {}

    def collect(block: Block, steps: Sequence[Step], module: nn.Module, path: str) -> None:
        modules = _modules(spec, block, steps, module)
        for step in steps:
            target = modules.get(step.shared or step.name)
            if target is not None and step.op in spec.blocks:
                collect(spec.blocks[step.op], step.steps, target, f"{path}{step.name}.")
            elif target is not None:
                found[path + step.name] = target

    collect(spec.main, resolve(spec).steps, model, "")
    return found


def filters_of(model: nn.Module, spec: ModelSpec) -> dict[str, Tensor]:
    """Return the weights that can be seen as pictures, (O, I, h, w), by the names of their layers.

    They are those of every Conv2d, and of a Linear that reads the picture before anything else
    has learned from it: each of its outputs has a weight for every pixel. A layer called again is
    not named again.
    """
    found: dict[str, Tensor] = {}
    frame = Frame.of(spec)
    values = frame.channels * frame.height * frame.width
    first, seen = True, set()
    for name, module in modules_of(model, spec).items():
        weight = getattr(module, "weight", None)
        if weight is None or id(module) in seen:
            continue
        seen.add(id(module))
        if isinstance(module, nn.Conv2d):
            found[name] = weight.detach()
        elif first and isinstance(module, nn.Linear) and module.in_features == values:
            shape = (-1, frame.channels, frame.height, frame.width)
            found[name] = weight.detach().reshape(shape)
        first = False
    return found


def _holds_module(spec: ModelSpec, step: Step) -> bool:
    row = CATALOG.get(step.op)
    return step.shared is None and (step.op in spec.blocks or bool(row and row.is_module))


def _called(
    step: Step, module: nn.Module | None, given: Sequence[Any], way: tuple[str, ...]
) -> Any:
    row = CATALOG[step.op]
    given = list(given) * (row.repeat if len(given) == 1 else 1)
    try:
        return module(*given) if module else row.make(step.args)(*given, training=False)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(
            f"{'.'.join(way)} ({step.op}) does not run on a single picture: {reason}",
            node=way[0],
        ) from None


def _tensors(value: Any, part: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield part, value
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _tensors(item, f"{part}[{index}]")


def out_of_place(spec: ModelSpec) -> ModelSpec:
    """Return the same model with no layer that writes over its input; the numbers are the same.

    Gradients with respect to what a layer gave need that to be still there.
    """
    return replace(
        spec,
        nodes=_out_of_place(spec.main),
        blocks={
            name: replace(block, nodes=_out_of_place(block)) for name, block in spec.blocks.items()
        },
    )


def _out_of_place(block: Block) -> tuple[Any, ...]:
    return tuple(
        replace(node, args={**node.args, "inplace": False}) if node.args.get("inplace") else node
        for node in block.nodes
    )


def output_of(layers: Sequence[Layer], spec: ModelSpec) -> Layer | None:
    """Return the layer whose tensor is the model's output, the first if there are several."""
    name = spec.main.results[0]
    return next((layer for layer in layers if layer.name.partition("[")[0] == name), None)


@dataclass(frozen=True)
class Prediction:
    """One class and what the model gives it: the score, and the share of all, from 0 to 1."""

    index: int
    name: str
    score: float
    share: float


def predictions(
    output: Tensor, classes: Sequence[str] = (), most: int = 10
) -> tuple[Prediction, ...]:
    """Return the classes that a model finds likeliest, the first first; none if it does not class.

    Args:
        output: what the model gave. (1, K) with K above 1 is a score a class. Scores that are
            shares already, or their logarithms (after Softmax, LogSoftmax), are taken as such.
        classes: names of the classes, if there are K of them.
        most: how many to return.
    """
    if output.dim() != 2 or output.shape[0] != 1 or output.shape[1] < 2:
        return ()
    scores = output[0].detach().double()
    found = _shares(scores)
    names = list(classes) if len(classes) == len(scores) else [str(i) for i in range(len(scores))]
    order = torch.argsort(found, descending=True, stable=True)[:most].tolist()
    return tuple(Prediction(i, names[i], scores[i].item(), found[i].item()) for i in order)


def _shares(scores: Tensor) -> Tensor:
    one = torch.ones((), dtype=scores.dtype)
    if bool((scores >= 0).all()) and torch.isclose(scores.sum(), one, atol=1e-5):
        return scores
    if bool((scores <= 0).all()) and torch.isclose(scores.exp().sum(), one, atol=1e-5):
        return scores.exp()
    return scores.softmax(0)
