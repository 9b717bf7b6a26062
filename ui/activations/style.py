"""How the charts of the page look: colours and margins that the sections share."""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go
import streamlit as st

CONFIG = {"displaylogo": False}
# Each has at least 3:1 on a white and on a nearly black page.
COLOURS = (
    "#E0663A", "#4A8FD8", "#2A9A74", "#9274D6", "#B8860B", "#2592A6", "#D0568F", "#7D8593",
)  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot")


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


def tidy(chart: go.Figure, title: str, height: int, name: str) -> go.Figure:
    """Give a chart the page's margins and title.

    Args:
        name: of the chart; what a reader zoomed into stays while its numbers change.
    """
    return chart.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 38, "b": 8},
        title={"text": title, "x": 0.0, "font": {"size": 15}},
        showlegend=False,
        uirevision=name,
    )
