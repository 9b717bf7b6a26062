"""The settings beside app.py hold although the server is started from another folder."""

import http.client
import socket
import tomllib
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.screen import open_page
from tests.browser.server import APP, Server

SETTINGS = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_wears_our_theme_in_the_scheme_the_visitor_prefers(
    server: Server, new_page: Callable[..., Page], scheme: str
) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, server.url)
    colours = SETTINGS["theme"][scheme]
    app = page.get_by_test_id("stApp")
    expect(app).to_have_css("background-color", _rgb(colours["backgroundColor"]))
    expect(app).to_have_css("color", _rgb(colours["textColor"]))


def test_no_developers_buttons_are_on_the_page(server: Server, page: Page) -> None:
    open_page(page, server.url)
    expect(page.get_by_test_id("stAppDeployButton")).to_have_count(0)


def test_the_server_listens_on_the_loopback_address_alone(server: Server) -> None:
    port = urlsplit(server.url).port
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    # All of 127.0.0.0/8 is this machine: a server on every address would answer here too.
    with pytest.raises(OSError):  # noqa: PT011
        socket.create_connection(("127.0.0.2", port), timeout=5).close()


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 101), ("localhost", 101), ("rebound.invalid", 403)]
)
def test_a_name_that_was_rebound_to_this_machine_opens_no_session(
    server: Server, host: str, status: int
) -> None:
    port = urlsplit(server.url).port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "GET",
        "/_stcore/stream",
        headers={
            "Host": f"{host}:{port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    )
    assert connection.getresponse().status == status
    connection.close()


def test_the_working_folder_stays_as_it_was(server: Server, page: Page) -> None:
    open_page(page, server.url)
    made = {entry for entry in server.log.parent.iterdir() if not entry.name.startswith("server-")}
    assert made <= {server.home}


def _rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
