"""What every browser test does with a page: open it, wait for its script, watch for faults."""

import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, expect

# Streamlit sends what a widget says after a pause of up to this long, and only then starts to run.
SEND_MS = 200
# No more than a limit: a machine that others use may be ten times as slow as it is alone.
RUN_SECONDS = 120

# At the address of a page Streamlit looks for itself below that address first, then at the root.
LOOKS_FOR_ITSELF = re.compile(r"/[^/]+/_stcore/(health|host-config)$")


def open_page(page: Page, url: str) -> None:
    """Go to `url` and wait until the app has drawn it."""
    page.goto(url)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the browser is connected and no script run is under way.

    After a click, prefer to expect what the click should show: that waits for exactly that.
    """
    # By the page's own clock: on a busy machine its timers are late, but they keep their order.
    page.evaluate("ms => new Promise(done => setTimeout(done, ms))", SEND_MS)
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def eventually(check: Callable[[], object], seconds: float = RUN_SECONDS) -> None:
    """Wait until `check` returns something true: for what a canvas draws, which no locator sees."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


class Watch:
    """Records of what no page may do: complain on the console, raise, ask another host.

    A test that provokes complaints (it ends the server, say) clears `complaints` itself.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.foreign: list[str] = []

    def over(self, page: Page) -> None:
        """Watch `page` from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self._address(socket.url))

    def check(self) -> None:
        """Fail if a page did what no page may do."""
        assert not self.foreign, f"asked of another host: {self.foreign}"
        assert not self.complaints, f"in the browser's console: {self.complaints}"

    def _console(self, message: ConsoleMessage) -> None:
        source = message.location.get("url", "")
        if message.type == "error" and not LOOKS_FOR_ITSELF.search(source):
            self.complaints.append(f"{message.text} ({source})")

    def _request(self, request: Request) -> None:
        self._address(request.url)

    def _address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname != "127.0.0.1":
            self.foreign.append(url)
