"""On the Train page: data are chosen, and one click opens a model that fits them."""

import pytest
from streamlit.testing.v1 import AppTest

from builder import ModelSpec
from builder.data import mismatches
from builder.data.own import Shelf
from builder.train import Recipe


def page() -> None:
    import streamlit as st

    from ui import state
    from ui.training.data import data_panel
    from ui.training.fit import fit_panel

    state.workspace()
    samples = data_panel()
    if samples is not None:
        fits = fit_panel(samples)
        st.text(f"{samples.called} fits" if fits else f"{samples.called} does not fit")


@pytest.fixture
def app(home: object) -> AppTest:
    return AppTest.from_function(page, default_timeout=30).run()


def recipe(app: AppTest) -> Recipe:
    found: Recipe = app.session_state["recipe"]
    return found


def choose(app: AppTest, name: str) -> AppTest:
    return next(box for box in app.selectbox if box.label == "Data").select(name).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


@pytest.mark.parametrize(
    ("data", "model", "loss"),
    [
        ("sine", "MyRNN", "MSELoss"),
        ("prose", "CharLSTM", "CrossEntropyLoss"),
        ("iris", "MLP", "CrossEntropyLoss"),
    ],
)
def test_a_model_that_fits_is_one_click_away(
    app: AppTest, data: str, model: str, loss: str
) -> None:
    choose(app, "diabetes")
    choose(app, data)
    assert app.text[0].value == f"{data} does not fit"
    assert recipe(app).loss == loss
    press(app, model)
    assert app.text[0].value == f"{data} fits"
    workspace = app.session_state["workspace:model"]
    assert workspace.spec.name == model
    assert workspace.past[-1].name == "LeNet5"  # undo brings it back
    assert not app.exception


@pytest.mark.parametrize(
    ("template", "data"),
    [("MyRNN", "sine"), ("CharLSTM", "prose"), ("MyNet", "mnist"), ("LSTMClassifier", "mnist")],
)
def test_the_first_data_are_those_that_come_nearest_to_the_model(
    home: object, template: str, data: str
) -> None:
    from builder import TEMPLATES

    app = AppTest.from_function(page, default_timeout=30)
    app.run()
    app.session_state["workspace:model"].open(TEMPLATES[template])
    del app.session_state["recipe"]
    app.run()
    assert recipe(app).dataset == data
    assert not app.exception


def test_a_pasted_text_becomes_the_data_and_can_be_forgotten(app: AppTest) -> None:
    app.session_state["own-data"] = True
    app.run()
    app.session_state["own:way:3"] = "A text"
    app.run()
    app.text_area[0].set_value("too few").run()
    press(app, "Learn this text")
    assert "There are 7 characters" in app.error[0].value
    app.text_area[0].set_value("The cat sat on the mat. " * 20).run()
    press(app, "Learn this text")
    [own] = Shelf().listed()
    assert (recipe(app).dataset, own.kind) == (own.name, "text")
    assert own.title.startswith("The cat sat")
    press(app, "CharLSTM")
    spec: ModelSpec = app.session_state["workspace:model"].spec
    from builder.data import load

    assert not mismatches(spec, load(own.name))
    app.session_state["own-data"] = True
    app.run()
    press(app, "Delete it")
    assert Shelf().listed() == []
    assert recipe(app).dataset == "mnist"
    assert not app.exception
