"""What the activations of a model are given: how it is spread, and how much of it is lost."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from builder.errors import ModelError
from builder.labs.activation import (
    ACTIVATIONS,
    SATURATED,
    Array,
    Curve,
    activation_of,
    curved,
    trace,
)
from builder.labs.batches import affordable
from builder.labs.subject import fresh, loaded
from builder.labs.walking import modules_of, out_of_place
from builder.spec import Block, ModelSpec, Node

MOST_NUMBERS, _BINS = 1_000_000, 80
_REACH = 0.999  # the share of the numbers that the charts show; a few stray ones would flatten them


@dataclass(frozen=True)
class Given:
    """What one activation of a model was given.

    Args:
        name: the way to it, `subnet1.relu`.
        op: the activation, a key of `ACTIVATIONS`, for functions too.
        count: how many numbers it was given.
        mean, std: of these numbers.
        saturated: share of them where the slope is smaller than `SATURATED` but not 0.
        dead: share of them where the slope is exactly 0.
        dead_units: share of its units, the entries of one sample, whose slope is 0 for every
            sample.
        edges: of the bins of a histogram, (bins + 1,), over nearly all the numbers.
        density: share of all numbers in each bin, (bins,).
        curve: the activation over that range, with the weights it has here.
    """

    name: str
    op: str
    count: int
    mean: float
    std: float
    saturated: float
    dead: float
    dead_units: float
    edges: Array
    density: Array
    curve: Curve


@dataclass(frozen=True)
class Looked:
    """The activations of a model, and the names of those that no curve shows."""

    given: tuple[Given, ...]
    others: tuple[str, ...]


def look(spec: ModelSpec, weights: Mapping[str, Tensor], inputs: tuple[Tensor, ...]) -> Looked:
    """Run a model once, evaluating, and tell what each of its activations was given.

    An activation that is called several times is told once, with all that it was given. Those
    switched off are left out.

    Args:
        weights: a `state_dict` of `build(spec)`.
        inputs: one batch for each input, (N, *shape).

    Raises:
        ModelError: the model cannot run, takes too much memory, or torch refused these numbers.
        LabError: the weights are those of another model.
    """
    affordable(spec, len(inputs[0]))
    model, twin = _built(spec, weights)
    named: dict[str, nn.Module] = {}
    for name, module in modules_of(model, twin).items():
        if f"nn.{type(module).__name__}" in ACTIVATIONS and module not in named.values():
            named[name] = module
    seen: dict[str, list[Tensor]] = {name: [] for name in named}
    handles = [
        module.register_forward_pre_hook(partial(_keep, seen[name]))
        for name, module in named.items()
        if curved(module)
    ]
    try:
        with torch.no_grad():
            model.eval()(*inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(f"{spec.name} does not run on these numbers: {reason}") from None
    finally:
        for handle in handles:
            handle.remove()
    return Looked(
        tuple(_told(name, named[name], values) for name, values in seen.items() if values),
        tuple(name for name, module in named.items() if not curved(module)),
    )


def _keep(values: list[Tensor], _: nn.Module, given: tuple[Tensor, ...]) -> None:
    values.append(given[0])


def _built(spec: ModelSpec, weights: Mapping[str, Tensor]) -> tuple[nn.Module, ModelSpec]:
    """Return the model with a module for every activation, functions too, and its spec."""
    twin = out_of_place(spec)
    twin = replace(
        twin,
        nodes=_as_modules(twin.main),
        blocks={
            name: replace(block, nodes=_as_modules(block)) for name, block in twin.blocks.items()
        },
    )
    model, other = loaded(spec, weights), fresh(twin, 0)
    # In a module list the functions, now modules, shift the keys; the order stays.
    state = model.state_dict().values()
    other.load_state_dict(dict(zip(other.state_dict(), state, strict=True)))
    return other, twin


def _as_modules(block: Block) -> tuple[Node, ...]:
    nodes = []
    for node in block.nodes:
        op = activation_of(node.op)
        nodes.append(replace(node, op=op) if op else node)
    return tuple(nodes)


def _told(name: str, module: nn.Module, given: list[Tensor]) -> Given:
    """Measure what an activation was given in all its calls."""
    function = copy.deepcopy(module).double()
    units = torch.cat([values.flatten(1).float() for values in given])
    rows = max(1, MOST_NUMBERS // units.shape[1])
    units = units[:rows]
    moving = units.double().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(function(moving).sum(), moving)
    lost = slope == 0
    values = units.numpy()
    low, high = np.quantile(values, [(1 - _REACH) / 2, (1 + _REACH) / 2])
    margin = 0.05 * (high - low) or 1.0
    counts, edges = np.histogram(values, _BINS, (low - margin, high + margin))
    return Given(
        name=name,
        op=f"nn.{type(module).__name__}",
        count=sum(entry.numel() for entry in given),
        mean=float(units.mean()),
        std=float(units.std(correction=0)),
        saturated=float(((slope.abs() < SATURATED) & ~lost).float().mean()),
        dead=float(lost.float().mean()),
        dead_units=float(lost.all(0).float().mean()),
        edges=edges.astype(np.float64),
        density=counts / values.size,
        curve=trace(function, float(edges[0]), float(edges[-1]), 301),
    )
