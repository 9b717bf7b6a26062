"""The parts of a formula: what each is, and how it is computed.

They are made by `builder.own.reading`, never change, and call functions of the allow-list only.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor

from builder.errors import FormulaError
from builder.own.functions import Function

Value: TypeAlias = Any  # a tensor, a number, a truth value, None, a word, or a tuple of those
Watch: TypeAlias = "Callable[[Expression, Value], None]"

MAX_EXPONENT = 64
MAX_BASE = 1e6
MAX_NUMBER = 1e15
# 64 MB of float32 for one sample: what a batch of 64 makes of it still fits a small machine.
MAX_VALUES = 2**24

_NUMBERS = (int, float, torch.SymInt, torch.SymFloat)
BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
}
UNARY: Mapping[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos}
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass
class Run:
    """One following of a plan.

    Args:
        values: what each name stands for.
        held: number of values in the layer's parameters.
        watch: told of every part and what it gave.
    """

    values: dict[str, Value]
    held: int = 0
    watch: Watch | None = None

    @cached_property
    def most(self) -> int:
        """How many values a tensor on `meta` may have: so many a sample, and the parameters'."""
        tensors = [value for value in self.values.values() if isinstance(value, Tensor)]
        batch = next((value.shape[0] for value in tensors if value.ndim), 1)
        return MAX_VALUES * max(1, batch) + 4 * self.held


@dataclass(frozen=True)
class Place:
    """Where a part stands in the text: its line, counted from 1, and its columns, from 0."""

    line: int
    start: int
    end: int


