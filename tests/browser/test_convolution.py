"""The Convolution page with a real upload: seen, looked into, taken away, refused."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Locator, Page, expect

from builder.labs.kernels import KERNELS
from builder.labs.pictures import read_picture
from builder.labs.tones import encode_png, to_pixels
from tests.browser.screen import open_page, settle
from tests.browser.server import Server
from tests.test_pictures import bomb

(SOBEL,) = KERNELS["sobel_x"].make(3)
HEIGHT, WIDTH = 600, 900  # larger than the page shows, so that the preview is another picture


def photograph() -> bytes:
    """A picture of blobs and edges, as PNG."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (HEIGHT // 20, WIDTH // 20, 3), dtype=np.uint8)
    return encode_png(cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def file(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "image/png", "buffer": data}


def upload(page: Page, *files: Any, until: str) -> None:
    """Bring files in; the box is closed when the page says `until`, for closing it breaks off."""
    page.get_by_role("button", name="Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(files)
    expect(page.get_by_text(until)).to_be_visible()
    page.keyboard.press("Escape")
    settle(page)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=re.compile(rf"\b{label}$")).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    settle(page)


def comparer(page: Page) -> Locator:
    return page.locator(".comparer")


def numbers(grid: Locator) -> list[float]:
    """What a grid of three by three says of its cells, row by row."""
    cells = grid.locator(".cell")
    expect(cells).to_have_count(9)
    texts = cells.evaluate_all("all => all.map(cell => cell.value)")
    return [float(text.replace("−", "-")) for text in texts]


def full_size(kernel: np.ndarray) -> np.ndarray:
    """What torch makes of the whole picture in grey, (H, W)."""
    values = read_picture(photograph(), "photo.png").values(1)
    x = torch.from_numpy(values).permute(2, 0, 1)[None]
    return F.conv2d(x, torch.from_numpy(kernel)[None, None], padding="same")[0, 0].numpy()


def saved(page: Page, name: str, folder: Path) -> bytes:
    with page.expect_download() as caught:
        page.get_by_role("button", name=name).click()
    path = folder / caught.value.suggested_filename
    caught.value.save_as(path)
    return path.read_bytes()


def test_a_picture_of_ones_own_is_filtered_looked_into_and_taken_away(
    server: Server, page: Page, tmp_path: Path
) -> None:
    open_page(page, f"{server.url}/convolution")
    other = encode_png(np.zeros((20, 30, 3), np.uint8))
    files = file("other.png", other), file("photo.png", photograph())
    upload(page, *files, until=f"{HEIGHT} × {WIDTH} pixels")

    # another kernel: the picture changes
    first = comparer(page).get_attribute("data-shown")
    choose(page, "Kernel", "Sobel x")
    expect(comparer(page)).not_to_have_attribute("data-shown", str(first))

    # the divider, by hand
    divider = page.get_by_role("slider", name="Divider")
    box = divider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert float(divider.get_attribute("aria-valuenow") or 50) < 45

    # one pixel, by a click on the result
    stage = comparer(page).locator(".stage").bounding_box()
    assert stage is not None
    page.mouse.click(stage["x"] + stage["width"] * 0.7, stage["y"] + stage["height"] * 0.4)
    row, column = (page.get_by_role("spinbutton", name=name) for name in ("Row", "Column"))
    expect(column).not_to_have_value("384")
    settle(page)
    at = int(row.input_value()), int(column.input_value())
    preview = read_picture(photograph(), "photo.png").within(768).values(1)[:, :, 0]
    patch = preview[at[0] - 1 : at[0] + 2, at[1] - 1 : at[1] + 2]
    patch_grid, kernel_grid, products = (
        page.get_by_role("tabpanel").locator(".kernel-grid").nth(place) for place in range(3)
    )
    assert numbers(patch_grid) == pytest.approx(patch.flatten().tolist(), abs=1e-3)
    assert numbers(kernel_grid) == SOBEL.flatten().tolist()
    assert numbers(products) == pytest.approx((patch * SOBEL).flatten().tolist(), abs=1e-3)
    expect(page.get_by_text(f"{(patch * SOBEL).sum():.4g}", exact=True).first).to_be_visible()

    # the window on its way
    page.get_by_text("The window on its way").click()
    window = page.locator(".sliding-window")
    begun = window.get_attribute("data-position")
    page.get_by_role("button", name="Play").click()
    expect(window).not_to_have_attribute("data-position", str(begun))
    page.get_by_role("button", name="Pause").click()

    # the result at full size, byte for byte
    tab(page, "Take away and code")
    expected = full_size(SOBEL)
    array = np.load(io.BytesIO(saved(page, "Tensor (.npy)", tmp_path)), allow_pickle=False)
    assert array.shape == (1, HEIGHT, WIDTH)
    assert np.abs(array[0] - expected).max() < 1e-5 * np.abs(SOBEL).sum()
    shown = to_pixels(np.ascontiguousarray(array[0]), "clip")
    assert saved(page, "Picture (.png)", tmp_path) == encode_png(shown)

    # the chain comes back after a refresh
    page.reload()
    settle(page)
    kernel = page.locator(".st-key-lab-change .kernel-grid")
    assert numbers(kernel) == SOBEL.flatten().tolist()


def test_a_conv2d_learns_the_kernel_and_it_becomes_a_layer_of_the_model(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/convolution")
    choose(page, "Kernel", "Sobel x")
    tab(page, "Learn the kernel")
    page.get_by_role("button", name="Learn", exact=True).click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    said = page.get_by_text("farthest cell off by").text_content() or ""
    assert float(said.rsplit(" ", 1)[1]) < 1e-3

    tab(page, "Take away and code")
    page.get_by_role("button", name="Use as a layer").click()
    page.get_by_role("link", name="See it on the Build page").click()
    expect(page.locator('.rows .row[data-name="0"]')).to_contain_text("kernel 3")
    weight = page.locator(".st-key-start-fields").get_by_role("combobox", name="weight")
    expect(weight).to_have_value("given values, 3 × 3")
    expect(page.get_by_role("switch", name="Frozen")).to_be_checked()


def bad_files() -> Iterable[tuple[str, bytes, str]]:
    whole = photograph()
    yield "words.png", b"these are words", "words.png is no picture"
    yield "half.png", whole[: len(whole) // 2], "half.png begins like a picture"
    yield "bomb.png", bomb(20_000, 20_000), "50 million"
    yield "drawn.svg", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "drawn.svg is an SVG"


def test_what_is_no_picture_is_said_and_the_rest_goes_on(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/convolution")
    files = [file(name, data) for name, data, _ in bad_files()]
    thin = encode_png(np.full((1, 3000, 3), 99, np.uint8))
    one = encode_png(np.full((1, 1, 3), 99, np.uint8))
    # Of the good ones the last is shown, smaller than the kernel as it is.
    upload(page, *files, file("thin.png", thin), file("one.png", one), until="1 × 1 pixels")
    for _, _, words in bad_files():
        expect(page.get_by_text(words).first).to_be_visible()
    expect(comparer(page)).to_be_visible()
    choose(page, "Picture", "thin.png")
    expect(page.get_by_text("1 × 3000 pixels")).to_be_visible()
    expect(comparer(page)).to_be_visible()

    # a cell with text
    cell = page.locator(".st-key-lab-change .kernel-grid .cell").first
    cell.click()
    page.keyboard.type("abc")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-lab-change .kernel-grid .message")).not_to_be_empty()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_of_twenty_files_twelve_are_taken_and_it_is_said(server: Server, page: Page) -> None:
    open_page(page, f"{server.url}/convolution")
    picture = encode_png(np.zeros((8, 8, 3), np.uint8))
    files = [file(f"{number}.png", picture) for number in range(20)]
    upload(page, *files, until="20 files came; the first 12 of them are taken.")
    page.get_by_role("combobox", name=re.compile(r"\bPicture$")).click()
    expect(page.get_by_role("option", name=re.compile(r"^\d+\.png$"))).to_have_count(12)
