"""Pairs and sweeps: what varies is all that varies, and nothing of what was tried is lost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from builder import TEMPLATES, BuilderError, build
from builder.errors import RecipeError
from builder.store import Member, Run, Store
from builder.train import Recipe
from builder.train.compare import differences
from builder.train.given import Given
from builder.train.groups import Group
from builder.train.launch import Launcher
from builder.train.schedules import Phase
from builder.train.scores import BEST_LOSS
from builder.train.sweeps import (
    Axis,
    Plan,
    Result,
    Setup,
    add_seeds,
    best,
    drive,
    points,
    results,
    settings_of,
    verdict,
)
from builder.train.sweeps.search import Tried, asked, drawn
from tests.conftest import wait
from tests.test_compare import a_run

MLP = Setup(TEMPLATES["MLP"], Recipe("moons", epochs=2))
RATE = Axis("lr", (0.001, 0.01, 0.1))
WIDE = Axis("lr", low=1e-4, high=1.0, by_factors=True)
RICH = Recipe(
    "moons",
    optimizer="SGD",
    optimizer_args={"momentum": 0.5, "weight_decay": 1e-4},
    loss_args={"label_smoothing": 0.1},
    groups=(Group("first", ("0",), lr=0.1, args={"weight_decay": 0.0}),),
    schedule=(Phase("StepLR", {"step_size": 3}),),
)
PICTURES = Recipe("digits", augment={"RandomRotation": {"degrees": 9.0}})


@pytest.fixture(autouse=True)
def _two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "at_once", lambda: 2)


# what can be varied


def of(setup: Setup) -> Run:
    return a_run(setup.spec, setup.recipe)


def lines_of(setup: Setup, prefix: str = "") -> Iterator[str]:
    """Yield what differs beside the one thing that was given another value, and cannot go back."""
    for setting in settings_of(setup).values():
        others = [value for value in setting.suggested() if value != setting.value]
        for value in others[:2] if setting.path.startswith(prefix) else ():
            other = setting.put(setup, value)
            told = differences([of(setup), of(other)])
            if len(told) != 1:
                yield f"{setting.path} = {value}: {told}"
            again = setting.put(other, setting.value)
            if setting.numeric and differences([of(setup), of(again)]):
                yield f"{setting.path} does not go back from {value}"


@pytest.mark.parametrize("name", TEMPLATES)
def test_another_value_of_a_layer_is_one_line_of_difference(name: str) -> None:
    assert list(lines_of(Setup(TEMPLATES[name], Recipe()), "layer.")) == []


@pytest.mark.parametrize("recipe", [Recipe("moons"), RICH, PICTURES])
def test_another_value_in_a_recipe_is_one_line_of_difference(recipe: Recipe) -> None:
    assert list(lines_of(Setup(TEMPLATES["MLP"], recipe))) == []


def test_every_setting_says_what_it_is_and_suggests_values_that_it_takes() -> None:
    for recipe in (RICH, PICTURES):
        for setting in settings_of(Setup(TEMPLATES["LeNet5"], recipe)).values():
            assert setting.field.help.endswith("."), setting.path
            for value in setting.suggested():
                assert value == setting.value or setting.field.problem(value) is None
            if setting.numeric:
                low, high = setting.range()
                assert low < high, setting.path
                assert setting.field.problem(low) is setting.field.problem(high) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lr", 0.1),
        ("batch_size", 7),
        ("optimizer", "AdamW"),
        ("optimizer_args.momentum", 0.9),
        ("loss", "MultiMarginLoss"),
        ("groups.first.lr", 0.3),
        ("schedule", "One cycle"),
        ("options.noise", 0.3),
        ("dataset", "circles"),
        ("validation", 0.3),
        ("layer.0.out_features", 33),
        ("layer.1.op", "nn.Tanh"),
        ("layer.3.on", False),
    ],
)
def test_the_two_records_of_a_pair_differ_in_that_line_alone(
    store: Store, path: str, value: Any
) -> None:
    setup = Setup(TEMPLATES["MLP"], RICH)
    now = settings_of(setup)[path].value
    plan = Plan(setup, (Axis(path, (now, value)),), "pair", seeds=(5, 6))
    sweep_id = drive.begin(store, plan)
    for seed in (5, 6):
        drive.advance(store)
        pair = [result.run for result in results(store, sweep_id)][-2:]
        assert None not in pair
        runs = [run for run in pair if run is not None]
        [line] = differences(runs)
        assert {Recipe.from_json(run.recipe).seed for run in runs} == {seed}
        assert [line.values[0] != line.values[1], runs[0].facts["threads"]] == [
            True, runs[1].facts["threads"],
        ]  # fmt: skip
        for run in runs:
            finish(store, run.id, 1.0)


# plans


numbers = st.floats(1e-6, 10.0)


@examples(max_examples=30)
@given(
    st.lists(numbers, min_size=1, max_size=4, unique=True),
    st.sampled_from(["grid", "random", "search"]),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3, unique=True),
)
def test_a_plan_comes_back_from_its_json(rates: list[float], method: str, seeds: list[int]) -> None:
    betas = Axis("optimizer_args.betas", ((0.9, 0.999), (0.5, 0.9)))
    plan = Plan(MLP, (Axis("lr", tuple(rates)), betas), method, 5, tuple(seeds))
    plan.check()
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "guess"}, "no method 'guess'"),
        ({"axes": ()}, "0 settings"),
        ({"axes": (RATE, RATE)}, "varied twice"),
        ({"axes": (Axis("speed", (1,)),)}, "no setting 'speed'"),
        ({"axes": (Axis("lr"),)}, "no values"),
        ({"axes": (Axis("lr", (-1.0,)),)}, "learning rate"),
        ({"axes": (Axis("lr", (0.1, 0.1)),)}, "same value twice"),
        ({"axes": (RATE, Axis("batch_size", tuple(range(1, 200))))}, "597 runs"),
        ({"axes": (RATE,), "method": "pair"}, "3 values; a pair has two"),
        ({"axes": (WIDE,), "method": "random"}, "1 or more"),
        ({"axes": (Axis("lr", low=1.0, high=0.1),), "method": "random"}, "lower to a higher"),
        ({"axes": (Axis("lr", low=0.0, high=0.1, by_factors=True),), "method": "random"}, "factor"),
        ({"axes": (Axis("lr", low=-1.0, high=0.1),), "method": "random"}, "learning rate"),
        ({"axes": (Axis("loss"),), "method": "search"}, "values to choose from"),
        ({"seeds": ()}, "one is needed"),
        ({"seeds": (1, 1)}, "used once"),
        ({"seeds": (-1,)}, "from 0 up"),
        ({"axes": (Axis("seed", (1, 2)),), "seeds": (0, 1)}, "seed itself"),
    ],
)
def test_a_plan_that_cannot_work_is_refused_and_says_what_would(
    store: Store, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        drive.begin(store, replace(Plan(MLP, (RATE,)), **change))
    assert store.sweeps() == []


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"format": 1, "spec": {}}'])
def test_a_plan_that_cannot_be_read_is_cancelled_and_disturbs_no_other(
    store: Store, text: str
) -> None:
    with pytest.raises(BuilderError, match="cannot be read"):
        Plan.from_json(text)
    old = store.create_sweep(text, budget=10**6)
    new = drive.begin(store, Plan(MLP, (RATE,)))
    drive.advance(store)
    assert store.sweep(old).status == "cancelled"
    assert len(results(store, new)) == 2


# values that are drawn, and chosen


@examples(max_examples=25)
@given(st.integers(1, 30), st.integers(0, 2**31), st.booleans())
def test_random_points_are_in_range_different_and_the_same_for_the_same_plan(
    count: int, draw: int, by_factors: bool
) -> None:
    axes = (
        Axis("lr", low=0.00123456, high=0.5, by_factors=by_factors),
        Axis("layer.0.out_features", low=1, high=40, by_factors=by_factors),
    )
    plan = Plan(MLP, axes, "random", count, draw=draw)
    found = list(drawn(plan))
    assert found == list(drawn(plan))
    assert len(set(found)) == len(found) == count
    for rate, width in found:
        assert 0.00123456 <= rate <= 0.5
        assert isinstance(width, int)
        assert 1 <= width <= 40


def test_a_small_choice_is_exhausted_and_then_there_is_no_more(store: Store) -> None:
    axes = (Axis("optimizer", ("Adam", "SGD")), Axis("layer.0.bias", (True, False)))
    for method in ("random", "search"):
        sweep_id = drive.begin(store, Plan(MLP, axes, method, 99))
        carry_on(store, sweep_id, lambda values: 1.0)
        assert len(results(store, sweep_id)) == 4
        assert store.sweep(sweep_id).status == "planned"


def bowl(values: tuple[Any, ...]) -> float:
    """A loss with its lowest point at a rate of 0.01 and 16 units."""
    rate, width = values
    return (math.log10(rate) + 2) ** 2 + (math.log2(width) - 4) ** 2 / 4


SEARCH = Plan(
    MLP,
    (WIDE, Axis("layer.0.out_features", low=1, high=256, by_factors=True)),
    "search",
    count=40,
)


def finish(store: Store, run_id: str, loss: float) -> None:
    """Let a run be finished with this loss."""
    facts = {"best": {"loss": loss}, "metrics": {"validation loss": loss}}
    store.update_run(run_id, status="finished", facts=facts)


def carry_on(store: Store, sweep_id: str, loss: Any, runs: int = 1000) -> list[tuple[Any, ...]]:
    """Let so many runs of a sweep come to a loss, and return the values of all."""
    for _ in range(runs):
        drive.advance(store)
        waiting = [result for result in results(store, sweep_id) if not result.over]
        if not waiting:
            break
        assert waiting[0].run is not None
        finish(store, waiting[0].run.id, loss(waiting[0].member.values))
    return [result.member.values for result in results(store, sweep_id)]


def test_a_search_learns_from_what_the_runs_before_came_to(home: Path) -> None:
    tried: list[Tried] = []
    for _ in range(SEARCH.count):
        values = asked(SEARCH, tried)
        assert values is not None
        tried.append(Tried(values, "scored", bowl(values)))
    losses = [point.score or 0.0 for point in tried]
    assert np.mean(losses[-15:]) < 0.75 * np.mean(losses[:15])
    assert min(losses) < 0.1
    up = replace(SEARCH, measure="validation accuracy")
    assert asked(up, tried) != asked(SEARCH, tried)


def test_a_search_keeps_away_from_what_failed_and_spreads_over_what_goes_on(home: Path) -> None:
    plan = replace(SEARCH, axes=(WIDE,))
    known = [Tried((10 ** -(4 - n / 10),), "scored", 1.0) for n in range(20)]
    bad = [Tried((10 ** -(n / 20),), "failed") for n in range(20)]
    chosen = [asked(plan, [*known, *bad, *[Tried((0.5,), "going")] * n]) for n in range(20)]
    assert sum(values is not None and values[0] < 0.01 for values in chosen) > 15


def test_a_search_that_is_cut_short_goes_on_as_if_it_had_not_been(home: Path) -> None:
    plan = replace(SEARCH, count=12, seeds=(0, 1))
    found = []
    for cut in (1000, 7):
        store = Store(home / str(cut))
        sweep_id = drive.begin(store, plan)
        carry_on(store, sweep_id, bowl, cut)
        store.close()
        store = Store(home / str(cut))  # another process, which knows what stands in the store
        found.append(carry_on(store, sweep_id, bowl))
        store.close()
    assert found[0] == found[1]
    assert len(set(found[0])) == 12
    assert len(found[0]) == 24


# carrying a sweep on


def test_a_grid_tries_all_with_all_a_seed_after_the_other_as_many_as_there_are_cores(
    store: Store,
) -> None:
    plan = Plan(MLP, (RATE, Axis("batch_size", (8, 16))), seeds=(3, 4))
    sweep_id = drive.begin(store, plan, model_id="m")
    drive.advance(store)
    drive.advance(store)
    assert [run.status for run in store.runs(sweep=sweep_id)] == ["queued"] * 2
    carry_on(store, sweep_id, lambda values: values[0])
    found = results(store, sweep_id)
    assert [(r.member.values, r.member.seed) for r in found] == [
        ((rate, size), seed) for seed in (3, 4) for rate in RATE.values for size in (8, 16)
    ]
    for result in found:
        assert result.run is not None
        recipe = Recipe.from_json(result.run.recipe)
        assert ((recipe.lr, recipe.batch_size), recipe.seed) == (
            result.member.values, result.member.seed,
        )  # fmt: skip
        assert (result.run.sweep, result.run.model_id) == (sweep_id, "m")
    assert store.sweep(sweep_id).status == "planned"
    top = best(points(found), BEST_LOSS)
    assert top is not None
    assert top.values == (0.001, 8)
    assert (top.mean(BEST_LOSS), top.spread(BEST_LOSS)) == (0.001, 0.0)


def test_values_that_cannot_work_and_runs_that_fail_are_results(store: Store) -> None:
    plan = Plan(MLP, (Axis("layer.4.out_features", (2, 3)),))
    sweep_id = drive.begin(store, plan)
    drive.advance(store)
    good, bad = results(store, sweep_id)
    assert (bad.run, bad.status) == (None, "refused")
    assert "should give (N, 2)" in bad.message
    assert good.run is not None
    store.update_run(good.run.id, status="failed", message="The loss is no number.")
    drive.advance(store)
    assert store.sweep(sweep_id).status == "planned"
    assert [result.failed for result in results(store, sweep_id)] == [True, True]
    assert best(points(results(store, sweep_id)), BEST_LOSS) is None
    wrong = Plan(MLP, (Axis("batch_size", (8, 16)), Axis("fold", (0, 7))), seeds=(0,))
    wrong = replace(wrong, setup=replace(MLP, recipe=replace(MLP.recipe, split="folds")))
    refused = drive.begin(store, wrong)
    carry_on(store, refused, lambda values: values[0])
    found = {result.member.values: result for result in results(store, refused)}
    assert {values: result.status for values, result in found.items()} == {
        (8, 0): "finished", (8, 7): "refused", (16, 0): "finished", (16, 7): "refused",
    }  # fmt: skip
    assert found[8, 7].message
    assert store.sweep(refused).status == "planned"


def test_two_who_carry_a_sweep_on_at_once_record_each_run_once(home: Path) -> None:
    stores = [Store(home) for _ in range(4)]
    plan = Plan(MLP, (Axis("batch_size", tuple(range(1, 9))),), seeds=(0, 1))
    sweep_id = drive.begin(stores[0], plan)
    with ThreadPoolExecutor(len(stores)) as pool:
        for _ in range(8):
            list(pool.map(drive.advance, stores))
            for run in stores[0].runs(sweep=sweep_id):
                finish(stores[0], run.id, 1.0)
    found = results(stores[0], sweep_id)
    keys = [(result.member.values, result.member.seed) for result in found]
    assert len(set(keys)) == len(keys) == 16
    ids = {run.id for run in stores[0].runs()}
    assert ids == {result.member.run for result in found}
    assert {folder.name for folder in (home / "runs").iterdir()} == ids
    for store in stores:
        store.close()


def test_a_sweep_is_cancelled_and_taken_up_and_no_result_is_lost(
    store: Store, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_hand", lambda run_id: None)  # nobody trains here
    sweep_id = launcher.sweep(Plan(MLP, (RATE,), seeds=(0, 1)))
    first, second = (result.run for result in results(store, sweep_id))
    assert first is not None
    assert second is not None
    finish(store, first.id, 1.0)
    launcher.cancel(sweep_id)
    launcher.tend(now=True)
    assert store.sweep(sweep_id).status == "cancelled"
    assert [r.status for r in results(store, sweep_id)] == ["finished", "stopped"]
    launcher.take_up(sweep_id)
    carry_on(store, sweep_id, lambda values: values[0])
    found = results(store, sweep_id)
    assert [r.status for r in found] == ["finished"] * 6
    assert first.id in {r.member.run for r in found}
    assert second.id not in {r.member.run for r in found}
    assert store.run(second.id).status == "stopped"


def test_all_runs_start_from_the_weights_that_the_sweep_was_given(store: Store) -> None:
    given = Given(build(MLP.spec).state_dict(), "mine", ())
    sweep_id = drive.begin(store, Plan(MLP, (Axis("lr", (0.1, 0.2)),)), given=given)
    carry_on(store, sweep_id, lambda values: 1.0)
    runs = [result.run for result in results(store, sweep_id) if result.run is not None]
    assert {run.facts["given"]["digest"] for run in runs} == {given.facts()["digest"]}
    assert [line.path for line in differences(runs)] == ["lr"]
    for run in runs:
        store.delete_run(run.id)
    assert not store.sweep_folder(sweep_id).exists()


def test_more_seeds_are_added_to_those_there_are(store: Store) -> None:
    sweep_id = drive.begin(store, Plan(MLP, (RATE,), seeds=(7,)))
    carry_on(store, sweep_id, lambda values: 1.0)
    add_seeds(store, sweep_id, 2)
    assert store.sweep(sweep_id).status == "going"
    carry_on(store, sweep_id, lambda values: 1.0)
    seeds = [result.member.seed for result in results(store, sweep_id)]
    assert seeds == [7] * 3 + [8] * 3 + [9] * 3
    with pytest.raises(RecipeError, match="at most 500"):
        add_seeds(store, sweep_id, 1000)


def test_a_deleted_run_leaves_its_sweep_and_the_last_takes_it_along(store: Store) -> None:
    sweep_id = drive.begin(store, Plan(MLP, (Axis("lr", (0.1, 0.2)),)))
    carry_on(store, sweep_id, lambda values: values[0])
    one, other = (result.member.run for result in results(store, sweep_id))
    assert one is not None
    assert other is not None
    store.bin_run(one)
    assert [result.status for result in results(store, sweep_id)] == ["deleted", "finished"]
    store.restore_run(one)
    assert [result.status for result in results(store, sweep_id)] == ["finished"] * 2
    store.delete_run(one)
    assert [result.status for result in results(store, sweep_id)] == ["deleted", "finished"]
    drive.advance(store)
    assert len(results(store, sweep_id)) == 2
    store.delete_run(other)
    assert store.sweeps() == []
    assert store.members(sweep_id) == []


def test_workers_carry_a_sweep_on_although_nobody_looks(store: Store, launcher: Launcher) -> None:
    rates = Axis("lr", (1e-3, 1e-2, 1e9))
    setup = replace(MLP, recipe=Recipe("moons", optimizer="SGD", epochs=3))
    sweep_id = launcher.sweep(Plan(setup, (rates,), "search", count=3))
    wait(lambda: store.sweep(sweep_id).status == "planned", 120)
    wait(lambda: all(result.over for result in results(store, sweep_id)), 120)
    found = {result.member.values[0]: result for result in results(store, sweep_id)}
    assert {rate: result.status for rate, result in found.items()} == {
        1e-3: "finished", 1e-2: "finished", 1e9: "failed",
    }  # fmt: skip
    assert "learning rate of 1e+09" in found[1e9].message
    assert all(store.points(result.member.run or "") for result in found.values())


# verdicts


def pair_of(a: list[float | None], b: list[float | None]) -> Iterator[Result]:
    for seed, scored in enumerate(zip(a, b, strict=True)):
        for value, score in zip((0.1, 0.2), scored, strict=True):
            facts = {"metrics": {"validation loss": score, "validation accuracy": score}}
            status = "failed" if score is None else "finished"
            run = replace(a_run(), status=status, facts=facts)
            yield Result(Member(0, (value,), seed, "r"), run, status, "")


PAIR = Plan(MLP, (Axis("lr", (0.1, 0.2)),), "pair", seeds=(0, 1, 2, 3, 4))


@pytest.mark.parametrize(
    ("a", "b", "winner", "words"),
    [
        ([], [], "open", "No seed has finished"),
        ([1.0], [0.5], "open", "B is ahead by 0.5 in validation loss with one seed"),
        ([1.0], [1.0], "same", "with one seed"),
        ([1.0, 2.0], [1.0, 2.0], "same", "2 seeds"),
        ([1.0, 2.0, 3.0], [0.5, 1.5, 2.51], "B", "more than luck"),
        ([1.0, 2.0, 3.0], [1.5, 2.5, 3.51], "A", "more than luck"),
        ([1.0, 2.0, 3.0], [2.0, 1.0, 3.1], "open", "luck alone could"),
        ([1.0, 2.0, 3.0], [None, None, 2.0], "open", "B failed with 2 of 5 seeds"),
    ],
)
def test_a_verdict_says_no_more_than_the_seeds_show(
    a: list[float | None], b: list[float | None], winner: str, words: str
) -> None:
    said = verdict(PAIR, list(pair_of(a, b)), "validation loss")
    assert said.winner == winner
    assert words in said.words
    turned = {"A": "B", "B": "A"}.get(winner, winner)  # of an accuracy more is better
    assert verdict(PAIR, list(pair_of(a, b)), "validation accuracy").winner == turned


losses = st.floats(0, 10).map(lambda value: round(value, 3))


@examples(max_examples=50)
@given(st.lists(st.tuples(losses, losses), min_size=2, max_size=5))
def test_the_interval_of_a_verdict_is_that_of_the_paired_t_test(
    scored: list[tuple[float, float]],
) -> None:
    a, b = ([pair[side] for pair in scored] for side in (0, 1))
    said = verdict(PAIR, list(pair_of(list(a), list(b))), "validation loss")
    assert said.mean is not None
    assert said.margin is not None
    if len({round(d, 9) for d in said.differences}) == 1:  # a spread of 0 divides by 0 there
        return
    interval = ttest_rel(b, a).confidence_interval(0.95)
    assert said.mean - said.margin == pytest.approx(interval.low, abs=1e-6)
    assert said.mean + said.margin == pytest.approx(interval.high, abs=1e-6)
    outside = interval.low > 0 or interval.high < 0
    assert (said.winner in "AB") == outside
