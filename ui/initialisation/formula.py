"""Formula: the scheme of one parameter with its own numbers, and what was drawn beside its law."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.initial import in_words
from builder.labs.initialisation.drawn import Drawn
from builder.labs.initialisation.formula import formula
from builder.labs.initialisation.law import Law, law
from builder.labs.initialisation.places import Place, start
from builder.schemes import SCHEMES
from ui.activations.style import COLOURS, CONFIG, chart, faded
from ui.initialisation.model import drawn, opened
from ui.initialisation.schemes import pick
from ui.starts import start_form
from ui.state import Workspace

_HEIGHT = 380
_DRAWN, _LAW = COLOURS[1], COLOURS[0]
_POINTS = 401


def section(ws: Workspace) -> None:
    """Draw the section."""
    found = opened(ws.spec)
    if not found:
        st.info(f"{ws.spec.name} has no parameters. Add a layer that learns on the Build page.")
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        place = pick(found)
        start_form(
            ws, "Starts by", place.init, place.shape, f"formula:{place.title}",
            lambda init: ws.edit(partial(start, chosen=[place], init=init)),
        )  # fmt: skip
        _formula(place)
    with right:
        try:
            seen = drawn(ws.spec)[place.title]
        except BuilderError as error:
            st.warning(error.message, icon=":material/block:")
            return
        told = law(place.starts_by, place.shape) if place.starts_by else None
        st.plotly_chart(_histogram(place, seen, told), key="drawn-histogram", config=CONFIG)
        _said(place, seen, told)


def _formula(place: Place) -> None:
    if place.starts_by is None:
        st.caption("Its constructor draws it in a way of its own.")
        return
    if place.init is None:
        st.caption(f"Left alone, it is drawn by `{in_words(place.starts_by)}`.")
    st.markdown(SCHEMES[place.starts_by.scheme].help)
    for line in formula(place.starts_by, place.shape):
        st.latex(line)
    if "Transpose" in place.op and len(place.shape) > 2:
        st.caption(
            "The weight of a transposed convolution is (in, out, ...), and torch counts axis 1 as "
            "n_in: here n_in is of what comes out."
        )


def _histogram(place: Place, seen: Drawn, told: Law | None) -> go.Figure:
    data: list[dict[str, Any]] = []
    if len(seen.edges):
        data.append(
            {
                "type": "bar",
                "x": (seen.edges[:-1] + seen.edges[1:]) / 2,
                "y": seen.density,
                "name": "drawn",
                "marker": {"color": faded(_DRAWN, 0.55), "line": {"width": 0}},
                "hovertemplate": "%{y:.4g}",
            }
        )
    if told is not None and told.density is not None:
        x = _across(seen, told)
        data.append(
            {
                "type": "scatter",
                "x": x,
                "y": told.density(x),
                "name": "law",
                "mode": "lines",
                "line": {"color": _LAW, "width": 2.5, "simplify": False},
                "hovertemplate": "%{y:.4g}",
            }
        )
    if told is not None:
        data += _shares(seen, told)
    return chart(
        data,
        f"{place.title}: density of what was drawn, and its law",
        _HEIGHT,
        f"drawn-{place.title}",
        hovermode="x unified",
        bargap=0,
        xaxis={"hoverformat": ".4g"},
        yaxis={"rangemode": "tozero", "title": "density"},
        yaxis2={
            "overlaying": "y", "side": "right", "range": [0, 1.05], "tickformat": ".0%",
            "showgrid": False, "title": "share", "visible": bool(told and told.shares),
        },
    )  # fmt: skip


def _across(seen: Drawn, told: Law) -> np.ndarray:
    """Return points over all that was drawn and a little more, so that an edge is seen as one."""
    low, high = seen.edges[0], seen.edges[-1]
    margin = 0.08 * (high - low)
    points = np.linspace(low - margin, high + margin, _POINTS)
    ends = [end for end in (told.low, told.high) if np.isfinite(end)]
    near = [np.nextafter(end, side) for end in ends for side in (-np.inf, np.inf)]
    return np.sort(np.concatenate([points, ends, near]))


def _shares(seen: Drawn, told: Law) -> list[dict[str, Any]]:
    """Return the numbers that are drawn again and again: bars of what was, marks of the law."""
    if not told.shares:
        return []
    ends = [*told.shares, *(seen.edges[[0, -1]] if len(seen.edges) else ())]
    bars = {
        "type": "bar",
        "x": list(seen.shares),
        "y": list(seen.shares.values()),
        "yaxis": "y2",
        "width": 0.03 * ((max(ends) - min(ends)) or 1.0),
        "name": "drawn, exactly this number",
        "marker": {"color": _DRAWN},
        "hovertemplate": "%{y:.2%}",
    }
    marks = {
        "type": "scatter",
        "x": list(told.shares),
        "y": list(told.shares.values()),
        "yaxis": "y2",
        "mode": "markers",
        "name": "law, exactly this number",
        "marker": {
            "color": _LAW,
            "size": 26,
            "symbol": "line-ew",
            "line": {"width": 3, "color": _LAW},
        },
        "hovertemplate": "%{y:.2%}",
    }
    return [bars, marks]


def _said(place: Place, seen: Drawn, told: Law | None) -> None:
    """Draw the figures of both, one above the other."""
    facts = seen.facts
    rows = [{"": "drawn", "mean": facts.mean, "spread": facts.spread, "least": facts.low,
             "most": facts.high}]  # fmt: skip
    if told is not None:
        rows.append({"": "law", "mean": told.mean, "spread": told.std, "least": told.low,
                     "most": told.high})  # fmt: skip
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.5g")
            for name in ("mean", "spread", "least", "most")
        },
    )
    uses = f" Its block is used {len(place.keys)} times; these are of the first." if (
        len(place.keys) > 1
    ) else ""  # fmt: skip
    by_chance = told.std / np.sqrt(facts.count) if told else 0.0
    words = f"{facts.count:,} numbers."
    if by_chance:
        words += f" Their mean strays by {by_chance:.2g} by chance."
    st.caption(words + uses)
