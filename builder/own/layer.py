"""The document of a layer of one's own: its settings, its parameters, and how its output comes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from builder.errors import FormulaError, SpecError, shown
from builder.names import check_input_name, check_member_name
from builder.own.parts import Expression
from builder.own.plan import Plan, size_of
from builder.own.reading import TRAINING, read_formula, read_sizes
from builder.spec import MAX_NUMBER, Init

KINDS = ("int", "float", "bool")
MAX_MEMBERS = 24
MAX_INPUTS = 4
MAX_HELP = 78  # it ends in a docstring, on one line
MAX_FORWARD = 10_000  # as a document holds it; what is read is shorter
MAX_PARAMETER = 10**12
FORWARD = "forward"


@dataclass(frozen=True)
class Setting:
    """A number or a switch that every use of the layer chooses.

    Args:
        name: the argument of its constructor.
        kind: `int`, `float` or `bool`.
        default: what it is where nothing is said; `None` where it has to be said.
        axis: the wire tells it: the size of this axis of what comes in, counted as torch does.
        input: of which input, where the layer has several; empty for the first.
    """

    name: str
    kind: str = "int"
    default: int | float | bool | None = None
    axis: int | None = None
    input: str = ""

    def __post_init__(self) -> None:
        check_member_name(self.name, "a setting")
        if self.kind not in KINDS:
            raise SpecError(
                f"Setting {self.name!r} is of kind {shown(self.kind)}; known are "
                f"{', '.join(map(repr, KINDS))}."
            )
        if self.default is not None:
            object.__setattr__(self, "default", self._fit(self.default))
        if self.axis is None:
            return
        if isinstance(self.axis, bool) or not isinstance(self.axis, int) or abs(self.axis) > 8:
            raise SpecError(f"Setting {self.name!r} reads axis {shown(self.axis)}; -8 to 8 work.")
        if self.kind != "int" or self.default is not None:
            raise SpecError(
                f"Setting {self.name!r} is told by what comes in, so it is a whole number without "
                "a default."
            )

    def _fit(self, value: object) -> int | float | bool:
        words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        if self.kind == "bool" and isinstance(value, bool):
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.kind == "float" and abs(value) <= MAX_NUMBER:  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        if number and self.kind == "int" and isinstance(value, int) and abs(value) <= MAX_NUMBER:
            return value
        raise SpecError(
            f"The default of setting {self.name!r} is {shown(value)}; {words[self.kind]} works."
        )


@dataclass(frozen=True)
class OwnParameter:
    """What the layer learns.

    Args:
        name: its attribute, and so the end of its key.
        shape: written in settings: `(in_features, out_features)`.
        init: how it starts.
    """

    name: str
    shape: str
    init: Init = field(default_factory=lambda: Init("normal_"))

    def __post_init__(self) -> None:
        check_member_name(self.name, "a parameter")
        if not isinstance(self.shape, str) or len(self.shape) > MAX_FORWARD:
            raise SpecError(f"The shape of parameter {self.name!r} is text of moderate length.")


@dataclass(frozen=True)
class OwnLayer:
    """A layer made of settings, parameters and a formula.

    Its names are checked here. Its shapes and its formula may still be wrong, as a model may that
    is being built: `faults` tells, and a model that uses the layer says so in its place.

    Args:
        settings: what every use of it chooses, in the order of its constructor.
        parameters: what it learns.
        forward: the formula, one line after another; see `builder.own.reading`.
        inputs: names of what it receives.
        help: what it does, in a sentence; the docstring of its class.
    """

    settings: tuple[Setting, ...] = ()
    parameters: tuple[OwnParameter, ...] = ()
    forward: str = "return x"
    inputs: tuple[str, ...] = ("x",)
    help: str = ""

    def __post_init__(self) -> None:
        for name in ("settings", "parameters", "inputs"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 < len(self.inputs) <= MAX_INPUTS:
            raise SpecError(f"A layer of one's own has 1 to {MAX_INPUTS} inputs.")
        if max(len(self.settings), len(self.parameters)) > MAX_MEMBERS:
            raise SpecError(f"A layer has {MAX_MEMBERS} settings and parameters each at most.")
        for name in self.inputs:
            check_input_name(name)
        for what, text, most in (
            ("formula", self.forward, MAX_FORWARD),
            ("help", self.help, MAX_HELP),
        ):
            if not isinstance(text, str) or len(text) > most:
                raise SpecError(f"The {what} of a layer is text of {most:,} letters at most.")
        object.__setattr__(self, "help", self.help.strip())
        if not self.help.isprintable() or set(self.help) & set('"\\'):
            raise SpecError("The help of a layer is one line without quotes and backslashes.")
        seen = {TRAINING}
        for name in (*self.inputs, *self._members):
            if name in seen:
                raise SpecError(
                    f"{name!r} stands for the state of the model."
                    if name == TRAINING
                    else f"Two parts of the layer are called {name!r}; every name is used once."
                )
            seen.add(name)
        for setting in self.settings:
            if setting.input and setting.input not in self.inputs:
                raise SpecError(
                    f"Setting {setting.name!r} is told by input {shown(setting.input)}; the layer "
                    f"has {', '.join(self.inputs)}."
                )

    @property
    def _members(self) -> tuple[str, ...]:
        return (*(one.name for one in self.settings), *(one.name for one in self.parameters))

    @cached_property
    def signature(self) -> tuple[Setting, ...]:
        """The settings as the constructor takes them: those with a default come last."""
        return tuple(sorted(self.settings, key=lambda one: one.default is not None))

    @cached_property
    def plan(self) -> Plan:
        """The formula, read.

        Raises:
            FormulaError: what is not allowed in it, and what is.
        """
        return read_formula(self.forward, inputs=self.inputs, held=self._members)

    def sizes(self, parameter: OwnParameter) -> tuple[Expression, ...]:
        """Return the sizes of a parameter as they are written.

        Raises:
            FormulaError: it is no row of whole numbers and settings.
        """
        return read_sizes(parameter.shape, [one.name for one in self.settings])

    @cached_property
    def counts(self) -> frozenset[str]:
        """Names of the settings that some parameter's size is written in."""
        found: set[str] = set()
        for parameter in self.parameters:
            try:
                sizes = self.sizes(parameter)
            except FormulaError:
                continue
            parts = (part for size in sizes for part in size.all_parts())
            found.update(part.text for part in parts)
        return frozenset(found & {one.name for one in self.settings})

    def shape(self, parameter: OwnParameter, settings: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the shape of a parameter for these settings.

        Raises:
            FormulaError: a size is no whole number from 1 up, or the parameter too large.
        """
        shape = tuple(size_of(size, settings) for size in self.sizes(parameter))
        count = math.prod(shape)
        if count > MAX_PARAMETER:
            raise FormulaError(
                f"{parameter.name} of shape {shape} would have {count:,} values; "
                f"{MAX_PARAMETER:,} at most are allowed."
            )
        return shape

    @cached_property
    def faults(self) -> Mapping[str, FormulaError]:
        """What cannot be read: by the name of a parameter, or `forward` for the formula."""
        return dict(self._faults())

    def _faults(self) -> Iterator[tuple[str, FormulaError]]:
        for parameter in self.parameters:
            try:
                self.sizes(parameter)
            except FormulaError as error:
                yield parameter.name, error
        try:
            _ = self.plan
        except FormulaError as error:
            yield FORWARD, error

    def to_dict(self) -> dict[str, Any]:
        """Return the layer as a document holds it; what is not said is left out."""
        out: dict[str, Any] = {}
        if self.help:
            out["help"] = self.help
        if self.inputs != ("x",):
            out["inputs"] = list(self.inputs)
        out["settings"] = [_setting(one) for one in self.settings]
        out["parameters"] = [
            {
                "name": one.name,
                "shape": one.shape,
                "init": {"scheme": one.init.scheme, **one.init.args},
            }
            for one in self.parameters
        ]
        return {**out, "forward": self.forward}


def _setting(one: Setting) -> dict[str, Any]:
    out: dict[str, Any] = {"name": one.name, "kind": one.kind}
    for key in ("default", "axis", "input"):
        value = getattr(one, key)
        if value not in (None, ""):
            out[key] = value
    return out
