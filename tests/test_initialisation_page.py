"""The Initialisation page as AppTest sees it; what a browser must show is in tests/browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, ModelSpec
from builder.initial import fitting
from builder.labs.initialisation.places import places, weights
from builder.spec import Init
from ui.initialisation.lineup import STARTS
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")
SECTIONS = ("Schemes", "Formula and draw", "Through the model", "Training", "Promises")
RUNNING = [title for title in TEMPLATES if "broken" not in title]


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The Initialisation page, with a store of its own."""
    st.cache_resource.clear()
    at = AppTest.from_file(APP, default_timeout=60).run()
    yield at.switch_page("pages/initialisation.py").run()
    st.cache_resource.clear()


def on(app: AppTest, section: str, **chosen: Any) -> AppTest:
    app.session_state["initialisation"] = section
    for key, value in chosen.items():
        app.session_state[key] = value
    return app.run()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def spec(app: AppTest) -> ModelSpec:
    return workspace(app).spec


def said(app: AppTest) -> str:
    kinds = (app.error, app.warning, app.info, app.caption, app.markdown, app.latex)
    return " ".join(element.value for kind in kinds for element in kind)


def test_every_section_shows_every_template_and_the_one_that_does_not_run(app: AppTest) -> None:
    for title in TEMPLATES:
        workspace(app).open(TEMPLATES[title])
        for section in SECTIONS[:3]:
            on(app, section, through="Your model")
            assert not app.exception, (title, section)
    for section in SECTIONS[3:]:
        on(app, section)
        assert not app.exception, section


def test_one_click_starts_all_layers_of_a_kind_and_undo_takes_it_back(app: AppTest) -> None:
    app.button(key="start-all:Linear:Xavier").click().run()
    said_so = [place.init for place in weights(places(spec(app))) if place.op == "nn.Linear"]
    assert said_so == [Init("xavier_uniform_")] * 3
    assert all(place.init is None for place in places(spec(app)) if place.op != "nn.Linear")
    assert any(row for row in app.dataframe[0].value["said"])
    app.button(key="undo").click().run()
    assert spec(app) == TEMPLATES["LeNet5"]
    app.button(key="redo").click().run()
    app.button(key="start-none").click().run()
    assert spec(app) == TEMPLATES["LeNet5"]


def test_a_kind_a_layer_and_a_parameter_are_set_by_a_form(app: AppTest) -> None:
    on(app, "Schemes", **{"scope:Kind": "Conv2d weight"})
    app.selectbox(key="initial:kind:0.weight:scheme").set_value("orthogonal_").run()
    app.text_input(key="initial:kind:0.weight:orthogonal_:gain:").set_value("2").run()
    by_title = {place.title: place.init for place in places(spec(app))}
    assert by_title["0.weight"] == by_title["3.weight"] == Init("orthogonal_", {"gain": 2.0})
    on(app, "Schemes", scope="Layer", **{"scope:Layer": "7"})
    app.selectbox(key="initial:one:7.bias:scheme").set_value("constant_").run()
    on(app, "Schemes", scope="Parameter", **{"initialisation:parameter": "3.weight"})
    app.selectbox(key="initial:one:3.weight:scheme").set_value("").run()
    by_title = {place.title: place.init for place in places(spec(app)) if place.init}
    assert by_title == {
        "0.weight": Init("orthogonal_", {"gain": 2.0}),
        "7.bias": Init("constant_", {"val": 0.1}),
    }
    on(app, "Schemes", scope="Kind")
    assert "They start in different ways" in said(app)


def test_a_wrong_start_is_refused_with_the_reason_and_the_model_stays(app: AppTest) -> None:
    on(app, "Schemes", **{"scope:Kind": "Linear weight"})
    app.selectbox(key="initial:kind:7.weight:scheme").set_value("normal_").run()
    app.text_input(key="initial:kind:7.weight:normal_:std:").set_value("-1").run()
    assert spec(app).main.node("7").init["weight"] == Init("normal_")
    assert "7.weight cannot start so: std is -1.0; a number from 0" in said(app)


def test_the_formula_has_the_layers_own_numbers(app: AppTest) -> None:
    workspace(app).open(TEMPLATES["MyNet with Xavier"])
    on(app, "Formula and draw")
    assert r"\sqrt{\frac{6}{784 + 256}} = 0.07596" in said(app)
    assert "200,704 numbers" in said(app)
    facts = app.dataframe[0].value
    assert facts["spread"][0] == pytest.approx(facts["spread"][1], rel=0.01)
    for scheme in fitting((256, 784)):
        app.selectbox(key="formula:fc1.weight:scheme").set_value(scheme).run()
        assert not app.exception, scheme
    app.selectbox(key="parameter-box").set_value("fc1.bias").run()
    assert "it is drawn by `uniform_" in said(app)


def test_starts_go_through_a_stack_beside_their_theory(app: AppTest) -> None:
    starts = [name for name in STARTS if not name.endswith("uniform")]
    on(app, "Through the model", width=512, **{"through-starts": starts})
    assert not app.exception
    table = app.dataframe[0].value.set_index("start")
    assert table["off theory"]["kaiming normal"] < 0.2
    assert table["which"]["normal"] == "hold"
    assert table["values"]["zeros"] == "all 0"
    on(app, "Through the model", through="Your model")
    assert app.dataframe[0].value["start"][0] == "as the model says"
    on(app, "Through the model", **{"through": "A plain stack", "through-starts": []})
    assert "Choose a start above" in said(app)


def test_a_start_of_ones_own_joins_the_others(app: AppTest) -> None:
    on(app, "Through the model")
    app.selectbox(key="lineup:scheme").set_value("sparse_").run()
    app.button(key="lineup:add").click().run()
    on(app, "Through the model", **{"through-starts": ["sparse_(sparsity=0.9)"]})
    assert not app.exception
    assert list(app.dataframe[0].value["start"]) == ["sparse_(sparsity=0.9)"]


def test_models_train_side_by_side_until_they_are_paused(app: AppTest) -> None:
    on(app, "Training", **{"race-starts": ["zeros", "torch default"]})
    app.button(key="race-start").click().run()
    assert not app.exception
    race = app.session_state["initialisation:race"].race
    assert set(race.runners) == {"zeros", "torch default"}
    assert race.steps > 0
    app.button(key="race-pause").click().run()
    stopped = race.steps
    app.run()
    assert race.steps == stopped
    assert list(app.dataframe[0].value["different units"]) == ["16 of 16", "1 of 16"]


def test_promises_are_measured(app: AppTest) -> None:
    on(app, "Promises")
    assert "Largest difference of the pictures: **0**" in said(app)
    assert "Zeros counted in each column: **36** of 40" in said(app)
    app.slider(key="rotation-rows").set_value(20).run()
    assert "Largest deviation of QQᵀ from 1 · I" in said(app)
    app.slider(key="rotation-gain").set_value(0.0)
    app.slider(key="sparse-share").set_value(1.0).run()
    assert not app.exception
