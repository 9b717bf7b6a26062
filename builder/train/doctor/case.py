"""A model, its data and its settings before a run, and what the rules ask of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from builder.build import build
from builder.catalog import CATALOG
from builder.data import Samples, Split
from builder.errors import DataError
from builder.resolve import Resolution, Step, resolve
from builder.spec import ModelSpec, Node
from builder.train.data import split_by
from builder.train.recipe import Recipe

_LOOKED_AT = 5000  # rows; the range of more is the same
_FAR_OUT = 1e3
# What changes the form of a value, not the value: the end of a model is looked for before it.
_SHAPES = {
    "nn.Flatten", "nn.Unflatten", "nn.Identity", "torch.flatten", "torch.squeeze",
    "torch.unsqueeze", "Tensor.view", "Tensor.reshape",
}  # fmt: skip
_GROUPS = {"Activation", "Function activation"}
_OVER_AN_AXIS = {"softmax", "logsoftmax", "softmin", "softmax2d", "glu"}


@dataclass(frozen=True)
class Place:
    """A layer and the block that it stands in, `None` for the main one."""

    block: str | None
    node: Node

    @property
    def word(self) -> str:
        """What it does, module or function: `logsoftmax` for `nn.LogSoftmax`, `F.log_softmax`."""
        return self.node.op.rpartition(".")[2].lower().replace("_", "")

    @property
    def group(self) -> str:
        """Group of its row in the catalog, empty for a block."""
        return CATALOG[self.node.op].group if self.node.op in CATALOG else ""

    @property
    def title(self) -> str:
        """What people know it by: `5 (nn.Softmax)`."""
        return f"{self.node.name} ({self.node.op})"

    @property
    def is_dropout(self) -> bool:
        """Whether it drops values in training."""
        return "dropout" in self.word

    @property
    def reach(self) -> tuple[float, float]:
        """Least and largest value that it can give, measured; infinite where there is none."""
        if self.group not in _GROUPS or self.word in _OVER_AN_AXIS:
            return (0.0, 1.0) if self.word.startswith("softm") else (-math.inf, math.inf)
        made = CATALOG[self.node.op].make(CATALOG[self.node.op].complete(self.node.args))
        given = torch.linspace(-_FAR_OUT, _FAR_OUT, 4001)
        with torch.no_grad():
            out = made(given) if isinstance(made, torch.nn.Module) else made(given, training=False)
        low, high = float(out.min()), float(out.max())
        # A leak of a hundredth is still a way out.
        least, most = -_FAR_OUT / 200, _FAR_OUT / 200
        return (-math.inf if low < least else low, math.inf if high > most else high)


@dataclass(frozen=True)
class Before:
    """A model, its data and its settings before a run."""

    spec: ModelSpec
    samples: Samples
    recipe: Recipe

    @cached_property
    def resolution(self) -> Resolution:
        """The model worked out."""
        return resolve(self.spec)

    @cached_property
    def ending(self) -> tuple[Place, ...]:
        """The layers from the output back along a single line, those that only reshape left out."""
        return ending(self.spec)

    @cached_property
    def outputs(self) -> int | None:
        """How many outputs a sample gets, `None` for a model that gives no (N, outputs)."""
        out = self.resolution.output
        return out.features if out is not None and len(out.shape) == 2 else None

    @cached_property
    def parts(self) -> Split | None:
        """The split of the recipe, `None` where the data do not allow it."""
        try:
            return split_by(self.recipe, self.samples)
        except DataError:
            return None

    @cached_property
    def seen(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of some training rows, in the scale that training sees."""
        if self.parts is None:
            return self.samples.x[:_LOOKED_AT], self.samples.y[:_LOOKED_AT]
        rows = self.parts.train[:_LOOKED_AT]
        x, y = self.samples.x[rows], self.samples.y[rows]
        return self.parts.scaled(x), self.parts.scaled_target(y)

    @cached_property
    def learned(self) -> tuple[str, ...]:
        """Names of the parameters that the model itself does not freeze."""
        if not self.resolution.runs:
            return ()
        with torch.device("meta"):
            model = build(self.spec, budget=2**63)
        return tuple(name for name, value in model.named_parameters() if value.requires_grad)

    def layers(self) -> Iterator[Step]:
        """Yield every layer that runs and is switched on, those of blocks too."""
        yield from _enabled(self.resolution.steps)


def _enabled(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        if step.enabled:
            yield step
            yield from _enabled(step.steps)


def _back(spec: ModelSpec, block: str | None) -> Iterator[Place]:
    target = spec.block(block)
    name = target.results[0]
    while name in target:
        node = target.node(name)
        if node.enabled and node.op in spec.blocks:
            yield from _back(spec, node.op)
            return
        if node.enabled and node.op not in _SHAPES:
            yield Place(block, node)
        sources = target.sources(target.positions[name])
        if len(sources) != 1:
            return
        name = sources[0]


def ending(spec: ModelSpec) -> tuple[Place, ...]:
    """Return the layers from a model's output back along a single line, but those that reshape."""
    return tuple(_back(spec, None))


def activation_places(spec: ModelSpec) -> tuple[Place, ...]:
    """Return every activation that is switched on, but for the one that the model ends with."""
    end = next((place for place in _back(spec, None) if not place.is_dropout), None)
    return tuple(
        place
        for block in (None, *spec.blocks)
        for node in spec.block(block).nodes
        if node.enabled and (place := Place(block, node)).group in _GROUPS and place != end
    )
