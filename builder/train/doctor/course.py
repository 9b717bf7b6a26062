"""The course of a run, from the points it recorded, and what the rules ask of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from typing import Literal, TypeAlias

from builder.spec import ModelSpec
from builder.store import Point
from builder.train.recipe import Recipe

Line: TypeAlias = tuple[tuple[float, float], ...]
# What the loss did: it was lost, it rose or jumped, it stood while steps were long or tiny, it
# stood for no such reason, it fell.
Verdict: TypeAlias = Literal["early", "lost", "high", "low", "flat", "falls"]

# The loop gives up with a message that begins so.
LOST = "The loss became"
FEWEST_STEPS = 100
_FEWEST_FLAT = 200  # a deep model may wait so long before its loss falls
_ROSE = 1.5  # times the loss of the start
_LONG, _TINY = 0.3, 1e-3  # |Δw|/|w| of one step; at usual rates the first ones are 0.01 to 0.1
_LITTLE, _MUCH, _NONE = 0.25, 0.75, 0.05  # shares of the first loss by which it fell


@dataclass(frozen=True)
class Course:
    """What a run recorded so far.

    Args:
        message: what the run said at its end, if it ended badly.
    """

    spec: ModelSpec
    recipe: Recipe
    points: Sequence[Point]
    message: str = ""

    @cached_property
    def lines(self) -> dict[tuple[str, str], Line]:
        """Finite values with their epochs, by split and metric; a step measured twice counts once.

        Splits and metrics are in the order in which they were first recorded: layers in that of
        the model.
        """
        found: dict[tuple[str, str], dict[int, tuple[float, float]]] = {}
        for point in self.points:
            if point.value is not None and math.isfinite(point.value):
                line = found.setdefault((point.split, point.metric), {})
                line[point.step] = (point.epoch, point.value)
        return {name: tuple(line.values()) for name, line in found.items()}

    def line(self, split: str, metric: str) -> Line:
        """Return epochs and values of a metric."""
        return self.lines.get((split, metric), ())

    @cached_property
    def steps(self) -> int:
        """Batches done."""
        return max((point.step for point in self.points), default=0)

    @cached_property
    def start(self) -> float:
        """Loss before the first step: over the validation samples, else of the first batches."""
        known = self.line("validation", "loss")[:1] or self.line("train", "loss")[:1]
        return known[0][1] if known else math.nan

    def end(self, parts: int = 4, back: int = 0) -> float:
        """Return the mean training loss over the last of so many parts, or one further back."""
        values = [value for _, value in self.line("train", "loss")]
        size = max(1, len(values) // parts)
        return fmean(values[len(values) - size * (back + 1) : len(values) - size * back])

    @cached_property
    def fell(self) -> float:
        """Share of the first loss by which the training loss fell; below 0 if it rose."""
        return (self.start - self.end()) / max(abs(self.start), 1e-12)

    @cached_property
    def longest_step(self) -> float:
        """The largest |Δw|/|w| of a group in one step; NaN if none was measured."""
        sizes = [
            value
            for (split, metric), line in self.lines.items()
            if metric == "step_size" and split.startswith("group:")
            for _, value in line
        ]
        return max(sizes, default=math.nan)

    @cached_property
    def peak(self) -> tuple[float, float]:
        """Epoch and value of the highest validation loss after the start, NaN if none is known."""
        after = self.line("validation", "loss")[1:]
        return max(after, key=lambda pair: pair[1], default=(math.nan, math.nan))

    @cached_property
    def gradients(self) -> tuple[tuple[str, float], ...]:
        """Median norm of each layer's gradient, in the model's order."""
        return tuple(
            (split.removeprefix("layer:"), median(value for _, value in line))
            for (split, metric), line in self.lines.items()
            if metric == "grad_norm"
        )

    @cached_property
    def silent(self) -> tuple[str, ...]:
        """Layers whose gradient was exactly 0 at the last two looks."""
        return tuple(
            split.removeprefix("layer:")
            for (split, metric), line in self.lines.items()
            if metric == "grad_norm" and len(line) > 1 and line[-2][1] == line[-1][1] == 0
        )

    @cached_property
    def verdict(self) -> Verdict:
        """What the training loss did."""
        if self.message.startswith(LOST):
            return "lost"
        if self.steps < FEWEST_STEPS or not self.line("train", "loss"):
            return "early"
        high = self.start + (_ROSE - 1) * abs(self.start)
        jumps = self.peak[1] > high or self.longest_step > _LONG
        # A validation loss that rises while the training loss falls is another matter.
        if self.end() > high or (jumps and self.fell < _MUCH):
            return "high"
        if self.longest_step < _TINY and self.fell < _LITTLE and not self.recipe.schedule:
            return "low"
        return "flat" if self.steps >= _FEWEST_FLAT and self.fell < _NONE else "falls"
