"""What `train()` and `eval()` change: buffers that move or stand, and dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from builder.labs.subject import twin

MODES = {"train": True, "eval": False}
Inputs: TypeAlias = tuple[Tensor, ...]
_NORMS = nn.modules.batchnorm._NormBase
_DROPOUTS = nn.modules.dropout._DropoutNd


@dataclass(frozen=True, eq=False)
class Buffer:
    """A buffer while batches pass.

    Args:
        name: its full name.
        momentum: of its batch norm, `None` for one that has none.
        values: by mode, (batches + 1, numbers): before the first batch and after each.
    """

    name: str
    momentum: float | None
    values: Mapping[str, Tensor]


def moved(model: nn.Module, batches: Sequence[Inputs]) -> list[Buffer]:
    """Return what becomes of every buffer when batches pass, in training and in evaluation.

    The model itself is left as it is.

    Args:
        batches: each one tensor for every input of the model, (N, *shape).
    """
    seen = {mode: _passing(model, batches, training) for mode, training in MODES.items()}
    found = []
    for name, _ in model.named_buffers():
        owner = model.get_submodule(name.rpartition(".")[0])
        momentum = owner.momentum if isinstance(owner, _NORMS) else None
        found.append(Buffer(name, momentum, {mode: seen[mode][name] for mode in MODES}))
    return found


def _passing(model: nn.Module, batches: Sequence[Inputs], training: bool) -> dict[str, Tensor]:
    own = twin(model).train(training)
    seen = {name: [buffer.reshape(-1).clone()] for name, buffer in own.named_buffers()}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for batch in batches:
            own(*_copies(batch))
            for name, buffer in own.named_buffers():
                seen[name].append(buffer.reshape(-1).clone())
    return {name: torch.stack(values).double() for name, values in seen.items()}


@dataclass(frozen=True, eq=False)
class Dropped:
    """What one dropout layer makes of the same input, twice.

    Args:
        name: its path.
        p: the share that it drops.
        given: what the model gives it in evaluation, of the first sample, (numbers,).
        values: by mode, (2, numbers): what it makes of that each time.
    """

    name: str
    p: float
    given: Tensor
    values: Mapping[str, Tensor]


@dataclass(frozen=True)
class Twice:
    """The same input passed twice.

    Args:
        difference: by mode, the largest difference between the model's two outputs.
        layers: its dropout layers that are called.
    """

    difference: Mapping[str, float]
    layers: tuple[Dropped, ...]


def twice(model: nn.Module, inputs: Inputs, seed: int) -> Twice:
    """Pass the same input twice, in training and in evaluation; the model is left as it is."""
    own, difference = twin(model), {}
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = tuple(_alone(own, name, given) for name, given in _given(own, inputs).items())
        for mode, training in MODES.items():
            own.train(training)
            first, second = (_flat(own(*_copies(inputs))) for _ in range(2))
            difference[mode] = (first - second).abs().max().item()
    return Twice(difference, layers)


def _given(model: nn.Module, inputs: Inputs) -> dict[str, Tensor]:
    """Return what the dropout layers of a model are first given in evaluation, of one sample."""
    found: dict[str, Tensor] = {}

    def keep(module: nn.Module, given: tuple[Tensor], *, name: str) -> None:
        found.setdefault(name, given[0][:1].clone())

    handles = [
        module.register_forward_pre_hook(partial(keep, name=name))
        for name, module in model.named_modules()
        if isinstance(module, _DROPOUTS)
    ]
    model.eval()(*_copies(inputs))
    for handle in handles:
        handle.remove()
    return found


def _alone(model: nn.Module, name: str, given: Tensor) -> Dropped:
    layer: Any = model.get_submodule(name)
    values = {
        mode: torch.stack(
            [layer.train(training)(given.clone()).reshape(-1).clone() for _ in range(2)]
        )
        for mode, training in MODES.items()
    }
    return Dropped(name, layer.p, given.reshape(-1), values)


def _copies(inputs: Inputs) -> Inputs:
    """Return what a model may write over."""
    return tuple(entry.clone() for entry in inputs)


def _flat(value: Any) -> Tensor:
    """Return all numbers of what a model gave."""
    if isinstance(value, Tensor):
        return value.detach().double().reshape(-1)
    return torch.cat([_flat(entry) for entry in value])
