"""Modules and functions that compute the same: `nn.ReLU` and `F.relu`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from builder.catalog import CATALOG
from builder.catalog.functions import TWINS
from builder.spec import Node

_TORCH = {"nn.Sigmoid": "torch.sigmoid", "nn.Tanh": "torch.tanh", "nn.Flatten": "torch.flatten"}
_FUNCTION_OF: Mapping[str, str] = {
    f"nn.{module}": f"F.{function}" for module, function in TWINS.items()
} | _TORCH
_MODULE_OF: Mapping[str, str] = {function: module for module, function in _FUNCTION_OF.items()}


def as_module(node: Node) -> Node | None:
    """Return the module that does what a function node does, `None` if there is none."""
    return _exchanged(node, _MODULE_OF)


def as_function(node: Node) -> Node | None:
    """Return the function that does what a module node does, `None` if there is none."""
    found = _exchanged(node, _FUNCTION_OF)
    return None if found is None else replace(found, frozen=False)


def _exchanged(node: Node, others: Mapping[str, str]) -> Node | None:
    other = others.get(node.op)
    if other is None:
        return None
    # Their defaults can differ: torch.flatten starts at axis 0, nn.Flatten at 1.
    complete = CATALOG[node.op].complete(node.args)
    fields = CATALOG[other].fields
    args = {k: v for k, v in complete.items() if k in fields and v != fields[k].default}
    return replace(node, op=other, args=args)
