"""What people come for, from the first address to the weights on their own disk."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from builder.store import Store
from tests.browser.screen import RUN_SECONDS, open_page, settle
from tests.browser.server import Server

TRAINING_MS = 600_000


def row(page: Page, name: str) -> Locator:
    return page.locator(f'.rows .row[data-name="{name}"]')


def select(page: Page, name: str) -> None:
    """Choose a layer by its title, which no button of the row covers."""
    row(page, name).locator(".title").click()
    # While the page redraws, the form of the layer chosen before may stand beside the new one.
    expect(page.get_by_test_id("stTextInput").filter(has_text="nn.")).to_have_count(1)
    settle(page)


def slide(page: Page, label: str, steps: int) -> None:
    """Move a slider by the keyboard, as many steps as said."""
    thumb = page.get_by_role("slider", name=label)
    thumb.focus()
    for _ in range(steps):
        thumb.press("ArrowRight")
    settle(page)


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a select box."""
    page.get_by_role("combobox", name=re.compile(rf"\b{label}$")).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def expect_status(page: Page, word: str, *, timeout: int = RUN_SECONDS * 1000) -> None:
    badge = page.locator(".stMarkdownBadge").filter(has_text=word)
    expect(badge).to_be_visible(timeout=timeout)


def save(page: Page, name: str, folder: Path) -> Path:
    """Press a download button and keep what comes."""
    with page.expect_download() as caught:
        page.get_by_role("button", name=name, exact=True).click()
    path = folder / name
    caught.value.save_as(path)
    return path


def open_template(page: Page, title: str) -> None:
    page.get_by_role("button", name="Starting points").click()
    card = page.get_by_test_id("stDialog").locator(f".st-key-open-{title}")
    card.get_by_role("button", name="Open").click()
    expect(page.get_by_test_id("stDialog")).to_have_count(0)
    settle(page)


FIRST_SEEN = {"/": "Starting points", "/train": "Start", "/convolution": "Colour"}


@pytest.mark.parametrize("address", FIRST_SEEN)
def test_a_cold_server_shows_the_same_app_at_every_address(
    start_server: Callable[..., Server], page: Page, address: str
) -> None:
    server = start_server()
    open_page(page, f"{server.url}{address}")
    links = page.get_by_test_id("stTopNavLink")
    expect(links).to_have_count(Path("app.py").read_text().count("st.Page("))
    expect(links.first).to_contain_text("Build")
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    seen = page.get_by_role("button", name=FIRST_SEEN[address], exact=True)
    expect(seen.or_(page.get_by_role("radio", name=FIRST_SEEN[address]))).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_a_newcomer_builds_breaks_mends_trains_and_leaves_with_weights_that_score_the_same(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    server = start_server()
    open_page(page, server.url)
    open_template(page, "LeNet5")
    expect(row(page, "0")).to_contain_text("(N, 6, 28, 28)")

    # a width by slider: every shape that depends on it follows
    select(page, "0")
    slide(page, "out_channels", 2)
    expect(row(page, "0")).to_contain_text("(N, 8, 28, 28)")
    expect(row(page, "2")).to_contain_text("(N, 8, 14, 14)")
    expect(row(page, "3")).to_contain_text("in 8")

    # break it, and mend it by the button
    select(page, "7")
    page.get_by_role("button", name="Set", exact=True).click()
    box = page.get_by_role("textbox", name="in_features")
    box.fill("123")
    box.press("Enter")
    expect(row(page, "7")).to_contain_text("in_features=123; it receives 400")
    expect(row(page, "9")).to_have_class(re.compile("unreached"))
    row(page, "7").get_by_role("button", name="Set in_features to 400").click()
    expect(row(page, "11")).to_contain_text("(N, 10)")
    expect(page.get_by_text("it receives 400")).to_have_count(0)

    # train on real digits
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    expect(page.get_by_text("LeNet5 fits")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Training")
    expect_status(page, "Finished", timeout=TRAINING_MS)
    metric = page.get_by_test_id("stMetric").filter(has_text="validation accuracy")
    shown = metric.get_by_test_id("stMetricValue").inner_text()
    assert float(shown) >= 0.95, shown

    # and take it all away
    for name in ("LeNet5.pt", "LeNet5.safetensors", "LeNet5.py", "check.py"):
        assert save(page, name, tmp_path).stat().st_size > 100
    said = subprocess.run(
        [sys.executable, "check.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    what, _, value = said.stdout.strip().rpartition(" ")
    assert (what, float(value)) == ("validation accuracy", float(shown)), said.stderr


def test_a_refresh_in_mid_training_loses_neither_the_model_nor_the_run(
    start_server: Callable[..., Server], page: Page
) -> None:
    server = start_server()
    start_long_run(page, server)
    address = page.url
    assert "model=" in address
    assert "run=" in address
    page.reload()
    settle(page)
    expect_status(page, "Training")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect_status(page, "Stopped")
    expect(page.get_by_role("button", name="MLP.pt", exact=True)).to_be_visible()
    page.get_by_test_id("stTopNavLink").filter(has_text="Build").click()
    expect(page.get_by_role("textbox", name="Model")).to_have_value("MLP")


def test_a_killed_worker_is_shown_as_died_and_the_server_lives(
    start_server: Callable[..., Server], page: Page
) -> None:
    server = start_server()
    start_long_run(page, server)
    [run] = Store(server.home).runs(status="running")
    assert run.pid is not None
    psutil.Process(run.pid).send_signal(signal.SIGKILL)
    expect_status(page, "Died")
    expect(page.get_by_text("The training process vanished")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Training")


def start_long_run(page: Page, server: Server) -> None:
    """Start a run of the small MLP that lasts until it is ended."""
    open_page(page, server.url)
    open_template(page, "MLP")
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    expect(page.get_by_text("MLP fits")).to_be_visible()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("100000")
    epochs.press("Enter")
    settle(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Training")
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
