"""How a layer's parameters start: drawn by torch, or as the document says.

A scheme is one row here; documents, building, written code and the checks follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder.spec import Init, Node


@dataclass(frozen=True)
class Scheme:
    """One way to fill a parameter.

    Args:
        args: names of its arguments, all of them needed.
        fill: writes into a parameter.
        check: says what is wrong for a parameter of this shape, `None` if nothing is.
        in_words: what it does, for the form.
    """

    args: tuple[str, ...]
    fill: Callable[[Tensor, Mapping[str, Any]], None]
    check: Callable[[tuple[int, ...], Mapping[str, Any]], str | None]
    in_words: Callable[[Mapping[str, Any]], str]


def fill(module: nn.Module, node: Node) -> None:
    """Give a module's parameters the first values that its node says, and freeze it if it says so.

    A parameter that the module does not have is passed over: the resolution complains of it.
    """
    held = dict(module.named_parameters())
    with torch.no_grad():
        for name, init in node.init.items():
            if name in held:
                SCHEMES[init.scheme].fill(held[name], init.args)
    if node.frozen:
        module.requires_grad_(False)


def problem(init: Init, shape: tuple[int, ...]) -> str | None:
    """Say why a parameter of this shape cannot start so, `None` if it can."""
    scheme = SCHEMES.get(init.scheme)
    if scheme is None:
        return f"there is no scheme {init.scheme!r}; known are {', '.join(SCHEMES)}"
    if set(init.args) != set(scheme.args):
        given = ", ".join(init.args) or "nothing"
        return f"{init.scheme} takes {', '.join(scheme.args)}, and is given {given}"
    return scheme.check(shape, init.args)


def in_words(init: Init) -> str:
    """Return what a way to start does, as a form says it."""
    scheme = SCHEMES.get(init.scheme)
    return init.scheme if scheme is None else scheme.in_words(init.args)


def shape_of(values: Any) -> tuple[int, ...] | None:
    """Return the shape of nested tuples of numbers, `None` if they have none."""
    if isinstance(values, int | float) and not isinstance(values, bool):
        return ()
    if not isinstance(values, tuple) or not values:
        return None
    inner = {shape_of(item) for item in values}
    first = inner.pop()
    return None if inner or first is None else (len(values), *first)


def _copy(parameter: Tensor, args: Mapping[str, Any]) -> None:
    parameter.copy_(torch.tensor(args["values"]))


def _spreads(shape: tuple[int, ...], args: Mapping[str, Any]) -> str | None:
    given = shape_of(args["values"])
    if given is None:
        return "its values are no table of numbers"
    pairs = zip(reversed(given), reversed(shape), strict=False)
    if len(given) > len(shape) or any(a not in (1, b) for a, b in pairs):
        return f"its values have shape {given}, the parameter has {shape}"
    return None


def _values_in_words(args: Mapping[str, Any]) -> str:
    return f"given values, {' × '.join(map(str, shape_of(args['values']) or ())) or 'one number'}"


SCHEMES: Mapping[str, Scheme] = {
    # The same values for every channel, where they have fewer axes than the parameter.
    "values": Scheme(("values",), _copy, _spreads, _values_in_words),
}
