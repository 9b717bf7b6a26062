"""How the spread of values and of gradients changes from layer to layer.

`spread` looks at any module by hooks; `stack` makes the plain tower of Linear layers that the
Activations page plays with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from builder.errors import LabError, shown
from builder.initial import problem
from builder.labs.activation import SATURATED, curved, make
from builder.labs.numbers import apply
from builder.schemes import SCHEMES
from builder.spec import Init
from builder.train.trial import own_randomness

MOST_LAYERS, MOST_WIDTH, MOST_VALUES = 100, 1024, 2000


@dataclass(frozen=True)
class Start:
    """A way to start the weights of each layer.

    Args:
        weight: of the weights; `None` is what torch does by default, which draws biases too. With
            any other they are zero.
    """

    help: str
    weight: Init | None


INITIAL: Mapping[str, Start] = MappingProxyType(
    {
        "torch default": Start(
            "What nn.Linear starts with: uniform, of variance 1 / (3 in); small for every "
            "activation.",
            None,
        ),
        "xavier uniform": Start(
            "Uniform, of variance 2 / (in + out): keeps the spread of what is nearly linear.",
            Init("xavier_uniform_"),
        ),
        "xavier normal": Start(
            "Normal, of variance 2 / (in + out): keeps the spread of what is nearly linear.",
            Init("xavier_normal_"),
        ),
        "kaiming uniform": Start(
            "Uniform, of variance 2 / in: makes up for the half that ReLU takes away.",
            Init("kaiming_uniform_", {"nonlinearity": "relu"}),
        ),
        "kaiming normal": Start(
            "Normal, of variance 2 / in: makes up for the half that ReLU takes away.",
            Init("kaiming_normal_", {"nonlinearity": "relu"}),
        ),
        "orthogonal": Start("A rotation: keeps every length as it is.", Init("orthogonal_")),
        "normal": Start(
            "Normal, of a standard deviation of your own.", Init("normal_", {"std": 0.05})
        ),
        "zeros": Start(
            "All the same: no unit differs from another, and nothing gets through.",
            Init("zeros_"),
        ),
    }
)


@dataclass(frozen=True)
class Spread:
    """What was seen at one place of a model.

    Args:
        name: of the module.
        mean, std: of all that came out of it.
        gradient: standard deviation of the gradient that arrived there.
        dead: share of its units, the entries of one sample, whose slope is exactly 0 for every
            sample: nothing is learned through them. `None` where the module has no curve.
        flat: share of all outputs whose slope is smaller than `SATURATED` in units that are not
            dead: saturated, or closed for this sample. `None` where the module has no curve.
        values: some of what came out, at most `MOST_VALUES`, for a histogram.
    """

    name: str
    mean: float
    std: float
    gradient: float
    dead: float | None
    flat: float | None
    values: Tensor

    @classmethod
    def of(
        cls,
        name: str,
        out: Tensor,
        gradient: Tensor | None,
        dead: float | None = None,
        flat: float | None = None,
    ) -> Spread:
        """Measure what came out, and the gradient that arrived there, `None` if none did."""
        values = out.detach().flatten()
        step = max(1, values.numel() // MOST_VALUES)
        return cls(
            name,
            float(values.mean()),
            float(values.std(correction=0)),
            0.0 if gradient is None else float(gradient.std(correction=0)),
            dead,
            flat,
            values[::step][:MOST_VALUES].clone(),
        )


def stack(
    op: str,
    args: Mapping[str, Any] | None = None,
    *,
    layers: int = 20,
    width: int = 128,
    start: Init | None = None,
    seed: int = 0,
) -> nn.Sequential:
    """Return a tower of Linear layers of one width, an activation behind each.

    Args:
        op, args: the activation, as in `builder.labs.activation.make`.
        layers: 1 to `MOST_LAYERS`.
        width: features of every layer, 2 to `MOST_WIDTH`.
        start: of the weights, (width, width); biases are then zero. `None` is torch's default.
        seed: of the weights; torch's own random state stays as it is.

    Raises:
        LabError: one of these is out of range, or the activation does not hand (N, width) on.
    """
    _in_range("layers", layers, 1, MOST_LAYERS)
    _in_range("width", width, 2, MOST_WIDTH)
    wrong = problem(start, (width, width)) if start else None
    if start and wrong:
        raise LabError(f"The weights cannot start by {start.scheme}: {wrong}.")
    size = (1, width)
    if apply(op, args or {}, torch.zeros(size)).shape != size:
        raise LabError(f"{op} gives fewer numbers than it gets; no tower of one width has it.")
    tower = nn.Sequential()
    with own_randomness(seed):
        for number in range(1, layers + 1):
            linear = nn.Linear(width, width)
            if start:
                SCHEMES[start.scheme].fill(linear.weight, start.args)
                nn.init.zeros_(linear.bias)
            tower.add_module(f"linear{number}", linear)
            tower.add_module(str(number), make(op, args))
    return tower


def places(tower: nn.Sequential) -> tuple[str, ...]:
    """Return the names of a stack's activations, in order."""
    return tuple(name for name, _ in tower.named_children() if not name.startswith("linear"))


