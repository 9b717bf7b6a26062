"""The Activations page as AppTest sees it; what a browser must show is in tests/browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, build
from builder.files import weights_pt
from builder.labs.activation import ACTIVATIONS
from builder.labs.inplace import IN_PLACE
from builder.store import Store
from builder.train import Recipe
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")
SECTIONS = ("Curves", "Your numbers", "In place", "Through depth", "In your model")
TITLES = [row.title for row in ACTIVATIONS.values()]


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The Activations page, with a store of its own."""
    st.cache_resource.clear()
    at = AppTest.from_file(APP, default_timeout=120).run()
    yield at.switch_page("pages/activations.py").run()
    st.cache_resource.clear()


def on(app: AppTest, section: str, **chosen: Any) -> AppTest:
    app.session_state["section"] = section
    for key, value in chosen.items():
        app.session_state[key] = value
    return app.run()


def said(app: AppTest) -> str:
    kinds = (app.error, app.warning, app.info, app.caption, app.markdown)
    return " ".join(element.value for kind in kinds for element in kind)


def test_the_page_opens_with_the_five_of_the_notes(app: AppTest) -> None:
    assert not app.exception
    [pills] = [group for group in app.button_group if group.key == "show"]
    assert pills.value == ["Sigmoid", "Tanh", "ReLU", "LeakyReLU", "Softmax"]
    [facts] = app.dataframe
    assert set(facts.value["activation"]) == {"Sigmoid", "Tanh", "ReLU", "LeakyReLU"}
    assert "Applies the rectified linear unit function" in said(app)
    assert "Softmax** has no curve" in said(app)


def test_every_section_shows_every_activation_at_once_and_none(app: AppTest) -> None:
    for section in SECTIONS:
        for titles in (TITLES, []):
            on(app, section, show=titles)
            assert not app.exception, section


def test_a_slider_changes_the_function_and_what_cannot_be_is_said_beside_it(app: AppTest) -> None:
    on(app, "Curves", show=["LeakyReLU", "Hardtanh"])
    app.slider(key="LeakyReLU.negative_slope").set_value(0.3).run()
    assert "LeakyReLU(0.3)" in set(app.dataframe[0].value["activation"])
    app.slider(key="Hardtanh.min_val").set_value(0.0)
    app.slider(key="Hardtanh.max_val").set_value(0.0).run()
    assert not app.exception
    assert "max_val" in said(app)
    assert list(app.dataframe[0].value["activation"]) == ["LeakyReLU(0.3)"]


def test_colours_stay_while_others_come_and_go(app: AppTest) -> None:
    on(app, "Curves", show=["Tanh", "GELU"])
    slots = dict(app.session_state["activation-slots"])
    on(app, "Curves", show=["ReLU", "GELU"])
    assert app.session_state["activation-slots"]["nn.GELU"] == slots["nn.GELU"]


def test_an_empty_range_is_widened(app: AppTest) -> None:
    on(app, "Curves", range=(2.0, 2.0))
    assert not app.exception


def test_scores_that_are_none_are_answered_beside_the_field(app: AppTest) -> None:
    on(app, "Curves", show=["Softmax"])
    assert ":red[" not in said(app)
    for typed in ("", "a, b", "1", "1, nan", "0, " * 40):
        app.text_input(key="Softmax.scores").set_value(typed).run()
        assert not app.exception, typed
        assert ":red[" in said(app), typed


def test_channels_of_a_prelu_have_slopes_of_their_own(app: AppTest) -> None:
    on(app, "Curves", show=["PReLU"])
    app.slider(key="PReLU.num_parameters").set_value(3).run()
    assert app.text_input(key="PReLU.slopes:3").value == "0, 0.25, 0.5"
    app.text_input(key="PReLU.slopes:3").set_value("1, 2").run()
    assert not app.exception
    assert "There are 2 slopes; 3" in said(app)


def numbers_of(app: AppTest) -> Any:
    return app.dataframe[0].value


def test_the_first_numbers_are_drawn_and_random_draws_others(app: AppTest) -> None:
    on(app, "Your numbers")
    assert numbers_of(app).shape == (10, 6)
    assert "sum to 1.0000 along axis 1" in said(app)
    assert any("torch.randn(1, 10)" in code.value for code in app.code)
    before = numbers_of(app)["input"].tolist()
    app.button(key="draw").click().run()
    assert app.number_input(key="seed").value == 1
    assert numbers_of(app)["input"].tolist() != before


def test_a_shape_that_is_none_is_answered_beside_the_field(app: AppTest) -> None:
    on(app, "Your numbers")
    for typed in ("", "x", "0", "1,2,3,4,5", "100000, 100000"):
        app.text_input(key="shape").set_value(typed).run()
        assert not app.exception, typed
        assert ":red[" in said(app), typed
        assert not app.dataframe, typed


