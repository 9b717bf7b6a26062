"""The training loop: tensors in memory, as fast as a plain loop, measured by the clock.

Nothing is measured at every step that would cost the loop its speed: losses and the last outputs
are kept as tensors and read by the clock, and scoring the validation samples waits at least sixty
times as long as it took, so that it never takes more than a sixtieth of the time.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor, nn

from builder.errors import RunError
from builder.train.losses import LOSSES, Loss
from builder.train.recipe import Recipe

Measured: TypeAlias = tuple[int, float, str, str, float]  # step, epoch, split, metric, value

FIRST_TICK, SHORTEST_TICK = 0.05, 0.5
_SCORING_SHARE = 60
_SCORED_BATCH = 1024
_KEPT_BATCHES = 16
_EXPLODED = 1e6


@dataclass(frozen=True)
class Data:
    """What a run trains on, scaled and split: inputs (n, *shape) and targets."""

    x: Tensor
    y: Tensor
    x_validation: Tensor
    y_validation: Tensor

    def to(self, device: str) -> Data:
        """Return the same data on a device."""
        return Data(*(t.to(device) for t in (self.x, self.y, self.x_validation, self.y_validation)))


@dataclass
class Progress:
    """Where a loop stands, handed to `on_tick`.

    Args:
        step: steps done.
        epoch: passes over the data done, with a fraction.
        measured: what has been measured since the last tick.
        done: whether this is the last tick.
        first_loss: loss of the first batch.
    """

    step: int = 0
    epoch: float = 0.0
    measured: list[Measured] = field(default_factory=list)
    done: bool = False
    first_loss: float | None = None

    def note(self, split: str, values: Mapping[str, float]) -> None:
        """Add measurements at this point."""
        self.measured += [(self.step, self.epoch, split, name, v) for name, v in values.items()]


def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    task: str,
    on_tick: Callable[[Progress], bool],
) -> Progress:
    """Train a model until the recipe's epochs are done or `on_tick` returns false.

    Args:
        model: on the recipe's device, its weights as they should start.
        data: on the same device.
        task: `classification` or `regression`.
        on_tick: called by the clock, first after 50 ms, then at most twice a second, and once
            at the end.

    Raises:
        RunError: the loss became NaN or infinite, a batch was too small for the model, or the
            model has nothing to learn.
    """
    loss_row = LOSSES[recipe.loss]
    loss_function = loss_row.make()
    outputs = _outputs(model, data.x)
    target = loss_row.prepare(data.y, outputs)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise RunError(
            "There is nothing to learn: the model has no parameters, or all of them are frozen. "
            "A Linear or Conv2d layer that is not frozen learns."
        )
    optimizer = recipe.make_optimizer(model)
    order = torch.Generator().manual_seed(recipe.seed)
    count = len(data.x)
    needs_two = any(
        isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()
    )
    if needs_two and min(recipe.batch_size, count) < 2:
        raise RunError(
            "Batch norm compares the samples of a batch, so a batch needs at least 2 of them; "
            f"the batch size is {recipe.batch_size}."
        )
    measure = _Measure(loss_row, loss_function, task, outputs)
    progress = Progress()
    losses: list[Tensor] = []
    seen: deque[tuple[Tensor, Tensor]] = deque(maxlen=_KEPT_BATCHES)
    clock = time.perf_counter
    due, score_due = clock() + FIRST_TICK, 0.0

    def tick(done: bool) -> bool:
        nonlocal due, score_due
        _note_losses(progress, losses, recipe)
        losses.clear()
        if seen:  # how well the model does on what passes, dropout and batch norm at work
            out, rows = (torch.cat(parts) for parts in zip(*seen, strict=True))
            progress.note("train", measure.scores(out, data.y.index_select(0, rows)))
        start = clock()
        if done or start >= score_due:
            progress.note("validation", measure(model, data.x_validation, data.y_validation))
            score_due = clock() + _SCORING_SHARE * (clock() - start)
        progress.done = done
        going_on = on_tick(progress)
        progress.measured.clear()
        due = clock() + SHORTEST_TICK
        return going_on

    model.train()
    for epoch in range(recipe.epochs):
        done_before = progress.step
        for rows in _batches(count, recipe.batch_size, order, needs_two):
            rows = rows.to(data.x.device)
            out = model(data.x.index_select(0, rows))
            loss = loss_function(out, target.index_select(0, rows))
            torch.autograd.backward(loss)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            seen.append((out.detach(), rows))
            progress.step += 1
            if clock() >= due:
                in_epoch = (progress.step - done_before) * recipe.batch_size / count
                progress.epoch = epoch + min(1.0, in_epoch)
                if not tick(done=False):
                    return progress
        progress.epoch = float(epoch + 1)
    tick(done=True)
    return progress


def _batches(count: int, size: int, order: torch.Generator, needs_two: bool) -> Iterator[Tensor]:
    parts = torch.split(torch.randperm(count, generator=order), size)
    # A last batch of one sample has no spread for batch norm to divide by.
    yield from parts[:-1] if needs_two and len(parts[-1]) == 1 else parts


def _outputs(model: nn.Module, x: Tensor) -> int:
    was = model.training
    model.eval()
    with torch.no_grad():
        found = model(x[:1])
    model.train(was)
    return int(found.shape[1]) if found.dim() > 1 else 1


def _note_losses(progress: Progress, losses: list[Tensor], recipe: Recipe) -> None:
    """Add the mean loss of the batches since the last tick; raise if one is no use any more."""
    if not losses:
        return
    values = torch.stack(losses).tolist()
    if progress.first_loss is None:
        progress.first_loss = values[0]
    for number, value in enumerate(values):
        became = _lost(value, progress.first_loss)
        if became:
            step = progress.step - len(values) + number + 1
            raise RunError(
                f"The loss became {became} at step {step}. A learning rate of {recipe.lr:g} "
                "may be too large; a tenth of it is worth a try."
            )
    progress.note("train", {"loss": sum(values) / len(values)})


def _lost(value: float, first: float) -> str:
    """Return what a loss has become if there is no coming back from it, else nothing.

    ReLUs that have all died can hold a loss at a number, and it is astronomical.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "infinite"
    beyond = value > _EXPLODED * max(1.0, first)
    return f"{value:.1e}, from {first:.3g} at the start," if beyond else ""


