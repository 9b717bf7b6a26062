"""The optimizers of `torch.optim` that train a model alone.

One row each; arguments and defaults by introspection.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch.optim.optimizer import Optimizer

from builder.catalog.fields import Field
from builder.errors import RecipeError, shown


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
        closure: whether its step takes a function that computes loss and gradients again.
        groups: whether it takes several parameter groups.
        momentum: the argument that a scheduler cycles as momentum: `momentum`, or the first of
            `betas`; `None` where there is none.
    """

    name: str
    help: str
    lr: float
    fields: Mapping[str, Field]
    first: tuple[str, ...]
    fused: bool
    closure: bool = False
    groups: bool = True
    momentum: str | None = None

    def check(self, args: Mapping[str, Any]) -> None:
        """Raise `RecipeError` for the first argument that cannot work."""
        for name, value in args.items():
            if name not in self.fields:
                raise RecipeError(
                    f"{self.name} has no argument {shown(name)}; it has {', '.join(self.fields)}."
                )
            wrong = self.fields[name].problem(value)
            if wrong:
                raise RecipeError(f"{self.name}: {wrong}")
        if args.get("nesterov") and (not args.get("momentum") or args.get("dampening")):
            raise RecipeError(
                "Nesterov looks ahead along the momentum, so momentum must be above 0 "
                "and dampening 0."
            )
        cls: Callable[..., Optimizer] = getattr(torch.optim, self.name)
        try:
            cls([torch.zeros(1, requires_grad=True)], lr=self.lr, **args)
        except ValueError as error:  # such as betas of exactly 1
            raise RecipeError(f"{self.name} takes no such arguments: {error}.") from None


# What torch cannot say of an optimizer: a sentence, a first learning rate, what is needed first.
_KNOWN: Mapping[str, tuple[str, float, str]] = {
    "SGD": ("Steps down the gradient; with momentum it rolls on.", 0.05, "momentum nesterov"),
    "Adam": ("Adapts the step of every weight; a safe first choice.", 1e-3, ""),
    "AdamW": ("Adam with weight decay done right.", 1e-3, "weight_decay"),
    "RMSprop": ("Divides by a running size of the gradient.", 1e-3, "alpha momentum"),
    "Adagrad": ("Steps shrink where gradients have been large.", 1e-2, "lr_decay"),
    "Adadelta": ("Adagrad with a memory that fades; wants a large learning rate.", 1.0, "rho"),
    "Adamax": ("Adam by the largest gradient seen.", 2e-3, ""),
    "NAdam": ("Adam with Nesterov's look ahead.", 2e-3, ""),
    "RAdam": ("Adam with a careful start.", 1e-3, ""),
    "ASGD": ("Averages the weights of its last steps.", 1e-2, "alpha"),
    "Rprop": ("Uses only the sign of the gradient; for whole batches.", 1e-2, "etas"),
    "Adafactor": ("Adam with little memory, for large models.", 1e-2, ""),
    "LBFGS": (
        "Learns the curvature from its last steps; for small models and whole batches.",
        1.0,
        "max_iter history_size line_search_fn",
    ),
}
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "Muon": "It takes matrices only: biases and filters would be left without an optimizer.",
        "Optimizer": "It is what all optimizers are made from.",
        "SparseAdam": "It takes sparse gradients only, which Embedding alone can give.",
    }
)
# How torch computes, not what; `maximize` would climb.
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
    "max_iter": "Iterations within one step.",
    "max_eval": "Most times the loss is computed within one step; empty for 5/4 of max_iter.",
    "tolerance_grad": "A step ends where no gradient is larger.",
    "tolerance_change": "A step ends where loss and weights change by less.",
    "history_size": "How many steps the curvature is learnt from.",
    "line_search_fn": "How far each iteration goes: as the learning rate says, or searched for.",
    "lambd": "Pulls every weight towards zero, by the learning rate.",
    "t0": "Step after which averaging begins.",
    "initial_accumulator_value": "Where the sum of squared gradients starts.",
    "decoupled_weight_decay": "Decay the weights beside the step, as AdamW does.",
    "momentum_decay": "How fast the momentum approaches the first of betas.",
    "beta2_decay": "How the memory of squared gradients grows with the steps.",
    "d": "Most that a step may be in root mean square; larger ones are shortened.",
}
_CHOICES = {"line_search_fn": ("strong_wolfe",)}
_MOST = 100_000


def _optimizers() -> Iterator[OptimizerRow]:
    names = [name for name in known_optimizers() if name not in LEFT_OUT]
    for name in (*_KNOWN, *(name for name in names if name not in _KNOWN)):
        cls = getattr(torch.optim, name)
        parameters = inspect.signature(cls).parameters
        help, lr, first = _KNOWN.get(name, (f"{name} of torch.optim.", 1e-3, ""))
        fields = {
            key: _field(key, parameter)
            for key, parameter in parameters.items()
            if key not in _HIDDEN and not _unwritable(parameter.default)
        }
        yield OptimizerRow(
            name=name,
            help=help,
            lr=lr,
            fields=fields,
            first=tuple(first.split()),
            fused="fused" in parameters,
            closure=name == "LBFGS",
            groups=name != "LBFGS",
            momentum=next((key for key in ("betas", "momentum") if key in fields), None),
        )


def _unwritable(default: Any) -> bool:
    """Whether a default cannot be shown in a form: there is none, or a list with a hole."""
    return default is inspect.Parameter.empty or (isinstance(default, tuple) and None in default)


def _field(name: str, parameter: inspect.Parameter) -> Field:
    default = parameter.default
    facts: dict[str, Any] = {
        "default": default,
        "initial": default,
        "optional": default is None,
        "help": _HELP.get(name, f"{name} of torch.optim."),
    }
    if name in _CHOICES:
        return Field(name, "choice", choices=_CHOICES[name], **facts)
    if isinstance(default, bool):
        return Field(name, "bool", **facts)
    if isinstance(default, tuple):
        high = 1.0 if name == "betas" else math.inf
        return Field(name, "floats", low=0, high=high, length=len(default), **facts)
    # Not by the default: momentum is a number whose default torch writes as 0.
    if str(parameter.annotation).startswith(("int", "<class 'int'")):
        return Field(name, "int", low=1, high=_MOST, **facts)
    share = name in ("momentum", "alpha", "rho", "dampening")
    return Field(
        name,
        "float",
        low=-math.inf if isinstance(default, float) and default < 0 else 0,
        high=1.0 if share else math.inf,
        slider=(0, 1) if share else None,
        **facts,
    )


def known_optimizers() -> tuple[str, ...]:
    """Return the names of all optimizers of `torch.optim`, in the order of the alphabet."""
    classes = ((name, getattr(torch.optim, name)) for name in dir(torch.optim))
    return tuple(n for n, cls in classes if inspect.isclass(cls) and issubclass(cls, Optimizer))


OPTIMIZERS: Mapping[str, OptimizerRow] = MappingProxyType({row.name: row for row in _optimizers()})
