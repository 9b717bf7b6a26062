"""The schemes by which a parameter can start: one row each.

Documents, building, written code, forms, checks and tests follow from the rows. Those of
`torch.nn.init` have torch's own names and defaults, and torch itself is asked, on the `meta`
device, which shapes each of them takes.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from builder.catalog.fields import Field, field_for

Shape: TypeAlias = tuple[int, ...]
Args: TypeAlias = Mapping[str, Any]
Check: TypeAlias = Callable[[Shape, Args], str | None]

_MOST_AXES = 8
_LARGEST = 1e9
# torch draws again what it throws away; where fewer draws than this stay, that takes minutes.
_LEAST_KEPT = 0.05


@dataclass(frozen=True)
class Scheme:
    """One way to fill a parameter: a function of `torch.nn.init`.

    Args:
        name: torch's own, `xavier_uniform_`.
        help: what it does, in a sentence.
        formula: what it draws from, LaTeX.
        fields: its arguments, in torch's order.
        positional: how many of them code writes without their names.
        together: says what is wrong with arguments that are right one by one.
    """

    name: str
    help: str
    formula: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    positional: int = 0
    together: Check = lambda shape, args: None

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The numbers of axes that a parameter may have, as torch says."""
        args = self.initial_args()
        return tuple(n for n in range(_MOST_AXES + 1) if _refusal(self, (2,) * n, args) is None)

    def initial_args(self) -> dict[str, Any]:
        """Return what it has to be told: arguments that have no default of torch's."""
        return {name: row.initial for name, row in self.fields.items() if row.required}

    def complete(self, args: Args) -> dict[str, Any]:
        """Return all arguments in torch's order, defaults filled in."""
        return {name: args.get(name, row.default) for name, row in self.fields.items()}

    def fill(self, parameter: Tensor, args: Args) -> None:
        """Write into a parameter, from torch's own random state."""
        function: Callable[..., Tensor] = getattr(nn.init, self.name)
        function(parameter, **args)

    def problem(self, shape: Shape, args: Args) -> str | None:
        """Say why a parameter of this shape cannot start so, `None` if it can."""
        if set(args) - set(self.fields) or set(self.initial_args()) - set(args):
            return _misgiven(self.name, self.fields, args)
        for name, value in args.items():
            wrong = self.fields[name].problem(value)
            if wrong is not None:
                return wrong.rstrip(".")
        if len(shape) not in self.axes:
            return f"{self.name} takes {_counted(self.axes)} axes, the parameter has {len(shape)}"
        return self.together(shape, self.complete(args)) or _refusal(self, shape, args)

    def in_words(self, args: Args) -> str:
        """Return what it is with these arguments, as a form says it."""
        said = ", ".join(f"{name}={_short(args[name])}" for name in self.fields if name in args)
        return f"{self.name}({said})" if said else self.name


class Values(Scheme):
    """Given values, the same for every channel where they have fewer axes than the parameter."""

    def fill(self, parameter: Tensor, args: Args) -> None:
        """Copy the values into a parameter."""
        with torch.no_grad():
            parameter.copy_(torch.tensor(args["values"]))

    def problem(self, shape: Shape, args: Args) -> str | None:
        """Say why the values do not go into a parameter of this shape, `None` if they do."""
        if set(args) != {"values"}:
            return _misgiven(self.name, ("values",), args)
        given = shape_of(args["values"])
        if given is None:
            return "its values are no table of numbers"
        pairs = zip(reversed(given), reversed(shape), strict=False)
        if len(given) > len(shape) or any(a not in (1, b) for a, b in pairs):
            return f"its values have shape {given}, the parameter has {shape}"
        return None

    def in_words(self, args: Args) -> str:
        """Return how many values are given."""
        size = " × ".join(map(str, shape_of(args.get("values")) or ()))
        return f"given values, {size or 'one number'}"


def shape_of(values: Any) -> Shape | None:
    """Return the shape of nested tuples of numbers, `None` if they have none."""
    if isinstance(values, int | float) and not isinstance(values, bool):
        return ()
    if not isinstance(values, tuple) or not values:
        return None
    inner = {shape_of(item) for item in values}
    first = inner.pop()
    return None if inner or first is None else (len(values), *first)


