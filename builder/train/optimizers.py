"""The optimizers of `torch.optim` that train a model alone. One row each, by introspection."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch.optim.optimizer import Optimizer

from builder.catalog.fields import Field


@dataclass(frozen=True)
class OptimizerRow:
    """One optimizer of `torch.optim`.

    Args:
        name: its class.
        help: a sentence.
        lr: a learning rate to start from.
        fields: its arguments besides the parameters and the learning rate, in torch's order.
        first: those that a person needs first.
        fused: whether torch has it in one kernel.
    """

    name: str
    help: str
    lr: float
    fields: Mapping[str, Field]
    first: tuple[str, ...]
    fused: bool


# What torch cannot say of an optimizer: a sentence, a first learning rate, what is needed first.
_KNOWN: Mapping[str, tuple[str, float, str]] = {
    "SGD": ("Steps down the gradient; with momentum it rolls on.", 0.05, "momentum nesterov"),
    "Adam": ("Adapts the step of every weight; a safe first choice.", 1e-3, "betas"),
    "AdamW": ("Adam with weight decay done right.", 1e-3, "weight_decay betas"),
    "RMSprop": ("Divides by a running size of the gradient.", 1e-3, "alpha momentum"),
    "Adagrad": ("Steps shrink where gradients have been large.", 1e-2, "lr_decay"),
    "Adadelta": ("Adagrad with a memory that fades; wants a large learning rate.", 1.0, "rho"),
    "Adamax": ("Adam by the largest gradient seen.", 2e-3, "betas"),
    "NAdam": ("Adam with Nesterov's look ahead.", 2e-3, "betas"),
    "RAdam": ("Adam with a careful start.", 1e-3, "betas"),
    "ASGD": ("Averages the weights of its last steps.", 1e-2, "alpha"),
    "Rprop": ("Uses only the sign of the gradient; for whole batches.", 1e-2, "etas"),
    "Adafactor": ("Adam with little memory, for large models.", 1e-2, ""),
}
# LBFGS needs the loss as a function, SparseAdam sparse gradients, Muon matrices only.
_NOT_ALONE = ("Optimizer", "LBFGS", "SparseAdam", "Muon")
_HIDDEN = {"params", "lr", "foreach", "maximize", "capturable", "differentiable", "fused"}
_HELP = {
    "momentum": "How much of the last step is kept.",
    "nesterov": "Look ahead along the momentum first; needs momentum and no dampening.",
    "dampening": "Takes this share off each new gradient in the momentum.",
    "weight_decay": "Pulls every weight towards zero.",
    "betas": "How slowly the running means of the gradient and of its square forget.",
    "eps": "Added to the denominator so that nothing divides by zero.",
    "alpha": "How slowly the running mean forgets.",
    "rho": "How slowly the running mean forgets.",
    "lr_decay": "How fast the learning rate falls.",
    "amsgrad": "Keep the largest running square seen.",
    "centered": "Subtract the running mean of the gradient.",
    "etas": "Factors by which a step shrinks and grows.",
    "step_sizes": "Smallest and largest step.",
}


def _optimizers() -> dict[str, OptimizerRow]:
    found = {}
    for name in sorted(
        dir(torch.optim), key=lambda n: (list(_KNOWN).index(n) if n in _KNOWN else 99, n)
    ):
        cls = getattr(torch.optim, name)
        if not (inspect.isclass(cls) and issubclass(cls, Optimizer)) or name in _NOT_ALONE:
            continue
        parameters = inspect.signature(cls).parameters
        help, lr, first = _KNOWN.get(name, (f"{name} of torch.optim.", 1e-3, ""))
        found[name] = OptimizerRow(
            name=name,
            help=help,
            lr=lr,
            fields={
                key: _field(key, parameter.default)
                for key, parameter in parameters.items()
                if key not in _HIDDEN and not _unwritable(parameter.default)
            },
            first=tuple(first.split()),
            fused="fused" in parameters,
        )
    return found


def _unwritable(default: Any) -> bool:
    """Whether a default cannot be shown in a form: there is none, or a list with a hole."""
    return default is inspect.Parameter.empty or (isinstance(default, tuple) and None in default)


def _field(name: str, default: Any) -> Field:
    help = _HELP.get(name, f"{name} of torch.optim.")
    if isinstance(default, bool):
        return Field(name, "bool", default=default, initial=default, help=help)
    if isinstance(default, tuple):
        high = 1.0 if name == "betas" else math.inf
        return Field(
            name, "floats", default=default, initial=default, low=0, high=high,
            length=len(default), help=help,
        )  # fmt: skip
    share = name in ("momentum", "alpha", "rho", "dampening")
    return Field(
        name,
        "float",
        default=default,
        initial=default,
        optional=default is None,
        low=0 if not (isinstance(default, float) and default < 0) else -math.inf,
        high=1.0 if share else math.inf,
        slider=(0, 1) if share else None,
        help=help,
    )


OPTIMIZERS: Mapping[str, OptimizerRow] = MappingProxyType(_optimizers())
