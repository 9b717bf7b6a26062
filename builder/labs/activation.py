"""What an activation does to a number: its curve, its slope, and the facts that follow from them.

Everything is measured on torch's own function; nothing about a particular activation is written
down here. What a fact means is said where it is measured.
"""

from __future__ import annotations

import inspect
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.catalog import CATALOG, Layer
from builder.catalog.functions import TWINS
from builder.errors import LabError

Array: TypeAlias = NDArray[np.float64]
View: TypeAlias = Literal["curve", "random", "channels", "gate", "scores"]

# By op: the activations that are layers. Each function is a twin of one, and not listed again.
ACTIVATIONS: Mapping[str, Layer] = MappingProxyType(
    {op: row for op, row in CATALOG.items() if row.group == "Activation"}
)
SATURATED = 1e-2  # a slope below this hands on less than a hundredth of a gradient
_JUMP = 1e-6  # Softplus changes over to the identity with a step of 2e-9, which nobody means
_STEPS, _HALVINGS = 8192, 64


def activation_of(op: str) -> str | None:
    """Return the layer that an op is, or is the function of; `None` if it is no activation."""
    if op in ACTIVATIONS:
        return op
    row = CATALOG.get(op)
    if row is None or row.group != "Function activation":
        return None
    return next(f"nn.{layer}" for layer, name in TWINS.items() if name == row.title)


def curved(module: nn.Module) -> bool:
    """Whether a module is an activation each of whose outputs depends on its own input alone."""
    op = f"nn.{type(module).__name__}"
    args = {"num_parameters": getattr(module, "num_parameters", 1)}
    return op in ACTIVATIONS and view(op, args) in ("curve", "random")


def make(op: str, args: Mapping[str, Any] | None = None) -> nn.Module:
    """Return an activation as a module in evaluation mode.

    Args:
        op: a key of `ACTIVATIONS`.
        args: its arguments; those left out are what a fresh layer gets.

    Raises:
        LabError: an argument that torch does not take.
    """
    row = ACTIVATIONS[op]
    known = {**row.initial_args(), **(args or {})}
    for name, value in known.items():
        problem = row.fields[name].problem(value)
        if isinstance(value, float) and np.isinf(value):
            problem = f"{name} is {value}; a finite number works."
        if problem is not None:
            raise LabError(f"{row.title}: {problem}")
    try:
        module = row.module(known).eval()
        if view(op, known) == "curve":
            module(torch.zeros(1))
    except (ValueError, RuntimeError, AssertionError, ArithmeticError) as error:
        raise LabError(f"{row.title} cannot be made so: {str(error).rstrip('.')}.") from None
    if known.get("lower", 0) > known.get("upper", 1):
        raise LabError(
            f"{row.title}: lower is {known['lower']} and upper {known['upper']}; "
            "a lower end below the upper one works."
        )
    return module


def view(op: str, args: Mapping[str, Any] | None = None) -> View:
    """Return how an activation can be drawn without a lie.

    `curve`: each output depends on its own input alone. `random`: it also depends on chance while
    training. `channels`: each channel has a curve of its own. `gate`: half of the numbers open and
    close the way for the other half. `scores`: each output depends on all inputs along an axis.
    """
    if (args or {}).get("num_parameters", 1) > 1:
        return "channels"
    return _kind(op)


@cache
def _kind(op: str) -> View:
    row = ACTIVATIONS[op]
    module = row.module(row.initial_args()).train()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, *row.examples[0], generator=generator)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        y = module(x)
        if y.shape != x.shape:
            return "gate"
        if not torch.equal(y, module(x)):
            return "random"
        moved = x.clone()
        moved.view(-1)[0] += 1
        return "curve" if torch.equal(y.view(-1)[1:], module(moved).view(-1)[1:]) else "scores"


def sloped(function: Callable[[Tensor], Tensor], x: Array) -> tuple[Array, Array]:
    """Return a function of single numbers and its derivative by autograd, float64, at `x`."""
    given = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)).requires_grad_()
    y = function(given)
    (slope,) = torch.autograd.grad(y.sum(), given)
    return y.detach().numpy(), slope.numpy()


def _values(function: Callable[[Tensor], Tensor], x: Array) -> Array:
    with torch.no_grad():
        y: Array = function(torch.from_numpy(x)).numpy()
    return y


@dataclass(frozen=True)
class Zone:
    """A stretch of inputs, and whether the slope there is small (`saturated`) or 0 (`dead`)."""

    low: float
    high: float
    kind: Literal["saturated", "dead"]