def _refusal(scheme: Scheme, shape: Shape, args: Args) -> str | None:
    """Return what torch has against it, `None` if it takes it; no memory is taken."""
    try:
        scheme.fill(torch.empty(shape, device="meta"), args)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        return f"torch refuses it: {str(error).strip().splitlines()[0]}"
    return None


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _misgiven(name: str, takes: Iterable[str], args: Args) -> str:
    given = ", ".join(args) or "nothing"
    return f"{name} takes {', '.join(takes) or 'no arguments'}, and is given {given}"


def _counted(axes: tuple[int, ...]) -> str:
    """Return numbers of axes in words: "2", "3 to 5", "2 or more"."""
    if axes[-1] == _MOST_AXES:
        return f"{axes[0]} or more"
    return str(axes[0]) if len(axes) == 1 else f"{axes[0]} to {axes[-1]}"


def _rising(shape: Shape, args: Args) -> str | None:
    low, high = args["a"], args["b"]
    return f"a, the lower end, is {low} and b, the upper, is {high}" if low > high else None


def _divides(shape: Shape, args: Args) -> str | None:
    groups = args["groups"]
    return f"groups is {groups}, which does not divide {shape[0]}" if shape[0] % groups else None


def _reaches(shape: Shape, args: Args) -> str | None:
    """Say where torch would hardly ever draw a number that it keeps."""
    mean, std, low, high = (args[name] for name in ("mean", "std", "a", "b"))
    if low >= high:
        return f"a is {low} and b is {high}; a has to be below b"
    bell = NormalDist(mean, std)
    kept = bell.cdf(high) - bell.cdf(low)
    if not low - 2 * std <= mean <= high + 2 * std:
        return f"its mean, {mean}, is more than 2 std outside of {low} to {high}"
    if kept <= 0.3:  # then torch draws evenly between the ends, and keeps by the bell's height
        peak = bell.pdf(min(max(mean, low), high))
        kept /= peak * (high - low)
    if kept < _LEAST_KEPT:
        return f"of the bell so little lies between {low} and {high} that drawing takes too long"
    return None


_BELL = r"\mathcal{N}(0, \sigma^2), \quad \sigma = "
_BOX = r"\mathcal{U}(-r, r), \quad r = "
_XAVIER = r"g \sqrt{\frac{%s}{n_{in} + n_{out}}}"
_KAIMING = r"g \sqrt{\frac{%s}{n}}"
_GAIN: Mapping[str, Any] = {
    "low": 0,
    "slider": (0, 5),
    "help": "What the activation behind takes away is made up for by this factor.",
}
_SLOPE: Mapping[str, Any] = {
    "slider": (0, 1),
    "help": "Slope for negative numbers of the LeakyReLU behind; only leaky_relu asks for it.",
}
_FANS: Mapping[str, Mapping[str, Any]] = {
    "a": _SLOPE,
    "mode": {"help": "fan_in keeps the spread on the way forward, fan_out that of the gradients."},
    "nonlinearity": {"help": "The activation behind, which the gain makes up for."},
}
_STD: Mapping[str, Any] = {"low": 0, "slider": (0, 1), "help": "Standard deviation."}
_MEAN: Mapping[str, Any] = {"help": "Middle of the bell."}


@dataclass(frozen=True)
class _Facts:
    """What torch cannot say of one of its schemes."""

    help: str
    formula: str
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    positional: int = 0
    together: Check = lambda shape, args: None


