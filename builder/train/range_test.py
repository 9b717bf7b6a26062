"""The learning-rate range test: train for a moment while the rate grows, and see where it learns.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3. The
rate grows by the same factor from batch to batch, as fastai's `lr_find` has it, which also gave the
smoothing and the point at which it stops.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor, nn

from builder.errors import RecipeError, RunError
from builder.train.loop import Data, predict
from builder.train.losses import LOSSES
from builder.train.recipe import Recipe

LOW, HIGH, STEPS = 1e-7, 10.0, 100
_SMOOTHING = 0.9  # of 100 losses about the last 10 count; fastai's 0.98 lags by half the curve
_DIVERGED = 4.0  # times the best smoothed loss, as in fastai
_FEWEST = 8  # a slope through fewer losses is noise
_LEARNED = 0.02  # of the first loss: a smaller fall than this is noise
_TENTH = 0.1
_READABLE = (1, 2, 3, 5)


@dataclass(frozen=True)
class RangeTest:
    """What a range test measured.

    Args:
        rates: learning rate of each step, the recipe's own; those of its groups keep their ratio.
        losses: loss of each batch, before its step.
        smoothed: the exponential mean of `losses`, corrected for its start.
        suggested: a rate to train with, `None` where the loss never fell.
        why: how it was found, in a sentence.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float | None
    why: str


def range_test(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    low: float = LOW,
    high: float = HIGH,
    steps: int = STEPS,
    seconds: float = math.inf,
) -> RangeTest:
    """Train a copy of a model while the learning rate grows from `low` to `high`.

    It ends early where the loss has become four times the best or no number at all, and when the
    time is up. The model itself and all random states stay as they were.

    Args:
        model: on the device of the data.
        data: what the recipe trains on.
        recipe: its loss, optimizer, groups, batch size and seed are used; its schedule is not.
        seconds: after which it ends, with what it has.

    Raises:
        RecipeError: the optimizer chooses the length of its steps itself, or the range is none.
        RunError: the model has nothing to learn.
    """
    _check(recipe, low, high, steps)
    recipe = replace(recipe, lr=recipe.lr or 1.0)
    began = time.perf_counter()
    rates: list[float] = []
    losses: list[float] = []
    devices = [data.x.device] if data.x.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(recipe.seed)
        learner = copy.deepcopy(model)
        for rate, loss in _train(learner, data, recipe, _growing(low, high, steps)):
            rates.append(rate)
            losses.append(loss)
            if _diverged(losses) or time.perf_counter() - began > seconds:
                break
    usable = [value for value in losses if math.isfinite(value)]
    smoothed = smooth(usable)
    rates = rates[: len(usable)]
    suggested, why = suggest(rates, smoothed)
    return RangeTest(tuple(rates), tuple(usable), tuple(smoothed), suggested, why)


