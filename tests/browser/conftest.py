"""The browser and the servers of the browser tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import find_chromium
from tests.browser.screen import RUN_SECONDS, Watch
from tests.browser.server import APP, Server, running_server

# fmt: off
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # No name resolves: what a page asks of another host is recorded (Watch), and never leaves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# fmt: on

# What a test expects to see may take this long on a machine that others use too.
expect.set_options(timeout=RUN_SECONDS * 1000)


# Package scope: Playwright keeps an event loop running in this thread, which is no company for
# the tests that come after these.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    path = find_chromium()
    assert path, "no browser: `make browser` installs one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers of a test's own (arguments of `running_server`); they end with the test."""
    with ExitStack() as servers:

        def start(*, home: Path | None = None, app: Path = APP) -> Server:
            return servers.enter_context(running_server(tmp_path, home=home, app=app))

        yield start


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One warm server for the tests that need none of their own."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test whose pages complained, raised or asked another host."""
    watch = Watch()
    yield watch
    watch.check()


@pytest.fixture
def new_page(
    browser: Browser, watch: Watch, start_server: Callable[..., Server]
) -> Iterator[Callable[..., Page]]:
    """Opens watched pages, each a visitor of its own; takes the arguments of `new_context`."""
    # `start_server` is asked for so that it is torn down later: a page whose server has gone
    # complains on the console.
    with ExitStack() as contexts:

        def open_one(**settings: object) -> Page:
            context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | settings)
            contexts.callback(context.close)
            context.set_default_timeout(RUN_SECONDS * 1000)
            page = context.new_page()
            watch.over(page)
            return page

        yield open_one


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A watched page of 1440 x 900 on which nothing is open yet."""
    return new_page()
