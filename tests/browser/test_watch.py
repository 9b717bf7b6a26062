"""The watch itself: a browser test that could not fail would promise nothing."""

import pytest
from playwright.sync_api import Page

from tests.browser.screen import Watch


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
    page.wait_for_timeout(300)
    assert len(watch.foreign) == 1
    assert all("ERR_" in complaint or "fetch" in complaint for complaint in watch.complaints)
    assert watch.complaints
    watch.foreign.clear()
    watch.complaints.clear()


def test_an_error_in_a_pages_script_is_noticed(page: Page, watch: Watch) -> None:
    page.set_content("<script>undefinedFunction()</script>")
    page.wait_for_timeout(100)
    assert any("undefinedFunction" in complaint for complaint in watch.complaints)
    watch.complaints.clear()
