"""A run as it goes: where it stands, its curves, and what can be taken away from it."""

from __future__ import annotations

import time

import streamlit as st

from builder import ModelSpec, write_source
from builder.data import DATASETS, load, split
from builder.files import load_weights, weights_safetensors, write_script
from builder.store import Point, Run
from builder.train import Recipe
from builder.train.live import LIVE, Boundary, Forecast
from ui import state
from ui.numbers import count
from ui.training.curves import COLOURS, curves, plane
from ui.training.samples import preview
from ui.training.series import future
from ui.training.settings import RUN, launcher, recipe

_POLL = 0.5
_WORDS = {
    "queued": ("Waiting", "gray", ":material/hourglass_empty:"),
    "running": ("Training", "orange", ":material/play_circle:"),
    "finished": ("Finished", "green", ":material/check_circle:"),
    "stopped": ("Stopped", "blue", ":material/stop_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "died": ("Died", "red", ":material/error:"),
}


def current_run() -> Run | None:
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
    data = DATASETS[settings.dataset].title
    return f"{when} · {data} · {settings.optimizer} {settings.lr:g} · {_WORDS[run.status][0]}"


def monitor() -> None:
    """Draw the run on show, live while it goes on; the data themselves before there is one."""
    launcher().sweep()
    run = current_run()
    if run is None:
        st.subheader("The data")
        preview(load(recipe().dataset, **recipe().options))
        st.caption("Press Start, and the curves of the run appear here.")
        return
    st.fragment(_watch, run_every=_POLL if run.active else None)(run.id)
    if not run.active:
        _downloads(run)
    with st.expander("The data", on_change="rerun", key="data-of-run") as data:
        if data.open:
            preview(load(recipe().dataset, **recipe().options))


def _watch(run_id: str) -> None:
    launcher().sweep()
    run = state.store().run(run_id)
    points = _points(run_id)
    _status(run, points)
    settings = Recipe.from_json(run.recipe)
    points = [point for point in points if point.split in COLOURS]
    names = dict.fromkeys(point.metric for point in points)
    columns = st.columns(max(1, min(2, len(names)))) if names else []
    for number, metric in enumerate(list(names)[:2]):
        columns[number].plotly_chart(
            curves(points, metric, log=metric == "loss" and bool(state.get("log-loss"))),
            key=f"curve-{metric}",
            config={"displaylogo": False},
        )
    if not names and run.active:
        st.caption("The first point comes as soon as the worker has taken its first steps.")
    if names:
        st.checkbox("Logarithmic loss", key="log-loss")
    _live_picture(run_id, settings)
    if not run.active and state.get("was-active") == run_id:
        state.put("was-active", None)
        st.rerun()  # the page stops polling, and the downloads appear
    if run.active:
        state.put("was-active", run_id)


def _live_picture(run_id: str, settings: Recipe) -> None:
    """Draw the model's answer over the plane, or its forecast over the truth."""
    kind = DATASETS[settings.dataset].kind
    if kind not in LIVE:
        return
    name, _ = LIVE[kind]
    live = state.store().live(run_id, name)
    samples = load(settings.dataset, **settings.options)
    if kind == "points":
        figure = plane(samples, Boundary.from_bytes(live[1]) if live else None)
    else:
        parts = split(samples, validation=settings.validation, seed=settings.seed)
        figure = future(samples, parts, Forecast.from_bytes(live[1]) if live else None)
    st.plotly_chart(figure, key=name, config={"displaylogo": False})


def _points(run_id: str) -> list[Point]:
    """Return a run's points; only the new ones are read."""
    kept_run, points = state.get("points", (None, []))
    if kept_run != run_id:
        points = []
    points = points + state.store().points(run_id, after=points[-1].id if points else 0)
    state.put("points", (run_id, points))
    return points


def _status(run: Run, points: list[Point]) -> None:
    word, colour, icon = _WORDS[run.status]
    settings = Recipe.from_json(run.recipe)
    name = ModelSpec.from_json(run.spec).name
    head, tail = st.columns([5, 1], vertical_alignment="center")
    head.markdown(
        f":{colour}-badge[{icon} {word}] **{name}** on **{DATASETS[settings.dataset].title}** "
        f":gray[· {settings.optimizer}, learning rate {settings.lr:g}, {settings.loss}]"
    )
    if run.active:
        tail.button(
            "Stop", icon=":material/stop:", key="stop", on_click=launcher().stop, args=(run.id,),
            width="stretch",
        )  # fmt: skip
        share = min(1.0, run.epoch / settings.epochs)
        st.progress(share, text=_progress(run, settings))
    if run.status in ("failed", "died"):
        st.error(run.message)
    latest = {f"{p.split} {p.metric}": p.value for p in points if p.split in COLOURS}
    if latest:
        with st.container(horizontal=True, key="metrics"):
            for title, value in latest.items():
                if value is not None:
                    st.metric(title, f"{value:.4f}", width=150)
    speed = run.facts.get("samples_per_second")
    if not run.active and speed:
        st.caption(
            f"{run.epoch:g} epochs, {run.step:,} steps in {run.facts['seconds']:.1f} s: "
            f"{count(speed)} samples a second on {run.facts['threads']} torch thread"
            f"{'s' * (run.facts['threads'] > 1)}."
        )


def _progress(run: Run, settings: Recipe) -> str:
    if run.status == "queued":
        ahead = state.store().place_in_queue(run.id)
        if ahead:
            return f"In the queue, {ahead} before it"
        return "Starting"
    spent = time.time() - (run.started or time.time())
    left = spent / run.epoch * (settings.epochs - run.epoch) if run.epoch else None
    text = f"Epoch {run.epoch:.1f} of {settings.epochs}, step {run.step:,}"
    return text if left is None else f"{text}, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _downloads(run: Run) -> None:
    """Offer the weights, the code, and the script that loads one into the other."""
    weights = state.store().folder(run.id) / "weights.pt"
    if not weights.exists():
        return
    spec = ModelSpec.from_json(run.spec)
    name = spec.name
    st.markdown("**Take it with you**")
    with st.container(horizontal=True):
        for label, data, file, mime in (
            (f"{name}.pt", weights.read_bytes, f"{name}.pt", "application/octet-stream"),
            (
                f"{name}.safetensors",
                lambda: weights_safetensors(load_weights(weights.read_bytes())),
                f"{name}.safetensors",
                "application/octet-stream",
            ),
            (f"{name}.py", lambda: write_source(spec), f"{name}.py", "text/x-python"),
            (
                "check.py",
                lambda: write_script(name, Recipe.from_json(run.recipe)),
                "check.py",
                "text/x-python",
            ),
        ):
            st.download_button(
                label,
                data=data,
                file_name=file,
                mime=mime,
                on_click="ignore",
                key=f"take:{label}",
                icon=":material/download:",
            )
    st.caption(
        f"Put {name}.pt, {name}.py and check.py into one folder: `python check.py` loads the "
        "weights into the class and prints the validation score above. It needs torch and the "
        "package the data come from, not LayerLab."
    )
