"""The open model on a picture, as a person sees it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from builder import TEMPLATES, build
from builder.data import load
from builder.files import weights_pt
from builder.labs.feature_maps import look
from builder.labs.map_sheet import tiles
from builder.store import Store
from builder.train import Recipe
from tests.browser.screen import open_page, settle
from tests.browser.server import Server

SPEC = TEMPLATES["LeNet5"]
# What a canvas holds, as rows of red, green and blue.
PIXELS = """canvas => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  return [height, width, Array.from(data)];
}"""


@pytest.fixture
def model_url(server: Server) -> str:
    """The page for a model with a finished run, whose weights are drawn by the seed 3."""
    store, model_id = Store.open(server.home), uuid.uuid4().hex[:12]
    store.save_model(model_id, SPEC)
    run_id = store.create_run(SPEC, Recipe().to_json(), model_id=model_id)
    torch.manual_seed(3)
    (store.folder(run_id) / "weights.pt").write_bytes(weights_pt(build(SPEC).state_dict()))
    store.update_run(run_id, status="finished", epoch=1.0)
    store.close()
    return f"{server.url}/feature_maps?model={model_id}"


def tile(page: Page, number: int) -> Locator:
    return page.locator(f'.tile-sheet .tile[data-number="{number}"]')


def choose_layer(page: Page, title: str, count: int) -> None:
    page.get_by_test_id("stRadio").get_by_text(title, exact=True).click()
    expect(page.locator(".tile-sheet .tile")).to_have_count(count)
    settle(page)


def channel(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Channel")


def test_the_maps_on_screen_are_those_of_torchs_own_run(page: Page, model_url: str) -> None:
    open_page(page, model_url)
    choose_layer(page, "3 · Conv2d", 16)
    torch.manual_seed(3)
    layers = {layer.name: layer for layer in look(build(SPEC), SPEC, load("mnist").x[:1])}
    maps = layers["3"].maps
    assert maps is not None
    for number, expected in enumerate(tiles(maps, "rescale")):
        canvas = tile(page, number).locator("canvas")
        expect(canvas).to_have_attribute("height", "10")
        height, width, data = canvas.evaluate(PIXELS)
        shown = np.array(data, np.uint8).reshape(height, width, 4)[..., :3]
        assert np.array_equal(shown, expected)


def test_a_map_is_picked_by_click_and_by_key_and_drawn_large(page: Page, model_url: str) -> None:
    open_page(page, model_url)
    choose_layer(page, "3 · Conv2d", 16)
    tile(page, 9).click()
    expect(channel(page)).to_have_value("9")
    expect(tile(page, 9)).to_have_attribute("aria-pressed", "true")
    told = page.locator(".tile-sheet .told")
    expect(told).to_contain_text("channel 9: from")
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("channel 10: from")
    page.keyboard.press("Enter")
    expect(channel(page)).to_have_value("10")
    expect(tile(page, 9)).to_have_attribute("aria-pressed", "false")
    tile(page, 2).hover()
    expect(told).to_contain_text("channel 2: from")


def test_an_uploaded_picture_is_explained_by_every_method(page: Page, model_url: str) -> None:
    open_page(page, model_url)
    page.get_by_role("button", name="Upload").click()
    data = io.BytesIO()
    ramp = np.linspace(0, 90, 60 * 80).reshape(60, 80).astype(np.uint8)
    Image.fromarray(ramp).save(data, "JPEG")
    page.locator('input[type="file"]').set_input_files(
        {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}
    )
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("mine.jpg")
    settle(page)
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Why").click()
    heat = page.get_by_text("the heat alone")
    expect(heat).to_be_visible()
    for method in ("Grad-CAM", "Integrated gradients", "Occlusion"):
        page.get_by_role("radio", name=method, exact=True).click()
        settle(page)
        expect(heat).to_be_visible()
    expect(page.get_by_text("red speaks for the class, blue against it")).to_be_visible()


def test_the_page_fits_a_narrow_screen(new_page: Callable[..., Page], model_url: str) -> None:
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")
    open_page(page, model_url)
    choose_layer(page, "0 · Conv2d", 6)
    wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
    assert wide <= 0
    sheet = page.locator(".tile-sheet").bounding_box()
    assert sheet is not None
    assert sheet["x"] + sheet["width"] <= 420