@dataclass(frozen=True)
class Curve:
    """A function over a range, ready to be drawn.

    Args:
        x: inputs in rising order, float64 (n,); a break stands three times.
        y: what comes out; NaN in the middle of a jump, so that no line is drawn through it.
        slope: its derivative, NaN at a break.
        jumps: where the function itself jumps.
        kinks: where only its slope does.
        zones: where it is saturated or dead.
    """

    x: Array
    y: Array
    slope: Array
    jumps: tuple[float, ...] = ()
    kinks: tuple[float, ...] = ()
    zones: tuple[Zone, ...] = field(default=())


def curve(
    op: str,
    args: Mapping[str, Any] | None = None,
    low: float = -6.0,
    high: float = 6.0,
    points: int = 601,
) -> Curve:
    """Return an activation over a range, with its derivative, breaks and flat stretches.

    A `random` activation is drawn as it evaluates.

    Raises:
        LabError: an argument that torch does not take, an empty range, fewer than 2 points, or
            an activation that has no single curve.
    """
    if view(op, args) not in ("curve", "random"):
        raise LabError(f"{op} has no single curve: its outputs depend on more than one number.")
    return trace(make(op, args).double(), low, high, points)


def trace(
    function: Callable[[Tensor], Tensor], low: float, high: float, points: int = 601
) -> Curve:
    """Return any function of single numbers over a range, as `curve` does."""
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise LabError(f"The range goes from {low:g} to {high:g}; a lower end first works.")
    if points < 2:
        raise LabError(f"A curve of {points} points is none; 2 or more work.")
    grid = np.linspace(low, high, points)
    fine = np.linspace(low, high, _STEPS + 1)
    jumps = _breaks(lambda x: _values(function, x), fine)
    bends = _breaks(lambda x: sloped(function, x)[1], fine)
    kinks = bends[~np.isin(bends[:, 1], jumps[:, 1])]
    breaks = np.concatenate([jumps, kinks])
    x = np.concatenate([grid[~np.isin(grid, breaks)], breaks.reshape(-1), breaks[:, 1]])
    order = np.argsort(x, kind="stable")
    middle = np.isin(np.arange(x.size), np.arange(x.size - len(breaks), x.size))
    jumping = middle & np.isin(x, jumps[:, 1])
    y, slope = sloped(function, x)
    y[jumping] = np.nan
    slope[middle] = np.nan
    x, y, slope = x[order], y[order], slope[order]
    # Sorting puts the gap behind both of its sides: it belongs between them.
    for place in np.flatnonzero(np.isnan(slope)):
        y[[place - 1, place]] = y[[place, place - 1]]
        slope[[place - 1, place]] = slope[[place, place - 1]]
    return Curve(
        x,
        y,
        slope,
        tuple(map(float, jumps[:, 1].round(12))),
        tuple(map(float, kinks[:, 1].round(12))),
        _zones(x, slope),
    )


