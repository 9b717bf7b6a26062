"""A built model to look into: fresh or with given weights, and copies to be moved and hooked."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from builder.build import DEFAULT_BUDGET, assemble, build
from builder.errors import LabError
from builder.spec import ModelSpec


def fresh(spec: ModelSpec, seed: int, *, budget: int = DEFAULT_BUDGET) -> nn.Module:
    """Return the model with the weights that it starts with; torch's own random state stays.

    Raises:
        ModelError: the model cannot run, or is too large.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(spec, budget=budget)


def assembled(spec: ModelSpec, seed: int) -> nn.Module:
    """Return the modules of a model that cannot run, to look at; torch's own random state stays.

    Raises:
        BudgetError: it is too large.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return assemble(spec)


def loaded(
    spec: ModelSpec, weights: Mapping[str, Tensor], *, budget: int = DEFAULT_BUDGET
) -> nn.Module:
    """Return the model with given weights; torch's own random state stays.

    Raises:
        ModelError: the model cannot run, or is too large.
        LabError: the weights are those of another model.
    """
    with torch.random.fork_rng(devices=[]):
        model = build(spec, budget=budget)
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        raise LabError(
            "The weights do not fit the model; they may come from another version. Train it once "
            "more, or choose fresh weights."
        ) from None
    return model


def twin(model: nn.Module) -> nn.Module:
    """Return a copy to put hooks on, to set training, to send a backward pass through.

    Its parameters are parameters of its own over the same numbers: it takes no memory for them, and
    the numbers must not be changed. Buffers, which a pass in training moves, are copied.
    """
    shared: dict[int, Any] = {}
    for parameter in model.parameters():
        own = nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
        shared[id(parameter)] = own
    return copy.deepcopy(model, shared)
