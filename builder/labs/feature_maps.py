"""What every layer of a model makes of one picture.

A model is run step by step (`look`), and what comes out is read as maps; its weights are read as
filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder.labs.batches import affordable
from builder.labs.framing import Frame
from builder.labs.walking import modules_of, tensors, walk
from builder.resolve import Step
from builder.spec import ModelSpec


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
    affordable(spec, 1, budget=2**63)
    found: list[Layer] = []

    def saw(way: tuple[str, ...], step: Step, value: Any) -> None:
        # A layer in place would write over what the one before it gave.
        found.extend(
            Layer(".".join(way) + part, step.op, tensor.detach().clone())
            for part, tensor in tensors(value)
        )

    with torch.no_grad():
        walk(model.eval(), spec, (x.clone(),), saw)
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


def output_of(layers: Sequence[Layer], spec: ModelSpec) -> Layer | None:
    """Return the layer whose tensor is the model's output, the first if there are several."""
    name = spec.main.results[0]
    return next((layer for layer in layers if layer.name.partition("[")[0] == name), None)
