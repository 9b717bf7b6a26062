"""Runs and the page: four that train while a person works, and one of 100,000 points opened."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.pages import slider_of_build
from benchmarks.report import Row
from builder import TEMPLATES
from builder.store import Store
from builder.train import Recipe
from builder.train.launch import record
from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS
from tests.browser.screen import eventually, open_page, settle
from tests.browser.server import Server, running_server
from ui.training.curves_thin import MOST, thinned

RUNS, POINTS, TURNS = 4, 100_000, 9
_IDLE = 10  # clicks before the runs, and as many after them
_EPOCHS = 500  # of the small MLP: some seconds a run
_MODEL, _LONG, _SHORT = "long", "a hundred thousand", "a hundred"
# Time runs from the click on the run's name to the frame after its curves are drawn.
_WATCH = """
(wanted) => {
  window.spent = new Promise((done, fail) => {
    setTimeout(() => fail(new Error("not open within 60 s")), 60000);
    let began = null;
    addEventListener("click", () => { began = performance.now(); }, {capture: true, once: true});
    const app = document.querySelector('[data-testid="stApp"]');
    const open = () => began !== null && app.dataset.testScriptState === "notRunning"
      && document.querySelector('[class*="st-key-train-run"] strong')?.textContent === wanted
      && document.querySelector(".st-key-curves canvas, .st-key-curves svg");
    const look = () => {
      if (!open()) requestAnimationFrame(look);
      else requestAnimationFrame(() => done(performance.now() - began));
    };
    look();
  });
}
"""


def measure() -> list[Row]:
    """Return the rows."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = folder / "home"
        store = Store(home)
        stack.callback(store.close)
        spike = _recorded(store)
        server = stack.enter_context(running_server(folder, home=home))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=find_chromium(), args=FLAGS
        )
        rows = [_opening(browser, server), _drawn(store, spike)]
        rows += _working(browser, server, store)
        browser.close()
    return rows


def _recorded(store: Store) -> float:
    """Record a run of 100,000 points with one spike, and a short one; returns the spike."""
    spec = TEMPLATES["MLP"]
    store.save_model(_MODEL, spec)
    draw, spike = np.random.default_rng(0), 9.5
    for name, count in ((_SHORT, 100), (_LONG, POINTS)):
        run_id = store.create_run(spec, Recipe("circles").to_json(), model_id=_MODEL, name=name)
        loss = np.exp(-np.arange(count) / count) + draw.normal(0, 0.02, count)
        loss[count // 3] = spike
        points = [(i + 1, (i + 1) / 13, "train", "loss", float(v)) for i, v in enumerate(loss)]
        store.add_points(run_id, points, step=count, epoch=count / 13)
        store.update_run(run_id, status="finished", facts={"seconds": 60.0, "threads": 1})
    return spike


def _opening(browser: Browser, server: Server) -> Row:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, f"{server.url}/train?model={_MODEL}")
    spent: dict[str, list[float]] = {_LONG: [], _SHORT: []}
    for turn in range(TURNS + 1):
        for name, times in ((_SHORT, spent[_SHORT]), (_LONG, spent[_LONG])):
            took = _open_run(page, name)
            if turn:  # the first turn loads what is loaded late
                times.append(took)
    page.close()
    long, short = (statistics.median(spent[name]) for name in (_LONG, _SHORT))
    return Row(
        "a run of 100,000 points opens / 1 s",
        long / 1000,
        "< 1",
        long < 1000,
        f"{long:.0f} ms, one of 100 points {short:.0f} ms; median of {TURNS}",
    )


def _open_run(page: Page, name: str) -> float:
    page.get_by_role("combobox", name=re.compile(r"\bRun$")).click()
    option = page.get_by_role("option", name=re.compile(rf"^{name} ·"))
    option.wait_for()
    page.evaluate(_WATCH, name)
    option.click()
    spent = float(page.evaluate("() => window.spent"))
    settle(page)
    return spent


def _drawn(store: Store, spike: float) -> Row:
    """Thin the line as the charts do: what is drawn of it has its spike."""
    run = next(run for run in store.runs(model_id=_MODEL) if run.name == _LONG)
    values = np.array([point.value for point in store.points(run.id)])
    _, drawn = thinned(np.arange(len(values)), values)
    kept = spike in drawn and values.min() in drawn
    return Row(
        "points drawn of 100,000 / 1,000, spikes kept",
        len(drawn) / MOST,
        "<= 1",
        len(drawn) <= MOST and kept,
        f"{len(drawn):,} points; the highest and the lowest are {'' if kept else 'not '}among them",
    )


def _working(browser: Browser, server: Server, store: Store) -> list[Row]:
    """Press a slider of the Build page before four runs are queued, while they train, and after."""
    press = slider_of_build(browser, f"{server.url}/", "out_channels", "(N, {}, 28, 28)", 6)
    idle = [press() for _ in range(_IDLE + 1)][1:]
    recipe = Recipe("circles", epochs=_EPOCHS)
    ids = [record(store, TEMPLATES["MLP"], recipe) for _ in range(RUNS)]
    watching = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(watching, f"{server.url}/runs?runs={','.join(ids)}")
    train = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(train, f"{server.url}/train?model={_MODEL}")  # this page hands out what is queued
    eventually(lambda: store.runs(status="running"))
    busy: list[float] = []
    lengths: dict[str, set[int]] = {run_id: set() for run_id in ids}
    began = time.monotonic()
    while any(store.run(run_id).active for run_id in ids):
        assert time.monotonic() - began < 600, "the four runs did not end within 10 minutes"
        busy.append(press())
        for run_id, seen in lengths.items():
            seen.add(len(store.points(run_id)))
    watching.close()
    train.close()
    idle += [press() for _ in range(_IDLE)]
    # Nothing, a beginning, and more: so many lengths were seen of a curve that moves.
    moved = sum(len(seen - {0}) > 1 for seen in lengths.values())
    ratio = statistics.median(busy) / statistics.median(idle)
    return [
        Row(
            f"a click while {RUNS} runs are queued and train / idle",
            ratio,
            "< 2",
            ratio < 2,
            f"{statistics.median(busy):.0f} ms over {len(busy)} clicks against "
            f"{statistics.median(idle):.0f} ms over {len(idle)}, before and after",
        ),
        Row(
            f"of {RUNS} curves, those that moved meanwhile",
            moved / RUNS,
            "= 1",
            moved == RUNS,
            f"{moved} of {RUNS}; all over after {time.monotonic() - began:.0f} s",
        ),
    ]