_KNOWN: Mapping[str, _Facts] = {
    "xavier_uniform_": _Facts(
        "Evenly, as wide as keeps the spread of values and gradients through layers that are "
        "nearly linear (Glorot and Bengio, 2010).",
        _BOX + _XAVIER % 6,
        {"gain": _GAIN},
    ),
    "xavier_normal_": _Facts(
        "A bell, as wide as keeps the spread of values and gradients through layers that are "
        "nearly linear (Glorot and Bengio, 2010).",
        _BELL + _XAVIER % 2,
        {"gain": _GAIN},
    ),
    "kaiming_uniform_": _Facts(
        "Evenly, as wide as makes up for what a ReLU takes away (He et al., 2015).",
        _BOX + _KAIMING % 3,
        _FANS,
    ),
    "kaiming_normal_": _Facts(
        "A bell, as wide as makes up for what a ReLU takes away (He et al., 2015).",
        _BELL + _KAIMING % 1,
        _FANS,
    ),
    "orthogonal_": _Facts(
        "A rotation: columns or rows at right angles, each of length gain (Saxe et al., 2013).",
        r"Q^T Q = g^2 I",
        {"gain": {**_GAIN, "help": "Length of each column, or of each row if there are fewer."}},
    ),
    "normal_": _Facts(
        "A bell of your own.",
        r"\mathcal{N}(\mu, \sigma^2)",
        {"mean": _MEAN, "std": _STD},
    ),
    "uniform_": _Facts(
        "Evenly between two ends of your own.",
        r"\mathcal{U}(a, b)",
        {"a": {"help": "Lower end."}, "b": {"help": "Upper end."}},
        together=_rising,
    ),
    "trunc_normal_": _Facts(
        "A bell with its ends cut off.",
        r"\mathcal{N}(\mu, \sigma^2) \text{ between } a \text{ and } b",
        {
            "mean": _MEAN,
            "std": {**_STD, "open_low": True},
            "a": {"help": "No number is below."},
            "b": {"help": "No number is above."},
        },
        together=_reaches,
    ),
    "sparse_": _Facts(
        "Zeros, and in each column a few numbers from a bell (Martens, 2010).",
        r"\lceil s \cdot \text{rows} \rceil \text{ zeros a column, else } "
        r"\mathcal{N}(0, \sigma^2)",
        {
            "sparsity": {
                "low": 0,
                "high": 1,
                "slider": (0, 1),
                "initial": 0.9,
                "help": "Share of each column that is zero.",
            },
            "std": {**_STD, "help": "Standard deviation of the others."},
        },
    ),
    "eye_": _Facts(
        "Ones on the diagonal: what goes in comes out.",
        r"W_{ij} = 1 \text{ if } i = j \text{, else } 0",
    ),
    "dirac_": _Facts(
        "A one in the middle of the window: each channel comes out as it goes in.",
        r"W_{i\,i\,\text{middle}} = 1 \text{, else } 0",
        {"groups": {"help": "Groups of channels, each of which is handed on by itself."}},
        together=_divides,
    ),
    "zeros_": _Facts("All 0.", r"W = 0"),
    "ones_": _Facts("All 1.", r"W = 1"),
    "constant_": _Facts(
        "All the same number.",
        r"W = c",
        {"val": {"initial": 0.1, "slider": (-1, 1), "help": "The number."}},
        positional=1,
    ),
}


def _of_torch() -> Iterator[Scheme]:
    found = [name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")]
    for name in sorted(found, key=lambda name: list(_KNOWN).index(name) if name in _KNOWN else 99):
        function = getattr(nn.init, name)
        facts = _KNOWN.get(name, _Facts(f"{name} of torch.nn.init.", ""))
        fields = {
            key: field_for(key, parameter, {**_typed(parameter), **facts.fields.get(key, {})})
            for key, parameter in list(inspect.signature(function).parameters.items())[1:]
            if key != "generator"
        }
        yield Scheme(name, facts.help, facts.formula, fields, facts.positional, facts.together)


def _typed(parameter: inspect.Parameter) -> dict[str, Any]:
    """Return what torch's own words say of an argument: its choices, or that it is a number."""
    choices = typing.get_args(parameter.annotation)
    if typing.get_origin(parameter.annotation) is Literal:
        return {"kind": "choice", "choices": choices}
    if parameter.annotation is float:
        return {"kind": "float", "low": -_LARGEST, "high": _LARGEST}
    return {}


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {row.name: row for row in (*_of_torch(), Values("values", "Numbers of your own."))}
)
