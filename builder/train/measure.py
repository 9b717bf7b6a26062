"""What is measured of a model while it trains: the loss of what passes, and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from builder.errors import RunError
from builder.train.losses import Loss
from builder.train.metrics import accuracy, metrics_of, r_squared, scores

__all__ = ["Measure", "Measured", "Passing", "accuracy", "predict", "r_squared"]

Measured: TypeAlias = tuple[int, float, str, str, float]  # step, epoch, split, metric, value

_SCORED_BATCH = 1024
_LOSS_POINTS = 1000  # of a run, or up to twice as many
_SCORE_POINTS = 200
_EXPLODED = 1e6


class Measure:
    """Measures a model on samples.

    Args:
        row, function: the loss, and the loss made.
        task: `classification` or `regression`.
        outputs: number of outputs of the model.
    """

    def __init__(self, row: Loss, function: nn.Module, task: str, outputs: int) -> None:
        self.row, self.function, self.task, self.outputs = row, function, task, outputs
        self._cheap = metrics_of(task, cheap=True)

    @torch.no_grad()
    def __call__(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """Return the loss of a model in eval mode, and the scores that cost next to nothing."""
        out = self._answers(model, x)
        loss = float(self.function(out, self.row.prepare(y, self.outputs)))
        return {"loss": loss, **self.scores(out, y)}

    def rest(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """Return the scores that cost more; all that fit the task are in `METRICS`."""
        rest = [name for name in metrics_of(self.task) if name not in self._cheap]
        return scores(rest, self._answers(model, x), y)

    def scores(self, out: Tensor, y: Tensor) -> dict[str, float]:
        """Return the scores of outputs that cost next to nothing."""
        return scores(self._cheap, out, y)

    @torch.no_grad()
    def _answers(self, model: nn.Module, x: Tensor) -> Tensor:
        model.eval()
        out = predict(model, x)
        model.train()
        return out


class Passing:
    """The loss and the scores of the batches as they pass.

    Where its points lie follows from the length of the run alone, so that the same run draws the
    same curve: the loss is a mean over `window` batches, scores are of every `stride`th batch.
    What passes is kept as tensors and read by the clock: to read each loss would stop the loop.
    """

    def __init__(self, measure: Measure, y: Tensor, epochs: int, batches: int) -> None:
        total = epochs * batches
        self.measure, self.y, self.batches = measure, y, batches
        self.window = max(1, total // _LOSS_POINTS)
        self.stride = max(1, total // _SCORE_POINTS)
        self.first_loss: float | None = None
        self.step = 0
        self._losses: list[Tensor] = []
        self._scored: list[tuple[int, Tensor, Tensor]] = []
        self._sum = 0.0

    def saw(self, loss: Tensor, out: Tensor, rows: Tensor) -> None:
        """Take note of a batch: its loss, the outputs, and which samples they are of."""
        self._losses.append(loss.detach())
        step = self.step + len(self._losses)
        if step % self.stride == 0:
            self._scored.append((step, out.detach(), rows))

    def read(self) -> list[Measured]:
        """Return what has been measured since it was last read.

        Raises:
            RunError: a loss became NaN or infinite, or so large that nothing comes back from it.
        """
        found: list[Measured] = []
        values = torch.stack(self._losses).tolist() if self._losses else []
        self._losses.clear()
        for value in values:
            self.step += 1
            if self.first_loss is None:
                self.first_loss = value
            became = _lost(value, self.first_loss)
            if became:
                raise RunError(f"The loss became {became} at step {self.step}.")
            self._sum += value
            if self.step % self.window == 0:
                found.append(self._point(self.step, "loss", self._sum / self.window))
                self._sum = 0.0
        for step, out, rows in self._scored:
            scores = self.measure.scores(out.float(), self.y.index_select(0, rows))
            found += [self._point(step, name, value) for name, value in scores.items()]
        self._scored.clear()
        return found

    def _point(self, step: int, metric: str, value: float) -> Measured:
        return step, step / self.batches, "train", metric, value

    def state(self) -> dict[str, Any]:
        """Return where it stands, all that passed having been read."""
        return {"step": self.step, "sum": self._sum, "first_loss": self.first_loss}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where it stood."""
        self.step, self._sum, self.first_loss = state["step"], state["sum"], state["first_loss"]
        self._losses.clear()
        self._scored.clear()


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


@torch.no_grad()
def outputs_of(model: nn.Module, x: Tensor) -> int:
    """Return how many outputs a model has for a sample: one where it gives a bare number."""
    was = model.training
    found: Tensor = model.eval()(x[:1])
    model.train(was)
    return int(found.shape[1]) if found.dim() > 1 else 1


@torch.no_grad()
def predict(model: nn.Module, x: Tensor) -> Tensor:
    """Return a model's outputs for many samples, a thousand at a time; it is in eval mode."""
    return torch.cat([model(part) for part in torch.split(x, _SCORED_BATCH)])
