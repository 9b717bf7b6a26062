"""The pages as AppTest sees them: forms, messages, history; the rest is for a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, ModelSpec, resolve
from builder.initial import fitting
from builder.spec import Init
from builder.store import Store
from builder.train import LOSSES, OPTIMIZERS
from ui import intents
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The workbench with a store of its own, on the Build page."""
    st.cache_resource.clear()
    yield AppTest.from_file(APP, default_timeout=120).run()
    st.cache_resource.clear()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def select(app: AppTest, name: str) -> AppTest:
    workspace(app).select(name)
    return app.run()


def on_train(app: AppTest) -> AppTest:
    return app.switch_page("pages/train.py").run()


def said(app: AppTest) -> str:
    return " ".join(
        element.value
        for kind in (app.error, app.warning, app.info, app.caption)
        for element in kind
    )


def test_the_workbench_opens_with_a_model_that_runs(app: AppTest) -> None:
    assert not app.exception
    assert workspace(app).spec == TEMPLATES["LeNet5"]
    assert "61,706" in " ".join(m.value for m in app.markdown)


def test_every_template_opens_on_the_build_page_and_can_be_undone(app: AppTest) -> None:
    for title, spec in TEMPLATES.items():
        workspace(app).open(spec)
        app.run()
        assert not app.exception, title
        first = spec.nodes[0].name
        select(app, first)
        assert not app.exception, title
    app.button(key="undo").click().run()
    assert workspace(app).spec != spec


@pytest.mark.parametrize("view", ["Table", "Code", "Container", "Tree", "JSON", "Diagram"])
def test_every_view_shows_for_a_model_that_runs_and_for_one_that_does_not(
    app: AppTest, view: str
) -> None:
    for title in ("LeNet5", "ResidualNet", "MyNet with SubNet (broken)"):
        workspace(app).open(TEMPLATES[title])
        app.session_state["view"] = view
        app.run()
        assert not app.exception, title


def test_a_slider_changes_the_layer_and_undo_takes_it_back(app: AppTest) -> None:
    select(app, "0")
    app.slider(key="arg::0:out_channels:slider").set_value(12).run()
    assert workspace(app).spec.main.node("0").args["out_channels"] == 12
    app.button(key="undo").click().run()
    assert workspace(app).spec == TEMPLATES["LeNet5"]
    assert app.slider(key="arg::0:out_channels:slider").value == 6
    app.button(key="redo").click().run()
    assert workspace(app).spec.main.node("0").args["out_channels"] == 12


def test_a_parameter_starts_by_any_scheme_that_its_shape_takes(app: AppTest) -> None:
    app.session_state["start::0:nn.Conv2d"] = True
    select(app, "0")
    key = "start::0:weight"
    assert app.selectbox(key=f"{key}:scheme").value == ""
    for scheme in fitting((6, 1, 5, 5)):
        app.selectbox(key=f"{key}:scheme").set_value(scheme).run()
        assert not app.exception
        assert workspace(app).spec.nodes[0].init["weight"].scheme == scheme
        assert resolve(workspace(app).spec).runs
    app.selectbox(key=f"{key}:scheme").set_value("kaiming_normal_").run()
    app.selectbox(key=f"{key}:kaiming_normal_:nonlinearity:").set_value("relu").run()
    app.text_input(key=f"{key}:kaiming_normal_:a:").set_value("x").run()
    assert "a is 'x'" in said(app)
    app.text_input(key=f"{key}:kaiming_normal_:a:").set_value("-2e9").run()
    assert "a is -2000000000.0" in said(app)
    app.button(key="fix:0").click().run()
    assert workspace(app).spec.nodes[0].init["weight"] == Init("kaiming_normal_")
    app.selectbox(key=f"{key}:scheme").set_value("").run()
    assert workspace(app).spec == TEMPLATES["LeNet5"]


