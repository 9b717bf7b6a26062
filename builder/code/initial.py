"""How parameters start, as statements at the end of `__init__`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from builder.code.layout import Call, Code, lines
from builder.schemes import SCHEMES
from builder.spec import Block, Init


def initial_lines(places: Mapping[str, str], block: Block) -> list[str]:
    """Return the statements that fill and freeze the layers of a block.

    Args:
        places: for each node that is a module, the expression that finds it.
    """
    starts: list[tuple[str, Init]] = []
    freezes: list[str] = []
    for name, place in places.items():
        node = block.node(name)
        if not node.enabled:
            continue
        starts += [(f"{place}.{parameter}", init) for parameter, init in node.init.items()]
        if node.frozen:
            freezes.append(f"        {place}.requires_grad_(False)")
    return start_lines(starts) + freezes


def start_lines(starts: Iterable[tuple[str, Init]]) -> list[str]:
    """Return the statements that fill parameters, each found by an expression, in `__init__`."""
    out: list[str] = []
    copying = False
    for parameter, init in starts:
        copies = init.scheme == "values"
        if copies and not copying:
            out.append("        with torch.no_grad():")
        copying = copies
        out += lines(_filled(parameter, init), indent=12 if copies else 8)
    return out


def _filled(parameter: str, init: Init) -> Call:
    if init.scheme == "values":
        return _copied(parameter, init.args)
    scheme = SCHEMES[init.scheme]
    args = [parameter]
    for position, (name, field) in enumerate(scheme.fields.items()):
        value = init.args.get(name, field.default)
        if field.required or value != field.default:
            lead = "" if position < scheme.positional else f"{name}="
            args.append(f'{lead}"{value}"' if isinstance(value, str) else f"{lead}{value!r}")
    return Call(f"nn.init.{init.scheme}", tuple(args))


def _copied(parameter: str, args: Mapping[str, Any]) -> Call:
    return Call(f"{parameter}.copy_", (Call("torch.tensor", (_table(args["values"]),)),))


def _table(values: Any) -> Code:
    if not isinstance(values, tuple):
        return repr(values)
    rows = tuple(map(_table, values))
    return Call("", rows, brackets="[]", exploded=isinstance(values[0], tuple))
