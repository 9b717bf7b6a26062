"""The Activations page in a real browser: choose, slide, upload, refresh."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.screen import open_page, settle
from tests.browser.server import Server


def chart(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} .js-plotly-plot")


def lines(page: Page, key: str) -> list[str]:
    """Names of the lines of a chart, as plotly holds them."""
    expect(chart(page, key)).to_be_visible()
    found: list[str] = chart(page, key).evaluate(
        "plot => plot.data.filter(d => d.type === 'scatter' && d.name).map(d => d.name)"
    )
    return found


def pill(page: Page, title: str) -> Locator:
    return page.locator(".st-key-show").get_by_role("button", name=title, exact=True)


def go(page: Page, section: str) -> None:
    page.get_by_role("tab", name=section).click()
    expect(page.get_by_role("tab", name=section)).to_have_attribute("aria-selected", "true")
    settle(page)


def test_a_student_compares_functions_and_finds_them_again_after_a_refresh(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/activations")
    assert lines(page, "activation-function") == ["ReLU", "LeakyReLU", "Sigmoid", "Tanh"]
    pill(page, "Tanh").click()
    pill(page, "GELU").click()
    settle(page)
    slope = page.get_by_role("slider", name=re.compile("LeakyReLU negative_slope"))
    slope.focus()
    for _ in range(9):
        slope.press("ArrowRight")
    settle(page)
    shown = ["ReLU", "LeakyReLU(0.1)", "GELU", "Sigmoid"]
    assert lines(page, "activation-derivative") == shown

    # the slope on the left is the one that was chosen
    least: float = chart(page, "activation-derivative").evaluate(
        "plot => plot.calcdata.filter(d => d[0].trace.name === 'LeakyReLU(0.1)')[0][0].y"
    )
    assert least == pytest.approx(0.1)

    page.reload()
    settle(page)
    assert lines(page, "activation-function") == shown

    # hovering tells the numbers
    box = chart(page, "activation-function").locator(".nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    hover = chart(page, "activation-function").locator(".hoverlayer")
    expect(hover).to_contain_text("Sigmoid")
    expect(hover).to_contain_text("0.95")


def test_numbers_of_ones_own_go_through_the_five_of_the_notes(
    server: Server, page: Page, tmp_path: Path
) -> None:
    open_page(page, f"{server.url}/activations")
    go(page, "Your numbers")
    code = page.get_by_test_id("stCode")
    expect(code.first).to_contain_text("x = torch.randn(1, 10)")
    expect(code.first).to_contain_text("softmax = nn.Softmax(dim=1)")
    expect(code.last).to_contain_text("F.leaky_relu(x, negative_slope=0.01)")
    page.get_by_role("button", name="Random", exact=True).click()
    expect(code.first).to_contain_text("torch.manual_seed(1)")

    page.get_by_role("radio", name="uploaded").click()
    settle(page)
    path = tmp_path / "mine.npy"
    np.save(path, np.array([[1.0, -2.0, 3.0]]))
    page.locator("input[type=file]").set_input_files(path)
    expect(code.first).to_contain_text("torch.tensor([[1.0, -2.0, 3.0]])")
    expect(page.get_by_text("The outputs of Softmax sum to 1.0000 along axis 1")).to_be_visible()
    wrong = tmp_path / "names.csv"
    wrong.write_text("1, Ada\n")
    page.locator("input[type=file]").set_input_files(wrong)
    expect(page.get_by_text("'Ada' is no number")).to_be_visible()


def test_every_section_tells_its_story_and_stays_within_a_narrow_page(
    server: Server, new_page: Callable[..., Page]
) -> None:
    width = 800
    page = new_page(viewport={"width": width, "height": 900})

    def held() -> bool:
        return bool(page.evaluate("document.querySelector('.stMain').scrollWidth") <= width)

    open_page(page, f"{server.url}/activations?show=Softmax&show=GLU&show=PReLU&show=RReLU")
    expect(chart(page, "gate-plane")).to_be_visible()
    assert held()
    go(page, "Your numbers")
    assert held()
    go(page, "In place")
    expect(page.get_by_text("a leaf Variable that requires grad")).to_be_visible()
    expect(page.get_by_text("the same memory")).to_be_visible()
    assert held()
    go(page, "Through depth")
    expect(chart(page, "depth-gradients")).to_be_visible()
    assert held()
    go(page, "In your model")
    expect(chart(page, "given-1")).to_be_visible()
    assert held()
    page.reload()
    settle(page)
    expect(chart(page, "given-1")).to_be_visible()