def spread(
    model: nn.Module, x: Tensor, names: Sequence[str], *, seed: int = 0
) -> tuple[Spread, ...]:
    """Run a model forward and back, and tell what was seen at each named module.

    The gradient starts at the output as standard normal numbers, so its size is comparable from
    model to model. The model's own gradients stay as they are.

    Args:
        x: a batch, (N, ...); 2 samples or more tell dead units.
        names: of submodules that give one tensor, such as `0`, `encoder.act`.
        seed: of the gradient that is sent back.

    Raises:
        LabError: there is no such module, or it was not called or gave no single tensor.
    """
    known = dict(model.named_modules())
    for name in names:
        if name not in known:
            raise LabError(f"The model has no module {shown(name)}.")
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    x = x.detach().clone().requires_grad_(x.is_floating_point())
    with torch.enable_grad(), _watched(known, names, seen), _not_in_place(model):
        out = model(x)
    for name in names:
        if name not in seen:
            raise LabError(f"{name} gave no tensor when the model ran.")
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(out.shape, generator=generator, dtype=out.dtype)
    ends = [seen[name][1] for name in names]
    gradients = torch.autograd.grad(out, ends, start, allow_unused=True, retain_graph=True)
    return tuple(
        _told(name, known[name], *seen[name], gradient)
        for name, gradient in zip(names, gradients, strict=True)
    )


@contextmanager
def _watched(
    known: Mapping[str, nn.Module],
    names: Sequence[str],
    seen: dict[str, tuple[Tensor, Tensor]],
) -> Iterator[None]:
    """Keep what the named modules are given and give, while this lasts."""

    def keep(name: str, given: tuple[Any, ...], out: Any) -> None:
        if isinstance(out, Tensor):
            seen[name] = (given[0], out)

    handles = [
        known[name].register_forward_hook(lambda _, given, out, name=name: keep(name, given, out))
        for name in names
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _not_in_place(model: nn.Module) -> Iterator[None]:
    """Let no module overwrite what is looked at, while this lasts."""
    changed = [module for module in model.modules() if getattr(module, "inplace", False) is True]
    for module in changed:
        module.inplace = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for module in changed:
            module.inplace = True  # type: ignore[assignment]


def _told(
    name: str, module: nn.Module, given: Tensor, out: Tensor, gradient: Tensor | None
) -> Spread:
    dead = flat = None
    if curved(module) and given.requires_grad:
        (slope,) = torch.autograd.grad(out.sum(), given, retain_graph=True)
        slope = slope.flatten(1)
        lost = (slope == 0).all(0)
        dead = float(lost.float().mean())
        flat = float(((slope.abs() < SATURATED) & ~lost).float().mean())
    return Spread.of(name, out, gradient, dead, flat)


def _in_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LabError(f"{name} is {value:,}; a whole number from {low} to {high:,} works.")
