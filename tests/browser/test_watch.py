"""The watch itself: a browser test that could not fail would promise nothing."""

import pytest
from playwright.sync_api import Page

from tests.browser.screen import Watch, eventually


def await_complaint(page: Page, watch: Watch) -> None:
    """Playwright hands on what has happened while it talks with the browser."""
    eventually(lambda: page.evaluate("true") and watch.complaints)


@pytest.mark.parametrize(
    "body",
    [
        "<img src='http://other.invalid/picture.png'>",
        "<link rel='stylesheet' href='https://other.invalid/font.css'>",
        "<script>new WebSocket('ws://other.invalid/')</script>",
        "<script>fetch('http://10.255.255.1/')</script>",
    ],
)
def test_what_a_page_asks_of_another_host_is_noticed_and_never_answered(
    page: Page, watch: Watch, body: str
) -> None:
    page.set_content(body)
    await_complaint(page, watch)
    assert len(watch.foreign) == 1
    assert all("ERR_" in complaint or "fetch" in complaint for complaint in watch.complaints)
    watch.foreign.clear()
    watch.complaints.clear()


def test_an_error_in_a_pages_script_is_noticed(page: Page, watch: Watch) -> None:
    page.set_content("<script>undefinedFunction()</script>")
    await_complaint(page, watch)
    assert any("undefinedFunction" in complaint for complaint in watch.complaints)
    watch.complaints.clear()
