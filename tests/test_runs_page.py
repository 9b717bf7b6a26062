"""The Runs page as AppTest sees it: labels, undo, pairs and sweeps from form to verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES
from builder.store import Store
from builder.train import Recipe
from builder.train.compare import differences
from builder.train.launch import Launcher
from builder.train.record import record
from builder.train.sweeps import Plan, drive, results
from tests.test_sweeps import finish
from ui.training.settings import launcher

APP = str(Path(__file__).parents[1] / "app.py")
RECIPE = Recipe("moons", epochs=2)


@pytest.fixture(autouse=True)
def _nobody_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are recorded and wait; the tests say what they come to."""
    monkeypatch.setattr(Launcher, "_hand", lambda self, run_id: None)
    monkeypatch.setattr(Launcher, "keep_warm", lambda self: None)
    monkeypatch.setattr(drive, "at_once", lambda: 2)


@pytest.fixture
def base(store: Store) -> str:
    """A finished run."""
    run_id = record(store, TEMPLATES["MLP"], RECIPE, name="base")
    finish(store, run_id, 0.5)
    return run_id


@pytest.fixture
def opened(store: Store) -> Iterator[Callable[..., AppTest]]:
    """Opens the Runs page at an address."""
    st.cache_resource.clear()

    def open_page(**address: str) -> AppTest:
        app = AppTest.from_file(APP, default_timeout=60)
        for name, value in address.items():
            app.query_params[name] = value
        app.switch_page("pages/runs.py").run()
        assert not app.exception
        return app

    yield open_page
    launcher().close()
    st.cache_resource.clear()


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return " ".join(element.value for kind in kinds for element in kind)


def carry_on(store: Store, app: AppTest, loss: Callable[[tuple[object, ...]], float]) -> None:
    """Let the runs of the only sweep come to their losses."""
    [sweep] = store.sweeps()
    while True:
        drive.advance(store)
        waiting = [result for result in results(store, sweep.id) if not result.over]
        if not waiting:
            break
        for result in waiting:
            finish(store, result.member.run or "", loss(result.member.values))
    app.run()
    assert not app.exception


def test_an_empty_page_leads_to_the_train_page_and_still_offers_pairs(
    opened: Callable[..., AppTest],
) -> None:
    app = opened(section="A/B")
    assert "No runs yet" in said(app)
    assert app.selectbox(key="pair:base").value == "train page"
    assert not app.button(key="pair:start").disabled


def test_a_run_keeps_its_model_and_recipe_and_gives_them_back(
    store: Store, base: str, opened: Callable[..., AppTest]
) -> None:
    app = opened(runs=base)
    app.text_input(key=f"runs:name:{base}").set_value("renamed").run()
    assert store.run(base).name == "renamed"
    app.button(key="runs:open").click().run()
    assert app.session_state["workspace:model"].spec == TEMPLATES["MLP"]
    app.button(key="runs:use").click().run()
    assert app.session_state["recipe"] == RECIPE
    app.button(key="runs:run").click().run()
    again, first = store.runs()
    assert differences([again, first]) == []
    finish(store, again.id, 0.5)
    app.run()
    app.button(key="runs:delete").click().run()
    assert store.runs() == []
    app.button(key="runs:undo").click().run()
    assert {run.id for run in store.runs()} == {again.id, first.id}
    assert not app.exception


def test_a_pair_is_started_from_a_ticked_run_and_its_verdict_is_said(
    store: Store, base: str, opened: Callable[..., AppTest]
) -> None:
    app = opened(section="A/B", runs=base)
    assert app.selectbox(key="pair:base").value == base
    app.selectbox(key="pair:setting").set_value("batch_size").run()
    app.text_input(key=f"pair:value:{base}:batch_size:widget").set_value("0").run()
    assert "B cannot be started" in app.warning[0].value
    assert app.button(key="pair:start").disabled
    app.text_input(key=f"pair:value:{base}:batch_size:widget").set_value("many").run()
    assert "'many'" in said(app)
    app.text_input(key=f"pair:value:{base}:batch_size:widget").set_value("32").run()
    assert "B is as A is" in said(app)
    app.text_input(key=f"pair:value:{base}:batch_size:widget").set_value("8").run()
    app.number_input(key="pair:seeds").set_value(2).run()
    app.button(key="pair:start").click().run()
    assert not app.exception
    assert "0 of 4 runs are over" in app.get("progress")[0].proto.text
    [sweep] = store.sweeps()
    runs = [result.run for result in results(store, sweep.id) if result.run]
    assert [line.path for line in differences(runs)] == ["batch_size"]
    carry_on(store, app, lambda values: 0.5 if values == (32,) else 0.25)
    assert "B is better by 0.25" in app.success[0].value
    app.button(key="tried:use_recipe").click().run()
    assert app.session_state["recipe"] == replace(RECIPE, batch_size=8)
    app.button(key="tried:more").click().run()
    assert Plan.from_json(store.sweep(sweep.id).plan).seeds == (0, 1, 2, 3, 4)
    app.button(key=f"cancel:{sweep.id}").click().run()
    assert store.sweep(sweep.id).status == "cancelled"
    assert "Cut short" in said(app)
    assert not app.exception