class _Measure:
    """Measures a model on samples."""

    def __init__(self, row: Loss, function: nn.Module, task: str, outputs: int) -> None:
        self.row, self.function, self.task, self.outputs = row, function, task, outputs

    @torch.no_grad()
    def __call__(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """Return loss and scores of a model in eval mode."""
        model.eval()
        out = predict(model, x)
        model.train()
        loss = float(self.function(out, self.row.prepare(y, self.outputs)))
        return {"loss": loss, **self.scores(out, y)}

    def scores(self, out: Tensor, y: Tensor) -> dict[str, float]:
        """Return the scores of outputs: accuracy, or R2 and the mean absolute error."""
        if self.task == "classification":
            return {"accuracy": accuracy(out, y)}
        return {"R2": r_squared(out, y), "MAE": float((out - y).abs().mean())}


@torch.no_grad()
def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Return a model's outputs for many samples, a thousand at a time; it is in eval mode."""
    return torch.cat([model(part) for part in torch.split(x, _SCORED_BATCH)])


def accuracy(out: Tensor, y: Tensor) -> float:
    """Return the share of samples whose class is right.

    A single output says yes above 0, as its sigmoid does above one half.
    """
    chosen = (out.squeeze(1) > 0).long() if out.shape[1] == 1 else out.argmax(dim=1)
    return float((chosen == y).float().mean())


def r_squared(out: Tensor, y: Tensor) -> float:
    """Return the coefficient of determination: 1 is perfect, 0 as good as the mean."""
    residual = float(((y - out) ** 2).sum())
    spread = float(((y - y.mean()) ** 2).sum())
    return 1.0 - residual / spread if spread else 0.0
