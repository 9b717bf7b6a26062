"""Edits of a model and of its settings that several rules offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from builder import edit
from builder.catalog import CATALOG
from builder.resolve import TensorType, resolve
from builder.spec import ModelSpec
from builder.train.doctor.case import activation_places
from builder.train.doctor.notes import Fix
from builder.train.recipe import Recipe

_NORMS = {2: "nn.BatchNorm1d", 4: "nn.BatchNorm2d", 5: "nn.BatchNorm3d"}  # by axes, batch included
_LIVELY = {"sigmoid": "relu", "tanh": "relu", "hardsigmoid": "relu", "softsign": "relu"}
_LEAKY = {"relu": "leakyrelu", "relu6": "leakyrelu"}
_MODULES = {"relu": "nn.ReLU", "leakyrelu": "nn.LeakyReLU"}
_FUNCTIONS = {"relu": "F.relu", "leakyrelu": "F.leaky_relu"}
_DROPPED, _DECAY, _PATIENCE, _HIDDEN = 0.3, 1e-2, 5, 32


def exchanged(spec: ModelSpec, exchange: Mapping[str, str]) -> ModelSpec:
    """Put other activations in the place of some, but for the one that the model ends with."""
    for place in activation_places(spec):
        word = exchange.get(place.word)
        if word is not None:
            op = (_MODULES if place.node.op.startswith("nn.") else _FUNCTIONS)[word]
            spec = edit.set_op(spec, place.node.name, op, {}, block=place.block)
    return spec


def normalised(spec: ModelSpec) -> ModelSpec:
    """Put a batch norm before every activation of the main block that has none."""
    steps = {step.name: step for step in resolve(spec).steps}
    nodes = spec.nodes
    for position in range(len(nodes) - 1, 0, -1):
        node, before = nodes[position], nodes[position - 1]
        row = CATALOG.get(node.op)
        if row is None or "ctivation" not in row.group or "Norm" in before.op or node.inputs:
            continue
        given = steps[node.name].inputs[0] if node.name in steps else None
        op = _NORMS.get(len(given.shape)) if isinstance(given, TensorType) else None
        if op is not None:
            spec = edit.insert(spec, position, op, {})
    return spec


def as_torch_draws(spec: ModelSpec) -> ModelSpec:
    """Let every parameter start as torch draws it."""
    for block in (None, *spec.blocks):
        for node in spec.block(block).nodes:
            if node.init:
                spec = edit.set_init(spec, node.name, {}, block=block)
    return spec


def with_dropout(spec: ModelSpec) -> ModelSpec:
    """Put a dropout before the last layer that learns, if it stands at the end of a chain."""
    return _before_last(spec, ("nn.Dropout", {"p": _DROPPED}))


def with_hidden_layer(spec: ModelSpec) -> ModelSpec:
    """Put a Linear layer and a ReLU before the last layer."""
    return _before_last(spec, ("nn.Linear", {"out_features": _HIDDEN}), ("nn.ReLU", {}))


def _before_last(spec: ModelSpec, *layers: tuple[str, Mapping[str, object]]) -> ModelSpec:
    linear = [place for place, node in enumerate(spec.nodes) if node.op == "nn.Linear"]
    for op, args in reversed(layers):
        spec = edit.insert(spec, linear[-1] if linear else len(spec.nodes), op, dict(args))
    return spec


def highest_rate(recipe: Recipe) -> float:
    """Return the highest learning rate of a recipe, its groups' included."""
    rates = [group.lr for group in recipe.groups if group.lr is not None and not group.frozen]
    return max([recipe.lr, *rates])


def with_rate(recipe: Recipe, lr: float) -> Recipe:
    """Set the highest rate of a recipe; the others keep their ratio to it, to four digits."""
    highest = highest_rate(recipe)
    if not highest:
        return replace(recipe, lr=lr)
    groups = tuple(
        group if group.lr is None else replace(group, lr=_digits(group.lr * lr / highest))
        for group in recipe.groups
    )
    return replace(recipe, lr=_digits(recipe.lr * lr / highest), groups=groups)


def rate_fix(lr: float) -> Fix:
    """Return the fix that sets the highest learning rate."""
    return Fix(f"Use {_digits(lr):g}", recipe=partial(with_rate, lr=_digits(lr)))


def _digits(rate: float) -> float:
    return float(f"{rate:.4g}")


def clipped(recipe: Recipe) -> Recipe:
    """Bound the norm of the gradients by 1, as most who train recurrent networks do."""
    return replace(recipe, clip_norm=1.0)


def early(recipe: Recipe) -> Recipe:
    """End a run that no longer gets better, with its best weights kept."""
    return replace(recipe, patience=_PATIENCE, keep_best=True)


def decayed(recipe: Recipe) -> Recipe:
    """Pull the weights towards 0 by the sum of their squares in the loss."""
    return replace(recipe, l2=recipe.l2 or _DECAY)


RELUS = Fix("Put ReLUs for sigmoids and tanhs", partial(exchanged, exchange=_LIVELY))
LEAKS = Fix("Put LeakyReLUs for ReLUs", partial(exchanged, exchange=_LEAKY))
NORMS = Fix("Put a batch norm before each activation", normalised)
NORMED_RELUS = Fix(
    "Put ReLUs for sigmoids and tanhs, with batch norms",
    lambda spec: normalised(exchanged(spec, _LIVELY)),
)
FRESH = Fix("Let torch draw all weights", as_torch_draws)
DROPOUT = Fix("Put a dropout before the last layer", with_dropout)
HIDDEN = Fix("Put a hidden layer before the last", with_hidden_layer)
CLIP = Fix("Clip the norm of the gradients at 1", recipe=clipped)
EARLY = Fix(f"Stop after {_PATIENCE} epochs without a better validation loss", recipe=early)
DECAY = Fix(f"Add an L2 penalty of {_DECAY:g}", recipe=decayed)
