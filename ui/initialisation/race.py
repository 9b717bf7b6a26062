"""Training: small models that differ in their start alone, side by side and live."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.labs.activation import ACTIVATIONS, view
from builder.labs.initialisation.toy import DATA, MOST_STEPS, Race
from ui import state
from ui.activations.style import CONFIG, chart, legend
from ui.initialisation import lineup
from ui.initialisation.lineup import Contender
from ui.initialisation.model import seed
from ui.state import Workspace

_KEY = "initialisation:race"
_FIRST = ("zeros", "constant 0.1", "too large", "torch default", "xavier uniform")
_SLICE = 0.12  # seconds of training between two looks
_EVERY = 0.3
_SMOOTHED, _MOST_POINTS = 20, 300
_HEIGHT = 340
_RATES = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass
class _Track:
    """A race of this session, who is in it, and whether it goes on."""

    race: Race
    contenders: tuple[Contender, ...]
    running: bool = True


def section(ws: Workspace) -> None:
    """Draw the section."""
    st.markdown(
        "Models that differ in nothing but their start: the same layers, samples and order. With "
        "**zeros** nothing but the last bias learns. With a **constant** all units of a layer get "
        "the same gradient and stay one unit. With **too large** weights a bounded activation is "
        "saturated: little is learned through it, the less the more layers there are."
    )
    chosen = lineup.choose(ws, "race-starts", _FIRST)
    settings = _settings()
    track: _Track | None = state.get(_KEY)
    st.button(
        "Start" if track is None else "Start anew",
        type="primary", icon=":material/play_arrow:", key="race-start", disabled=not chosen,
        on_click=_begin, args=(chosen, settings),
    )  # fmt: skip
    complaint = state.get(f"{_KEY}:complaint")
    if complaint:
        st.error(complaint, icon=":material/block:")
    if track is not None:
        st.fragment(_running, run_every=_EVERY if track.running else None)(track)


def _settings() -> dict[str, Any]:
    titles = {row.title: op for op, row in ACTIVATIONS.items() if view(op) in ("curve", "random")}
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        data = st.selectbox("Data", DATA, DATA.index("circles"), key="race-data", width=130)
        title = st.selectbox(
            "Activation", list(titles), list(titles).index("Tanh"), key="race-activation", width=180
        )
        layers = st.slider("Hidden layers", 1, 8, 6, key="race-layers", width=150)
        width = st.slider("Width", 2, 64, 16, key="race-width", width=150)
        lr = st.select_slider(
            "Learning rate", _RATES, 0.1, key="race-lr", width=170, help="Of plain SGD."
        )
    return {"op": titles[title], "dataset": data, "layers": layers, "width": width, "lr": lr}


def _begin(chosen: Sequence[Contender], settings: dict[str, Any]) -> None:
    state.put(f"{_KEY}:complaint", None)
    try:
        race = Race({one.title: one.start for one in chosen}, seed=seed(), **settings)
    except BuilderError as error:
        state.put(f"{_KEY}:complaint", error.message)
        return
    state.put(_KEY, _Track(race, tuple(one for one in chosen if one.title in race.runners)))


def _running(track: _Track) -> None:
    race = track.race
    if track.running:
        end = time.perf_counter() + _SLICE
        while time.perf_counter() < end and not race.done:
            race.step()
        race.look()
        if race.done:
            track.running = False
            st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        # Within the fragment: a click outside would wait for a moment between two of its runs.
        if not race.done and st.button(
            "Pause" if track.running else "Go on",
            icon=":material/pause:" if track.running else ":material/play_arrow:",
            key="race-pause" if track.running else "race-go",
        ):
            track.running = not track.running
            st.rerun()
        legend((one.title, one.colour) for one in track.contenders)
    left, right = st.columns([3, 2])
    left.plotly_chart(_losses(track), key="race-losses", config=CONFIG)
    with right:
        _table(track)
    st.caption(
        f"Step {race.steps:,} of {MOST_STEPS:,}. Loss: mean of the last {_SMOOTHED} batches."
    )


def _losses(track: _Track) -> go.Figure:
    data = []
    for one in track.contenders:
        losses = np.array(track.race.runners[one.title].losses)
        if len(losses) >= _SMOOTHED:
            sums = np.cumsum(np.insert(losses, 0, 0.0))
            losses = (sums[_SMOOTHED:] - sums[:-_SMOOTHED]) / _SMOOTHED
        every = max(1, len(losses) // _MOST_POINTS)
        data.append(
            {
                "type": "scatter",
                "x": np.arange(1, len(losses) + 1)[::every] + _SMOOTHED - 1,
                "y": losses[::every],
                "name": one.title,
                "mode": "lines",
                "line": {"color": one.colour, "dash": one.dash, "width": 2.5},
                "hovertemplate": "%{y:.3g}",
            }
        )
    return chart(
        data, "loss", _HEIGHT, "race-losses", hovermode="x unified",
        xaxis={"title": "step"}, yaxis={"rangemode": "tozero"},
    )  # fmt: skip


def _table(track: _Track) -> None:
    runners = track.race.runners
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "start": one.title,
                    "accuracy": runners[one.title].accuracy,
                    "different units": f"{runners[one.title].units} of {track.race.width}",
                    "saturated or dead": runners[one.title].still,
                }
                for one in track.contenders
            ]
        ),
        hide_index=True,
        column_config={
            "accuracy": st.column_config.ProgressColumn(
                format="percent", max_value=1.0, help="Of samples that are kept for validation."
            ),
            "different units": st.column_config.TextColumn(
                help="Units of the first layer that differ from one another."
            ),
            "saturated or dead": st.column_config.ProgressColumn(
                format="percent", max_value=1.0,
                help="What the activations give through which next to nothing is learned: their "
                "slope is smaller than a hundredth.",
            ),
        },
    )  # fmt: skip
