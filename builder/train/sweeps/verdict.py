"""Whether the difference between the two sides of a pair is more than luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from builder.train.scores import higher_is_better
from builder.train.sweeps.plan import Plan
from builder.train.sweeps.results import Result

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a pair by one measure.

    Args:
        differences: B's score less A's, of each seed that both have finished with.
        mean: of the differences, `None` without any.
        margin: half the width of the interval about it in which, at 95 %, the difference over all
            seeds lies; `None` with fewer than two seeds.
        winner: `A` or `B` where the interval leaves 0 out, `same` where every difference is
            exactly 0, `open` otherwise.
        words: all that as people read it.
    """

    differences: tuple[float, ...]
    mean: float | None
    margin: float | None
    winner: str
    words: str


def verdict(plan: Plan, found: Sequence[Result], measure: str) -> Verdict:
    """Compare the sides of a pair, seed by seed.

    The interval is Student's t of the differences: what a seed does to both sides alike does not
    count. It takes differences for normal, which a handful of seeds cannot show.

    Args:
        measure: see `builder.train.scores`.
    """
    a, b = (_by_seed(found, value, measure) for value in plan.axes[0].values)
    seeds = [seed for seed in plan.seeds if seed in a and seed in b]
    differences = tuple(b[seed] - a[seed] for seed in seeds)
    mean = fmean(differences) if differences else None
    margin = _margin(differences)
    winner = _winner(differences, margin, measure)
    said = _failures(plan, found) + _words(differences, margin, winner, measure)
    return Verdict(differences, mean, margin, winner, said)


def _by_seed(found: Sequence[Result], value: object, measure: str) -> dict[int, float]:
    scored = ((result.member, result.score(measure)) for result in found)
    return {
        member.seed: score
        for member, score in scored
        if member.values == (value,) and score is not None
    }


def _margin(differences: Sequence[float]) -> float | None:
    if len(differences) < 2:
        return None
    from scipy.stats import t

    count = len(differences)
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, count - 1))
    return quantile * stdev(differences) / math.sqrt(count)


def _winner(differences: Sequence[float], margin: float | None, measure: str) -> str:
    if differences and not any(differences):
        return "same"
    if margin is None or abs(fmean(differences)) <= margin:
        return "open"
    return "B" if (fmean(differences) > 0) == higher_is_better(measure) else "A"


def _words(differences: Sequence[float], margin: float | None, winner: str, measure: str) -> str:
    if not differences:
        return "No seed has finished on both sides yet."
    mean, count = fmean(differences), len(differences)
    if winner == "same":
        seeds = "one seed" if count == 1 else f"{count} seeds"
        return f"A and B came to the same {measure} to the last digit, with {seeds}."
    size = f"{abs(mean):.3g}"
    ahead = "B" if (mean > 0) == higher_is_better(measure) else "A"
    if margin is None:
        return (
            f"{ahead} is ahead by {size} in {measure} with one seed, which can be luck: another "
            "seed may turn it. More seeds tell."
        )
    about = f"{size} ± {margin:.2g} (95 %, {count} seeds)"
    if winner == "open":
        return (
            f"{ahead} is ahead by {about} in {measure}: luck alone could do that. More seeds may "
            "tell; a difference this small may also not matter."
        )
    return f"{winner} is better by {about} in {measure}: more than luck."


def _failures(plan: Plan, found: Sequence[Result]) -> str:
    counts = [
        sum(result.failed for result in found if result.member.values == (value,))
        for value in plan.axes[0].values
    ]
    total = len(plan.seeds)
    words = [
        f"{side} failed with {'its only seed' if total == 1 else f'{count} of {total} seeds'}."
        for side, count in zip("AB", counts, strict=True)
        if count
    ]
    return "".join(f"{word} " for word in words)
