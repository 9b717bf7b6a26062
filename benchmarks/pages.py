"""From a key pressed on a slider to new text in the page, against a page that does nothing else.

Both are driven in one Chromium, in turn, so that what else the machine does falls on both alike.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report import Row
from builder import ModelSpec, Node
from builder.labs.pictures import SAMPLES
from builder.labs.tones import encode_png
from builder.spec import Input
from builder.store import Store
from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS
from tests.browser.screen import open_page, settle
from tests.browser.server import running_server

TURNS = 15
_WARM_UP = 2  # the first turns load what is loaded late
_TRIVIAL = """import streamlit as st

value = st.slider("width", 1, 512, 16)
st.markdown(f"shape-{value}-end")
"""
# Time runs from the key to the frame in which the text stands, inside a component's root too.
_WATCH = """
(wanted) => {
  const texts = (root) => {
    let all = root.textContent || "";
    for (const e of root.querySelectorAll("*")) if (e.shadowRoot) all += texts(e.shadowRoot);
    return all;
  };
  window.spent = new Promise((done, fail) => {
    setTimeout(() => fail(new Error("nothing new within 30 s")), 30000);
    let began = null;
    addEventListener("keydown", () => { began = performance.now(); }, {capture: true, once: true});
    const look = () => {
      if (began !== null && texts(document.body).includes(wanted)) done(performance.now() - began);
      else requestAnimationFrame(look);
    };
    look();
  });
}
"""
# The comparer says in an attribute which pictures it shows, once they are decoded and drawn.
_WATCH_PICTURE = """
() => {
  const find = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.matches(".comparer")) return e;
      const inner = e.shadowRoot && find(e.shadowRoot);
      if (inner) return inner;
    }
  };
  const comparer = find(document), before = comparer.dataset.shown;
  window.spent = new Promise((done, fail) => {
    setTimeout(() => fail(new Error("nothing new within 30 s")), 30000);
    let began = null;
    addEventListener("keydown", () => { began = performance.now(); }, {capture: true, once: true});
    const look = () => {
      const changed = comparer.dataset.shown !== before;
      if (began !== null && changed) done(performance.now() - began);
      else requestAnimationFrame(look);
    };
    look();
  });
}
"""


def measure() -> list[Row]:
    """Return the rows: the Build page small and deep, and the Convolution page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trivial = folder / "trivial" / "app.py"
        trivial.parent.mkdir()
        trivial.write_text(_TRIVIAL)
        home = folder / "home"
        Store(home).save_model("deep", _deep(1000))
        floor = stack.enter_context(running_server(trivial.parent, app=trivial))
        ours = stack.enter_context(running_server(folder, home=home))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=find_chromium(), args=FLAGS
        )
        rivals = {
            "trivial": _trivial(browser, floor.url),
            "lenet": slider_of_build(browser, f"{ours.url}/", "out_channels", "(N, {}, 28, 28)", 6),
            "deep": slider_of_build(
                browser, f"{ours.url}/?model=deep", "out_features", "(N, {})", 16
            ),
            "picture": _filter(browser, f"{ours.url}/convolution"),
        }
        times: dict[str, list[float]] = {name: [] for name in rivals}
        for turn in range(TURNS + _WARM_UP):
            for name, press in rivals.items():
                spent = press()
                if turn >= _WARM_UP:
                    times[name].append(spent)
        browser.close()
    base, lenet, deep, picture = (statistics.median(times[name]) for name in rivals)
    pairs = zip(times["lenet"], times["trivial"], strict=True)
    ratio = statistics.median(ours / floor for ours, floor in pairs)
    return [
        Row(
            "Build page, slider to new shapes / trivial page",
            ratio,
            "<= 2",
            ratio <= 2,
            f"{lenet:.0f} ms against {base:.0f} ms, median of {TURNS} pairs",
        ),
        Row(
            "1,000 layers, slider to new shapes / 1 s",
            deep / 1000,
            "< 1",
            deep < 1000,
            f"{deep:.0f} ms, the browser's part included",
        ),
        Row(
            "1 megapixel, slider to new picture / 300 ms",
            picture / 300,
            "< 1",
            picture < 300,
            f"{picture:.0f} ms, median of {TURNS}, the browser's part included",
        ),
    ]


def _deep(layers: int) -> ModelSpec:
    nodes = [
        Node(str(i), "nn.ReLU" if i % 2 else "nn.Linear", {} if i % 2 else {"out_features": 16})
        for i in range(layers)
    ]
    return ModelSpec("Deep", (Input("x", (16,)),), "sequential", tuple(nodes))


def _trivial(browser: Browser, url: str) -> Callable[[], float]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, url)
    return _presser(page, "width", "shape-{}-end", 16)


def slider_of_build(
    browser: Browser, url: str, label: str, shape: str, width: int
) -> Callable[[], float]:
    """Open the Build page and return a function that moves a slider of its first layer by one.

    Args:
        shape: what the layer then shows, `{}` for the new value.
        width: the value now.

    Returns:
        a function that gives the ms until the page shows the new shape.
    """
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, url)
    page.locator('.rows .row[data-name="0"] .title').click()
    page.get_by_role("slider", name=label).wait_for()
    settle(page)
    return _presser(page, label, shape, width)


def _filter(browser: Browser, url: str) -> Callable[[], float]:
    """Open a photograph of a megapixel, in colour, and press the slider of the bias."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, url)
    pixels = cv2.resize(SAMPLES["astronaut"].load().pixels, (1000, 1000))
    page.get_by_role("button", name="Upload").click()
    page.locator("input[type=file]").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": encode_png(pixels)}
    )
    page.get_by_text("1000 × 1000 pixels").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Colour", exact=True).click()
    settle(page)

    def press() -> float:
        page.bring_to_front()
        page.evaluate(_WATCH_PICTURE)
        page.get_by_role("slider", name="bias").press("ArrowRight")
        spent = float(page.evaluate("() => window.spent"))
        settle(page)
        return spent

    return press


def _presser(page: Page, label: str, shape: str, value: int) -> Callable[[], float]:
    """Return a function that moves the slider by one and gives the ms until the page shows it."""

    def press() -> float:
        nonlocal value
        value += 1
        page.bring_to_front()  # a tab in the background draws no frames
        page.evaluate(_WATCH, shape.format(value))
        page.get_by_role("slider", name=label).press("ArrowRight")
        spent = float(page.evaluate("() => window.spent"))
        settle(page)
        return spent

    return press