@pytest.mark.parametrize("typed", ["abc", "", "1e400", "3 5"])
def test_text_that_is_no_number_is_answered_under_the_field_and_changes_nothing(
    app: AppTest, typed: str
) -> None:
    select(app, "0")
    app.text_input(key="arg::0:kernel_size:").set_value(typed).run()
    assert not app.exception
    assert workspace(app).spec == TEMPLATES["LeNet5"]
    assert "kernel_size" in said(app)


@pytest.mark.parametrize("typed", ["0", "-3", "1000000000000", "3, 5, 7"])
def test_an_absurd_number_becomes_a_fault_with_fixes_at_its_layer(app: AppTest, typed: str) -> None:
    select(app, "3")
    app.text_input(key="arg::3:kernel_size:").set_value(typed).run()
    assert not app.exception
    assert "kernel_size" in said(app)
    app.button(key="fix:0").click().run()
    assert not app.error


@pytest.mark.parametrize("name", ["class", "import os", "x;y", "", "forward", "é", "a" * 200])
def test_a_name_that_python_or_torch_needs_is_refused_with_the_reason(
    app: AppTest, name: str
) -> None:
    select(app, "0")
    app.text_input(key="rename:0").set_value(name).run()
    assert not app.exception
    assert "name" in app.error[0].value
    assert workspace(app).spec == TEMPLATES["LeNet5"]


def test_a_shape_that_is_none_is_refused_and_the_model_stays(app: AppTest) -> None:
    for typed in ("a, b", "0, 3", "-1", "1" * 20):
        app.text_input(key="input:x:shape").set_value(typed).run()
        assert not app.exception
        assert app.error
        assert workspace(app).spec.inputs == TEMPLATES["LeNet5"].inputs


def test_the_container_can_be_changed_and_says_why_if_it_cannot(app: AppTest) -> None:
    app.segmented_control(key="model:container").set_value("modulelist").run()
    assert workspace(app).spec.container == "modulelist"
    workspace(app).open(TEMPLATES["MyNet with SubNet"])
    app.run()
    app.segmented_control(key="model:container").set_value("sequential").run()
    assert workspace(app).spec.container == "graph"
    assert app.error