def smooth(losses: list[float]) -> list[float]:
    """Return the exponential mean of losses, each divided by the weight it has so far."""
    mean, found = 0.0, []
    for number, loss in enumerate(losses, 1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        found.append(mean / (1 - _SMOOTHING**number))
    return found


def suggest(rates: list[float], smoothed: list[float]) -> tuple[float | None, str]:
    """Return a rate to train with and why: where the smoothed loss falls most steeply.

    The slope is taken over the logarithm of the rate, before the lowest point. No more than a
    tenth of the rate at that point is suggested: there it is about to rise again.
    """
    if len(smoothed) < _FEWEST:
        return None, (
            f"The loss was lost after {len(smoothed)} batches, too few to see a fall. "
            "A range that begins lower may show one."
        )
    bottom = min(range(len(smoothed)), key=smoothed.__getitem__)
    start = fmean(smoothed[:_FEWEST])  # a single batch may be an easy one
    least = _LEARNED * max(abs(start), 1e-12)
    if bottom < 2 or start - smoothed[bottom] < least:
        turn = _turn(smoothed, start + least)
        if turn is None:
            return None, (
                "The loss neither fell nor rose at any of these rates, so none can be suggested. "
                "The doctor may say why."
            )
        return readable(rates[turn] * _TENTH), (
            f"The loss did not fall within {len(smoothed)} batches; it rises from "
            f"{rates[turn]:.1e} on, and a tenth of that is a careful start. More batches may show "
            "where it falls."
        )
    slopes = [(smoothed[i + 1] - smoothed[i - 1]) / 2 for i in range(1, bottom)]
    steepest = rates[1 + min(range(len(slopes)), key=slopes.__getitem__)]
    limit = rates[bottom] * _TENTH
    if steepest <= limit:
        return readable(steepest), (
            f"The smoothed loss falls most steeply at {steepest:.1e}; "
            f"it is lowest at {rates[bottom]:.1e}."
        )
    return readable(limit), (
        f"The smoothed loss is lowest at {rates[bottom]:.1e} and about to rise; a tenth of that "
        "rate is still on its slope."
    )


def _turn(smoothed: list[float], above: float) -> int | None:
    """Return where the losses first rise above a level."""
    return next((place for place, loss in enumerate(smoothed) if loss > above), None)


def readable(rate: float) -> float:
    """Return the number nearest to a rate, by ratio, of those that begin with 1, 2, 3 or 5."""
    power = math.floor(math.log10(rate))
    known = [float(f"{lead}e{exponent}") for exponent in (power, power + 1) for lead in _READABLE]
    return min(known, key=lambda value: abs(math.log(value / rate)))


def _check(recipe: Recipe, low: float, high: float, steps: int) -> None:
    if recipe.optimizer == "LBFGS":
        raise RecipeError(
            "LBFGS searches along each step for its length and needs the whole batch again for "
            "that, so a growing rate says nothing about it; its rate of 1 is the usual one."
        )
    if not (0 < low < high and steps >= _FEWEST):
        raise RecipeError(
            f"A range from {low:g} to {high:g} in {steps} steps is none; the rate grows from a "
            f"number above 0 to a larger one in {_FEWEST} steps or more."
        )


def _growing(low: float, high: float, steps: int) -> Iterator[float]:
    for step in range(steps):
        yield float(low * (high / low) ** (step / (steps - 1)))


def _train(
    model: nn.Module, data: Data, recipe: Recipe, rates: Iterator[float]
) -> Iterator[tuple[float, float]]:
    """Take a step at each rate; yields the rate and the loss before the step."""
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise RunError("There is nothing to learn: every parameter is frozen, or there is none.")
    row = LOSSES[recipe.loss]
    function = row.make()
    model.eval()
    out = predict(model, data.x[:1])
    target = row.prepare(data.y, out.shape[1] if out.dim() > 1 else 1)
    optimizer = recipe.make_optimizer(model)
    shares = [group["lr"] / recipe.lr for group in optimizer.param_groups]
    model.train()
    for rate, rows in zip(rates, _batches(data.x, recipe), strict=False):
        for group, share in zip(optimizer.param_groups, shares, strict=True):
            group["lr"] = rate * share
        loss = function(model(data.x.index_select(0, rows)), target.index_select(0, rows))
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield rate, float(loss.detach())


def _batches(x: Tensor, recipe: Recipe) -> Iterator[Tensor]:
    """Yield row numbers of whole batches without end, in the order of the recipe's seed."""
    order = torch.Generator().manual_seed(recipe.seed)
    size = min(recipe.batch_size, len(x))
    while True:
        for rows in torch.split(torch.randperm(len(x), generator=order), size):
            if len(rows) == size:
                yield rows.to(x.device)


def _diverged(losses: list[float]) -> bool:
    if not math.isfinite(losses[-1]):
        return True
    smoothed = smooth(losses)
    return len(losses) >= _FEWEST and smoothed[-1] > _DIVERGED * min(smoothed)
