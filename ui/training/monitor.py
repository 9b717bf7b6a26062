"""The runs of the model: where the one on show stands, its curves, and all that goes with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import streamlit as st

from builder import BuilderError, ModelSpec
from builder.data import load
from builder.store import Point, Run
from builder.train import Recipe
from ui import state
from ui.numbers import count, figures
from ui.training.augment import augment_panel
from ui.training.board import board
from ui.training.controls import controls
from ui.training.curves import curves_panel
from ui.training.curves_chart import COLOURS
from ui.training.doctor import doctor
from ui.training.look import look_panel, unread
from ui.training.looks.panel import looks
from ui.training.measured import points_of
from ui.training.range_test import range_panel
from ui.training.samples import preview
from ui.training.schedule import schedule_panel
from ui.training.settings import RUN, launcher, recipe
from ui.training.take import downloads
from ui.training.writing import writes, writing_panel

_POLL = 0.5
_SHOWN = 3  # metrics in large figures, one row of them; all are among the curves
_WORDS = {
    "queued": ("Waiting", "gray", ":material/hourglass_empty:"),
    "running": ("Training", "orange", ":material/play_circle:"),
    "paused": ("Paused", "violet", ":material/pause_circle:"),
    "finished": ("Finished", "green", ":material/check_circle:"),
    "stopped": ("Stopped", "blue", ":material/stop_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "died": ("Died", "red", ":material/error:"),
}


def monitor() -> None:
    """Draw what is known of the next run and of the one on show, a tab at a time."""
    launcher().tend()
    run = _chosen()
    panels = _panels(run)
    tabs = st.tabs(list(panels), key="train-tabs", on_change="rerun")
    for tab, draw in zip(tabs, panels.values(), strict=True):
        if tab.open:
            with tab:
                draw(run)


def _panels(run: Run | None) -> dict[str, Callable[[Run | None], None]]:
    """Return the tabs that make sense with the run on show and the data chosen."""
    found: dict[str, Callable[[Run | None], None]] = {"Run": _run}
    if writes(run):
        found["Write"] = writing_panel
    found["Data"] = lambda _: look_panel()
    if recipe().augment or _are_pictures():
        found["Augmentation"] = lambda _: augment_panel()
    found |= {"Groups": board, "Schedule": schedule_panel}
    found |= {"Range test": lambda _: range_panel(), "Doctor": doctor}
    return found


def _are_pictures() -> bool:
    try:
        return load(recipe().dataset, **recipe().options).kind == "picture"
    except BuilderError:
        return False


def _run(run: Run | None) -> None:
    if run is None:
        _data(None)
        st.caption("Press Start, and the curves of the run appear here.")
        return
    st.fragment(_watch, run_every=_POLL if run.active else None)(run.id)
    if not run.active:
        downloads(run)


def _data(_: Run | None) -> None:
    try:
        preview(load(recipe().dataset, **recipe().options))
    except BuilderError:
        unread()


def _chosen() -> Run | None:
    """Return the run on show, offering the model's others.

    It is the one started or chosen here, the one in the address, or the model's last.
    """
    store = state.store()
    runs = store.runs(model_id=state.workspace().model_id)
    known = {run.id: run for run in runs}
    wanted = state.get(RUN) or state.address(RUN)
    if wanted not in known:
        wanted = runs[0].id if runs else None
    if len(runs) > 1:
        key = state.show("choose-run", wanted)
        st.selectbox(
            "Run",
            list(known),
            key=key,
            format_func=lambda run_id: _title(known[run_id]),
            help="The runs of this model, the newest first.",
            on_change=lambda: state.put(RUN, state.get(key)),
        )
    state.put(RUN, wanted)
    state.set_address(RUN, wanted)
    return known.get(wanted) if wanted else None


def _title(run: Run) -> str:
    settings = Recipe.from_json(run.recipe)
    when = time.strftime("%d %b, %H:%M:%S", time.localtime(run.created))
    name = f"{run.name} · " if run.name else ""
    return (
        f"{name}{when} · {_data_title(run)} · {settings.optimizer} {settings.lr:g} · "
        f"{_WORDS[run.status][0]}"
    )


def _data_title(run: Run) -> str:
    return str(run.facts.get("data", {}).get("title") or Recipe.from_json(run.recipe).dataset)


def _watch(run_id: str) -> None:
    launcher().tend()
    run = state.store().run(run_id)
    points = points_of(run_id)
    _status(run, points)
    controls(run, points)
    _scores(run, points)
    curves_panel(run_id, points)
    looks(run_id)
    _turned(run)


def _turned(run: Run) -> None:
    """Draw the whole page anew when a run begins or ends: polling and downloads follow it."""
    if state.get(_ACTIVE) != (run.id, run.active):
        was = state.get(_ACTIVE)
        state.put(_ACTIVE, (run.id, run.active))
        if was is not None and was[0] == run.id:
            st.rerun()


_ACTIVE = "was-active"


def _status(run: Run, points: list[Point]) -> None:
    word, colour, icon = _WORDS[run.status]
    settings = Recipe.from_json(run.recipe)
    name = ModelSpec.from_json(run.spec).name
    st.markdown(
        f":{colour}-badge[{icon} {word}] **{run.name or name}** on **{_data_title(run)}** "
        f":gray[· {settings.optimizer}, learning rate {settings.lr:g}, {settings.loss}]"
    )
    if run.active:
        share = min(1.0, run.epoch / settings.epochs)
        st.progress(share, text=_progress(run, settings))
    if run.status in ("failed", "died"):
        st.error(run.message)
    elif run.message:
        st.info(run.message)
    if run.facts.get("checkpoint_problem"):
        st.warning(run.facts["checkpoint_problem"], icon=":material/hard_drive:")


def _scores(run: Run, points: list[Point]) -> None:
    learned = dict.fromkeys(p.metric for p in points if p.split == "train")
    shown = sorted(learned, key=lambda name: name != "loss")[:_SHOWN] or ["loss"]
    latest = {
        f"{p.split} {p.metric}": p.value
        for p in points
        if p.split in COLOURS and p.metric in shown and p.value is not None
    }
    if latest:
        with st.container(horizontal=True, key="metrics"):
            for title, value in latest.items():
                st.metric(title, figures(value), width=150)
    speed = run.facts.get("samples_per_second")
    if not run.active and speed:
        st.caption(
            f"{run.epoch:.4g} epochs, {run.step:,} steps in {run.facts['seconds']:.1f} s: "
            f"{count(speed)} samples a second on {run.facts['threads']} torch thread"
            f"{'s' * (run.facts['threads'] > 1)}."
        )


def _progress(run: Run, settings: Recipe) -> str:
    at = f"Epoch {run.epoch:.1f} of {settings.epochs}, step {run.step:,}"
    if run.status == "queued":
        ahead = state.store().place_in_queue(run.id)
        return f"In the queue, {ahead} before it" if ahead else "Starting"
    if run.status == "paused":
        return f"{at}, paused"
    spent = run.facts.get("seconds", 0.0)
    left = spent / run.epoch * (settings.epochs - run.epoch) if run.epoch else None
    return at if left is None else f"{at}, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
