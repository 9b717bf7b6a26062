"""The Convolution page as AppTest sees it: kernels, the chain, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import edit, resolve
from builder.labs import chain
from builder.labs.chain import kernel_of
from builder.labs.kernels import KERNELS
from builder.store import Store
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The workbench with a store of its own, on the Convolution page."""
    st.cache_resource.clear()
    app = AppTest.from_file(APP, default_timeout=120).run()
    yield app.switch_page("pages/convolution.py").run()
    st.cache_resource.clear()


def lab(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:chain"]
    return found


def kernel(app: AppTest, name: str = "conv") -> np.ndarray:
    found = kernel_of(lab(app).spec.main.node(name))
    assert found is not None
    return found


def choose(app: AppTest, preset: str) -> AppTest:
    return app.selectbox(key="preset:conv").set_value(preset).run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def said(app: AppTest) -> str:
    return " ".join(e.value for kind in (app.error, app.warning, app.caption) for e in kind)


def test_it_opens_on_the_sharpening_filter_and_says_what_its_sum_does(app: AppTest) -> None:
    assert not app.exception
    assert lab(app).spec.nodes == chain.first_chain().nodes
    assert app.selectbox(key="preset:conv").value == "sharpen_notes"
    assert "11% of what it was" in said(app)


def test_presets_sizes_and_sliders_make_the_kernel(app: AppTest) -> None:
    choose(app, "gaussian")
    assert np.allclose(kernel(app), KERNELS["gaussian"].make(3, sigma=1.0)[0])
    app.select_slider(key="preset-size:conv").set_value(7).run()
    app.slider(key="preset:conv:sigma").set_value(2.0).run()
    assert not app.exception
    assert np.allclose(kernel(app), KERNELS["gaussian"].make(7, sigma=2.0)[0])
    assert app.selectbox(key="preset:conv").value == "gaussian"
    assert resolve(lab(app).spec).runs


def test_a_magnitude_becomes_two_convolutions_and_their_length(app: AppTest) -> None:
    choose(app, "sobel")
    assert not app.exception
    assert [node.op for node in lab(app).spec.nodes] == ["nn.Conv2d", "nn.Conv2d", "torch.hypot"]
    assert lab(app).selected == lab(app).spec.nodes[-1].name
    lab(app).undo()
    app.run()
    assert len(lab(app).spec.nodes) == 1


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Rotate", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ("Flip ↔", [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        ("Transpose", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ("Normalise", [[-1 / 8, 0, 1 / 8], [-2 / 8, 0, 2 / 8], [-1 / 8, 0, 1 / 8]]),
    ],
)
def test_buttons_change_the_kernel(app: AppTest, label: str, expected: list[list[float]]) -> None:
    choose(app, "sobel_x")
    press(app, label)
    assert np.allclose(kernel(app), expected)


def test_typed_text_becomes_the_kernel_or_a_sentence(app: AppTest) -> None:
    area = next(area for area in app.text_area if area.label == "As text")
    area.set_value("1 2 3\n4 5 1/9").run()
    assert kernel(app).tolist() == [[1, 2, 3], [4, 5, np.float32(1 / 9)]]
    assert app.selectbox(key="preset:conv").value is None
    area = next(area for area in app.text_area if area.label == "As text")
    area.set_value("1 2\n3 oops").run()
    assert "'oops'" in said(app)
    assert kernel(app).shape == (2, 3)


def test_a_kernel_of_ones_own_is_kept_chosen_and_deleted(app: AppTest, home: Path) -> None:
    choose(app, "emboss")
    app.text_input(key="kernel-name").set_value("mine").run()
    press(app, "Save this kernel")
    assert list(Store.open(home).kernels()) == ["mine"]
    choose(app, "box")
    choose(app, "own:mine")
    assert np.array_equal(kernel(app), KERNELS["emboss"].make(3)[0])
    press(app, "Delete mine")
    assert Store.open(home).kernels() == {}


def test_colour_keeps_channels_apart_until_they_are_summed_and_undo_goes_all_the_way(
    app: AppTest,
) -> None:
    before = lab(app).spec
    app.segmented_control(key="convolution:colour").set_value(True).run()
    assert lab(app).spec.main.node("conv").args["groups"] == 3
    app.segmented_control(key="mixing:conv").set_value("across").run()
    assert lab(app).spec.main.node("conv").args["out_channels"] == 1
    assert not app.exception
    while lab(app).past:
        lab(app).undo()
        assert not app.run().exception
    assert lab(app).spec.nodes == before.nodes


def test_a_bias_is_set_and_taken_away(app: AppTest) -> None:
    app.slider(key="bias:conv").set_value(0.25).run()
    assert chain.bias_of(lab(app).spec.main.node("conv")) == 0.25
    app.slider(key="bias:conv").set_value(0.0).run()
    assert chain.bias_of(lab(app).spec.main.node("conv")) is None


@pytest.mark.parametrize("op", ["nn.MaxPool2d", "nn.ConvTranspose2d", "nn.Upsample", "nn.ReLU"])
def test_a_layer_added_stands_behind_the_selected_one_and_is_shown(app: AppTest, op: str) -> None:
    app.selectbox(key="convolution:add").set_value(op).run()
    assert not app.exception
    assert [node.op for node in lab(app).spec.nodes] == ["nn.Conv2d", op]
    assert lab(app).selected == lab(app).spec.nodes[1].name
    assert any(button.label == lab(app).selected for button in app.button)


def test_a_stage_of_many_channels_shows_one_at_a_time(app: AppTest) -> None:
    app.segmented_control(key="convolution:colour").set_value(True).run()
    app.selectbox(key="convolution:add").set_value("nn.PixelUnshuffle").run()
    if not resolve(lab(app).spec).runs:  # the cat is of an odd width
        app.selectbox(key="convolution:picture").set_value("astronaut").run()
    assert not app.exception
    assert app.slider(key="convolution:channel").max == 11
    app.slider(key="convolution:channel").set_value(7).run()
    assert not app.exception


def test_a_chain_emptied_and_a_layer_that_cannot_run_leave_the_picture(app: AppTest) -> None:
    ws = lab(app)
    app.selectbox(key="convolution:add").set_value("nn.PixelShuffle").run()
    assert not app.exception
    assert app.warning
    for node in list(ws.spec.nodes):
        ws.edit(lambda spec, name=node.name: edit.remove(spec, name))
        assert not app.run().exception
    assert ws.spec.nodes == ()


def test_every_section_opens(app: AppTest) -> None:
    for title in (
        "Histogram",
        "Take away and code",
        "Learn the kernel",
        "Outside 0 to 1",
        "Correlation or convolution",
    ):
        app.session_state["convolution-sections"] = title
        assert not app.run().exception, title


def test_the_kernel_becomes_a_frozen_layer_of_the_model(app: AppTest) -> None:
    app.session_state["convolution-sections"] = "Take away and code"
    app.run()
    press(app, "Use as a layer")
    node = app.session_state["workspace:model"].spec.nodes[0]
    assert node.frozen
    assert np.array_equal(kernel_of(node), kernel(app))
    assert "frozen" in " ".join(e.value for e in app.success)


def test_the_chain_comes_back_by_its_address(app: AppTest, home: Path) -> None:
    choose(app, "emboss")
    address = lab(app).model_id
    again = AppTest.from_file(APP, default_timeout=120)
    again.query_params["chain"] = address
    again.run().switch_page("pages/convolution.py")
    again.query_params["chain"] = address
    again.run()
    assert np.array_equal(kernel(again), KERNELS["emboss"].make(3)[0])
