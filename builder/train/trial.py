"""A short training beside the real one: to look at gradients, to try a rate, to learn 20 samples.

It has the recipe's loss, optimizer, groups and clipping; it keeps no record and measures nothing
but the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from builder.errors import RunError
from builder.train.losses import LOSSES
from builder.train.recipe import Recipe


class Trial:
    """A model that trains for a moment.

    Args:
        model: in training mode from here on; its weights change with each step.
        x, y: samples as training sees them, on the device of the model.
        recipe: its loss, optimizer, groups and clipping are used.

    Raises:
        RunError: the model has nothing to learn, or the loss cannot take what it gives.
    """

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor, recipe: Recipe) -> None:
        row = LOSSES[recipe.loss]
        with torch.no_grad():
            out = model.eval()(x[:1])
        outputs = out.shape[1] if out.dim() > 1 else 1
        self.model, self.x, self.recipe = model.train(), x, recipe
        self.function = row.make(recipe.loss_args, y, outputs)
        self.target = row.prepare(y, outputs)
        _check_learns(model)
        self.optimizer = recipe.make_optimizer(model)
        _check_learns(model)  # its groups may be frozen

    def look(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of some samples, its gradients left in the model, and the outputs."""
        self.optimizer.zero_grad(set_to_none=True)
        try:
            out = self.model(self.x.index_select(0, rows))
            loss = self.function(out, self.target.index_select(0, rows))
            torch.autograd.backward(loss)
        except (RuntimeError, ValueError, IndexError) as error:
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise RunError(f"A batch cannot be trained on: {reason}") from None
        return loss, out

    def step(self, rows: Tensor) -> tuple[float, Tensor]:
        """Take one step on some samples; returns the loss and the outputs before it."""
        given: list[tuple[float, Tensor]] = []

        def closure() -> float:
            loss, out = self.look(rows)
            given.append((float(loss.detach()), out.detach()))
            self._clip()
            return given[-1][0]

        self.optimizer.step(closure)  # LBFGS asks several times, the others once
        return given[0]

    def _clip(self) -> None:
        parameters = [value for value in self.model.parameters() if value.grad is not None]
        if self.recipe.clip_value is not None:
            nn.utils.clip_grad_value_(parameters, self.recipe.clip_value)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)


def _check_learns(model: nn.Module) -> None:
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise RunError("There is nothing to learn: every parameter is frozen, or none is there.")


def batches(count: int, size: int, seed: int) -> Iterator[Tensor]:
    """Yield row numbers of whole batches without end, mixed anew for each pass."""
    order = torch.Generator().manual_seed(seed)
    size = min(size, count)
    while True:
        for rows in torch.split(torch.randperm(count, generator=order), size):
            if len(rows) == size:
                yield rows


@contextmanager
def own_randomness(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Draw from a seed inside; outside, all random states are as they were."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
