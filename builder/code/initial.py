"""How parameters start, as statements at the end of `__init__`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from builder.code.layout import Call, Code, lines
from builder.spec import Block


def initial_lines(places: Mapping[str, str], block: Block) -> list[str]:
    """Return the statements that fill and freeze the layers of a block.

    Args:
        places: for each node that is a module, the expression that finds it.
    """
    fills: list[str] = []
    freezes: list[str] = []
    for name, place in places.items():
        node = block.node(name)
        if not node.enabled:
            continue
        for parameter, init in node.init.items():
            code = _WRITTEN[init.scheme](f"{place}.{parameter}", init.args)
            fills += lines(code, indent=12)
        if node.frozen:
            freezes.append(f"        {place}.requires_grad_(False)")
    if fills:
        fills.insert(0, "        with torch.no_grad():")
    return fills + freezes


def _copied(parameter: str, args: Mapping[str, Any]) -> Call:
    return Call(f"{parameter}.copy_", (Call("torch.tensor", (_table(args["values"]),)),))


def _table(values: Any) -> Code:
    if not isinstance(values, tuple):
        return repr(values)
    rows = tuple(map(_table, values))
    return Call("", rows, brackets="[]", exploded=isinstance(values[0], tuple))


_WRITTEN: Mapping[str, Callable[[str, Mapping[str, Any]], Call]] = {"values": _copied}