@pytest.mark.parametrize("path", ["optimizer", "layer.1.op", "layer.3.on", "layer.0.out_features"])
def test_every_kind_of_setting_can_be_the_one_that_differs(
    store: Store, base: str, opened: Callable[..., AppTest], path: str
) -> None:
    app = opened(section="A/B", runs=base)
    app.selectbox(key="pair:setting").set_value(path).run()
    app.button(key="pair:start").click().run()
    assert not app.exception
    [sweep] = store.sweeps()
    runs = [result.run for result in results(store, sweep.id) if result.run]
    assert len(differences(runs)) == 1


def test_a_grid_over_two_settings_is_drawn_and_its_best_is_taken_over(
    store: Store, base: str, opened: Callable[..., AppTest]
) -> None:
    app = opened(section="Sweep", runs=base)
    values = app.text_input(key=f"sweep:first:{base}:lr:grid")
    values.set_value("0.1, fast").run()
    assert "fast" in app.warning[0].value
    app.text_input(key=f"sweep:first:{base}:lr:grid").set_value("0.1, 0.1").run()
    assert "same value twice" in app.warning[0].value
    app.text_input(key=f"sweep:first:{base}:lr:grid").set_value("0.1, 0.01").run()
    app.selectbox(key="sweep:second").set_value("layer.0.out_features").run()
    app.text_input(key=f"sweep:second:{base}:layer.0.out_features:grid").set_value("4, 8").run()
    assert "4 runs, 2 at a time" in said(app)
    app.button(key="sweep:start").click().run()
    assert not app.exception
    carry_on(store, app, lambda values: float(values[0]) / values[1])  # type: ignore[arg-type]
    assert "Best of 4: **learning rate 0.01, 0 Linear · out\\_features 8**" in app.success[0].value
    assert len(app.get("plotly_chart")) == 1
    app.button(key="tried:use_recipe").click().run()
    assert app.session_state["recipe"].lr == 0.01
    app.button(key="tried:open_model").click().run()
    spec = app.session_state["workspace:model"].spec
    assert spec.nodes[0].args["out_features"] == 8
    app.button(key="tried:tick").click().run()
    assert len(app.session_state["runs:chosen"]) == 4
    app.button(key="tried:forget").click().run()
    assert store.sweeps() == []
    assert len(store.runs()) == 5
    assert not app.exception


@pytest.mark.parametrize("method", ["random", "search"])
def test_ranges_are_drawn_from_and_what_fails_is_shown_with_its_reason(
    store: Store, base: str, opened: Callable[..., AppTest], method: str
) -> None:
    app = opened(section="Sweep", runs=base)
    app.segmented_control(key="sweep:method").set_value(method).run()
    app.text_input(key=f"sweep:first:{base}:lr:{method}:From").set_value("1").run()
    assert "lower to a higher" in app.warning[0].value
    app.text_input(key=f"sweep:first:{base}:lr:{method}:From").set_value("0.0001").run()
    app.selectbox(key="sweep:second").set_value("optimizer").run()
    app.number_input(key="sweep:count").set_value(5).run()
    app.button(key="sweep:start").click().run()
    [sweep] = store.sweeps()
    first = results(store, sweep.id)[0].run
    assert first is not None
    store.update_run(first.id, status="failed", message="The loss is no number.")
    carry_on(store, app, lambda values: float(values[0]))  # type: ignore[arg-type]
    assert "The loss is no number" in said(app)
    found = results(store, sweep.id)
    assert [result.status for result in found] == ["failed", *["finished"] * 4]
    assert all(1e-4 <= result.member.values[0] <= 0.1 for result in found)


def test_a_sweep_is_found_again_after_a_restart_and_one_that_cannot_be_read_is_left_out(
    store: Store, base: str, opened: Callable[..., AppTest]
) -> None:
    app = opened(section="Sweep", runs=base)
    app.button(key="sweep:start").click().run()
    store.create_sweep("{}", budget=1)
    [sweep] = store.sweeps(status="going")[-1:]
    st.cache_resource.clear()
    again = opened(section="Sweep", sweep=sweep.id)
    assert "Grid over learning rate" in said(again)
    assert len(results(store, sweep.id)) == 2
