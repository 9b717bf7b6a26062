"""Points are drawn, erased and taken back, with the mouse and with the keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import Stage, opened_stage
from ui.components.points_canvas import LONGEST, is_stroke

APP = Path(__file__).parent / "apps" / "points_canvas.py"


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A page of the canvas."""
    with opened_stage(browser, tmp_path_factory.mktemp("points"), APP, width=1000) as stage:
        yield stage


@pytest.fixture
def canvas(stage: Stage) -> Iterator[Page]:
    """The canvas, as if for the first time."""
    page = stage.show()
    expect(page.locator(".points-canvas")).to_have_count(1)
    yield page
    stage.watch.check()


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a place of the plane lies on the page."""
    box = page.locator(".plane").bounding_box()
    assert box
    return box["x"] + (x + 1) / 2 * box["width"], box["y"] + (1 - y) / 2 * box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, *end), steps=12)
    page.mouse.up()


def told(page: Page, text: str) -> None:
    expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_clicks_put_points_of_the_chosen_class(canvas: Page) -> None:
    canvas.mouse.click(*at(canvas, 0, 0))
    told(canvas, "Classes: {0: 1}")
    canvas.get_by_role("button", name="Class 2, 0 points").click()
    canvas.mouse.click(*at(canvas, 0.5, 0.5))
    canvas.mouse.click(*at(canvas, 0.5, -0.5))
    told(canvas, "Classes: {0: 1, 2: 2}")
    expect(canvas.get_by_role("button", name="Class 2, 2 points")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_a_drag_leaves_a_trail_and_the_eraser_takes_it_back(canvas: Page) -> None:
    drag(canvas, (-0.6, 0.3), (0.6, 0.3))
    told(canvas, "Said: ['add']")
    points = int(canvas.locator(".plane").get_attribute("data-points") or 0)
    assert points > 5
    told(canvas, f"Classes: {{0: {points}}}")
    canvas.get_by_role("button", name="Erase").click()
    drag(canvas, (-0.7, 0.3), (0.7, 0.3))
    told(canvas, "Classes: {}")
    canvas.get_by_role("button", name="Undo").click()
    told(canvas, f"Classes: {{0: {points}}}")
    canvas.get_by_role("button", name="Clear").click()
    told(canvas, "Classes: {}")
    canvas.get_by_role("button", name="Undo").click()
    told(canvas, f"Classes: {{0: {points}}}")


def test_a_spray_makes_a_cloud(canvas: Page) -> None:
    canvas.get_by_role("button", name="Spray").click()
    canvas.mouse.click(*at(canvas, 0.97, 0.97))
    told(canvas, "Classes: {0: 4}")


def test_all_of_it_goes_by_keyboard(canvas: Page) -> None:
    expect(canvas.get_by_role("button", name="Undo")).to_be_disabled()
    canvas.locator(".plane").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp", "Space"):
        canvas.keyboard.press(key)
    told(canvas, "Last: ((0.05, 0.2, 0),)")
    canvas.keyboard.press("3")
    for key in ("Shift+ArrowLeft", "Enter"):
        canvas.keyboard.press(key)
    told(canvas, "Classes: {0: 1, 3: 1}")
    for key in ("e", "Enter"):
        canvas.keyboard.press(key)
    told(canvas, "Classes: {0: 1}")
    canvas.keyboard.press("Control+z")
    told(canvas, "Classes: {0: 1, 3: 1}")


@pytest.mark.parametrize(
    ("intent", "fits"),
    [
        ({"do": "add", "points": [[0, 0.5, 5]]}, True),
        ({"do": "erase", "places": [[0, -1]], "radius": 0.1}, True),
        ({"do": "undo"}, True),
        ({"do": "clear"}, True),
        ({"do": "add", "points": []}, False),
        ({"do": "add", "points": [[0, 1.5, 0]]}, False),
        ({"do": "add", "points": [[0, float("nan"), 0]]}, False),
        ({"do": "add", "points": [[0, 0, 6]]}, False),
        ({"do": "add", "points": [[0, 0, 0.5]]}, False),
        ({"do": "add", "points": [[0, 0]]}, False),
        ({"do": "add", "points": [[0, 0, 0]] * (LONGEST + 1)}, False),
        ({"do": "erase", "places": [[0, 0]], "radius": 9}, False),
        ({"do": "erase", "places": [[0, 0]], "radius": "x"}, False),
        ({"do": "draw"}, False),
        ({"do": "clear", "all": True}, False),
    ],
)
def test_only_strokes_on_the_plane_are_taken(intent: dict[str, Any], fits: bool) -> None:
    assert is_stroke(intent, 6) == fits
