"""How a layer's parameters start: as its constructor draws them, or as the document says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from torch import nn

from builder.schemes import SCHEMES, Shape, Values
from builder.spec import Init, Node

# Schemes of one intent for other numbers of axes.
_TWINS: Mapping[str, str] = MappingProxyType({"eye_": "dirac_", "dirac_": "eye_"})


def fill(module: nn.Module, node: Node) -> None:
    """Give a module's parameters the first values that its node says, and freeze it if it says so.

    A parameter that the module does not have is passed over: the resolution complains of it.
    """
    held = dict(module.named_parameters())
    for name, init in node.init.items():
        if name in held:
            SCHEMES[init.scheme].fill(held[name], init.args)
    if node.frozen:
        module.requires_grad_(False)


def problem(init: Init, shape: Shape) -> str | None:
    """Say why a parameter of this shape cannot start so, `None` if it can."""
    scheme = SCHEMES.get(init.scheme)
    if scheme is None:
        return f"there is no scheme {init.scheme!r}; known are {', '.join(SCHEMES)}"
    return scheme.problem(shape, init.args)


def fitting(shape: Shape) -> tuple[str, ...]:
    """Return the names of torch's schemes that a parameter with so many axes can start by."""
    return tuple(
        name
        for name, row in SCHEMES.items()
        if not isinstance(row, Values) and len(shape) in row.axes
    )


def instead(init: Init, shape: Shape) -> Iterator[Init]:
    """Give ways to start that a parameter of this shape can take, nearest to one that it cannot."""
    for name in (init.scheme, _TWINS.get(init.scheme, ""), "zeros_"):
        row = SCHEMES.get(name)
        if row is not None and not isinstance(row, Values):
            found = Init(name, row.initial_args())
            if found != init and problem(found, shape) is None:
                yield found


def in_words(init: Init) -> str:
    """Return what a way to start is, as a form says it."""
    scheme = SCHEMES.get(init.scheme)
    return init.scheme if scheme is None else scheme.in_words(init.args)
