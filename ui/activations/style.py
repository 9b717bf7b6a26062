"""How the charts of the page look: colours and margins that the sections share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from builder.labs.activation import Zone
from ui import state

CONFIG = {"displaylogo": False}
# Each has at least 3:1 on a white and on a nearly black page.
COLOURS = (
    "#E0663A", "#4A8FD8", "#2A9A74", "#9274D6", "#B8860B", "#2592A6", "#D0568F", "#7D8593",
)  # fmt: skip
_SHADE = {"saturated": 0.08, "dead": 0.16}
DASHES = ("solid", "dash", "dot", "dashdot")


def slots(key: str, names: Sequence[str]) -> dict[str, int]:
    """Give each name a colour that stays while others come and go.

    Args:
        key: what the session keeps them under.
    """
    kept = {name: slot for name, slot in state.get(key, {}).items() if name in names}
    for name in names:
        if name not in kept:
            kept[name] = next(n for n in range(len(names) + 1) if n not in kept.values())
    state.put(key, kept)
    return kept


def colour(slot: int) -> str:
    """Return the colour of the line in this place."""
    return COLOURS[slot % len(COLOURS)]


def dash(slot: int) -> str:
    """Return how that line is drawn, so that a ninth is told from the first."""
    return DASHES[slot // len(COLOURS) % len(DASHES)]


def faded(colour: str, opacity: float) -> str:
    """Return a colour that lets the page show through."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"


def line_width(place: int, count: int) -> float:
    """Return how wide to draw a line: what lies underneath is wider, so that both are seen."""
    return 2 + 0.6 * min(count - 1 - place, 4)


def legend(entries: Iterable[tuple[str, str]]) -> None:
    """Draw names and colours once, for all the charts of a section."""
    st.markdown(
        " &nbsp; ".join(f":color[■]{{foreground={colour}}} {name}" for name, colour in entries)
    )


def chart(
    data: Sequence[Mapping[str, Any]], title: str, height: int, name: str, **layout: Any
) -> go.Figure:
    """Return a chart with the page's margins and title, made in one go: adding to one is slow.

    Args:
        data: its traces.
        name: of the chart; what a reader zoomed into stays while its numbers change.
        layout: plotly's words for all else.
    """
    return go.Figure(
        data=list(data),
        layout={
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 38 if title else 8, "b": 8},
            "title": {"text": title, "x": 0.0, "font": {"size": 15}},
            "showlegend": False,
            "uirevision": name,
            **layout,
        },
    )


def shade(zones: Iterable[Zone], colour: str) -> list[dict[str, Any]]:
    """Return the shapes that shade the flat stretches of a function, the full height of a chart."""
    return [
        {
            "type": "rect",
            "x0": zone.low,
            "x1": zone.high,
            "yref": "y domain",
            "y0": 0,
            "y1": 1,
            "fillcolor": faded(colour, _SHADE[zone.kind]),
            "line": {"width": 0},
            "layer": "below",
        }
        for zone in zones
    ]