@dataclass(frozen=True)
class Expression:
    """A part of a formula.

    Args:
        text: as it is written.
        place: where.
    """

    text: str
    place: Place

    def value(self, run: Run) -> Value:
        """Return what the part gives.

        Raises:
            FormulaError: it cannot be computed of what its names stand for.
        """
        try:
            found = self._compute(run)
        except FormulaError:
            raise
        except Exception as error:  # torch raises whatever it likes; all of it is a refusal
            words = f"{error}".strip() or type(error).__name__
            raise self.error(words.splitlines()[0].rstrip(".") + ".") from error
        if isinstance(found, Tensor) and found.is_meta and found.numel() > run.most:
            raise self.error(
                f"gives {found.numel():,} values; {run.most:,} at most are allowed, so that no "
                "formula takes all memory."
            )
        if run.watch is not None:
            run.watch(self, found)
        return found

    def _compute(self, run: Run) -> Value:
        raise NotImplementedError

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The parts that it is made of, without theirs."""
        return ()

    def all_parts(self) -> Iterator[Expression]:
        """Yield the part and every part inside it."""
        yield self
        for part in self.parts:
            yield from part.all_parts()

    def error(self, words: str) -> FormulaError:
        """Return the fault of this part; `words` go on from its text."""
        return FormulaError(f"`{_short(self.text)}` {words}", part=self)


@dataclass(frozen=True)
class Constant(Expression):
    """A number, a truth value, `None`, `...`, or a word such as a mode."""

    constant: Value

    def _compute(self, run: Run) -> Value:
        return self.constant


@dataclass(frozen=True)
class Name(Expression):
    """An input, a result of an earlier line, a parameter or a setting."""

    name: str

    def _compute(self, run: Run) -> Value:
        return run.values[self.name]


@dataclass(frozen=True)
class Binary(Expression):
    """`left sign right`, of tensors and numbers."""

    sign: str
    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.left, self.right

    def _compute(self, run: Run) -> Value:
        left = _number_or_tensor(self.left, run, self.sign)
        right = _number_or_tensor(self.right, run, self.sign)
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            return BINARY[self.sign](left, right)
        if self.sign == "@":
            raise self.error("multiplies matrices; both sides are numbers.")
        if self.sign == "**" and (abs(right) > MAX_EXPONENT or abs(left) > MAX_BASE):
            raise self.error(
                f"is a power of numbers; the exponent is {MAX_EXPONENT} at most and what is raised "
                f"{MAX_BASE:,.0f} at most."
            )
        if self.sign in ("/", "//", "%") and right == 0:
            raise self.error("divides by zero.")
        return _fit(self, BINARY[self.sign](left, right))


@dataclass(frozen=True)
class Unary(Expression):
    """`-x` or `+x`."""

    sign: str
    operand: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.operand,)

    def _compute(self, run: Run) -> Value:
        return UNARY[self.sign](_number_or_tensor(self.operand, run, self.sign))


@dataclass(frozen=True)
class Comparison(Expression):
    """`left sign right`: true or false, of tensors element by element."""

    sign: str
    left: Expression
    right: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.left, self.right

    def _compute(self, run: Run) -> Value:
        left = _number_or_tensor(self.left, run, self.sign)
        return COMPARISONS[self.sign](left, _number_or_tensor(self.right, run, self.sign))


@dataclass(frozen=True)
class Choice(Expression):
    """`then if test else other`, for a test that is no tensor."""

    test: Expression
    then: Expression
    other: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.test, self.then, self.other

    def _compute(self, run: Run) -> Value:
        test = self.test.value(run)
        if not isinstance(test, _NUMBERS):
            raise self.test.error(
                f"is {kind(test)}; an `if` asks a setting, a comparison of numbers or `training`. "
                "Element by element, torch.where chooses."
            )
        return (self.then if test else self.other).value(run)


@dataclass(frozen=True)
class Items(Expression):
    """A tuple or a list; `brackets` are `()` or `[]`."""

    items: tuple[Expression, ...]
    brackets: str

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.items

    def _compute(self, run: Run) -> Value:
        return tuple(item.value(run) for item in self.items)


@dataclass(frozen=True)
class Slice(Expression):
    """`start:stop:step` within brackets; each may be left out."""

    start: Expression | None
    stop: Expression | None
    step: Expression | None

    @property
    def parts(self) -> tuple[Expression, ...]:
        return tuple(part for part in (self.start, self.stop, self.step) if part is not None)

    def _compute(self, run: Run) -> Value:
        ends = [part and part.value(run) for part in (self.start, self.stop, self.step)]
        if any(end is not None and not isinstance(end, int | torch.SymInt) for end in ends):
            raise self.error("cuts from and to whole numbers.")
        return slice(*ends)


@dataclass(frozen=True)
class Index(Expression):
    """`of[index]`; several indices are `Items`."""

    of: Expression
    index: Expression

    @property
    def parts(self) -> tuple[Expression, ...]:
        return self.of, self.index

    def _compute(self, run: Run) -> Value:
        of, index = self.of.value(run), self.index.value(run)
        if isinstance(of, tuple | list):
            if not isinstance(index, int | torch.SymInt | slice):
                raise self.index.error(f"is {kind(index)}; {kind(of)} is counted through.")
            return of[index]
        if not isinstance(of, Tensor):
            raise self.of.error(f"is {kind(of)}, which has no items.")
        for one in index if isinstance(index, tuple) else (index,):
            if isinstance(one, Tensor) and one.dtype == torch.bool:
                raise self.index.error(
                    "picks by true and false, so the size would depend on the numbers; "
                    "torch.where keeps it."
                )
        return of[index]


@dataclass(frozen=True)
class Attribute(Expression):
    """What a tensor says of itself: `x.shape`."""

    of: Expression
    name: str

    @property
    def parts(self) -> tuple[Expression, ...]:
        return (self.of,)

    def _compute(self, run: Run) -> Value:
        of = self.of.value(run)
        if not isinstance(of, Tensor):
            raise self.of.error(f"is {kind(of)}; .{self.name} is of a tensor.")
        if self.name == "T" and of.ndim != 2:
            raise self.error(f"turns a matrix; this has {of.ndim} axes. .mT turns the last two.")
        return getattr(of, self.name)


@dataclass(frozen=True)
class Call(Expression):
    """A function of the allow-list; `receiver` stands before the dot of a method."""

    function: Function
    receiver: Expression | None
    args: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        first = () if self.receiver is None else (self.receiver,)
        return (*first, *self.args, *(part for _, part in self.named))

    def _compute(self, run: Run) -> Value:
        given = [part.value(run) for part in self.args]
        if self.receiver is not None:
            of = self.receiver.value(run)
            if not isinstance(of, Tensor):
                raise self.receiver.error(f"is {kind(of)}; {self.function.called} is of a tensor.")
            given.insert(0, of)
        named = {name: part.value(run) for name, part in self.named}
        return self.function(*given, **named)


def kind(value: Value) -> str:
    """Return what a value is, in words."""
    if isinstance(value, Tensor):
        return "a tensor"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, _NUMBERS):
        return "a number"
    if value is None:
        return "None"
    if isinstance(value, str):
        return "a word"
    return f"a row of {len(value)}" if isinstance(value, tuple | list) else "a cut"


def _number_or_tensor(part: Expression, run: Run, sign: str) -> Value:
    found = part.value(run)
    if not isinstance(found, Tensor | int | float | torch.SymInt | torch.SymFloat):
        raise part.error(f"is {kind(found)}; `{sign}` takes tensors and numbers.")
    return found


def _fit(part: Expression, found: Value) -> Value:
    if isinstance(found, complex):
        raise part.error("is no real number.")
    if abs(found) > MAX_NUMBER or not math.isfinite(found):
        raise part.error(f"is beyond {MAX_NUMBER:.0e}.")
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
