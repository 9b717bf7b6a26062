"""The Feature maps page as AppTest sees it: choices, messages, what survives."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, ModelSpec, Node, build
from builder.files import weights_pt
from builder.labs import attribution
from builder.labs.framing import FITS
from builder.labs.pictures import SAMPLES
from builder.labs.tones import TONES
from builder.spec import Input
from builder.store import Store
from builder.train import Recipe
from ui.components.tile_sheet import is_pick
from ui.feature_maps.bench import Bench
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")
WIDE = ModelSpec(
    "Wide",
    (Input("x", (3, 12, 12)),),
    "sequential",
    (
        Node("0", "nn.Conv2d", {"out_channels": 512, "kernel_size": 3}),
        Node("1", "nn.ReLU"),
        Node("2", "nn.AdaptiveAvgPool2d", {"output_size": 1}),
        Node("3", "nn.Flatten"),
        Node("4", "nn.Linear", {"out_features": 300}),
    ),
)


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The workbench with a store of its own, on the Feature maps page."""
    st.cache_resource.clear()
    yield (
        AppTest.from_file(APP, default_timeout=120).run().switch_page("pages/feature_maps.py").run()
    )
    st.cache_resource.clear()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def bench(app: AppTest) -> Bench:
    found: Bench = app.session_state["feature-maps"]
    return found


def opened(app: AppTest, spec: ModelSpec) -> AppTest:
    workspace(app).open(spec)
    return app.run()


def on_tab(app: AppTest, title: str) -> AppTest:
    app.session_state["maps-tabs"] = title
    return app.run()


def trained(app: AppTest, home: Path, spec: ModelSpec, *, seed: int = 0) -> str:
    """A finished run of the open model, with weights drawn by a seed."""
    store = Store.open(home)
    run_id = store.create_run(spec, Recipe().to_json(), model_id=workspace(app).model_id)
    torch.manual_seed(seed)
    weights = build(spec).state_dict()
    (store.folder(run_id) / "weights.pt").write_bytes(weights_pt(weights))
    store.update_run(run_id, status="finished", epoch=3.0)
    return run_id


def said(app: AppTest) -> str:
    return " ".join(
        element.value
        for kind in (app.error, app.warning, app.info, app.caption, app.markdown)
        for element in kind
    )


def png(height: int, width: int, value: int = 200) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(data, "PNG")
    return data.getvalue()


def test_the_page_opens_with_every_layer_of_the_model_and_a_sample_of_its_data(
    app: AppTest,
) -> None:
    assert not app.exception
    assert app.selectbox(key="maps:source").value == "data:mnist"
    assert len(app.radio(key="maps:layer").options) == 1 + len(TEMPLATES["LeNet5"].nodes)
    assert "Taken for" in said(app)


def test_every_template_has_its_maps_or_a_sentence_and_a_way_to_the_model(app: AppTest) -> None:
    for title, spec in TEMPLATES.items():
        opened(app, spec)
        assert not app.exception, title
        if app.warning:
            assert app.warning[0].value.endswith((".", "?")), title
            continue
        for tab in ("Maps", "Filters", "Why: saliency and Grad-CAM"):
            on_tab(app, tab)
            assert not app.exception, (title, tab)
        on_tab(app, "Maps")
        kinds = {name.partition(" · ")[2]: name for name in app.radio(key="maps:layer").options}
        for kind, name in kinds.items():
            app.radio(key="maps:layer").set_value(name.partition(" · ")[0] if kind else "").run()
            assert not app.exception, (title, name)
            assert kind in said(app)


def test_a_model_that_reads_words_is_told_what_a_picture_needs(app: AppTest) -> None:
    opened(app, TEMPLATES["TextTransformer"])
    assert "word indices" in app.warning[0].value


def test_a_model_that_cannot_run_shows_the_message_of_its_fault(app: AppTest) -> None:
    opened(app, TEMPLATES["MyNet with SubNet (broken)"])
    assert "view" in app.warning[0].value


