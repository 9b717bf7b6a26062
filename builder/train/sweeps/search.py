"""Values drawn, or chosen by what the runs before came to; by Optuna.

The study is made anew each time from what has been recorded, so whoever records the next run can
ask it: the page, or the worker that has just finished one. The same record gives the same values.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from builder.train.scores import higher_is_better
from builder.train.sweeps.plan import Axis, Plan, Values
from builder.train.sweeps.setting import Setting

_ATTEMPTS = 50  # where most of the values have been tried, a draw is likely one of them
_DRAWN, _SHARE = 10, 3  # a search begins with ten draws, or a third of its points if those are few


@dataclass(frozen=True)
class Tried:
    """A point that was tried.

    Args:
        state: `scored`, `failed`, from which a search keeps away, `going`, beside which it does not
            try, or `unknown`, of which nothing is learned.
    """

    values: Values
    state: str
    score: float | None = None


def drawn(plan: Plan) -> Iterator[Values]:
    """Yield the points of a random sweep, each once; the same plan draws the same."""
    from optuna.samplers import RandomSampler

    yield from itertools.islice(_new(plan, RandomSampler(plan.draw), ()), plan.count)


def asked(plan: Plan, tried: Sequence[Tried]) -> Values | None:
    """Return the next point of a search, `None` if everything has been tried.

    The tree-structured Parzen estimator of Bergstra et al. 2011, as Optuna's `TPESampler` has it;
    what goes on counts as bad, so that runs at the same time spread.
    """
    from optuna.samplers import RandomSampler, TPESampler

    seed = random.Random(f"{plan.draw}:{len(tried)}").randrange(2**32)
    startup = min(_DRAWN, max(1, plan.count // _SHARE))
    chosen = _new(plan, TPESampler(n_startup_trials=startup, seed=seed), tried)
    return next(chosen, None) or next(_new(plan, RandomSampler(seed), tried), None)


def _new(plan: Plan, sampler: Any, tried: Sequence[Tried]) -> Iterator[Values]:
    """Yield points of a sampler that have not been tried, until it finds none for a while."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    up = higher_is_better(plan.measure)
    study = optuna.create_study(sampler=sampler, direction="maximize" if up else "minimize")
    ranges = [_range(axis, setting) for axis, setting in zip(plan.axes, plan.settings, strict=True)]
    space = {axis.path: one for axis, one in zip(plan.axes, ranges, strict=True)}
    for point in tried:
        if point.state != "unknown":
            study.add_trial(_as_trial(plan, point, space))
    seen = {point.values for point in tried}
    misses = 0
    while misses < _ATTEMPTS:
        found = study.ask(space).params
        values = tuple(
            _value(axis, setting, found[axis.path])
            for axis, setting in zip(plan.axes, plan.settings, strict=True)
        )
        misses = misses + 1 if values in seen else 0
        if not misses:
            seen.add(values)
            yield values


def _value(axis: Axis, setting: Setting, found: Any) -> Any:
    """Return what a draw stands for: a value by its place, or a number that people can read."""
    if axis.values:
        return axis.values[found]
    assert axis.low is not None
    assert axis.high is not None
    return min(max(setting.number(found), axis.low), axis.high)


def _as_trial(plan: Plan, point: Tried, space: dict[str, Any]) -> Any:
    from optuna.trial import TrialState, create_trial

    params = {}
    for axis, value in zip(plan.axes, point.values, strict=True):
        params[axis.path] = axis.values.index(value) if axis.values else value
    # Without a value, a pruned trial ranks behind all others.
    states = {"scored": "COMPLETE", "failed": "PRUNED", "going": "RUNNING"}
    state = TrialState[states[point.state]]
    return create_trial(params=params, distributions=space, state=state, value=point.score)


def _range(axis: Axis, setting: Setting) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if axis.values:  # by their numbers: Optuna takes no lists
        return CategoricalDistribution(list(range(len(axis.values))))
    assert axis.low is not None
    assert axis.high is not None
    if setting.kind == "int":
        return IntDistribution(int(axis.low), int(axis.high), log=axis.by_factors)
    return FloatDistribution(axis.low, axis.high, log=axis.by_factors)
