"""A sequence model learned in full: groups, a schedule, live control, a refresh, a comparison."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from builder.store import Store
from tests.browser.screen import eventually, open_page, settle
from tests.browser.server import Server
from tests.browser.test_journeys import choose, expect_status, open_template, save


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    settle(page)


def tell(page: Page, name: str) -> None:
    """Press one of the buttons of a run that goes on."""
    page.get_by_role("button", name=name, exact=True).last.click()


def test_my_rnn_learns_the_sine_under_a_persons_hand(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    server = start_server()
    open_page(page, server.url)
    open_template(page, "MyRNN")
    page.get_by_test_id("stTopNavLink").filter(has_text="Train").click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    choose(page, "Data", "Sine")
    page.locator("[class*=st-key-fit] button").first.click()
    expect(page.get_by_text("MyRNN fits")).to_be_visible()

    # two groups: the recurrent part at a rate of its own
    tab(page, "Groups")
    page.get_by_role("treeitem").filter(has_text="rnn").drag_to(
        page.get_by_role("listitem").filter(has_text="A new group")
    )
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("group 1")
    expect(page.get_by_role("treeitem").filter(has_text="rnn")).to_contain_text("group 1")
    name.fill("backbone")
    name.press("Enter")
    settle(page)
    fc = page.get_by_role("treeitem").filter(has_text="fc")
    fc.focus()
    fc.press("Space")  # what is dragged by the mouse is moved by the keyboard as well
    page.get_by_role("button", name="Move the chosen parts to backbone").press("Enter")
    expect(fc).to_contain_text("backbone")
    fc.press("Space")
    page.get_by_role("button", name="Move the chosen parts to default").press("Enter")
    expect(fc).to_contain_text("default")
    rate = page.get_by_role("textbox", name="Learning rate", exact=True)
    rate.fill("0.002")
    rate.press("Enter")
    settle(page)
    expect(page.get_by_text('"lr": 0.002').first).to_be_visible()

    # a step schedule over a run that is long enough to be led
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("3000")
    epochs.press("Enter")
    settle(page)
    tab(page, "Schedule")
    page.get_by_role("button", name="÷ 10 at each third").click()
    expect(page.get_by_text("step_size=1000").first).to_be_visible()
    tab(page, "Run")
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Training")
    store = Store(server.home)
    [run] = store.runs()

    # pause, halve, go on
    tell(page, "Pause")
    expect_status(page, "Paused")
    page.get_by_role("button", name="Rates and groups").click()
    thumb = page.get_by_role("slider", name="Learning rate of backbone")
    thumb.focus()
    for _ in range(3):  # a decade has ten steps; three of them halve
        thumb.press("ArrowLeft")
    settle(page)
    page.locator("[class*=st-key-set-rate] button").first.click()
    eventually(lambda: [event.name for event in store.events(run.id)] == ["rate"])
    page.keyboard.press("Escape")
    tell(page, "Go on")
    expect_status(page, "Training")
    [event] = store.events(run.id)
    assert event.args["group"] == "backbone"
    assert abs(event.args["lr"] - 0.001) < 2e-5

    # a refresh finds the run; it is stopped, and gone on with
    page.reload()
    settle(page)
    expect_status(page, "Training")
    tell(page, "Stop")
    expect_status(page, "Stopped")
    stopped = store.run(run.id).step
    assert stopped > 0
    tell(page, "Go on")
    expect_status(page, "Training")
    eventually(lambda: store.run(run.id).step > stopped)
    tell(page, "Stop")
    expect_status(page, "Stopped")

    # take the weights away, and load them elsewhere
    for name in ("MyRNN.pt", "MyRNN.py"):
        save(page, name, tmp_path)
    script = (
        "import torch; from MyRNN import MyRNN; model = MyRNN(); "
        "model.load_state_dict(torch.load('MyRNN.pt', weights_only=True)); "
        "print(tuple(model(torch.zeros(2, 20, 1)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "(2, 1)", done.stderr

    # a second run, and what differs between the two
    epochs.fill("3")
    epochs.press("Enter")
    settle(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect_status(page, "Finished")
    first, second = (run.id for run in store.runs())
    store.close()
    open_page(page, f"{server.url}/runs?runs={first},{second}")
    expect(page.get_by_text("2 of 2 runs")).to_be_visible()
    tab(page, "Differences")
    # its epochs, and what was done to the first by hand
    expect(page.get_by_text("2 lines differ; all else is the same.")).to_be_visible()
