"""The learning-rate range test: train for a moment while the rate grows, and see where it learns.

L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3. The
rate grows by the same factor from batch to batch, as fastai's `lr_find` has it, which also gave the
smoothing and the point at which it stops.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean

from torch import nn

from builder.errors import RecipeError
from builder.train.data import Data
from builder.train.recipe import Recipe
from builder.train.trial import Trial, batches, own_randomness

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
    on_step: Callable[[float, float], object] = lambda share, rate: None,
) -> RangeTest:
    """Train a copy of a model while the learning rate grows from `low` to `high`.

    It ends early where the loss has become four times the best or no number at all. Where the time
    would not do for all steps, the rate grows faster, so that the whole range is seen. The model
    itself and all random states stay as they were.

    Args:
        model: on the device of the data.
        data: what the recipe trains on.
        recipe: its loss, optimizer, groups, batch size and seed are used; its schedule is not.
        seconds: within which it is to reach `high`.
        on_step: told the share of the steps that are done, and the rate of the next.

    Raises:
        RecipeError: the optimizer chooses the length of its steps itself, or the range is none.
        RunError: the model has nothing to learn, or a batch cannot be trained on.
    """
    _check(recipe, low, high, steps)
    recipe = replace(recipe, lr=recipe.lr or 1.0)
    began = time.perf_counter()
    rates: list[float] = []
    losses: list[float] = []
    device = data.x.device
    with own_randomness(recipe.seed, device):
        trial = Trial(copy.deepcopy(model), data.x, data.y, recipe)
        groups = trial.optimizer.param_groups
        shares = [group["lr"] / recipe.lr for group in groups]
        order = batches(len(data.x), recipe.batch_size, recipe.seed)
        way = 0.0  # from low to high, as a share of the logarithm
        while way <= 1:
            rate = float(low * (high / low) ** way)
            for group, share in zip(groups, shares, strict=True):
                group["lr"] = rate * share
            on_step(len(rates) / steps, rate)
            rates.append(rate)
            losses.append(trial.step(next(order).to(device))[0])
            spent = time.perf_counter() - began
            if _diverged(losses) or spent > seconds:
                break
            way = max(len(rates) / (steps - 1), spent / seconds)
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
            f"The loss of {len(smoothed)} batches only is known, too few to see a fall: it was "
            "lost at low rates already, or a batch takes too long."
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
    # Before the loss has left the level of its start, a slope is noise.
    begins = max(place for place in range(bottom) if smoothed[place] > start - least)
    slopes = {i: smoothed[i + 1] - smoothed[i - 1] for i in range(max(1, begins), bottom)}
    steepest = rates[min(slopes, key=slopes.__getitem__)]
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


def _diverged(losses: list[float]) -> bool:
    if not math.isfinite(losses[-1]):
        return True
    smoothed = smooth(losses)
    return len(losses) >= _FEWEST and smoothed[-1] > _DIVERGED * min(smoothed)
