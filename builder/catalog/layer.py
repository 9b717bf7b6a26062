"""What a catalog row is: the facts about a layer that torch itself cannot tell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from torch import nn

from builder.catalog.fields import Field, fields_for

_ATTRIBUTES = {
    "Linear": "fc",
    "BatchNorm1d": "bn",
    "BatchNorm2d": "bn",
    "BatchNorm3d": "bn",
    "MultiheadAttention": "attention",
    "TransformerEncoder": "encoder",
    "TransformerDecoder": "decoder",
    "TransformerEncoderLayer": "encoder_layer",
    "TransformerDecoderLayer": "decoder_layer",
    "LeakyReLU": "leaky_relu",
    "last_step": "last",
    "item": "out",
    "+": "add",
    "-": "difference",
    "*": "product",
}

Args: TypeAlias = Mapping[str, Any]
Window: TypeAlias = Literal["conv", "pool", "transposed"]


@dataclass(frozen=True)
class Wire:
    """Where an argument can be read off the wire: the size of `axis` of input number `input`."""

    axis: int
    input: int = 0


LAST = Wire(-1)
CHANNELS = Wire(1)


@dataclass(frozen=True)
class Layer:
    """One row of the catalog.

    Args:
        op: its name in documents and code, `nn.Conv2d`.
        group: where the palette shows it.
        help: what it does, in a sentence.
        fields: its arguments in torch's order.
        first: names of those a person needs first.
        infer: arguments that the wire supplies.
        formula: what it computes, LaTeX; empty where words say it better.
        inputs: fewest and most inputs, `None` for any number.
        repeat: a single input is handed over this many times (self-attention: query, key, value).
        ndims: numbers of axes it takes, batch included; empty means any.
        dtype: what it reads: `float`, `int` or `any`.
        examples: shapes it runs on, one per input, without the batch axis.
        example_dtypes: their dtypes, where an input must have another than `dtype` says.
        window: how its output size comes about, for layers that slide a window.
        family: its op with `{}` for the number of spatial axes, where it has siblings.
        rank: number of spatial axes, 0 where there are none.
        positional: how many leading arguments code writes without their names.
        unrolls: runs one step after another; torch takes a time on `meta` that grows with it.
    """

    op: str
    group: str
    help: str
    fields: Mapping[str, Field]
    first: tuple[str, ...] = ()
    infer: Mapping[str, Wire] = field(default_factory=dict)
    formula: str = ""
    inputs: tuple[int, int | None] = (1, 1)
    repeat: int = 1
    ndims: tuple[int, ...] = ()
    dtype: str = "float"
    examples: tuple[tuple[int, ...], ...] = ((8,),)
    example_dtypes: tuple[str, ...] = ()
    window: Window | None = None
    family: str | None = None
    rank: int = 0
    positional: int = 1
    unrolls: bool = False

    @property
    def title(self) -> str:
        """The op without its module: `Conv2d`."""
        return self.op.rpartition(".")[2]

    @property
    def is_module(self) -> bool:
        """Whether it is an `nn.Module`, which can hold weights; functions cannot."""
        return True

    @property
    def identity(self) -> str:
        """What tells the row from every other: its op; layers of one's own may share a name."""
        return self.op

    @property
    def fault(self) -> str | None:
        """Why no layer can be made of the row, `None` where one can."""
        return None

    @property
    def asks_training(self) -> bool:
        """Whether a formula decides what it does in `train()` and in `eval()`."""
        return False

    @property
    def attribute(self) -> str:
        """What people call such a layer's attribute: `conv` for Conv2d, `fc` for Linear."""
        if self.title in _ATTRIBUTES:
            return _ATTRIBUTES[self.title]
        return "pool" if "Pool" in self.title else re.sub(r"[123]d$", "", self.title).lower()

    def initial_args(self) -> dict[str, Any]:
        """Return the arguments that a fresh layer spells out."""
        return {
            name: field.initial
            for name, field in self.fields.items()
            if name not in self.infer and field.stated
        }

    def complete(self, args: Args) -> dict[str, Any]:
        """Return all arguments in torch's order, defaults filled in; required ones may lack."""
        return {
            name: args.get(name, field.default)
            for name, field in self.fields.items()
            if name in args or not field.required
        }

    def changed(self, args: Args) -> dict[str, Any]:
        """Return the arguments that differ from torch's defaults, in torch's order."""
        return {
            name: value
            for name, value in self.complete(args).items()
            if self.fields[name].required or value != self.fields[name].default
        }

    def make(self, args: Args) -> Callable[..., Any]:
        """Return what is called with the inputs: here a module, with torch's own initialisation."""
        return self.module(args)

    def module(self, args: Args) -> nn.Module:
        """Return the module itself."""
        made = getattr(nn, self.title)(**self.changed(args))
        assert isinstance(made, nn.Module)
        return made

    @property
    def family_ops(self) -> tuple[str, ...]:
        """The ops of its family, one for each number of spatial axes."""
        return tuple(self.family.format(rank) for rank in (1, 2, 3)) if self.family else ()

    def dtype_of(self, index: int) -> str | None:
        """Return the dtype that input number `index` must have, `None` for any."""
        if index < len(self.example_dtypes):
            return self.example_dtypes[index]
        return {"float": "float32", "int": "int64", "any": None}[self.dtype]


def layer(
    op: str,
    group: str,
    help: str,
    *,
    first: str = "",
    infer: Mapping[str, Wire] | None = None,
    initial: Mapping[str, Any] | None = None,
    fields: Mapping[str, Mapping[str, Any]] | None = None,
    signature_of: Sequence[Callable[..., Any]] = (),
    make: type[Layer] = Layer,
    **facts: Any,
) -> Layer:
    """Make a row: torch's signature, then what the row says about it.

    Args:
        first: names of the arguments a person needs first, separated by spaces.
        initial: what a fresh layer gets where that is not torch's default.
        fields: overrides of the shared argument entries, by argument.
        signature_of: whose arguments these are, if not the layer's own.
    """
    overrides: dict[str, dict[str, Any]] = {k: dict(v) for k, v in (fields or {}).items()}
    for name, value in (initial or {}).items():
        overrides.setdefault(name, {})["initial"] = value
    targets = signature_of or (getattr(nn, op.rpartition(".")[2]),)
    known: dict[str, Field] = {}
    for target in targets:
        mine = {k: v for k, v in overrides.items() if k in _names(target) and k not in known}
        known = {**fields_for(target, mine), **known}
    names = tuple(first.split())
    unknown = (set(overrides) | set(names) | set(infer or {})) - set(known)
    if unknown:
        raise ValueError(f"{op} has no argument called {sorted(unknown)}")
    return make(
        op=op, group=group, help=help, fields=known, first=names, infer=infer or {}, **facts
    )


def _names(target: Callable[..., Any]) -> set[str]:
    from builder.catalog.fields import signature

    return set(signature(target))


def forward_arity(cls: type[nn.Module]) -> tuple[int, int | None]:
    """Return how many inputs `forward` needs at least and takes at most."""
    parameters = list(inspect.signature(cls.forward).parameters.values())[1:]
    needed = [p for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return len(needed) or 1, len(needed) or 1