def _breaks(function: Callable[[Array], Array], grid: Array) -> Array:
    """Return the two neighbouring numbers on either side of each jump, (n, 2).

    Every step of the grid is halved until its ends are neighbours, going where more of the change
    lies; what is continuous changes by nothing then, and is followed no further. A jump against
    the slope is found if it is larger than what the slope makes in one step.
    """
    low, high = grid[:-1], grid[1:]
    left, right = function(low), function(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value = function(middle)
        first = np.abs(value - left) >= np.abs(right - value)
        high, right = np.where(first, middle, high), np.where(first, value, right)
        low, left = np.where(first, low, middle), np.where(first, left, value)
        kept = np.abs(right - left) > _JUMP * (1 + np.abs(left))
        low, high, left, right = low[kept], high[kept], left[kept], right[kept]
    return np.stack([low, high], axis=1)


def _zones(x: Array, slope: Array) -> tuple[Zone, ...]:
    """Return where a curve is flat.

    Saturated: the slope is smaller than `SATURATED` and keeps its sign, which it does not at the
    bottom of a dip. Dead: it is exactly 0 up to a break; the slope of tanh, too, is 0 in floating
    point far out, and no unit dies there of a sudden.
    """
    zones = []
    known = ~np.isnan(slope)
    flat = np.zeros_like(known)
    flat[known] = np.abs(slope[known]) < SATURATED
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start < 2 or x[end - 1] - x[start] < 1e-9:
            continue
        if slope[start:end].min() < 0 < slope[start:end].max():
            continue
        bounded = (start > 0 and not known[start - 1]) or (end < x.size and not known[end])
        dead = bounded and not slope[start:end].any()
        zones.append(Zone(float(x[start]), float(x[end - 1]), "dead" if dead else "saturated"))
    return tuple(zones)


@dataclass(frozen=True)
class Facts:
    """What can be said of an activation that has a curve.

    Args:
        lowest, highest: ends of what comes out, infinite where it has none: measured up to 1e6,
            where what still grows is taken to go on.
        rising: whether a larger input never gives a smaller output.
        mean, spread: mean and standard deviation of what comes out for a standard normal input.
        jumps, kinks: where the function, or only its slope, jumps.
        zones: where it is saturated or dead, between -1e6 and 1e6.
    """

    lowest: float
    highest: float
    rising: bool
    mean: float
    spread: float
    jumps: tuple[float, ...]
    kinks: tuple[float, ...]
    zones: tuple[Zone, ...]

    @property
    def bounded(self) -> bool:
        """Whether there is a number that no output exceeds, up or down."""
        return bool(np.isfinite([self.lowest, self.highest]).all())

    @property
    def zero_centred(self) -> bool:
        """Whether a standard normal input gives a mean of 0, to a hundredth of its spread."""
        return abs(self.mean) <= 0.01 * self.spread


_FAR, _NEAR = 1e6, 30.0


def facts(op: str, args: Mapping[str, Any] | None = None) -> Facts:
    """Return what is measured of an activation that has a curve; raises as `curve` does."""
    near = curve(op, args, -_NEAR, _NEAR, 6001)
    function = make(op, args).double()
    far = np.geomspace(_NEAR, _FAR, 200)
    x = np.concatenate([-far[::-1], near.x, far])
    y, slope = sloped(function, x)
    known = ~np.isnan(near.y)
    y[200:-200][~known] = y[200:-200][np.flatnonzero(~known) - 1]
    slope[200:-200] = near.slope
    normal = np.linspace(-12, 12, 200_001)
    weight = np.exp(-(normal**2) / 2)
    weight /= weight.sum()
    values = sloped(function, normal)[0]
    mean = float(weight @ values)
    return Facts(
        lowest=-np.inf if min(y[0], y[-1]) < y[200:-200].min() - 1 else float(y.min()),
        highest=np.inf if max(y[0], y[-1]) > y[200:-200].max() + 1 else float(y.max()),
        rising=bool((np.diff(y) >= -1e-12).all()),
        mean=mean,
        spread=float(np.sqrt(weight @ (values - mean) ** 2)),
        jumps=near.jumps,
        kinks=near.kinks,
        zones=_zones(x, slope),
    )


@dataclass(frozen=True)
class Cost:
    """Measured time of one element in nanoseconds, forward alone and with the way back."""

    forward: float
    both: float


ELEMENTS, REPEATS, _LONGEST_NS = 30_000, 40, 100_000_000


def cost(
    op: str,
    args: Mapping[str, Any] | None = None,
    elements: int = ELEMENTS,
    repeats: int = REPEATS,
) -> Cost:
    """Measure an activation in this process, over float32 numbers, on one thread of torch.

    The fastest of `repeats` runs is told, or of as many as a tenth of a second allows: a slower one
    tells what else the machine did (as the documentation of `timeit` has it).

    Args:
        elements: how many numbers each run has, as (1, 4, elements / 4), so that axes can be
            halved or summed over.
    """
    module = make(op, args)
    shape = (1, (args or {}).get("num_parameters", 4), elements // 4)
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    grown = torch.ones_like(module(x))
    torch.autograd.grad(module(x), x, grown)  # the first run also takes the memory
    forward = both = math.inf
    begun = time.perf_counter_ns()
    with _one_thread():
        for _ in range(repeats):
            start = time.perf_counter_ns()
            y = module(x)
            middle = time.perf_counter_ns()
            torch.autograd.grad(y, x, grown)
            end = time.perf_counter_ns()
            forward, both = min(forward, middle - start), min(both, end - start)
            if end - begun > _LONGEST_NS:
                break
    return Cost(forward / x.numel(), both / x.numel())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: several wait for each other while others use the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


_MARKUP = (
    (re.compile(r":math:`([^`]*)`"), r"$\1$"),
    (re.compile(r":(?:class|func|meth|attr|ref):`~?([^`<]*?)(?:\s*<[^>]*>)?`"), r"`\1`"),
    (re.compile(r"``([^`]*)``"), r"`\1`"),
    (re.compile(r"`([^`<]+?)\s*<[^>]*>`__?"), r"\1"),
    (re.compile(r"\s+"), " "),
)


def sentence(op: str) -> str:
    """Return the first sentence of torch's own documentation, without its markup."""
    text = inspect.getdoc(getattr(nn, ACTIVATIONS[op].title)) or ""
    text = re.sub(r"^r?\"*", "", text).split("\n\n")[0]
    for pattern, plain in _MARKUP:
        text = pattern.sub(plain, text)
    return re.split(r"(?<=[a-z`$)])\.\s", text.strip() + " ")[0].rstrip(". ") + "."
