"""In your model: what each activation of the open model is given, laid over its curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError, ModelSpec
from builder.catalog import CATALOG
from builder.data import DATASETS, load
from builder.files import load_weights
from builder.labs import preactivations
from builder.labs.numbers import LARGEST_SEED
from builder.labs.preactivations import Given, Looked
from builder.train import Recipe
from ui import state
from ui.activations.chosen import Chosen
from ui.activations.style import COLOURS, CONFIG, chart, faded, shade
from ui.feature_maps.bench import run_title, runs

_FRESH, _RANDOM = "fresh", "random"
_SAMPLES = (2, 16, 64, 128, 256)
_HEIGHT, _PAGE = 300, 8
_BARS, _CURVE = COLOURS[1], COLOURS[0]


def section(_: Sequence[Chosen]) -> None:
    """Draw the section."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        weights = _weights()
        seed = st.number_input(
            "Seed", 0, LARGEST_SEED, 0, key="model-seed", width=130, bind="query-params",
            help="Of fresh weights, and of random numbers.",
        )  # fmt: skip
        spec = _spec(weights)
        data = _data(spec, weights)
        count = st.select_slider(
            "Samples", _SAMPLES, 64, key="samples", width=170, bind="query-params"
        )
    try:
        found = _looked(spec.to_json(), weights, _stamp(weights), data, count, seed)
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
        return
    if found.others:
        st.caption(
            f"{', '.join(found.others)}: each output depends on several numbers, so there is no "
            "curve to lay them over."
        )
    if not found.given:
        st.info(f"{spec.name} has no activation with a curve. Add one on the Build page.")
        return
    _charts(found.given)
    _table(found.given)


def _weights() -> str:
    known = runs()
    titles = {_FRESH: "Fresh, untrained"} | {run.id: run_title(run) for run in known.values()}
    first = next(iter(known), _FRESH)
    return st.selectbox(
        "Weights", list(titles), list(titles).index(first), key="model-weights",
        format_func=titles.__getitem__, width=330, bind="query-params",
    )  # fmt: skip


def _spec(weights: str) -> ModelSpec:
    """Return the model that has these weights: the open one, or as it was when it was trained."""
    if weights == _FRESH:
        return state.workspace().spec
    return ModelSpec.from_json(state.store().run(weights).spec)


def _data(spec: ModelSpec, weights: str) -> str:
    """Let people choose among random numbers and the data sets whose samples fit."""
    fitting = [row.name for row in DATASETS.values() if preactivations.fits(spec, row.shape)]
    if weights != _FRESH:
        own = _recipe(weights, "").dataset
        fitting.sort(key=lambda name: name != own)
    options = [*fitting, _RANDOM]
    return st.selectbox(
        "Input", options, key="model-input", width=200, bind="query-params",
        format_func=lambda name: DATASETS[name].title if name in DATASETS else "Random normal",
        help="Samples that training keeps for validation, or standard normal numbers.",
    )  # fmt: skip


def _recipe(weights: str, data: str) -> Recipe:
    """Return the settings of the run, if it learned from these data; else the usual ones."""
    if weights != _FRESH:
        found = Recipe.from_json(state.store().run(weights).recipe)
        if not data or found.dataset == data:
            return found
    return Recipe(dataset=data)


def _path(run_id: str) -> Path:
    return state.store().folder(run_id) / "weights.pt"


def _stamp(weights: str) -> int:
    """Return when a run last wrote its weights; 0 for fresh ones, which their seed tells."""
    return 0 if weights == _FRESH else _path(weights).stat().st_mtime_ns