def test_typed_text_that_is_no_tensor_is_answered_beside_the_field(app: AppTest) -> None:
    on(app, "Your numbers", numbers="typed")
    for typed in ("", "one", "1, nan", "1 2\n3", "[[1, 2]", "1e99"):
        app.text_area(key="typed").set_value(typed).run()
        assert not app.exception, typed
        assert ":red[" in said(app), typed
    app.text_area(key="typed").set_value("[[1, 2], [3, 4]]").run()
    assert numbers_of(app)["input"].tolist() == [1, 2, 3, 4]


def test_an_uploaded_tensor_is_read_and_what_is_none_is_refused(app: AppTest) -> None:
    on(app, "Your numbers", numbers="uploaded")
    file = io.BytesIO()
    np.save(file, np.arange(600.0).reshape(2, 3, 100))
    app.file_uploader[0].upload("x.npy", file.getvalue(), "application/octet-stream").run()
    assert not app.exception
    assert len(numbers_of(app)) == 600
    assert any('np.load("x.npy")' in code.value for code in app.code)
    app.file_uploader[0].upload("x.npy", b"\x80\x04pickle", "application/octet-stream").run()
    assert not app.exception
    assert "no .npy file" in said(app)


def test_the_axis_is_chosen_and_a_tensor_that_does_not_fit_is_answered(app: AppTest) -> None:
    on(app, "Your numbers", show=["Softmax", "GLU", "Softmax2d"])
    app.text_input(key="shape").set_value("3, 4").run()
    assert "GLU** gives half as many numbers, 3 × 2" in said(app)
    assert "Softmax2d takes 4 axes" in said(app)
    on(app, "Your numbers", **{"Softmax.dim.2": 0, "GLU.dim.2": 0})
    assert not app.exception
    assert "sum to 1.0000 along axis 0" in said(app)
    assert "GLU halves axis 0" in said(app)


def test_in_place_tells_what_autograd_says(app: AppTest) -> None:
    for op in IN_PLACE:
        on(app, "In place", **{"in-place": ACTIVATIONS[op].title})
        assert not app.exception, op
        text = said(app)
        assert "leaf Variable" in text, op
        assert "modified by an inplace operation" in text, op
        assert "the same memory" in text, op
        assert any("inplace=True" in code.value for code in app.code), op


def test_through_depth_follows_the_initialisation(app: AppTest) -> None:
    on(app, "Through depth", show=["ReLU", "Sigmoid", "GLU"])
    table = app.dataframe[0].value.set_index("activation")
    assert table.loc["Sigmoid", "which"] == "vanish"
    assert "GLU" in said(app)
    app.selectbox(key="initial").set_value("kaiming normal").run()
    table = app.dataframe[0].value.set_index("activation")
    assert table.loc["ReLU", "which"] == "hold"
    app.selectbox(key="initial").set_value("normal").run()
    app.slider(key="std").set_value(0.5).run()
    table = app.dataframe[0].value.set_index("activation")
    assert table.loc["ReLU", "which"] == "explode"
    app.selectbox(key="initial").set_value("zeros").run()
    assert not app.exception
    app.slider(key="layers").set_value(1).run()
    assert not app.exception
    app.selectbox(key="initial").set_value("normal")
    app.slider(key="layers").set_value(100).run()
    table = app.dataframe[0].value.set_index("activation")
    assert table.loc["ReLU", "which"] == "overflow"


def test_the_models_own_activations_are_found_or_it_is_said_why_not(app: AppTest) -> None:
    ws: Workspace = app.session_state["workspace:model"]
    on(app, "In your model")
    assert list(app.dataframe[0].value["layer"]) == ["1", "4", "8", "10"]
    assert app.selectbox(key="input").value == "mnist"
    for name in ("ResidualNet", "TextClassifier", "MyRNN", "MyNet with SubNet (broken)"):
        ws.open(TEMPLATES[name])
        app.run()
        assert not app.exception, name
    assert app.warning


def test_the_weights_of_a_run_are_looked_at_on_its_data(app: AppTest, home: Path) -> None:
    ws: Workspace = app.session_state["workspace:model"]
    ws.open(TEMPLATES["MLP"])
    store = Store.open(home)
    recipe = Recipe(dataset="moons", options={"samples": 100, "noise": 0.2, "seed": 3})
    run = store.create_run(ws.spec, recipe.to_json(), model_id=ws.model_id)
    weights = build(ws.spec).state_dict()
    weights["0.bias"].fill_(-100)
    (store.folder(run) / "weights.pt").write_bytes(weights_pt(weights))
    store.update_run(run, status="finished")
    on(app, "In your model")
    assert not app.exception
    assert app.selectbox(key="subject:weights").value == run
    assert app.selectbox(key="input").value == "moons"
    table = app.dataframe[0].value.set_index("layer")
    assert table.loc["1", "dead units"] == 1
    app.selectbox(key="subject:weights").set_value("fresh").run()
    assert app.dataframe[0].value.set_index("layer").loc["1", "dead units"] < 1
    (store.folder(run) / "weights.pt").write_bytes(weights_pt({"0.bias": weights["0.bias"]}))
    app.selectbox(key="subject:weights").set_value(run).run()
    assert not app.exception
    assert "do not fit" in said(app)
