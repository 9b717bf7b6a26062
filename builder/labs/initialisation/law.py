"""What a scheme draws from: the law that its numbers follow.

Bounds and spreads are torch's own: a scheme is run on the `meta` device, and the draw that it ends
in is listened to. Of what torch draws in another way the law is derived here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from builder.labs.activation import Array
from builder.schemes import SCHEMES, Shape
from builder.spec import Init


@dataclass(frozen=True)
class Law:
    """The law of the numbers of one parameter.

    Args:
        mean, std: of one number.
        low, high: nothing lies beyond.
        density: of what is spread out, at x, 1 in sum with the `shares`; `None` if nothing is.
        shares: numbers that are drawn again and again, each with its share.
    """

    mean: float
    std: float
    low: float
    high: float
    density: Callable[[Array], Array] | None = None
    shares: Mapping[float, float] = field(default_factory=dict)


def law(init: Init, shape: Shape) -> Law | None:
    """Return the law of a parameter that can start so, `None` for values of one's own."""
    if init.scheme == "values":
        return None
    if init.scheme in _DERIVED:
        return _DERIVED[init.scheme](SCHEMES[init.scheme].complete(init.args), shape)
    listener = _Listener()
    with listener:
        SCHEMES[init.scheme].fill(torch.empty(shape, device="meta"), init.args)
    return listener.law


class _Listener(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hears which draw of torch a scheme ends in, and with what bounds."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.law: Law | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        draw = _DRAWS.get(func.overloadpacket.__name__)
        if draw is not None:
            self.law = draw(*map(float, args[1:3]))
        return func(*args, **(kwargs or {}))


def _uniform(low: float = 0.0, high: float = 1.0) -> Law:
    if low == high:
        return _constant(low)
    height = 1 / (high - low)

    def density(x: Array) -> Array:
        return np.where((x >= low) & (x <= high), height, 0.0)

    return Law((low + high) / 2, (high - low) / math.sqrt(12), low, high, density)


def _normal(mean: float = 0.0, std: float = 1.0) -> Law:
    if std == 0:
        return _constant(mean)
    return Law(mean, std, -math.inf, math.inf, lambda x: _bell(x, mean, std))


def _constant(value: float = 0.0) -> Law:
    return Law(value, 0.0, value, value, shares={value: 1.0})


_DRAWS: Mapping[str, Callable[..., Law]] = {
    "uniform_": _uniform,
    "normal_": _normal,
    "fill_": _constant,
    "zero_": _constant,
}


def _bell(x: Array, mean: float, std: float) -> Array:
    height: Array = np.exp(-(((x - mean) / std) ** 2) / 2) / (std * math.sqrt(2 * math.pi))
    return height


def _truncated(args: Mapping[str, Any], shape: Shape) -> Law:
    """A bell cut off at a and b: Johnson, Kotz and Balakrishnan, 1994, section 10.1."""
    mean, std, low, high = (float(args[name]) for name in ("mean", "std", "a", "b"))
    bell = NormalDist(mean, std)
    kept = bell.cdf(high) - bell.cdf(low)
    left, right = (bell.pdf(end) * std for end in (low, high))
    a, b = (low - mean) / std, (high - mean) / std
    shift = (left - right) / kept
    middle = mean + std * shift
    variance = std**2 * (1 + (a * left - b * right) / kept - shift**2)

    def density(x: Array) -> Array:
        return np.where((x >= low) & (x <= high), _bell(x, mean, std) / kept, 0.0)

    return Law(middle, math.sqrt(max(variance, 0.0)), low, high, density)


def _orthogonal(args: Mapping[str, Any], shape: Shape) -> Law:
    """An entry of a random rotation is one of a random vector of length g in n dimensions.

    Its density is proportional to (1 - (x / g)^2) ^ ((n - 3) / 2), its variance g^2 / n; n is the
    longer side.
    """
    gain = float(args["gain"])
    n = max(shape[0], math.prod(shape[1:]))
    if gain == 0:
        return _constant()
    if n == 1:
        return Law(0.0, gain, -gain, gain, shares={-gain: 0.5, gain: 0.5})
    factor = math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2)) / math.sqrt(math.pi)

    def density(x: Array) -> Array:
        inside = np.clip(1 - (x / gain) ** 2, 1e-12, None)
        return np.where(np.abs(x) < gain, factor / gain * inside ** ((n - 3) / 2), 0.0)

    return Law(0.0, gain / math.sqrt(n), -gain, gain, density)


def _sparse(args: Mapping[str, Any], shape: Shape) -> Law:
    rows = shape[0]
    zero = math.ceil(args["sparsity"] * rows) / rows
    std = float(args["std"])
    if zero == 1 or std == 0:
        return _constant()
    return Law(
        0.0,
        std * math.sqrt(1 - zero),
        -math.inf,
        math.inf,
        lambda x: (1 - zero) * _bell(x, 0.0, std),
        {0.0: zero},
    )


def _ones_among_zeros(ones: int, shape: Shape) -> Law:
    share = ones / math.prod(shape)
    shares = {0.0: 1 - share, 1.0: share}
    return Law(share, math.sqrt(share * (1 - share)), 0.0, 1.0, None, shares)


def _dirac(args: Mapping[str, Any], shape: Shape) -> Law:
    groups = args["groups"]
    return _ones_among_zeros(groups * min(shape[0] // groups, shape[1]), shape)


_DERIVED: Mapping[str, Callable[[Mapping[str, Any], Shape], Law]] = {
    "trunc_normal_": _truncated,
    "orthogonal_": _orthogonal,
    "sparse_": _sparse,
    "eye_": lambda args, shape: _ones_among_zeros(min(shape), shape),
    "dirac_": _dirac,
}
