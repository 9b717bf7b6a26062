"""What a built module says of itself: its parts, how torch walks them, what it keeps of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """One module of a model.

    Args:
        path: its name in `named_modules()`; empty for the model itself.
        kind: its class.
        words: what its class prints of it, `3, 16, kernel_size=(3, 3)`.
        params: numbers that it and all inside learn, shared ones counted once.
        parameters, buffers: what it holds itself, by name.
    """

    path: str
    kind: str
    words: str
    params: int
    parameters: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]

    @property
    def level(self) -> int:
        """How deep it stands: 0 for the model itself."""
        return self.path.count(".") + 1 if self.path else 0

    @property
    def name(self) -> str:
        """Its name within the module that holds it."""
        return self.path.rpartition(".")[2]


def parts(model: nn.Module) -> tuple[Part, ...]:
    """Return the model and the modules in it, in the order of `named_modules()`."""
    return tuple(
        Part(
            path,
            type(module).__name__,
            module.extra_repr(),
            sum(parameter.numel() for parameter in module.parameters()),
            dict(module.named_parameters(recurse=False)),
            dict(module.named_buffers(recurse=False)),
        )
        for path, module in model.named_modules()
    )


@dataclass(frozen=True)
class Walk:
    """One of the ways in which torch walks a model.

    Args:
        method: of `nn.Module`.
        item: what it gives, `module`, `parameter` or `buffer`.
        shown: what the loop prints of an item, as code.
        help: what it walks.
    """

    method: str
    item: str
    shown: str
    help: str

    @property
    def code(self) -> str:
        """The loop that prints what is walked."""
        return f"for name, {self.item} in model.{self.method}():\n    print(name, {self.shown})"


WALKS: Mapping[str, Walk] = {
    walk.method: walk
    for walk in (
        Walk(
            "named_children", "module", "module",
            "The modules that the model holds itself, and no others.",
        ),
        Walk(
            "named_modules", "module", "module",
            "The model itself, whose name is empty, every module in it, every module in those, and "
            "so on, each before what it holds.",
        ),
        Walk(
            "named_parameters", "parameter", "parameter.size()",
            "Every `nn.Parameter`, at any depth, under its full name: what an optimizer gets.",
        ),
        Walk(
            "named_buffers", "buffer", "buffer.size()",
            "Every registered tensor that is no parameter, at any depth: saved and moved with the "
            "model, never trained.",
        ),
    )
}  # fmt: skip


def walked(model: nn.Module, method: str) -> tuple[str, ...]:
    """Return the names that a walk gives, in its order."""
    return tuple(name for name, _ in getattr(model, method)())


def printed(model: nn.Module, method: str) -> str:
    """Return what the code of a walk prints."""
    found = getattr(model, method)()
    return "".join(
        f"{name} {item.size() if isinstance(item, Tensor) else item}\n" for name, item in found
    )


# What `nn.Module.__init__` makes, in the order of the notes first and then of torch.
KEPT: Mapping[str, str] = {
    "_parameters": "Every `nn.Parameter` that was set as an attribute.",
    "_modules": "Every `nn.Module` that was set as an attribute: the children.",
    "_buffers": "What `register_buffer` was given: saved and moved with the module, not trained.",
    "_backward_hooks": "Called with the gradients of its inputs and outputs, on the way back.",
    "_forward_hooks": "Called after `forward`, with what went in and what came out.",
    "training": "Set by `train()`, unset by `eval()`, here and in all modules inside. Dropout and "
    "batch norm go by it.",
    "_forward_pre_hooks": "Called before `forward`, with what goes in.",
    "_backward_pre_hooks": "Called on the way back before the module's gradients are worked out.",
    "_is_full_backward_hook": "Whether the backward hooks are full ones; `None` without any.",
    "_forward_hooks_with_kwargs": "Which forward hooks are given keyword arguments too.",
    "_forward_hooks_always_called": "Which forward hooks are called even if `forward` raises.",
    "_forward_pre_hooks_with_kwargs": "Which pre-hooks are given keyword arguments too.",
    "_non_persistent_buffers_set": "Names of the buffers that `state_dict()` leaves out.",
    "_state_dict_pre_hooks": "Called before `state_dict()` gathers what it gives.",
    "_state_dict_hooks": "Called with what `state_dict()` gathered.",
    "_load_state_dict_pre_hooks": "Called before `load_state_dict()` copies anything.",
    "_load_state_dict_post_hooks": "Called after it, with the keys that were missing.",
}


def dictionaries(module: nn.Module) -> dict[str, Any]:
    """Return what `nn.Module.__init__` made in a module, as it is there now."""
    held = vars(module)
    return {name: held[name] for name in KEPT}


def own_attributes(module: nn.Module) -> dict[str, Any]:
    """Return what its class added, `in_features` and the like; private ones are left out."""
    return {
        name: value
        for name, value in vars(module).items()
        if name not in KEPT and not name.startswith("_")
    }


_TOLD = 12  # entries of a dictionary


def told(value: Any) -> str:
    """Return an attribute as a line: tensors by kind and shape, modules by class, hooks by name."""
    if isinstance(value, Mapping):
        inside = [f"{key!r}: {told(entry)}" for key, entry in islice(value.items(), _TOLD)]
        inside += [f"and {len(value) - _TOLD:,} more"] * (len(value) > _TOLD)
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, Tensor):
        kind = "Parameter" if isinstance(value, nn.Parameter) else "Tensor"
        return f"{kind} {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, nn.Module):
        return type(value).__name__
    if isinstance(value, torch.Size):
        return str(tuple(value))
    return getattr(value, "__name__", None) or repr(value)
