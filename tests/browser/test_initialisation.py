"""The Initialisation page in a real browser: one click, the formula, a race, what is promised."""

import re

from playwright.sync_api import Page, expect

from tests.browser.screen import open_page, settle
from tests.browser.server import Server


def go(page: Page, section: str) -> None:
    page.get_by_role("tab", name=section).click()
    expect(page.get_by_role("tab", name=section)).to_have_attribute("aria-selected", "true")
    settle(page)


def test_a_student_starts_a_model_by_xavier_and_sees_what_it_changes(
    server: Server, page: Page
) -> None:
    open_page(page, f"{server.url}/initialisation")
    page.get_by_role("button", name="All Linear: Xavier").click()
    page.get_by_text("The code", exact=True).click()
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text("nn.init.xavier_uniform_(self[7].weight)")

    go(page, "Formula and draw")
    page.get_by_role("combobox", name="Parameter").click()
    page.get_by_role("option", name="7.weight").click()
    expect(page.locator(".katex").filter(has_text="n_{in} = 400").first).to_be_attached()
    plot = page.locator(".st-key-drawn-histogram .js-plotly-plot")
    expect(plot).to_be_visible()
    # The law of a uniform start is a box: as high as its width is small.
    high: float = plot.evaluate(
        "plot => Math.max(..."
        "plot.calcdata.find(d => d[0].trace.name === 'law').map(point => point.y))"
    )
    assert abs(high * 2 * (6 / (400 + 120)) ** 0.5 - 1) < 1e-3

    go(page, "Through the model")
    page.get_by_role("radio", name="Your model").click()
    expect(page.locator(".stMarkdown").filter(has_text="as the model says")).to_be_visible()

    go(page, "Training")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    said = page.get_by_text(re.compile(r"Step [\d,]+ of 3,000"))
    stopped = said.text_content()
    page.get_by_role("button", name="Go on").click()
    expect(said).not_to_have_text(stopped or "")

    go(page, "Promises")
    expect(
        page.get_by_text("Largest difference of the pictures: 0, of the numbers: 0")
    ).to_be_visible()
    page.set_viewport_size({"width": 800, "height": 900})
    for section in ("Schemes", "Formula and draw", "Through the model", "Training", "Promises"):
        go(page, section)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 800

    page.get_by_role("button", name="undo").click()
    go(page, "Schemes")
    expect(page.get_by_role("button", name="All as their layers draw them")).to_be_disabled()
