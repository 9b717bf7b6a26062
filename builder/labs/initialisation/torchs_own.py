"""How torch draws a parameter of which nothing is said, asked of torch itself.

A layer is made on the `meta` device, where it costs nothing, and what its constructor does to each
parameter is listened to.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from builder.catalog import Layer
from builder.schemes import SCHEMES
from builder.spec import Init

# Methods of tensors that do what a scheme does.
_METHODS: Mapping[str, str] = {"fill_": "constant_", "zero_": "zeros_"}
_PLAIN: Mapping[float, str] = {0: "zeros_", 1: "ones_"}


def torchs_own(row: Layer, args: Mapping[str, Any]) -> dict[str, Init]:
    """Return how the constructor of a layer starts its parameters, by their names within it.

    Args:
        row: of the layer; one of one's own starts its parameters as its document says.
        args: all that it is built with, what the wire tells included.
    """
    listener = _Listener()
    with torch.device("meta"), listener:
        made = row.make(args)
    if not isinstance(made, nn.Module):
        return {}
    heard = {name: listener.of(parameter) for name, parameter in made.named_parameters()}
    return {name: init for name, init in heard.items() if init is not None}


class _Listener(TorchFunctionMode):
    """Hears the last thing that filled each tensor; a copy starts as its original."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: dict[int, tuple[Tensor, Init]] = {}

    def of(self, tensor: Tensor) -> Init | None:
        """Return what filled a tensor last, `None` if nothing has."""
        known = self._heard.get(_memory(tensor))
        return known[1] if known else None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        scheme = _METHODS.get(name, name)
        if scheme in SCHEMES:
            given = _bound(scheme, args, kwargs)
            tensor = given.pop("tensor")
            if tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes():
                self._hear(tensor, _init(scheme, given))
        elif name == "clone":
            original = self.of(args[0])
            if original is not None:
                self._hear(made, original)
        return made

    def _hear(self, tensor: Tensor, init: Init) -> None:
        self._heard[_memory(tensor)] = tensor, init  # kept, so that its memory stays its own


def _memory(tensor: Tensor) -> int:
    """Return what tells the memory of one tensor from that of another, on `meta` as well."""
    number: int = tensor.untyped_storage()._cdata
    return number


def _bound(scheme: str, args: Any, kwargs: Any) -> dict[str, Any]:
    signature = inspect.signature(getattr(nn.init, scheme))
    return dict(signature.bind(*args, **kwargs).arguments)


def _init(scheme: str, given: Mapping[str, Any]) -> Init:
    """Return what was heard in the words of a document: ones are a constant of 1."""
    row = SCHEMES[scheme]
    args = {
        name: given[name]
        for name, field in row.fields.items()
        if name in given and (field.required or given[name] != field.default)
    }
    if scheme == "constant_" and args["val"] in _PLAIN:
        return Init(_PLAIN[args["val"]])
    return Init(scheme, args)
