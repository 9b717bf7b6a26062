"""Rules on the course of a run: what its curves say, while it goes on and after it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from builder.spec import ModelSpec
from builder.store import Point
from builder.train.doctor import cures
from builder.train.doctor.course import Course
from builder.train.doctor.notes import Finding, Fix, Note, Rule, follow, useful
from builder.train.doctor.one_batch import exploding, vanishing
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe

_USUAL_STEP = 3e-3  # |Δw|/|w| that a rate which was too low is raised to
_WORSE = 0.15  # share by which the validation loss must stand above its lowest
_WORSE_OF_START = 0.1  # and share of its first value: near 0, a ratio is noise
_LEFT = 0.2  # share of the first loss above which a standstill is worth a word
_STILL = 0.02  # share by which the loss fell from one third to the next, to stand still
_FEWEST_STILL = 1000  # steps
_THIRDS = 3  # parts of a run, of which the last two are compared


def watch(
    spec: ModelSpec, recipe: Recipe, points: Sequence[Point], message: str = ""
) -> tuple[Note, ...]:
    """Return what can be said of a run from what it recorded; a run just begun gets no notes.

    Fixes are for the next run: a note goes away with a run that has them.

    Args:
        spec, recipe: of the run.
        points: its measurements so far, in the order they were made.
        message: what it said at its end, if it ended badly.
    """
    notes = follow(DURING, Course(spec, recipe, points, message))
    return tuple(useful(note, spec, recipe) for note in notes)


def _rate_high(run: Course) -> Iterator[Finding]:
    if run.verdict not in ("lost", "high"):
        return
    rate = cures.highest_rate(run.recipe)
    usual = OPTIMIZERS[run.recipe.optimizer].lr
    lower = [usual] * (usual < rate / 10) + [rate / 10, rate / 100]
    fixes = (*map(cures.rate_fix, lower), cures.CLIP)
    if run.verdict == "lost":
        said = run.message.split(". ")[0].rstrip(".")
        yield Finding(
            "warning", "The loss exploded", f"{said}, at a learning rate of {rate:g}.", fixes
        )
        return
    epoch, peak = run.peak
    numbers = f"It was {run.start:.3g} at the start and is {run.end():.3g}"
    if peak > max(run.start, run.end()):
        numbers += f"; at epoch {epoch:.3g} it was {peak:.3g}"
    step = (
        f", and one step moved the weights by {_share(run.longest_step)} their size"
        if run.longest_step > _USUAL_STEP
        else ""
    )
    yield Finding(
        "warning",
        "The learning rate is too high",
        f"The loss does not settle at a rate of {rate:g}. {numbers}{step}.",
        fixes,
    )


def _share(size: float) -> str:
    return f"{size:.0%} of" if size < 1 else f"{size:.3g} times"


def _rate_low(run: Course) -> Iterator[Finding]:
    if run.verdict != "low":
        return
    rate, size = cures.highest_rate(run.recipe), run.longest_step
    fixes: tuple[Fix, ...] = ()
    if size > 0:
        fixes = (cures.rate_fix(rate * 10 ** math.ceil(math.log10(_USUAL_STEP / size))),)
    yield Finding(
        "warning",
        "The learning rate is too low",
        f"In {run.steps:,} steps the loss went from {run.start:.3g} to {run.end():.3g}. The "
        f"longest step moved the weights by {size:.1e} of their size; 0.001 to 0.01 is usual.",
        fixes,
    )


def _no_learning(run: Course) -> Iterator[Finding]:
    if run.verdict == "flat":
        rate = cures.highest_rate(run.recipe)
        yield Finding(
            "warning",
            "Nothing is learned",
            f"After {run.steps:,} steps the training loss is {run.end():.3g}; it was "
            f"{run.start:.3g} at the start. A check-up tells whether the model can learn 20 "
            "samples by heart.",
            (cures.rate_fix(rate / 10), cures.NORMED_RELUS, cures.HIDDEN),
        )


def _plateau(run: Course) -> Iterator[Finding]:
    measured = len(run.line("train", "loss"))
    if run.verdict != "falls" or run.steps < _FEWEST_STILL or measured < _THIRDS:
        return
    now, before = run.end(_THIRDS), run.end(_THIRDS, back=1)
    if now < _LEFT * run.start or before - now > _STILL * abs(before):
        return
    rate = cures.highest_rate(run.recipe)
    yield Finding(
        "hint",
        "The loss stands still",
        f"Over the last third of the run the training loss was {now:.3g} on average, over the "
        f"third before {before:.3g}. It began at {run.start:.3g}.",
        (cures.rate_fix(rate / 10), cures.rate_fix(rate * 10), cures.HIDDEN),
    )


def _overfitting(run: Course) -> Iterator[Finding]:
    line = run.line("validation", "loss")
    if len(line) < 3 or run.verdict not in ("falls", "flat"):
        return
    low = min(range(len(line)), key=lambda place: line[place][1])
    epoch, lowest = line[low]
    last = min(value for _, value in line[-2:])  # so that one odd value is no rise
    above = last - lowest
    if len(line) - 1 - low < 2 or above < max(
        _WORSE * abs(lowest), _WORSE_OF_START * abs(run.start)
    ):
        return
    train = run.line("train", "loss")
    then = [value for when, value in train if when <= epoch] or [train[0][1]]
    passed = then[-max(1, len(then) // 4) :]
    at_best = sum(passed) / len(passed)
    if run.end() >= at_best:
        return
    kept = " The best weights are kept beside the last." if run.recipe.keep_best else ""
    yield Finding(
        "hint",
        "The model overfits",
        f"The validation loss was lowest at epoch {epoch:.3g} with {lowest:.3g} and is "
        f"{line[-1][1]:.3g} now, while the training loss fell from {at_best:.3g} to "
        f"{run.end():.3g}.{kept}",
        (cures.EARLY, cures.DECAY, cures.DROPOUT),
    )


def _vanishing(run: Course) -> Iterator[Finding]:
    said = vanishing(run.gradients) if not run.silent else None
    if said and run.verdict != "lost":
        fixes = (cures.RELUS, cures.NORMS, cures.NORMED_RELUS, cures.FRESH)
        yield Finding("warning", "Gradients vanish on their way back", said, fixes)


def _exploding(run: Course) -> Iterator[Finding]:
    said = exploding(run.gradients) if not run.silent else None
    if said:
        fixes = (cures.CLIP, cures.FRESH, cures.NORMS)
        yield Finding("warning", "Gradients explode on their way back", said, fixes)


def _dead(run: Course) -> Iterator[Finding]:
    if not run.silent or run.verdict == "early":
        return
    rate = cures.highest_rate(run.recipe)
    names = ", ".join(run.silent[:3]) + " and others" * (len(run.silent) > 3)
    many = len(run.silent) > 1
    yield Finding(
        "warning",
        "Layers get no gradient any more",
        f"The gradient of {names} is exactly 0: what follows {'them' if many else 'it'} is flat "
        "for every sample, as ReLUs are that have died.",
        (cures.rate_fix(rate / 10), cures.LEAKS, cures.NORMS),
    )


DURING: tuple[Rule[Course], ...] = (
    Rule("rate too high", "Steps that are too long jump over the valley.", _rate_high),
    Rule("rate too low", "Steps that are too short get nowhere in time.", _rate_low),
    Rule("no fall", "A loss that stays where it began has learned nothing.", _no_learning),
    Rule(
        "standstill",
        "Steps that are too long to settle, or a model too small to go on, hold a loss up.",
        _plateau,
    ),
    Rule(
        "overfitting",
        "The model learns its samples by heart, and answers new ones worse for it.",
        _overfitting,
    ),
    Rule(
        "vanishing gradients in training",
        "A chain of small slopes leaves nothing of the gradient for the first layers.",
        _vanishing,
    ),
    Rule(
        "exploding gradients in training",
        "A chain of large weights makes steps that undo what was learned.",
        _exploding,
    ),
    Rule("dead layers", "Behind units that are flat for every sample nothing learns again.", _dead),
)
