"""The curves of a run, and the looks into it, as the page draws them."""

import altair as alt
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES
from builder.data import DATASETS, load, mismatches
from builder.store import Event, Point, Store
from builder.train.recipe import Recipe
from builder.train.worker import work
from ui.training.curves_chart import Chart, Options, chart
from ui.training.curves_lines import Lines, as_table, smoothed

EVENTS = [
    Event(0, 0.0, "rate", {"lr": 0.1}),
    Event(50, 5.0, "scale", {"factor": 0.1, "group": "fc"}),
    Event(50, 5.0, "freeze", {"group": "fc"}),
]


def lines(count: int = 100) -> Lines:
    """A run of `count` steps, 10 an epoch, its loss 1 / step."""
    found = Lines("a")
    points = []
    for step in range(1, count + 1):
        for split in ("train", "validation", "group:fc", "group:default"):
            metric, value = ("lr", 0.1) if ":" in split else ("loss", 1 / step)
            points.append(Point(len(points) + 1, step, step / 10, split, metric, value))
    found.add(points)
    return found


def curve(found: Chart, name: str, kind: str = "curve") -> pd.DataFrame:
    return found.table[(found.table["kind"] == kind) & (found.table["line"] == name)]


def marks(found: Chart) -> list[tuple[float, str]]:
    rows = found.table[found.table["kind"] == "mark"]
    return list(zip(rows["x"], rows["said"], strict=True))


def test_a_metric_has_a_line_for_training_and_one_for_validation() -> None:
    found = chart(lines(), "loss", Options())
    assert set(found.table["line"]) == {"train", "validation"}
    train = curve(found, "train")
    assert list(train["x"][:3]) == pytest.approx([0.1, 0.2, 0.3])
    assert list(train["y"][:3]) == pytest.approx([1, 1 / 2, 1 / 3])


def test_what_belongs_to_groups_has_a_line_for_each() -> None:
    found = chart(lines(), "lr", Options())
    assert set(found.table["line"]) == {"fc", "default"}
    assert found.spec["title"]["text"] == "learning rate"


@pytest.mark.parametrize(("axis", "last"), [("epoch", 10), ("step", 100), ("seconds", 50)])
def test_curves_stand_over_the_axis_that_was_chosen(axis: str, last: float) -> None:
    found = chart(lines(), "loss", Options(axis=axis), EVENTS, pace=0.5)
    assert curve(found, "train")["x"].max() == pytest.approx(last)
    assert marks(found)[-1][0] == pytest.approx(last / 2)


def test_what_was_done_is_marked_in_words_where_it_was_done() -> None:
    assert marks(chart(lines(), "loss", Options(axis="step"), EVENTS)) == [
        (0, "learning rate set to 0.1"),
        (50, "learning rate of fc divided by 10; fc frozen"),
    ]


def test_a_logarithmic_axis_has_no_place_for_zero() -> None:
    found = chart(lines(), "loss", Options(axis="step", logs=("across", "up")), EVENTS)
    assert [at for at, _ in marks(found)] == [50]
    assert (found.table["x"] > 0).all()
    scales = {
        channel: layer["encoding"][channel]["scale"]["type"]
        for layer in found.spec["layer"]
        for channel in ("x", "y")
        if "scale" in layer["encoding"].get(channel, {})
    }
    assert scales == {"x": "log", "y": "log"}


def test_a_smooth_line_lies_over_the_one_that_was_measured() -> None:
    found = chart(lines(), "loss", Options(smoothing=0.9))
    faint, smooth = curve(found, "train", "faint"), curve(found, "train")
    assert list(faint["y"]) == list(curve(chart(lines(), "loss", Options()), "train")["y"])
    assert smooth["y"].diff().abs().max() < faint["y"].diff().abs().max()


@pytest.mark.parametrize("metric", ["loss", "lr"])
@pytest.mark.parametrize(
    "options", [Options(), Options("step", 0.5, ("across", "up")), Options(marks=False)]
)
def test_every_chart_is_vega_lite_and_stays_the_same_while_points_come(
    metric: str, options: Options
) -> None:
    found = chart(lines(), metric, options, EVENTS)
    alt.Chart.from_dict({**found.spec, "data": {"values": []}})  # checked against the schema
    later = chart(lines(300), metric, options, EVENTS)
    assert later.spec == found.spec
    assert len(later.table) > len(found.table)


def test_smoothing_starts_at_the_first_value_and_keeps_a_constant() -> None:
    assert smoothed(np.array([3.0, 1, 1]), 0.9)[0] == 3
    assert smoothed(np.full(5, 2.0), 0.7) == pytest.approx(np.full(5, 2.0))


def test_a_long_line_is_drawn_by_few_points_and_downloaded_whole() -> None:
    points = [Point(n, n, n / 10, "train", "loss", float(n == 5000)) for n in range(1, 20_001)]
    found = Lines("a")
    found.add(points)
    drawn = curve(chart(found, "loss", Options()), "train")
    assert len(drawn) <= 1000
    assert drawn["y"].max() == 1
    table = as_table(points, 0.1)
    assert len(table) == 20_000
    assert list(table.columns) == ["step", "epoch", "seconds", "split", "metric", "value"]


def page() -> None:
    import streamlit as st

    from ui import state
    from ui.training.curves import curves_panel
    from ui.training.looks.panel import looks

    run_id = st.query_params["run"]
    curves_panel(run_id, state.store().points(run_id))
    looks(run_id)


RUNS = {
    "MLP": Recipe("moons", options={"samples": 60}, epochs=2),
    "LeNet5": Recipe("digits", epochs=1, batch_size=256),
    "MyRNN": Recipe("sine", options={"samples": 60}, loss="MSELoss", epochs=1),
    "Perceptron": Recipe("iris", epochs=1),
}


@pytest.mark.parametrize("template", RUNS)
def test_every_look_into_a_run_is_drawn(
    template: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ui.state

    recipe, spec = RUNS[template], TEMPLATES[template]
    assert recipe.dataset in DATASETS
    while found := mismatches(spec, load(recipe.dataset, **recipe.options)):
        spec = found[0].fixes[0].apply(spec)
    run_id = store.create_run(spec, recipe.to_json())
    store.claim(run_id, at_once=99)
    assert work(store, store.run(run_id)) == "finished"
    monkeypatch.setattr(ui.state, "store", lambda: store)
    test = AppTest.from_function(page, default_timeout=120)
    test.query_params["run"] = run_id
    test.run()
    assert not test.exception
    (choice,) = test.get("segmented_control")[-1:]
    assert set(choice.options) >= {"Weights and gradients"}
    for name in store.watched(run_id):
        test.session_state["looks:open"] = name
        test.run()
        assert not test.exception
        assert not test.warning
        assert "As of step" in test.caption[-1].value