def test_a_picture_is_fitted_as_chosen(app: AppTest) -> None:
    for source in ("cat", "edges"):
        app.selectbox(key="maps:source").set_value(source).run()
        assert SAMPLES[source].credit in said(app)
        for how in FITS:
            app.segmented_control(key="maps:how").set_value(how).run()
            assert not app.exception
            assert bench(app).how == how
    app.toggle(key="maps:invert").set_value(True).run()
    assert bench(app).invert


def test_a_sample_has_its_class_and_any_other_can_be_drawn(app: AppTest) -> None:
    app.number_input(key="maps:number").set_value(600).run()
    assert "it is 1" in said(app)
    [button] = [button for button in app.button if button.label == "Any"]
    button.click().run()
    assert not app.exception
    assert 0 <= bench(app).number < 5000


def test_the_last_run_is_taken_with_its_own_weights(app: AppTest, home: Path) -> None:
    run_id = trained(app, home, TEMPLATES["LeNet5"], seed=5)
    app.session_state["subject"].weights = ""
    app.run()
    assert app.selectbox(key="subject:weights").value == run_id
    first = said(app)
    app.selectbox(key="subject:weights").set_value("fresh").run()
    assert said(app) != first
    app.number_input(key="subject:seed").set_value(5).run()
    shares = [word for word in said(app).split() if word.endswith("%")]
    assert shares[0] in first


def test_a_run_keeps_its_own_model_when_the_open_one_changes(app: AppTest, home: Path) -> None:
    run_id = trained(app, home, TEMPLATES["LeNet5"])
    app.session_state["subject"].weights = run_id
    opened(app, replace(TEMPLATES["LeNet5"], nodes=TEMPLATES["LeNet5"].nodes[:3]))
    assert len(app.radio(key="maps:layer").options) == 13
    assert "changed since" in said(app)


def test_weights_that_do_not_fit_or_cannot_be_read_are_told_in_words(
    app: AppTest, home: Path
) -> None:
    run_id = trained(app, home, TEMPLATES["LeNet5"])
    path = Store.open(home).folder(run_id) / "weights.pt"
    app.session_state["subject"].weights = run_id
    for content in (weights_pt({"0.weight": torch.zeros(2)}), b"no weights"):
        path.write_bytes(content)
        app.run()
        assert not app.exception
        assert "weights" in app.warning[0].value
        assert app.selectbox(key="subject:weights").value == run_id


def test_the_next_mistake_is_one(app: AppTest, home: Path) -> None:
    app.session_state["subject"].weights = trained(app, home, TEMPLATES["LeNet5"])
    app.run()
    [button] = [button for button in app.button if button.label == "Next mistake"]
    before = bench(app).number
    button.click().run()
    assert bench(app).number != before
    assert "it is" in said(app)


def test_a_bright_picture_for_a_model_of_digits_comes_with_a_hint(app: AppTest, home: Path) -> None:
    app.session_state["subject"].weights = trained(app, home, TEMPLATES["LeNet5"])
    app.run()
    app.file_uploader(key="maps:upload").upload("white.png", png(40, 30), "image/png").run()
    assert "light on dark" in app.info[0].value
    app.toggle(key="maps:invert").set_value(True).run()
    assert not app.info


def test_an_uploaded_picture_is_taken_and_found_again_on_the_way_back(app: AppTest) -> None:
    app.file_uploader(key="maps:upload").upload("mine.png", png(50, 31), "image/png").run()
    assert not app.exception
    assert "mine.png" in app.selectbox(key="maps:source").options
    assert app.selectbox(key="maps:source").value == bench(app).source
    app.switch_page("pages/build.py").run().switch_page("pages/feature_maps.py").run()
    assert "mine.png" in app.selectbox(key="maps:source").options


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("note.txt", b"hello", "no picture"),
        ("cut.png", png(64, 64)[:60], "cut.png"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ],
)
def test_a_file_that_is_no_picture_is_refused_and_the_page_stays(
    app: AppTest, name: str, content: bytes, word: str
) -> None:
    app.file_uploader(key="maps:upload").upload(name, content, "image/png").run()
    assert not app.exception
    assert word in app.error[0].value
    assert "Taken for" in said(app)


