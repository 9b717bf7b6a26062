"""Carrying a sweep on: recording its next runs while there are cores for them.

Whoever looks at the store does it: the page, and each worker between two runs, so that a sweep goes
on when the page is closed. All there is to know stands in the store; two who do it at once get in
nobody's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from builder.build import DEFAULT_BUDGET
from builder.errors import BuilderError, TakenError
from builder.store import Member, Store, Sweep
from builder.train.checkpoint import Checkpoints
from builder.train.cores import at_once, threads
from builder.train.given import FILE, Given, read_given
from builder.train.record import record, requeue
from builder.train.sweeps.plan import Plan, Values
from builder.train.sweeps.results import Point, Result, points, results
from builder.train.sweeps.search import Tried, asked, drawn


def begin(
    store: Store,
    plan: Plan,
    *,
    given: Given | None = None,
    model_id: str | None = None,
    budget: int = DEFAULT_BUDGET,
) -> str:
    """Record a sweep and return its id; `advance` records its runs.

    Args:
        given: the weights that all its runs start from, where they do not draw them.

    Raises:
        RecipeError: the plan cannot work.
    """
    plan.check()
    files = {FILE: given.content()} if given is not None else {}
    facts = given.facts() if given is not None else None
    return store.create_sweep(plan.to_json(), files, given=facts, model_id=model_id, budget=budget)


def advance(store: Store) -> None:
    """Record runs of all sweeps that go on, as many of each as train at once."""
    for sweep in store.sweeps(status="going"):
        try:
            _advance(store, sweep, Plan.from_json(sweep.plan))
        except BuilderError:  # a plan of an older LayerLab, which the page tells
            store.update_sweep(sweep.id, status="cancelled")


def _advance(store: Store, sweep: Sweep, plan: Plan) -> None:
    while store.sweep(sweep.id).status == "going":
        found = results(store, sweep.id)
        if sum(not result.over for result in found) >= at_once():
            return
        following = _following(plan, found)
        if following is None:
            store.update_sweep(sweep.id, status="planned")
            return
        _record(store, sweep, plan, found, *following)


def _record(
    store: Store,
    sweep: Sweep,
    plan: Plan,
    found: Sequence[Result],
    values: Values,
    seed: int,
) -> None:
    """Record the run of some values; what refuses them is a result as well."""
    number = max((result.member.number for result in found), default=-1) + 1
    member = Member(number, values, seed, None)
    name = plan.words(values)
    try:
        setup = plan.at(values, seed)
        record(
            store,
            setup.spec,
            setup.recipe,
            model_id=sweep.model_id,
            budget=sweep.budget,
            name=f"{name}, seed {seed}" if len(plan.seeds) > 1 else name,
            given=_given(store, sweep),
            member=member,
            sweep=sweep.id,
            threads=threads(min(plan.runs, at_once())),
        )
    except TakenError:
        return
    except BuilderError as error:
        store.refuse_member(sweep.id, replace(member, problem=error.message))


def _given(store: Store, sweep: Sweep) -> Given | None:
    if sweep.given is None:
        return None
    return read_given(store.sweep_folder(sweep.id), sweep.given)


def _following(plan: Plan, found: Sequence[Result]) -> tuple[Values, int] | None:
    """Return the values and the seed of the next run, `None` if there is none to come."""
    done = {(result.member.values, result.member.seed) for result in found}
    if plan.method != "search":
        all_points = list(drawn(plan)) if plan.method == "random" else plan.grid()
        every = ((values, seed) for seed, values in product(plan.seeds, all_points))
        return next((one for one in every if one not in done), None)
    tried = points(found)
    for point, seed in product(tried, plan.seeds):
        if (point.values, seed) not in done:
            return point.values, seed
    if len(tried) >= plan.count:
        return None
    values = asked(plan, [_tried(plan, point) for point in tried])
    return (values, plan.seeds[0]) if values is not None else None


def _tried(plan: Plan, point: Point) -> Tried:
    score = point.mean(plan.measure)
    if score is not None:
        return Tried(point.values, "scored", score)
    if point.failed:
        return Tried(point.values, "failed")
    return Tried(point.values, "unknown" if point.over else "going")


# what a person may do to a sweep


def add_seeds(store: Store, sweep_id: str, count: int) -> None:
    """Let each point of a sweep be trained with so many more seeds.

    Raises:
        RecipeError: there would be too many runs.
    """
    plan = Plan.from_json(store.sweep(sweep_id).plan)
    more = range(max(plan.seeds) + 1, max(plan.seeds) + 1 + count)
    plan = replace(plan, seeds=(*plan.seeds, *more))
    plan.check()
    store.update_sweep(sweep_id, plan=plan.to_json(), status="going")


def cancel(store: Store, sweep_id: str) -> list[str]:
    """Let no more runs of a sweep be recorded; returns the ids of those that go on or wait."""
    store.update_sweep(sweep_id, status="cancelled")
    return [run.id for run in store.runs(sweep=sweep_id) if run.active]


def take_up(store: Store, sweep_id: str) -> None:
    """Go on with a sweep that was cancelled, and with its runs that were stopped or died.

    A run that has no checkpoint yet gives its place to a new one.
    """
    anew = []
    for result in results(store, sweep_id):
        if result.run is not None and result.status in ("stopped", "died"):
            if Checkpoints(store.folder(result.run.id)).exist:
                requeue(store, result.run.id)
            else:
                anew.append(result.member.number)
    store.forget_members(sweep_id, anew)
    store.update_sweep(sweep_id, status="going")
