"""Whether a model can learn 20 samples by heart: if not, more data and more time will not help."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from builder.build import build
from builder.data import Samples
from builder.errors import BuilderError
from builder.spec import ModelSpec
from builder.train.doctor import cures
from builder.train.doctor.case import Before
from builder.train.doctor.notes import Finding, Fix, Note, Rule, follow
from builder.train.measure import accuracy, r_squared
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe
from builder.train.trial import Trial, own_randomness

COUNT = 20
STEPS = 1000  # the starting points take 30 to 400 at the rates they start with
SECONDS = 3.0
LEARNED = {"classification": 0.94, "regression": 0.9}  # one of 20 may be wrong; R2
SCORE = {"classification": "accuracy", "regression": "R2"}
_GRACE = 10  # steps it must stay learned, so that no lucky batch counts
_FAR = 3.0  # times another rate, to be worth a try of the usual one


@dataclass(frozen=True)
class Overfit:
    """How the learning of a few samples went.

    Args:
        losses, scores: before each step; the score is the accuracy, or R2.
        learned: whether the score got where it must.
        task: of the samples.
        helped: what was tried where it failed, and then it learned.
        notes: what follows from it.
    """

    losses: tuple[float, ...]
    scores: tuple[float, ...]
    learned: bool
    task: str
    helped: tuple[Fix, ...] = ()
    notes: tuple[Note, ...] = ()


def overfit_check(
    spec: ModelSpec,
    samples: Samples,
    recipe: Recipe,
    *,
    steps: int = STEPS,
    seconds: float = SECONDS,
) -> Overfit:
    """Train a model on 20 samples for a moment and say whether it learns them by heart.

    Dropout and penalties rest meanwhile. The weights start as in the run itself; all random states
    stay as they were. Where it fails, other rates and a larger model are tried in as much time
    again: those that learn the samples are the note's fixes.

    Raises:
        ModelError: the model cannot run.
        RunError: it has nothing to learn, or the loss cannot take what it gives.
    """
    found = _try(spec, samples, recipe, steps, seconds)
    if found.learned:
        return found
    results, helped = [(spec, recipe)], []
    candidates = tuple(_candidates(recipe))
    for fix in candidates:
        try:
            after = fix.apply(spec, recipe)
            if after in results:
                continue
            results.append(after)
            if _try(after[0], samples, after[1], steps, seconds / len(candidates)).learned:
                helped.append(fix)
        except BuilderError:
            continue
    found = replace(found, helped=tuple(helped))
    return replace(found, notes=follow(OVERFIT, found))


def _try(spec: ModelSpec, samples: Samples, recipe: Recipe, steps: int, seconds: float) -> Overfit:
    recipe = replace(recipe, device="cpu")
    x, y = (part[:COUNT] for part in Before(spec, samples, recipe).seen)
    rows, began = torch.arange(len(x)), time.perf_counter()
    losses: list[float] = []
    scores: list[float] = []
    task, kept = samples.task, 0
    with own_randomness(recipe.seed):
        trial = Trial(build(spec), x, y, recipe)
        for module in trial.model.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.eval()
        while len(losses) < steps and time.perf_counter() - began < seconds:
            loss, out = trial.step(rows)
            if not math.isfinite(loss):
                break
            losses.append(loss)
            scores.append(accuracy(out, y) if task == "classification" else r_squared(out, y))
            kept = kept + 1 if scores[-1] >= LEARNED[task] else 0
            if kept >= _GRACE:
                break
    return Overfit(tuple(losses), tuple(scores), kept >= _GRACE, task)


def _candidates(recipe: Recipe) -> Iterator[Fix]:
    usual, rate = OPTIMIZERS[recipe.optimizer].lr, cures.highest_rate(recipe)
    if not usual / _FAR <= rate <= usual * _FAR:
        yield cures.rate_fix(usual)
    yield cures.rate_fix(rate * 10)
    yield cures.rate_fix(rate / 10)
    yield cures.NORMS
    yield cures.NORMED_RELUS
    yield cures.HIDDEN


def _no_learning(found: Overfit) -> Iterator[Finding]:
    if found.learned:
        return
    if not found.losses:
        numbers = "The loss was no number from the first step on."
    else:
        best = max(found.scores)
        numbers = (
            f"After {len(found.losses)} steps on the same {COUNT} samples the loss went from "
            f"{found.losses[0]:.3g} to {found.losses[-1]:.3g}, and the best {SCORE[found.task]} is "
            f"{best:.2f}; a model that can learn them comes to {LEARNED[found.task]:.2f}."
        )
    tried = "" if found.helped else " Neither other rates nor a hidden layer more have helped."
    title = f"It does not learn {COUNT} samples by heart"
    yield Finding("warning", title, numbers + tried, found.helped)


OVERFIT: tuple[Rule[Overfit], ...] = (
    Rule(
        "no learning",
        "What cannot learn a handful of samples has a fault in the model, the loss or the rate.",
        _no_learning,
    ),
)
