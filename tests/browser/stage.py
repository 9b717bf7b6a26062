"""One page for all tests of a module: to begin anew in its box is faster than a page of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.screen import RUN_SECONDS, Watch, open_page, settle
from tests.browser.server import running_server

SETTINGS = Path(__file__).parents[2] / ".streamlit"


class Stage:
    """A page of components under watch. Its app shows a scene for what stands in the box "Scene".

    Attributes:
        url: of the app, for a test that needs a visitor of its own.
    """

    def __init__(self, page: Page, watch: Watch, url: str) -> None:
        self.page, self.watch, self.url = page, watch, url
        self._visits = count(1)

    def show(self, settings: str = "") -> Page:
        """Begin anew with settings such as `show=window&size=9`: nothing is left of before."""
        scene = f"{settings}&visit={next(self._visits)}"
        box = self.page.get_by_label("Scene")
        box.fill(scene)
        box.press("Enter")
        said = self.page.get_by_test_id("stText").get_by_text(f"This is {scene}", exact=True)
        expect(said).to_be_visible()
        settle(self.page)
        return self.page


@contextmanager
def opened_stage(
    browser: Browser, folder: Path, app: Path, *, width: int = 1440
) -> Iterator[Stage]:
    """Serve an app from an empty folder, with the theme of LayerLab, and open it."""
    (folder / SETTINGS.name).symlink_to(SETTINGS)
    with running_server(folder, app=app) as server:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(RUN_SECONDS * 1000)
        page, watch = context.new_page(), Watch()
        watch.over(page)
        open_page(page, server.url)
        yield Stage(page, watch, server.url)
        context.close()
