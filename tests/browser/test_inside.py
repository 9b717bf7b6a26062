"""The Inside page as a person sees it: the tree, a name on its way, hooks by a click."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from builder import TEMPLATES
from builder.store import Store
from tests.browser.screen import open_page, settle
from tests.browser.server import Server


def row(page: Page, path: str) -> Locator:
    return page.locator(f'.tree-row[data-id="{path}"]')


def test_a_model_is_looked_into_from_its_tree_to_its_hooks(
    new_page: Callable[..., Page], server: Server
) -> None:
    store, model_id = Store.open(server.home), uuid.uuid4().hex[:12]
    store.save_model(model_id, TEMPLATES["MyNet with SubNet"])
    store.close()
    page = new_page()
    open_page(page, f"{server.url}/inside?model={model_id}")

    # The tree: what is walked stands out, and what is picked shows its dictionaries.
    expect(row(page, "subnet1").locator(".order")).to_have_text("1")
    expect(row(page, "subnet1.conv")).to_have_class(re.compile("dim"))
    row(page, "subnet1.conv").click()
    expect(page.get_by_text("{'weight': Parameter (16, 3, 3, 3) float32")).to_be_visible()
    row(page, "subnet1").locator(".fold").click()
    expect(row(page, "subnet1.conv")).to_be_hidden()
    row(page, "subnet1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(row(page, "subnet1.conv")).to_be_focused()

    # A name: its way lights up in the tree and in the code, and a line lights what it makes.
    page.get_by_role("tab", name="Naming").click()
    row(page, "subnet2.conv.bias").hover()
    expect(page.locator(".name-path .full")).to_have_text("subnet2.conv.bias")
    for path in ("", "subnet2", "subnet2.conv", "subnet2.conv.bias"):
        expect(row(page, path)).to_have_class(re.compile(r"\blit\b"))
    expect(row(page, "subnet1")).not_to_have_class(re.compile(r"\blit\b"))
    lit = page.locator(".code-line.lit .text")
    expect(lit).to_have_text(
        [re.compile(r"self\.conv = nn\.Conv2d"), re.compile(r"self\.subnet2 = SubNet\(\)")]
    )
    page.locator(".code-line", has_text="self.conv = nn.Conv2d").hover()
    for path in ("subnet1.conv", "subnet2.conv"):
        expect(row(page, path)).to_have_class(re.compile(r"\blit\b"))

    # Hooks: on by a click, there in the code, taken off again.
    page.get_by_role("tab", name="Hooks").click()
    expect(page.get_by_text("3 hooks fired 3 times")).to_be_visible()
    switch = row(page, "subnet1.conv").get_by_role("button", name="backward of conv")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("4 hooks fired 4 times")).to_be_visible()
    expect(page.get_by_text("1 in _backward_hooks")).to_be_visible()
    expect(page.get_by_text(re.compile("register_full_backward_hook"))).to_be_visible()
    page.get_by_role("button", name="Take all off").click()
    expect(page.get_by_text("Put a hook on")).to_be_visible()
    expect(switch).to_have_attribute("aria-pressed", "false")
    settle(page)


def test_the_page_fits_a_narrow_screen(new_page: Callable[..., Page], server: Server) -> None:
    page = new_page(viewport={"width": 420, "height": 900}, color_scheme="dark")
    open_page(page, f"{server.url}/inside?inside=Naming")
    expect(page.locator(".name-path .full")).to_have_text("0.weight")
    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
