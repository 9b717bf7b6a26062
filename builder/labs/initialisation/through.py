"""How the spread of values and of gradients goes through a model, measured and in theory.

The theory is that of wide layers (Poole et al., 2016; Schoenholz et al., 2017): what goes into each
activation is a normal number, whose variance the layer before tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from builder.catalog import CATALOG
from builder.errors import ModelError
from builder.labs.activation import curved, make, sloped
from builder.labs.batches import affordable
from builder.labs.depth import Spread
from builder.labs.initialisation.law import Law, law
from builder.labs.initialisation.torchs_own import torchs_own
from builder.labs.subject import fresh
from builder.labs.walking import out_of_place, tensors, walk
from builder.resolve import Step
from builder.spec import Init, ModelSpec
from builder.train.trial import own_randomness

# Normal numbers beyond are a thousand million times rarer than those seen here.
_REACH, _POINTS = 8.0, 4001


def through(spec: ModelSpec, inputs: Sequence[Tensor], *, seed: int = 0) -> tuple[Spread, ...]:
    """Return what a model with fresh weights makes of a batch at each step, in running order.

    It runs as in training, functions too. The gradient starts at the outputs as standard normal
    numbers, so that its size can be compared from model to model.

    Args:
        inputs: one batch for each input, (N, *shape).
        seed: of the weights, and of the gradient that is sent back.

    Raises:
        ModelError: the model cannot run, is too large, or nothing in it has a gradient.
    """
    spec = out_of_place(spec)
    affordable(spec, len(inputs[0]))
    model = fresh(spec, seed)
    seen: dict[str, Tensor] = {}

    def saw(path: tuple[str, ...], step: Step, value: Any) -> None:
        if step.op in spec.blocks or not step.enabled:  # what it gives, a layer inside has given
            return
        for part, tensor in tensors(value):
            if tensor.is_floating_point():
                seen[".".join(path) + part] = tensor
                return

    with own_randomness(seed), torch.enable_grad():
        out = walk(model.train(), spec, inputs, saw, training=True)
        ends = [tensor for _, tensor in tensors(out) if tensor.requires_grad]
        if not ends:
            raise ModelError(f"{spec.name} has nothing that learns, so nothing has a gradient.")
        starts = [torch.randn_like(end) for end in ends]
    moving = [name for name, tensor in seen.items() if tensor.requires_grad]
    slopes = torch.autograd.grad(ends, [seen[name] for name in moving], starts, allow_unused=True)
    gradients = dict(zip(moving, slopes, strict=True))
    return tuple(Spread.of(name, tensor, gradients.get(name)) for name, tensor in seen.items())


@dataclass(frozen=True)
class Expected:
    """What theory says of the outputs of one layer's activation: spread of values, of gradients."""

    std: float
    gradient: float


def expected(
    op: str, args: Mapping[str, Any], start: Init | None, *, layers: int, width: int
) -> tuple[Expected, ...] | None:
    """Return what theory says of a tower of `builder.labs.depth.stack`; `None` where it is silent.

    It is silent for activations that are no function of single numbers, and for weights whose mean
    is not zero: all units of a layer would then be alike.

    Args:
        op, args: the activation.
        start: of the weights, as in `stack`. What goes in are standard normal numbers.
    """
    module = make(op, args).double()
    shape = (width, width)
    own = torchs_own(CATALOG["nn.Linear"], {"in_features": width, "out_features": width})
    weights = law(start or own["weight"], shape)
    biases = Law(0, 0, 0, 0) if start else law(own["bias"], (width,))
    assert weights is not None
    assert biases is not None
    if not curved(module) or weights.mean != 0:
        return None
    gain = width * weights.std**2
    second, found, slopes = 1.0, [], []
    for _ in range(layers):
        variance = gain * second + biases.std**2
        mean, second, slope = _moments(module, variance)
        found.append(float(np.sqrt(max(second - mean**2, 0.0))))
        slopes.append(slope)
    # Going back, a layer multiplies the variance by its gain and by the slopes of what follows.
    gradients = [1.0]
    for slope in reversed(slopes[1:]):
        gradients.append(gradients[-1] * gain * slope)
    return tuple(
        Expected(std, float(np.sqrt(gradient)))
        for std, gradient in zip(found, reversed(gradients), strict=True)
    )


def _moments(module: torch.nn.Module, variance: float) -> tuple[float, float, float]:
    """Return mean, second moment, and mean squared slope of an activation of a normal number."""
    z = np.linspace(-_REACH, _REACH, _POINTS)
    bell = np.exp(-(z**2) / 2)
    bell /= bell.sum()
    values, slopes = sloped(module, z * np.sqrt(variance))
    return float(bell @ values), float(bell @ values**2), float(bell @ slopes**2)
