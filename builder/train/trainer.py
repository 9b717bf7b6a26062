"""A model and all that changes while it trains: a batch at a time, exactly resumable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder.data import augment
from builder.errors import RunError
from builder.train import schedules
from builder.train.data import Data
from builder.train.losses import LOSSES
from builder.train.measure import Measure, Measured, Passing, outputs_of
from builder.train.one_step import OneStep
from builder.train.optimizers import OPTIMIZERS
from builder.train.randomness import random_state, restore_random_state
from builder.train.recipe import Recipe

_PICTURES = 4  # axes of a batch of them
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass
class Best:
    """The weights with the lowest validation loss so far."""

    loss: float = math.inf
    step: int = 0
    weights: dict[str, Tensor] | None = None


class Trainer:
    """A model, its data, and all that changes while it trains: a batch at a time.

    `state` holds all of it, so that a trainer that is given it back goes on as if it had never
    stopped: on the CPU, with as many threads, to the bit.

    Args:
        model: on the recipe's device, its weights as they should start.
        data: on the same device.
        task: `classification` or `regression`.

    Attributes:
        step: batches done.
        measured: what has been measured and not been taken yet.
        ended: why it is over before its epochs are, in words.
        kept: the weights at the ends of the epochs that the recipe chose, until they are taken.

    Raises:
        RunError: a batch is too small for the model, or the model has nothing to learn.
    """

    def __init__(self, model: nn.Module, data: Data, recipe: Recipe, *, task: str) -> None:
        self.model, self.data, self.recipe = model, data, recipe
        if data.x.dim() == _PICTURES:  # the layout that convolutions are fastest in
            model.to(memory_format=torch.channels_last)
            self.data = data = data.channels_last()
        row = LOSSES[recipe.loss]
        outputs = outputs_of(model, data.x)
        self.function = row.make(recipe.loss_args, data.y, outputs).to(data.x.device)
        self.target = row.prepare(data.y, outputs)
        self.measure = Measure(row, self.function, task, outputs)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise RunError(
                "There is nothing to learn: the model has no parameters, or all of them are "
                "frozen. A Linear or Conv2d layer that is not frozen learns."
            )
        self.optimizer = recipe.make_optimizer(model)
        self._closure = OPTIMIZERS[recipe.optimizer].closure
        self.batches = self._count_batches()
        self.passing = Passing(self.measure, data.y, recipe.epochs, self.batches)
        steps = -(-self.batches // recipe.accumulate)
        total = recipe.epochs * (steps if recipe.schedule_by == "step" else 1)
        self.scheduler = schedules.make(recipe.schedule, self.optimizer, total)
        self._augment = augment.make(recipe.augment, tuple(data.x.shape[1:]))
        self._lowered = _DTYPES.get(recipe.precision)
        self._scaler = torch.amp.GradScaler(
            recipe.device, enabled=recipe.precision == "float16" and recipe.device == "cuda"
        )
        self._scaled = self._scaler.is_enabled()
        self._order = torch.Generator().manual_seed(recipe.seed)
        self._permutation = torch.empty(0, dtype=torch.int64)
        self._parts: tuple[Tensor, ...] = ()
        self.position = 0
        self.step = 0
        self.best = Best()
        self.seconds = 0.0
        self.ended = ""
        self.kept: dict[int, dict[str, Tensor]] = {}
        self.measured: list[Measured] = []
        self._lowest = math.inf, 0
        self._look = False

    def _count_batches(self) -> int:
        count, size = len(self.data.x), self.recipe.batch_size
        self._needs_two = any(
            isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.model.modules()
        )
        if self._needs_two and min(size, count) < 2:
            raise RunError(
                "Batch norm compares the samples of a batch, so a batch needs at least 2 of them; "
                f"the batch size is {size}."
            )
        # A last batch of one sample has no spread for batch norm to divide by.
        return count // size if self._needs_two and count % size == 1 else -(-count // size)

    @property
    def epoch(self) -> float:
        """Passes over the data done, with the fraction of the one under way."""
        return self.step / self.batches

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.ended) or self.step >= self.recipe.epochs * self.batches

    # a batch

    def batch(self) -> None:
        """Train on the next batch."""
        if self.position == len(self._parts):
            self._shuffle(torch.randperm(len(self.data.x), generator=self._order))
        rows = self._parts[self.position]
        self.position += 1
        if self._permutation.device != self.data.x.device:
            rows = rows.to(self.data.x.device)
        x, y = self.data.x.index_select(0, rows), self.target.index_select(0, rows)
        if self._augment is not None:
            x = self._augment(x)
        if self._closure:
            out, loss = self._step_by_closure(x, y)
        else:
            out, loss = self._forward(x, y)
            objective = loss if not self._penalised else loss + self._penalty()
            size = self._accumulated()
            if size > 1:
                objective = objective / size
            torch.autograd.backward(self._scaler.scale(objective) if self._scaled else objective)
            if self._complete:
                self._step()
        self.step += 1
        self.passing.saw(loss, out, rows)
        if self.position == self.batches:
            self._end_epoch()

    def _shuffle(self, permutation: Tensor) -> None:
        self._permutation = permutation
        self._parts = torch.split(permutation, self.recipe.batch_size)[: self.batches]
        self.position = 0

    def _forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if self._lowered is None:
            out = self.model(x)
            return out, self.function(out, y)
        with torch.autocast(self.recipe.device, self._lowered):
            out = self.model(x)
        out = out.float()
        return out, self.function(out, y)

    @property
    def _penalised(self) -> bool:
        return bool(self.recipe.l1 or self.recipe.l2)

    def _penalty(self) -> Tensor:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        total = torch.zeros((), device=self.data.x.device)
        if self.recipe.l1:
            total = total + self.recipe.l1 * sum(p.abs().sum() for p in trained)
        if self.recipe.l2:
            total = total + self.recipe.l2 / 2 * sum(p.square().sum() for p in trained)
        return total

    @property
    def _complete(self) -> bool:
        """Whether the gradients of a step have come together; an epoch ends with a step."""
        return self.position % self.recipe.accumulate == 0 or self.position == self.batches

    def _accumulated(self) -> int:
        """Return how many batches make the step that this one is part of."""
        whole = self.recipe.accumulate
        tail = self.batches % whole
        return tail if self.position > self.batches - tail else whole

    def _step(self) -> None:
        if self._scaled:
            self._scaler.unscale_(self.optimizer)
        self._clip()
        looked = OneStep(self.model, self.optimizer) if self._look else None
        if self._scaled:
            self._scaler.step(self.optimizer)
            self._scaler.update()
        else:
            self.optimizer.step()
        self._stepped(looked)

    def _step_by_closure(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Let the optimizer ask for the loss of one batch as often as it likes."""
        first: list[tuple[Tensor, Tensor]] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad(set_to_none=True)
            out, loss = self._forward(x, y)
            first.append((out, loss)) if not first else None
            objective = loss + self._penalty() if self._penalised else loss
            torch.autograd.backward(objective)
            self._clip()
            return objective

        looked = OneStep(self.model, self.optimizer, gradients=False) if self._look else None
        self.optimizer.step(closure)  # type: ignore[arg-type]
        self._stepped(looked)
        return first[0]

    def _clip(self) -> None:
        if self.recipe.clip_value is not None:
            nn.utils.clip_grad_value_(self.model.parameters(), self.recipe.clip_value)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)

    def _stepped(self, looked: OneStep | None) -> None:
        if looked is not None:
            self._note(looked.after())
            self._look = False
        self.optimizer.zero_grad(set_to_none=True)
        if self.scheduler is not None and self.recipe.schedule_by == "step":
            self.scheduler.step()

    def _end_epoch(self) -> None:
        """Do what is due between two passes over the data."""
        epoch = self.step // self.batches
        if epoch in self.recipe.keep_epochs:
            self.kept[epoch] = self._weights()
        plateau = self.scheduler is not None and self.scheduler.wants_metric
        loss = self.validate() if plateau or self.recipe.patience is not None else None
        if self.scheduler is not None and self.recipe.schedule_by == "epoch":
            self._note(self._rates())  # those of the epoch that ends
            self.scheduler.step(loss)
            self._note(self._rates())
        if self.recipe.patience is not None and loss is not None:
            # Of the ends of epochs alone: what the clock scores between them is left to chance.
            lowest, since = self._lowest
            if loss < lowest:
                self._lowest = loss, epoch
            elif epoch - since >= self.recipe.patience:
                self.ended = (
                    f"Stopped early: the validation loss has not fallen below {lowest:.4g}, "
                    f"of epoch {since}, for {epoch - since} epochs."
                )

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    # measuring

    def _note(self, values: Iterable[tuple[str, str, float]]) -> None:
        self.measured += [
            (self.step, self.epoch, split, metric, value) for split, metric, value in values
        ]

    def look(self) -> None:
        """Take the norms of the gradients, and how far the weights go, of the next step."""
        self._look = True

    def _rates(self) -> Iterator[tuple[str, str, float]]:
        for group in self.optimizer.param_groups:
            yield f"group:{group['name']}", "lr", float(group["lr"])

    def validate(self) -> float:
        """Score the validation samples, remember the best weights, and return the loss."""
        scores = self.measure(self.model, self.data.x_validation, self.data.y_validation)
        self._note(("validation", name, value) for name, value in scores.items())
        loss = scores["loss"]
        if loss < self.best.loss:
            weights = None
            if self.recipe.keep_best:
                weights = self._weights()
            self.best = Best(loss, self.step, weights)
        return loss

    def score(self) -> None:
        """Score the validation samples by what `validate` leaves out for its cost."""
        scores = self.measure.rest(self.model, self.data.x_validation, self.data.y_validation)
        self._note(("validation", name, value) for name, value in scores.items())

    def take(self) -> list[Measured]:
        """Return what has been measured since the last time.

        Raises:
            RunError: the loss is no use any more.
        """
        try:
            passed = self.passing.read()
        except RunError as error:
            raise RunError(
                f"{error.message} A learning rate of {self._largest_rate():g} may be too large; "
                "a tenth of it is worth a try."
            ) from None
        self._note(self._rates())
        found, self.measured = sorted([*passed, *self.measured], key=lambda m: m[0]), []
        return found

    def _largest_rate(self) -> float:
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    # what a person may do to it while it goes on

    def set_rate(self, lr: float, group: str | None = None) -> None:
        """Set the learning rate of a group, or of all; a schedule goes on from there."""
        schedules.set_rate(self.scheduler, self.optimizer, lr, self._groups(group))

    def scale_rate(self, factor: float, group: str | None = None) -> None:
        """Multiply the learning rate of a group, or of all; a schedule goes on from there."""
        schedules.scale(self.scheduler, self.optimizer, factor, self._groups(group))

    def freeze(self, group: str, frozen: bool = True) -> None:
        """Leave the parameters of a group as they are from now on, or let them learn again.

        Raises:
            RunError: there would be nothing left to learn, or there is no such group.
        """
        (chosen,) = self._groups(group)
        mine = self.optimizer.param_groups[chosen]["params"]
        ours = {id(parameter) for parameter in mine}
        others = (p for p in self.model.parameters() if id(p) not in ours)
        if frozen and not any(parameter.requires_grad for parameter in others):
            raise RunError(f"{group} is all that learns; with it frozen nothing would.")
        for parameter in mine:
            parameter.requires_grad_(not frozen)
            parameter.grad = None

    def frozen(self) -> list[str]:
        """Return the names of the groups that are left as they are."""
        return [
            str(group["name"])
            for group in self.optimizer.param_groups
            if group["params"] and not any(p.requires_grad for p in group["params"])
        ]

    def _groups(self, name: str | None) -> list[int]:
        groups = self.optimizer.param_groups
        found = [number for number, group in enumerate(groups) if name in (None, group["name"])]
        if not found:
            names = ", ".join(str(group["name"]) for group in groups)
            raise RunError(f"There is no group {name!r} in this run; there are {names}.")
        return found

    # going on later

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on, of plain values and tensors.

        The losses that passed must have been taken.
        """
        grads = {n: p.grad for n, p in self.model.named_parameters() if p.grad is not None}
        return {
            "step": self.step,
            "position": self.position,
            "permutation": self._permutation,
            "order": self._order.get_state(),
            "random": random_state(self.recipe.device),
            "model": self.model.state_dict(),
            "gradients": grads,
            "frozen": [n for n, p in self.model.named_parameters() if not p.requires_grad],
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "scaler": self._scaler.state_dict(),
            "passing": self.passing.state(),
            "best": vars(self.best),
            "lowest": self._lowest,
            "seconds": self.seconds,
            "ended": self.ended,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.model.load_state_dict(state["model"])
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name not in state["frozen"])
            parameter.grad = state["gradients"].get(name)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self._scaler.load_state_dict(state["scaler"])
        self.passing.restore(state["passing"])
        self._order.set_state(state["order"])
        if len(state["permutation"]):
            self._shuffle(state["permutation"])
        self.position, self.step = state["position"], state["step"]
        self.best, self._lowest = Best(**state["best"]), tuple(state["lowest"])
        self.seconds, self.ended = state["seconds"], state["ended"]
        restore_random_state(state["random"], self.recipe.device)
