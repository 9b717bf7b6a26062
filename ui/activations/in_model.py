"""In your model: what each activation of the open model is given, laid over its curve."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.catalog import CATALOG
from builder.labs import preactivations
from builder.labs.preactivations import Given, Looked
from ui.activations.chosen import Chosen
from ui.activations.style import COLOURS, CONFIG, chart, faded, shade
from ui.batch import Batch, choose_batch
from ui.subject import Subject, choose, subject

_HEIGHT, _PAGE = 300, 8
_BARS, _CURVE = COLOURS[1], COLOURS[0]


def section(_: Sequence[Chosen]) -> None:
    """Draw the section."""
    try:
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            choose()
            here = subject()
            batch = choose_batch(here)
        found = _looked(batch.made_from, here, batch)
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
        st.info(f"{here.spec.name} has no activation with a curve. Add one on the Build page.")
        return
    _charts(found.given)
    _table(found.given)


@st.cache_data(max_entries=32, show_spinner="Running the model")
def _looked(made_from: Hashable, _here: Subject, _batch: Batch) -> Looked:
    del made_from
    return preactivations.look(_here.spec, _here.model.state_dict(), _batch.inputs)


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