def test_a_picture_of_an_absurd_size_is_fitted_all_the_same(app: AppTest) -> None:
    for size in ((1, 1), (1, 3000), (3000, 1)):
        app.file_uploader(key="maps:upload").upload("odd.png", png(*size), "image/png").run()
        for how in FITS:
            app.segmented_control(key="maps:how").set_value(how).run()
            assert not app.exception


def test_hundreds_of_channels_come_a_page_at_a_time(app: AppTest) -> None:
    opened(app, WIDE)
    app.radio(key="maps:layer").set_value("0").run()
    page = app.number_input(key="maps:page:maps:0")
    assert (page.min, page.max) == (1, 16)
    page.set_value(16).run()
    app.number_input(key="maps:channel").set_value(511).run()
    assert not app.exception
    assert bench(app).channel == 511
    app.radio(key="maps:layer").set_value("4").run()
    assert not app.exception
    on_tab(app, "Filters")
    assert app.number_input(key="maps:page:filters:0").max == 8


def test_colours_and_scale_of_the_maps_can_be_chosen(app: AppTest) -> None:
    app.radio(key="maps:layer").set_value("3").run()
    for tone in ("signed", "rescale"):
        for shared in (True, False):
            app.segmented_control(key="maps:tone").set_value(tone).run()
            app.segmented_control(key="maps:shared").set_value(shared).run()
            assert not app.exception
            assert (bench(app).tone, bench(app).shared) == (tone, shared)
    assert {"signed", "rescale"} <= set(TONES)


def test_every_method_explains_the_likeliest_class_and_any_other(app: AppTest) -> None:
    on_tab(app, "Why: saliency and Grad-CAM")
    for method in attribution.METHODS:
        app.segmented_control(key="maps:method").set_value(method).run()
        assert not app.exception, method
    likeliest = app.selectbox(key="maps:target").value
    other = (likeliest + 1) % 10
    app.selectbox(key="maps:target").set_value(other).run()
    assert bench(app).target == other
    app.number_input(key="maps:number").set_value(1).run()
    assert not app.exception


def test_grad_cam_weighs_the_layer_that_is_chosen(app: AppTest) -> None:
    on_tab(app, "Why: saliency and Grad-CAM")
    app.segmented_control(key="maps:method").set_value("grad_cam").run()
    assert app.selectbox(key="maps:weighed").value == "3"
    app.selectbox(key="maps:weighed").set_value("0").run()
    assert not app.exception
    opened(app, TEMPLATES["MyNet"])
    assert "no layer that gives maps" in said(app)


def test_what_gives_no_score_says_what_would(app: AppTest) -> None:
    opened(app, TEMPLATES["ConvAutoencoder"])
    assert "nothing to predict" in said(app)
    on_tab(app, "Why: saliency and Grad-CAM")
    assert not app.exception
    assert "starts from a score" in said(app)


def test_layers_in_place_are_explained_and_it_is_said_how(app: AppTest) -> None:
    nodes = tuple(
        replace(node, args={"inplace": True}) if node.op == "nn.ReLU" else node
        for node in TEMPLATES["LeNet5"].nodes
    )
    opened(app, replace(TEMPLATES["LeNet5"], nodes=nodes))
    on_tab(app, "Why: saliency and Grad-CAM")
    app.segmented_control(key="maps:method").set_value("grad_cam").run()
    assert not app.exception
    assert "out of place" in said(app)


@pytest.mark.parametrize(
    "message",
    [
        {"do": "pick", "number": 3},
        {"do": "pick", "number": -1},
        {"do": "pick", "number": True},
        {"do": "pick", "number": "0"},
        {"do": "open", "number": 0},
        {"do": "pick", "number": 0, "more": 1},
        {"do": "pick"},
    ],
)
def test_a_message_that_picks_no_tile_is_none(message: dict[str, object]) -> None:
    assert is_pick({"do": "pick", "number": 2}, 3)
    assert not is_pick(message, 3)
