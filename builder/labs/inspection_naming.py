"""Why things are called what they are called, and what a container does not register.

The same layers are held by an `nn.Sequential`, by an `nn.ModuleList` and by a Python list, each
really built, run and trained for a step; what torch then finds of them is counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from builder.code import write_source
from builder.edit import set_container
from builder.errors import EditError
from builder.labs.batches import affordable, random_inputs
from builder.labs.subject import fresh
from builder.labs.walking import tensors
from builder.spec import ModelSpec

SEQUENTIAL, LISTED, PLAIN = "nn.Sequential", "nn.ModuleList", "list"
_BATCH = 2
_MARGIN = " " * 8  # of what stands in `__init__`
_RATE = 0.1


@dataclass(frozen=True)
class Found:
    """What torch finds of a model's layers when they are held in one way.

    Args:
        holder: `nn.Sequential`, `nn.ModuleList` or `list`.
        refusal: why these layers cannot be held so; all else is empty then.
        source: the code.
        layers, numbers: how many layers there are, and numbers in their parameters.
        modules: layers that `modules()` finds.
        given: numbers that `parameters()` gives.
        keys: of the `state_dict`.
        moved: numbers that `to(torch.float64)` converts.
        reached: layers that `eval()` reaches.
        complaint: what the optimizer says, if it takes nothing.
        changed: numbers that a step of the optimizer has changed; a gradient of 0 changes none.
        output: what the model makes of a batch at first, after `eval()`; the first tensor.
    """

    holder: str
    refusal: str = ""
    source: str = ""
    layers: int = 0
    numbers: int = 0
    modules: int = 0
    given: int = 0
    keys: tuple[str, ...] = ()
    moved: int = 0
    reached: int = 0
    complaint: str = ""
    changed: int = 0
    output: Tensor | None = None


def compare(spec: ModelSpec) -> tuple[Found, ...]:
    """Return what torch finds of a model's layers in each of the three holders.

    Raises:
        ModelError: the model cannot run, or is too large.
    """
    affordable(spec, _BATCH)
    return tuple(_found(spec, holder) for holder in (SEQUENTIAL, LISTED, PLAIN))


def _found(spec: ModelSpec, holder: str) -> Found:
    try:
        spec = set_container(spec, "sequential" if holder == SEQUENTIAL else "modulelist")
    except EditError as error:
        return Found(holder, refusal=error.message)
    source, model = write_source(spec), fresh(spec, 0)
    if holder == PLAIN:
        source, model = in_a_list(source, spec.name), unregistered(model)
    layers: list[nn.Module] = list(model if holder == SEQUENTIAL else model.layers)  # type: ignore[arg-type]
    registered = set(map(id, model.modules()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with torch.no_grad():
            outputs = [*tensors(model.eval()(*random_inputs(spec, _BATCH, 0)))]
        reached = sum(not layer.training for layer in layers)
        complaint, changed = _a_step(spec, model, layers)
    given = sum(parameter.numel() for parameter in model.parameters())
    keys = tuple(model.state_dict())
    model.to(torch.float64)
    parameters = _parameters(layers)
    return Found(
        holder,
        source=source,
        layers=len(layers),
        numbers=sum(parameter.numel() for parameter in parameters),
        modules=sum(id(layer) in registered for layer in layers),
        given=given,
        keys=keys,
        moved=sum(p.numel() for p in parameters if p.dtype is torch.float64),
        reached=reached,
        complaint=complaint,
        changed=changed,
        output=outputs[0][1],
    )


def _parameters(layers: Sequence[nn.Module]) -> list[nn.Parameter]:
    """Return the parameters of layers, whoever holds those; shared ones once."""
    return list(dict.fromkeys(p for layer in layers for p in layer.parameters()))


def _a_step(spec: ModelSpec, model: nn.Module, layers: Sequence[nn.Module]) -> tuple[str, int]:
    """Train for a step; return what the optimizer complains of, and how many numbers it changed."""
    parameters = _parameters(layers)
    before = [parameter.detach().clone() for parameter in parameters]
    outputs = list(tensors(model.train()(*random_inputs(spec, _BATCH, 0))))
    losses = [tensor.square().mean() for _, tensor in outputs if tensor.requires_grad]
    if losses:
        torch.autograd.backward(losses)
    try:
        torch.optim.SGD(model.parameters(), lr=_RATE).step()
    except ValueError as error:
        return f"{type(error).__name__}: {error}", 0
    pairs = zip(parameters, before, strict=True)
    return "", sum(int((parameter != old).sum()) for parameter, old in pairs)


class _List(list[nn.Module]):
    """A Python list that the built model finds its layers in by their keys, as in a ModuleList."""

    def __getattr__(self, key: str) -> nn.Module:
        if not key.isdigit():
            raise AttributeError(key)
        return self[int(key)]


def unregistered(model: nn.Module) -> nn.Module:
    """Return a model built as a ModuleList with its layers in a Python list instead."""
    layers = _List(model.get_submodule("layers").children())
    del model.layers
    model.layers = layers  # type: ignore[assignment]
    return model


def in_a_list(source: str, title: str) -> str:
    """Return the code of a ModuleList with its layers in a Python list instead.

    Args:
        source: as `write_source` gives it.
        title: the class of the model.
    """
    start = source.index(f"class {title}(")
    before, after = source[:start], source[start:].replace("nn.ModuleList([])", "[]")
    head, opening, held = after.partition("self.layers = nn.ModuleList(\n")
    if not opening:
        return before + after
    held, _, tail = held.partition(f"\n{_MARGIN})\n")
    held = textwrap.indent(textwrap.dedent(held), _MARGIN).lstrip()
    return f"{before}{head}self.layers = {held}\n{tail}"
