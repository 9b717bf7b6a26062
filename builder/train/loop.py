"""The training loop: tensors in memory, as fast as a plain loop, measured by the clock.

Nothing is measured at every step that would cost the loop its speed: losses and outputs are kept
as tensors and read by the clock; norms of gradients and sizes of steps are taken of one step
between two looks; scoring the validation samples, best at the end of an epoch, takes a fortieth of
the time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from builder.train.data import Data
from builder.train.measure import Measured
from builder.train.recipe import Recipe
from builder.train.trainer import Trainer

FIRST_TICK, SHORTEST_TICK = 0.05, 0.5
_SCORING_SHARE = 40  # times as long as it takes, scoring waits for the next
_SCORED_EPOCHS = 500  # of a run, at most
_COLD = 0.03  # seconds: what scores so fast the first time does it much faster once it is warm
# Of the scores that cost more: not at once, for the first point would wait for scikit-learn.
_FIRST_SCORES, _REST_SHARE, _LONGEST = 1.0, 60, 30.0


@dataclass
class Progress:
    """Where a run stands, handed to `on_tick`, which may ask for the next look.

    Args:
        step, epoch: batches done, and passes over the data with a fraction.
        measured: what has been measured since the last tick.
        done: whether this is the last tick.
        look_at: the step after which to look again, if the clock does not call before.
    """

    step: int = 0
    epoch: float = 0.0
    measured: list[Measured] = field(default_factory=list)
    done: bool = False
    look_at: float = math.inf


def run(trainer: Trainer, on_tick: Callable[[Progress], bool]) -> Progress:
    """Train until the recipe's epochs are done or `on_tick` returns false.

    Args:
        on_tick: called by the clock, first after 50 ms, then at most twice a second, at each of
            the recipe's checkpoints, and once at the end.

    Raises:
        RunError: the loss became NaN or infinite.
    """
    clock = time.perf_counter
    progress = Progress(trainer.step, trainer.epoch)
    every = trainer.recipe.checkpoint_every or 0
    scored = trainer.batches * max(1, trainer.recipe.epochs // _SCORED_EPOCHS)
    limit = (trainer.recipe.minutes or math.inf) * 60
    due, began = clock() + FIRST_TICK, clock()
    score_due, score_takes = 0.0 if trainer.step == 0 else due, math.inf
    rest_due = began + _FIRST_SCORES

    def score() -> None:
        nonlocal score_due, score_takes
        start = clock()
        trainer.validate()
        # The first time takes longer than any other; so does one while the machine is busy.
        first, score_takes = score_takes == math.inf, min(score_takes, clock() - start)
        wait = 0.0 if first and score_takes < _COLD else _SCORING_SHARE * score_takes
        score_due = clock() + wait

    def tick() -> bool:
        nonlocal due, rest_due, began
        start = clock()
        trainer.seconds, began = trainer.seconds + start - began, start
        if trainer.seconds > limit:
            trainer.ended = f"Stopped after the {trainer.recipe.minutes:g} minutes it was given."
        progress.done = trainer.over
        if progress.done or start >= score_due:
            score()
        if progress.done or clock() >= rest_due:
            before = clock()
            trainer.score()
            rest_due = clock() + min(_REST_SHARE * (clock() - before), _LONGEST)
        progress.step, progress.epoch = trainer.step, trainer.epoch
        progress.measured = trainer.take()
        going_on = on_tick(progress)
        trainer.look()
        due = clock() + SHORTEST_TICK
        began = clock() if progress.look_at < math.inf else began  # a pause is no training
        return going_on and not progress.done

    trainer.model.train()
    if not tick():  # a run may be wanted to stand still before its first batch
        return progress
    while not trainer.over:
        trainer.batch()
        if trainer.step % scored == 0 and not trainer.over and clock() >= score_due:
            score()
        if (
            (
                clock() >= due
                or trainer.step >= progress.look_at
                or (every and trainer.step % every == 0)
            )
            and not trainer.over
            and not tick()
        ):
            return progress
    tick()
    return progress


def train(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    task: str,
    on_tick: Callable[[Progress], bool] = lambda _: True,
) -> Progress:
    """Train a model by a recipe from its start; see `Trainer` and `run`."""
    return run(Trainer(model, data, recipe, task=task), on_tick)