@st.cache_data(max_entries=32, show_spinner="Running the model")
def _looked(text: str, weights: str, stamp: int, data: str, count: int, seed: int) -> Looked:
    spec = ModelSpec.from_json(text)
    if weights == _FRESH:
        values = preactivations.fresh_weights(spec, seed)
    else:
        values = load_weights(_path(weights).read_bytes())
    if data == _RANDOM:
        inputs = preactivations.random_inputs(spec, count, seed)
    else:
        settings = _recipe(weights, data)
        inputs = preactivations.real_inputs(
            load(data, **settings.options), count,
            validation=settings.validation, seed=settings.seed,
        )  # fmt: skip
    return preactivations.look(spec, values, inputs)


def _charts(given: Sequence[Given]) -> None:
    pages = math.ceil(len(given) / _PAGE)
    page = 1
    if pages > 1:
        page = st.number_input(f"Page of {pages}", 1, pages, key="model-page", width=140)
    shown = given[(page - 1) * _PAGE : page * _PAGE]
    for start in range(0, len(shown), 2):
        for place, one in zip(st.columns(2), shown[start : start + 2], strict=False):
            with place:
                st.markdown(f"**{one.name}** :gray[· {CATALOG[one.op].title}] {_shares(one)}")
                st.plotly_chart(_chart(one), key=f"given-{one.name}", config=CONFIG)


def _shares(one: Given) -> str:
    parts = []
    if one.saturated:
        parts.append(f":orange-badge[saturated {one.saturated:.1%}]")
    if one.dead:
        parts.append(f":blue-badge[slope 0 {one.dead:.1%}]")
    if one.dead_units:
        parts.append(f":red-badge[dead units {one.dead_units:.1%}]")
    return " ".join(parts) or ":green-badge[neither saturated nor dead]"


def _chart(one: Given) -> go.Figure:
    """Return the histogram of what an activation was given, its curve over it."""
    bars = {
        "type": "bar",
        "x": (one.edges[:-1] + one.edges[1:]) / 2,
        "y": one.density,
        "marker": {"color": faded(_BARS, 0.55), "line": {"width": 0}},
        "hovertemplate": "%{y:.2%} of the numbers<extra></extra>",
    }
    line = {
        "type": "scatter",
        "x": one.curve.x,
        "y": one.curve.y,
        "yaxis": "y2",
        "mode": "lines",
        "line": {"color": _CURVE, "width": 2.5, "simplify": False},
        "hovertemplate": "f = %{y:.4f}<extra></extra>",
    }
    return chart(
        [bars, line],
        "",
        _HEIGHT,
        f"given-{one.name}",
        hovermode="x unified",
        bargap=0,
        shapes=shade(one.curve.zones, _CURVE),
        xaxis={"hoverformat": ".3f", "range": [one.edges[0], one.edges[-1]]},
        yaxis={"tickformat": "~p", "showgrid": False, "rangemode": "tozero"},
        yaxis2={
            "overlaying": "y", "side": "right", "tickmode": "auto", "nticks": 6,
            "showgrid": False, "zeroline": False,
        },
    )  # fmt: skip


def _table(given: Sequence[Given]) -> None:
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "layer": one.name,
                    "activation": CATALOG[one.op].title,
                    "numbers": one.count,
                    "mean": one.mean,
                    "spread": one.std,
                    "saturated": one.saturated,
                    "slope 0": one.dead,
                    "dead units": one.dead_units,
                }
                for one in given
            ]
        ),
        width="stretch",
        hide_index=True,
        column_config={
            "numbers": st.column_config.NumberColumn(
                format="localized", help="How many numbers it was given."
            ),
            "mean": st.column_config.NumberColumn(format="%.3f"),
            "spread": st.column_config.NumberColumn(format="%.3f", help="Standard deviation."),
            "saturated": st.column_config.ProgressColumn(
                format="percent", max_value=1.0, help="Numbers whose slope is small, but not 0."
            ),
            "slope 0": st.column_config.ProgressColumn(
                format="percent", max_value=1.0, help="Numbers whose slope is exactly 0."
            ),
            "dead units": st.column_config.ProgressColumn(
                format="percent", max_value=1.0, help="Units whose slope is 0 for every sample."
            ),
        },
    )