def test_a_block_is_edited_where_it_is_used(app: AppTest) -> None:
    workspace(app).open(TEMPLATES["ResidualNet"])
    app.run()
    app.selectbox(key="model:block:ResidualNet").set_value("ResidualBlock").run()
    select(app, "conv1")
    app.slider(key="arg:ResidualBlock:conv1:kernel_size:slider").set_value(5).run()
    block = workspace(app).spec.blocks["ResidualBlock"]
    assert block.node("conv1").args["kernel_size"] == 5
    assert not app.exception


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not"),
        (b'{"format": 7}', "format 7"),
        (json.dumps({"format": 1, "name": "M", "inputs": []}).encode(), "input"),
        (TEMPLATES["LeNet5"].to_json().replace("nn.ReLU", "nn.Rely").encode(), "nn.Rely"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_the_model_stays(
    app: AppTest, content: bytes, word: str
) -> None:
    app.session_state["view"] = "JSON"
    app.run()
    app.file_uploader[0].upload("model.json", content, "application/json").run()
    assert not app.exception
    assert word in said(app)
    assert workspace(app).spec == TEMPLATES["LeNet5"]


def test_a_model_opens_from_its_own_json(app: AppTest) -> None:
    app.session_state["view"] = "JSON"
    app.run()
    text = TEMPLATES["MyRNN"].to_json()
    app.file_uploader[0].upload("model.json", text.encode(), "application/json").run()
    assert workspace(app).spec == TEMPLATES["MyRNN"]


def test_every_edit_is_in_the_store_at_once(app: AppTest, home: Path) -> None:
    app.text_input(key="model:name").set_value("Mine").run()
    kept = Store.open(home).load_model(workspace(app).model_id)
    assert isinstance(kept, ModelSpec)
    assert kept.name == "Mine"


def test_the_intents_of_the_list_are_edits_that_keep_the_selection(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = workspace(app)
    intents.handle(ws, {"do": "insert", "at": 1})
    intents.add(ws, "nn.Tanh")
    assert ws.spec.nodes[1].op == "nn.Tanh"
    assert ws.selected == "1"
    intents.handle(ws, {"do": "move", "name": "1", "to": 3})
    assert ws.spec.nodes[3].op == "nn.Tanh"
    assert ws.selected == "3"
    intents.handle(ws, {"do": "duplicate", "name": "3"})
    intents.handle(ws, {"do": "delete", "name": "4"})
    intents.handle(ws, {"do": "toggle", "name": "3", "on": False})
    assert not ws.spec.nodes[3].enabled
    intents.handle(ws, {"do": "rename", "name": "3", "new": "squash"})
    assert ws.selected == "squash"
    intents.handle(ws, {"do": "delete", "name": "nowhere"})
    assert ws.complaint is not None
    for _ in range(6):
        intents.handle(ws, {"do": "undo"})
    assert ws.spec == TEMPLATES["LeNet5"]


def test_the_train_page_says_that_data_and_model_fit_or_offers_the_fix(app: AppTest) -> None:
    on_train(app)
    assert not app.exception
    assert "fits" in said(app)
    app.selectbox(key="recipe:dataset").set_value("digits").run()
    assert "(1, 8, 8)" in app.warning[0].value
    workspace(app).open(TEMPLATES["MLP"])
    app.selectbox(key="recipe:dataset").set_value("iris").run()
    app.button(key="fit:0:0").click().run()
    assert "fits" in said(app)
    assert workspace(app).spec.inputs[0].shape == (4,)


@pytest.mark.parametrize(
    "dataset",
    ["digits", "iris", "diabetes", "circles", "sine", "adding", "parity", "sequential_digits"],
)
def test_every_kind_of_data_has_its_picture(app: AppTest, dataset: str) -> None:
    on_train(app)
    app.selectbox(key="recipe:dataset").set_value(dataset).run()
    assert not app.exception


def test_my_rnn_is_brought_to_the_sine_with_one_click_and_its_windows_are_shown(
    app: AppTest,
) -> None:
    workspace(app).open(TEMPLATES["MyRNN"])
    on_train(app)
    app.selectbox(key="recipe:dataset").set_value("sine").run()
    assert "(20, 1)" in app.warning[0].value
    app.button(key="fit:0:0").click().run()
    assert "fits" in said(app)
    assert len(app.get("plotly_chart")) == 1
    assert "1,000 sequences of 20 steps" in said(app)
    assert "by time" in said(app)
    app.slider(key="option:sine:length").set_value(30).run()
    assert not app.exception
    assert not app.error
    assert "(30, 1)" in app.warning[0].value


def test_a_picture_model_is_told_which_template_reads_a_series(app: AppTest) -> None:
    on_train(app)
    app.selectbox(key="recipe:dataset").set_value("sine").run()
    app.button(key="reader:MyRNN").click().run()
    assert workspace(app).spec.name == "MyRNN"
    assert "fits" in said(app)


def test_every_optimizer_and_every_loss_has_a_form(app: AppTest) -> None:
    on_train(app)
    for name in OPTIMIZERS:
        app.selectbox(key="recipe:optimizer").set_value(name).run()
        assert not app.exception, name
    for name, loss in LOSSES.items():
        if "classification" in loss.tasks:
            app.selectbox(key="recipe:loss").set_value(name).run()
            assert not app.exception, name


@pytest.mark.parametrize("typed", ["fast", "", "-1", "nan"])
def test_a_learning_rate_that_is_none_is_answered_and_nothing_starts(
    app: AppTest, home: Path, typed: str
) -> None:
    on_train(app)
    app.text_input(key="recipe:lr").set_value(typed).run()
    [start] = [button for button in app.button if button.label == "Start"]
    start.click().run()
    assert not app.exception
    assert "learning rate" in said(app)


def test_a_model_over_the_budget_is_refused_before_it_takes_memory(
    app: AppTest, home: Path
) -> None:
    on_train(app)
    app.number_input(key="budget").set_value(1000).run()
    [start] = [button for button in app.button if button.label == "Start"]
    start.click().run()
    assert "61,706 parameters" in app.error[0].value
    assert Store.open(home).runs() == []
