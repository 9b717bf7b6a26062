"""One step of training looked at: the norms of its gradients, and how far the weights went."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer


class OneStep:
    """A step that is looked at: made before the optimizer takes it.

    Args:
        gradients: whether they are there already; a closure makes them on the way.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, *, gradients: bool = True) -> None:
        self.groups = optimizer.param_groups
        self.before = [[p.detach().clone() for p in group["params"]] for group in self.groups]
        self.norms = dict(_gradient_norms(model)) if gradients else {}

    @torch.no_grad()
    def after(self) -> Iterator[tuple[str, str, float]]:
        """Give `|Δw|/|w|` of each group, and the norm of the gradient of each layer."""
        for group, before in zip(self.groups, self.before, strict=True):
            moved = _norm(p - b for p, b in zip(group["params"], before, strict=True))
            size = _norm(before)
            if size:
                yield f"group:{group['name']}", "step_size", moved / size
        for layer, norm in self.norms.items():
            yield f"layer:{layer}", "grad_norm", norm


def _gradient_norms(model: nn.Module) -> Iterator[tuple[str, float]]:
    for name, module in model.named_modules():
        grads = [p.grad for p in module.parameters(recurse=False) if p.grad is not None]
        if grads:
            yield name or "model", _norm(grads)


def _norm(tensors: Iterable[Tensor]) -> float:
    return math.sqrt(sum(float(t.detach().double().square().sum()) for t in tensors))
