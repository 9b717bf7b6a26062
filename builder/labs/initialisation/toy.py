"""Small models that differ in their start alone, trained side by side on points of a plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from builder.data import load
from builder.initial import problem
from builder.labs.activation import ACTIVATIONS
from builder.labs.depth import spread
from builder.labs.subject import fresh
from builder.spec import Init, Input, ModelSpec, Node
from builder.train.data import split_by
from builder.train.recipe import Recipe
from builder.train.trial import Trial, batches

DATA = ("moons", "circles", "xor", "spirals")
MOST_STEPS = 3000
_LOOKED_AT = 256
_SAME = 3  # decimals, as a share of the largest weight, by which two units are told apart
_ZERO = Init("zeros_")


def model_of(
    start: Init | None, op: str, args: Mapping[str, Any], *, layers: int, width: int
) -> ModelSpec:
    """Return a chain of Linear layers over two numbers, whose weights all start in one way.

    Biases start at zero; with `None` both are as torch draws them.
    """
    init = {} if start is None else {"weight": start, "bias": _ZERO}
    nodes = []
    for _ in range(layers):
        nodes.append(("nn.Linear", {"out_features": width}, init))
        nodes.append((op, {**ACTIVATIONS[op].initial_args(), **args}, {}))
    nodes.append(("nn.Linear", {"out_features": 2}, init))
    chain = (Node(str(place), *layer[:2], init=layer[2]) for place, layer in enumerate(nodes))
    return ModelSpec("Toy", (Input("x", (2,)),), "sequential", tuple(chain))


class Runner:
    """One of the models.

    Attributes:
        losses: the loss of each batch, before the step on it.
        accuracy: of the validation samples, as it is now.
        units: how many units of the first layer differ from one another, of `width`.
        still: share of what its activations give through which nothing, or next to nothing, is
            learned: their slope is smaller than a hundredth.
    """

    def __init__(self, spec: ModelSpec, x: Tensor, y: Tensor, recipe: Recipe) -> None:
        self._trial = Trial(fresh(spec, recipe.seed), x, y, recipe)
        self._places = tuple(node.name for node in spec.nodes if node.op != "nn.Linear")
        self._first: Tensor = self._trial.model.get_parameter("0.weight")
        self.losses: list[float] = []
        self.accuracy = self.still = 0.0
        self.units = 0

    def step(self, rows: Tensor) -> None:
        """Take one step on some samples."""
        loss, _ = self._trial.step(rows)
        self.losses.append(loss)

    def look(self, x: Tensor, y: Tensor) -> None:
        """Measure what stands in the attributes, on the validation samples."""
        model: nn.Module = self._trial.model
        with torch.no_grad():
            self.accuracy = float((model(x).argmax(dim=1) == y).float().mean())
        seen = spread(model, self._trial.x[:_LOOKED_AT], self._places)
        shares = [(one.dead or 0.0) + (one.flat or 0.0) for one in seen]
        self.still = sum(shares) / len(shares)
        largest = float(self._first.detach().abs().max()) or 1.0
        rows = torch.round(self._first.detach() / largest, decimals=_SAME)
        self.units = len(torch.unique(rows + 0.0, dim=0))  # -0 and 0 are one


class Race:
    """Models that differ in their start alone: the same samples, in the same order, one seed.

    Args:
        starts: by name, of the weights; those that do not fit their shapes are left out.
        op, args: the activation.
        dataset: one of `DATA`.
        layers, width: of the hidden part.
        lr: of stochastic gradient descent.

    Raises:
        BuilderError: an argument that torch does not take.
    """

    def __init__(
        self,
        starts: Mapping[str, Init | None],
        op: str = "nn.Tanh",
        args: Mapping[str, Any] | None = None,
        *,
        dataset: str = "moons",
        layers: int = 2,
        width: int = 16,
        lr: float = 0.1,
        seed: int = 0,
    ) -> None:
        recipe = Recipe(dataset=dataset, optimizer="SGD", lr=lr, batch_size=32, seed=seed)
        samples = load(dataset)
        parts = split_by(recipe, samples)
        x, y = parts.scaled(samples.x), samples.y
        self._x, self._y = x[parts.validation], y[parts.validation]
        shapes = ((width, 2), (width, width), (2, width))
        self.runners: dict[str, Runner] = {}
        for name, start in starts.items():
            if start is None or all(problem(start, shape) is None for shape in shapes):
                spec = model_of(start, op, args or {}, layers=layers, width=width)
                self.runners[name] = Runner(spec, x[parts.train], y[parts.train], recipe)
        self._rows = batches(len(parts.train), recipe.batch_size, seed)
        self.width, self.steps = width, 0
        self.look()

    def step(self, count: int = 1) -> None:
        """Let every model take some steps."""
        for _ in range(count):
            rows = next(self._rows)
            for runner in self.runners.values():
                runner.step(rows)
            self.steps += 1

    def look(self) -> None:
        """Measure every model as it is now."""
        for runner in self.runners.values():
            runner.look(self._x, self._y)

    @property
    def done(self) -> bool:
        """Whether as many steps were taken as a page waits for."""
        return self.steps >= MOST_STEPS
