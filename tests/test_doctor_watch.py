"""What the curves of a run say: planted faults are found, and clean runs raise no note."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from builder import build, edit
from builder.errors import RunError
from builder.store import Point, Store
from builder.train.data import Data, split_by
from builder.train.doctor import Note, watch
from builder.train.trainer import Trainer
from tests.test_doctor import RELU, SIGMOID, Case, chain, deep, fitted, linear, started, the

LOOKS = 20


def points_of(case: Case, steps: int) -> tuple[list[Point], str]:
    """Train for so many steps and return what a run records of it, looked at 20 times."""
    spec, samples, recipe = case
    parts = split_by(recipe, samples)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    kept = (parts.train, parts.validation)
    tensors = [tensor for rows in kept for tensor in (x[rows], y[rows])]
    torch.manual_seed(recipe.seed)
    trainer = Trainer(build(spec).train(), Data(*tensors), recipe, task=samples.task)
    measured, message = [], ""
    try:
        for step in range(steps):
            if step % max(1, steps // LOOKS) == 0:
                trainer.validate()
                measured += trainer.take()
                trainer.look()
            trainer.batch()
        trainer.validate()
        measured += trainer.take()
    except RunError as error:
        message = error.message
    return [Point(number, *one) for number, one in enumerate(measured)], message


def watched(case: Case, steps: int) -> Sequence[Note]:
    points, message = points_of(case, steps)
    return watch(case[0], case[2], points, message)


def moons(**recipe: Any) -> Case:
    return chain("moons", [linear(16), RELU, linear(16), RELU, linear(2)], **recipe)


@pytest.mark.parametrize(
    ("template", "dataset", "steps"),
    [("MLP", "moons", 600), ("MLP", "iris", 400), ("MLP", "wine", 300), ("MyRNN", "sine", 150),
     ("LeNet5", "digits", 150)],
)  # fmt: skip
def test_a_clean_run_raises_no_note_at_any_time(template: str, dataset: str, steps: int) -> None:
    case = fitted(template, dataset)
    points, message = points_of(case, steps)
    for share in (0.1, 0.3, 0.6, 1.0):
        early = [point for point in points if point.step <= share * steps]
        assert watch(case[0], case[2], early, message) == ()


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_fast_run_that_was_looked_at_but_a_few_times_raises_no_note(looks: int) -> None:
    case = fitted("MLP", "moons")
    start = Point(0, 0, 0.0, "validation", "loss", 0.7)
    train = [
        Point(number, 5000 + number, 1.0, "train", "loss", 0.7 / 2**number)
        for number in range(1, looks + 1)
    ]
    assert watch(case[0], case[2], [start, *train], "") == ()


PLANTED: dict[str, tuple[str, Callable[[], Case], int]] = {
    "a loss that explodes": ("rate too high", lambda: moons(optimizer="SGD", lr=100.0), 200),
    "a rate too high": ("rate too high", lambda: moons(lr=10.0), 200),
    "a rate too low": ("rate too low", lambda: moons(lr=1e-6), 200),
    "a line where a bend is needed": (
        "no fall",
        lambda: chain("xor", [linear(2)], lr=0.003),
        400,
    ),
    "a chain of sigmoids": (
        "vanishing gradients in training",
        lambda: chain("moons", deep(SIGMOID, 10), optimizer="SGD", lr=0.1),
        120,
    ),
    "large weights": (
        "exploding gradients in training",
        lambda: started(chain("moons", deep(RELU, 4), lr=1e-4), "weight", 0.0, 2.0),
        120,
    ),
    "ReLUs that have died": (
        "dead layers",
        lambda: started(chain("moons", deep(RELU, 2)), "bias", -10.0, 0.0),
        120,
    ),
    "a model too large for its samples": (
        "overfitting",
        lambda: chain("diabetes", [linear(64), RELU, linear(64), RELU, linear(1)]),
        1200,
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_shows_in_the_curves(planted: str) -> None:
    rule, make, steps = PLANTED[planted]
    case = make()
    note = the(rule, [n for n in watched(case, steps) if n.rule == rule])
    assert note.evidence.endswith(".")
    assert note.fixes


@pytest.mark.parametrize("planted", ["a loss that explodes", "a rate too low"])
def test_the_next_run_with_the_first_fix_has_no_such_note(planted: str) -> None:
    rule, make, steps = PLANTED[planted]
    spec, samples, recipe = make()
    (note,) = [n for n in watched((spec, samples, recipe), steps) if n.rule == rule]
    for fix in note.fixes:
        if fix.label.startswith("Use"):
            spec, recipe = fix.apply(spec, recipe)
    after = watched((spec, samples, recipe), steps)
    assert rule not in [n.rule for n in after]


def test_a_rate_far_beyond_an_optimizers_is_brought_to_its_usual_one_first() -> None:
    case = moons(lr=10.0)
    note = the("rate too high", [n for n in watched(case, 200) if n.rule == "rate too high"])
    assert note.fixes[0].label == "Use 0.001"
    assert "times their size" in note.evidence
    after = note.fixes[0].apply(case[0], case[2])[1]
    assert watched((case[0], case[1], after), 200) == ()


def test_a_run_that_stops_early_does_not_overfit() -> None:
    spec, samples, recipe = PLANTED["a model too large for its samples"][1]()
    found = watched((spec, samples, recipe), 1200)
    (fix,) = [f for f in the("overfitting", found).fixes if f.label.startswith("Stop after")]
    assert fix.apply(spec, recipe)[1] == replace(recipe, patience=5, keep_best=True)


def test_a_run_without_points_gets_no_notes() -> None:
    spec, _, recipe = moons()
    assert watch(spec, recipe, ()) == ()


# --- the panel ------------------------------------------------------------------------------------


def page() -> None:
    from ui import state
    from ui.training.doctor import doctor

    run_id = state.get("run")
    doctor(state.store().run(run_id) if run_id else None)


@pytest.fixture
def panel(home: Path) -> Iterator[AppTest]:
    """The panel alone, with a model that fits the moons."""
    st.cache_resource.clear()
    app = AppTest.from_function(page, default_timeout=120).run()
    show(app, moons())
    yield app
    st.cache_resource.clear()


def show(app: AppTest, case: Case) -> None:
    app.session_state["workspace:model"].open(case[0])
    app.session_state["recipe"] = case[2]
    app.run()
    assert not app.exception


def texts(app: AppTest) -> str:
    return " ".join(e.value for kind in (app.markdown, app.success, app.warning) for e in kind)


def test_the_panel_has_nothing_to_say_of_a_clean_model_and_checks_it_up(panel: AppTest) -> None:
    assert len(panel.success) == 1
    panel.button(key="doctor:check-up").click().run()
    assert not panel.exception
    assert "learned by heart" in panel.success[1].value


def test_a_fix_in_the_panel_changes_the_model_and_can_be_undone(panel: AppTest) -> None:
    spec = moons()[0]
    soft = edit.insert(spec, len(spec.nodes), "nn.Softmax", {"dim": 1})
    show(panel, (soft, *moons(batch_size=16)[1:]))
    assert "before CrossEntropyLoss" in texts(panel)
    panel.button(key="doctor:before:0:0").click().run()
    workspace = panel.session_state["workspace:model"]
    assert workspace.spec == spec
    assert "before CrossEntropyLoss" not in texts(panel)
    workspace.undo()
    assert workspace.spec == soft


def test_a_fix_in_the_panel_changes_the_settings(panel: AppTest) -> None:
    show(panel, moons(lr=9.0))
    assert "high for Adam" in texts(panel)
    panel.button(key="doctor:before:0:0").click().run()
    assert panel.session_state["recipe"].lr == 0.001
    assert "high for Adam" not in texts(panel)


def test_the_panel_says_why_it_cannot_check_up(panel: AppTest) -> None:
    show(panel, fitted("MyRNN", "sine"))
    panel.session_state["recipe"] = moons()[2]
    panel.run()
    panel.button(key="doctor:check-up").click().run()
    assert not panel.exception
    assert "takes" in panel.warning[0].value


def test_the_panel_reads_the_curves_of_the_run_on_show(panel: AppTest, store: Store) -> None:
    spec, samples, recipe = moons(lr=1e-6)
    points, _ = points_of((spec, samples, recipe), 200)
    run_id = store.create_run(spec, recipe.to_json())
    store.add_points(run_id, [(p.step, p.epoch, p.split, p.metric, p.value) for p in points])
    store.update_run(run_id, status="finished")
    panel.session_state["run"] = run_id
    panel.run()
    assert not panel.exception
    assert "The learning rate is too low" in texts(panel)
    panel.button(key="doctor:run:0:0").click().run()
    assert panel.session_state["recipe"].lr == 0.001
