"""Weights that were taken away are brought back, score the same, and are trained on."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from builder.store import Store
from tests.browser.screen import open_page, settle
from tests.browser.server import Server
from tests.browser.test_journeys import TRAINING_MS, expect_status, open_template, save


def link(page: Page, name: str) -> None:
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()


def test_a_downloaded_file_comes_back_as_good_as_it_went(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    server = start_server()
    open_page(page, server.url)
    open_template(page, "MLP")
    link(page, "Train")
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Finished", timeout=TRAINING_MS)
    file = save(page, "MLP.pt", tmp_path)
    store = Store(server.home)
    [run] = store.runs()
    score = run.facts["metrics"]["validation accuracy"]
    store.close()
    assert score > 0.7

    link(page, "Inside")
    page.get_by_role("tab", name="Weights", exact=True).click()
    settle(page)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_text("6 matched")).to_be_visible()
    page.get_by_role("button", name="Load strictly").click()
    expect(page.get_by_text("to the bit; a batch of random inputs")).to_be_visible()
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_text(f"accuracy {score:.4f}")).to_be_visible()

    # a refresh finds them again, and the next run starts from them
    page.reload()
    settle(page)
    expect(page.get_by_text("looked into")).to_be_visible()
    page.get_by_role("button", name="Train from these").click()
    page.get_by_role("link", name="To the Train page").click()
    expect(page.get_by_text("Starts from MLP.pt")).to_be_visible()
    page.reload()
    settle(page)
    expect(page.get_by_text("Starts from MLP.pt")).to_be_visible()
