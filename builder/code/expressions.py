"""Layers and functions as expressions: `nn.Conv2d(3, 16, kernel_size=5)`, `x[:, -1]`, `a + b`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.catalog import CATALOG, Function, Layer
from builder.catalog.sequences import Stack
from builder.code.layout import Call, Code, Infix


def constructor(row: Layer, args: Mapping[str, Any]) -> Call:
    """Return the expression that makes a module."""
    if not isinstance(row, Stack):
        return Call(row.op, _arguments(row, args, row.positional))
    inner, own = row.split_args(args)
    repeated = constructor(CATALOG[f"nn.{row.repeated}"], inner)
    return Call(row.op, (repeated, *_arguments(row, own, 0)))


def function(row: Function, inputs: Sequence[Code], args: Mapping[str, Any]) -> Code:
    """Return the expression that calls a function on its inputs."""
    changed = row.changed(args)
    if row.style == "operator":
        return Infix(row.op, tuple(map(str, inputs)))
    if row.style == "index":
        return Call(str(inputs[0]), (_index(row.index(args)),), brackets="[]")
    starred = changed.pop(row.starred) if row.starred else ()
    bare = 0 if row.style == "joined" else row.positional
    rest = (*map(repr, starred), *_arguments(row, changed, bare))
    if row.training:
        rest = (*rest, "training=self.training")
    if row.style == "method":
        return Call(f"{inputs[0]}.{row.title}", rest)
    if row.style == "joined":
        inputs = (Call("", tuple(inputs)) if len(inputs) > 1 else f"({inputs[0]},)",)
    return Call(row.op, (*inputs, *rest))


def _index(pick: Any) -> str:
    if not isinstance(pick, tuple):
        return str(pick)
    return ", ".join(":" if isinstance(part, slice) else str(part) for part in pick)


def _arguments(row: Layer, args: Mapping[str, Any], positional: int) -> tuple[Code, ...]:
    """Return arguments as code: the leading ones bare, as people write `nn.Linear(10, 20)`."""
    written: list[Code] = []
    bare = True
    for position, name in enumerate(row.fields):
        if name not in args:
            bare = False
            continue
        bare = bare and position < positional
        written.append(_value("" if bare else f"{name}=", args[name]))
    return tuple(written)


def _value(lead: str, value: Any) -> Code:
    if isinstance(value, tuple) and len(value) > 1:
        return Call(lead, tuple(map(repr, value)))
    if isinstance(value, str):  # repr would choose other quotes than formatters do
        return f'{lead}"{value}"'
    return f"{lead}{value!r}"
