"""The range test of learning rates: what it suggests trains, and it leaves nothing changed."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest
from torch import nn

from builder import TEMPLATES, build, edit
from builder.data import load
from builder.errors import RecipeError, RunError
from builder.train import Recipe
from builder.train.data import Data, split_by
from builder.train.groups import Group
from builder.train.range_test import RangeTest, range_test, readable, smooth, suggest
from builder.train.suggest import for_data
from tests.test_doctor import fitted
from ui.training.range_test import range_chart


def data_of(recipe: Recipe) -> Data:
    samples = load(recipe.dataset, **recipe.options)
    parts = split_by(recipe, samples)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    return Data(x[parts.train], y[parts.train], x[parts.validation], y[parts.validation])


@pytest.fixture
def moons() -> tuple[nn.Module, Data, Recipe]:
    spec, _, recipe = fitted("MLP", "moons")
    torch.manual_seed(0)
    return build(spec), data_of(recipe), recipe


def test_it_suggests_a_rate_that_people_use(moons: tuple[nn.Module, Data, Recipe]) -> None:
    found = range_test(*moons)
    assert found.suggested is not None
    assert 1e-3 <= found.suggested <= 0.1
    assert len(found.rates) == len(found.losses) == len(found.smoothed)
    assert found.rates[0] == 1e-7
    assert f"{found.suggested:g}"[0] in "01235"
    assert found.why.endswith(".")


def test_the_model_and_all_random_states_stay_as_they_were(
    moons: tuple[nn.Module, Data, Recipe],
) -> None:
    model = moons[0]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.random.get_rng_state()
    first = range_test(*moons, steps=20)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(random, torch.random.get_rng_state())
    assert range_test(*moons, steps=20) == first


def test_the_rates_of_groups_keep_their_ratio(moons: tuple[nn.Module, Data, Recipe]) -> None:
    model, data, recipe = moons
    twice = replace(recipe, groups=(Group("first", ("0",), lr=2 * recipe.lr),))
    assert range_test(model, data, twice, steps=20) != range_test(model, data, recipe, steps=20)
    scaled = replace(twice, lr=recipe.lr * 8, groups=(Group("first", ("0",), lr=16 * recipe.lr),))
    assert range_test(model, data, scaled, steps=20) == range_test(model, data, twice, steps=20)


def test_it_says_how_far_it_is_and_ends_when_the_time_is_up(
    moons: tuple[nn.Module, Data, Recipe],
) -> None:
    told: list[tuple[float, float]] = []
    found = range_test(*moons, steps=20, on_step=lambda share, rate: told.append((share, rate)))
    assert [share for share, _ in told] == [step / 20 for step in range(len(found.rates))]
    assert tuple(rate for _, rate in told) == found.rates
    assert len(range_test(*moons, seconds=0).rates) == 1


def test_what_cannot_be_tested_is_said_in_words(moons: tuple[nn.Module, Data, Recipe]) -> None:
    model, data, recipe = moons
    with pytest.raises(RecipeError, match="LBFGS searches"):
        range_test(model, data, replace(recipe, optimizer="LBFGS"))
    with pytest.raises(RecipeError, match="is none"):
        range_test(model, data, recipe, low=1.0, high=0.1)
    held = replace(recipe, groups=(Group("all", ("0", "2", "4"), frozen=True),))
    with pytest.raises(RecipeError, match="Every group is frozen"):
        range_test(model, data, held)
    with pytest.raises(RunError, match="nothing to learn"):
        range_test(model.requires_grad_(False), data, recipe)


def test_a_curve_that_falls_and_blows_up_suggests_a_rate_on_its_slope() -> None:
    rates = [10 ** (-6 + step * 0.07) for step in range(100)]
    losses = [1 - 0.9 / (1 + math.exp(-(step - 50) / 5)) + max(0, step - 85) for step in range(100)]
    found, why = suggest(rates, losses)
    assert found is not None
    assert rates[40] <= found <= rates[60]
    assert "most steeply" in why


def test_noise_before_the_fall_is_no_slope() -> None:
    rates = [10 ** (-6 + step * 0.07) for step in range(100)]
    losses = [1 - 0.3 / (1 + math.exp(-(step - 70) / 6)) for step in range(100)]
    losses[2], losses[3] = 1.05, 0.99  # steeper than anything that follows
    found, _ = suggest(rates, losses)
    assert found is not None
    assert found >= rates[50]


def test_the_whole_range_is_seen_in_little_time(
    moons: tuple[nn.Module, Data, Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(
        sys.modules[range_test.__module__],
        "time",
        SimpleNamespace(perf_counter=lambda: next(clock)),
    )
    recipe = replace(moons[2], optimizer="Rprop")  # which no rate makes diverge
    found = range_test(*moons[:2], recipe, seconds=10)
    assert 8 <= len(found.rates) <= 12
    assert found.rates[-1] == pytest.approx(10)


def test_a_curve_without_a_fall_suggests_nothing() -> None:
    rates = [10 ** (-6 + step * 0.07) for step in range(100)]
    assert suggest(rates, [1.0] * 100)[0] is None
    assert suggest(rates[:3], [1.0] * 3)[0] is None


@given(some.lists(some.floats(0, 10), min_size=1, max_size=30))
@examples(max_examples=25)
def test_a_smoothed_loss_lies_among_the_losses(losses: list[float]) -> None:
    found = smooth(losses)
    assert len(found) == len(losses)
    assert found[0] == pytest.approx(losses[0])
    assert all(min(losses) - 1e-9 <= value <= max(losses) + 1e-9 for value in found)


@given(some.floats(1e-9, 1e3))
@examples(max_examples=25)
def test_a_readable_rate_is_near_and_short(rate: float) -> None:
    found = readable(rate)
    assert f"{found:e}"[0] in "1235"
    assert 0.69 < found / rate < 1.45


# --- the panel ------------------------------------------------------------------------------------


def page() -> None:
    from ui.training.range_test import range_panel

    range_panel()


@pytest.fixture
def panel(home: Path) -> Iterator[AppTest]:
    """The panel alone, with a model that fits the moons."""
    st.cache_resource.clear()
    app = AppTest.from_function(page, default_timeout=120).run()
    app.session_state["workspace:model"].open(TEMPLATES["MLP"])
    app.session_state["recipe"] = for_data(Recipe(), "moons")
    yield app
    st.cache_resource.clear()


def test_the_panel_tests_and_uses_the_rate(panel: AppTest) -> None:
    panel.run()
    panel.button(key="range-test:start").click().run()
    assert not panel.exception
    rate = float(panel.button(key="range-test:use").label.removeprefix("Use "))
    if panel.session_state["recipe"].lr != rate:
        panel.button(key="range-test:use").click().run()
    assert panel.session_state["recipe"].lr == rate
    assert not panel.exception
    assert panel.button(key="range-test:use").disabled
    panel.session_state["recipe"] = replace(panel.session_state["recipe"], batch_size=8)
    panel.run()
    assert [button.key for button in panel.button] == ["range-test:start"]


@pytest.mark.parametrize("bad", ["LBFGS", "no fit", "frozen"])
def test_the_panel_says_what_it_cannot_test(panel: AppTest, bad: str) -> None:
    workspace = panel.session_state["workspace:model"]
    recipe = panel.session_state["recipe"]
    if bad == "LBFGS":
        panel.session_state["recipe"] = replace(recipe, optimizer="LBFGS", lr=1.0)
    elif bad == "no fit":
        workspace.open(TEMPLATES["LeNet5"])
    else:
        for node in workspace.spec.nodes:
            workspace.edit(lambda spec, name=node.name: edit.freeze(spec, name, True))
    panel.run()
    panel.button(key="range-test:start").click().run()
    assert not panel.exception
    (said,) = [warning.value for warning in panel.warning]
    expected = {"LBFGS": "LBFGS", "no fit": "takes", "frozen": "nothing to learn"}
    assert expected[bad] in said


def test_the_chart_marks_the_suggestion_where_it_stands() -> None:
    rates, losses = (1e-4, 1e-3, 1e-2, 1e-1), (1.0, 0.9, 0.5, 3.0)
    figure = range_chart(RangeTest(rates, losses, losses, 1e-2, "So."), now=1e-3)
    marks = {mark.text: mark.x for mark in figure.layout.annotations}
    assert marks == {"now 0.001": pytest.approx(-3), "suggested 0.01": pytest.approx(-2)}
