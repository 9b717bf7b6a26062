"""Views of the activations that a curve would lie about: softmax and kin, GLU, PReLU by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.catalog import CATALOG
from builder.labs import joint
from builder.labs.activation import Array
from builder.labs.numbers import read_list
from ui.activations.chosen import Chosen
from ui.activations.style import CONFIG, colour, dash, tidy

_HEIGHT = 360
_SCORES = "2, 1, 0, -1"
# Blue for below zero, orange for above, as in the charts of a run.
_SIGNED = [[0, "#4A8FD8"], [0.5, "#F3F4F6"], [1, "#E0663A"]]


def _scores(one: Chosen, low: float, high: float, points: int) -> None:
    title = CATALOG[one.op].title
    st.markdown(
        f"**{title}** has no curve: each output depends on all the scores along its axis. Here the "
        "first score moves, and the others stay."
    )
    given = _numbers(f"{title}: scores", f"{title}.scores", _SCORES, "The first one moves.")
    if given is None:
        return
    try:
        moved = joint.scores(one.op, given, low, high, points)
        outputs = joint.scores(one.op, given, given[0], given[0] + 1, 2).y[0]
    except BuilderError as error:
        st.caption(f":red[{error.message}]")
        return
    names = [f"score {number}" for number in range(1, len(given) + 1)]
    left, middle, right = st.columns([1, 2, 2])
    bars = go.Figure(
        go.Bar(
            x=names,
            y=outputs,
            marker={"color": [colour(slot) for slot in range(len(names))]},
            hovertemplate="%{x}: %{y:.4f}<extra></extra>",
        )
    )
    tidy(bars, f"of {', '.join(f'{value:g}' for value in given)}", _HEIGHT, f"{title}-bars")
    left.plotly_chart(bars, key=f"{title}-bars", config=CONFIG)
    lines = _lines(names, [moved.x] * len(names), list(moved.y.T))
    lines.add_vline(given[0], line={"dash": "dot", "width": 1, "color": "#7D8593"})
    tidy(lines, "outputs while score 1 moves", _HEIGHT, f"{title}-outputs")
    middle.plotly_chart(lines, key=f"{title}-outputs", config=CONFIG)
    slopes = _lines(names, [moved.x] * len(names), list(moved.slope.T))
    tidy(slopes, "their derivatives by score 1", _HEIGHT, f"{title}-slopes")
    right.plotly_chart(slopes, key=f"{title}-slopes", config=CONFIG)


def _gate(one: Chosen, low: float, high: float, points: int) -> None:
    title = CATALOG[one.op].title
    st.markdown(
        f"**{title}** has no curve: it halves an axis, and one half, b, opens or closes the way "
        "for the other, a."
    )
    found = joint.gate(one.op, low, high, min(points, 101))
    left, right = st.columns(2)
    reach = float(abs(found.y).max())
    plane = go.Figure(
        go.Heatmap(
            x=found.a, y=found.b, z=found.y, zmin=-reach, zmax=reach, colorscale=_SIGNED,
            hovertemplate="a %{x:.2f}, b %{y:.2f}: %{z:.4f}<extra></extra>",
        )
    )  # fmt: skip
    plane.update_layout(xaxis={"title": "a, the value"}, yaxis={"title": "b, the gate"})
    left.plotly_chart(tidy(plane, "output", _HEIGHT, "gate-plane"), key="gate-plane", config=CONFIG)
    lines = _lines(["gate"], [found.b], [found.open])
    lines.update_layout(xaxis={"title": "b, the gate"})
    tidy(lines, "derivative by a: how far the gate is open", _HEIGHT, "gate-open")
    right.plotly_chart(lines, key="gate-open", config=CONFIG)


def _channels(one: Chosen, low: float, high: float, points: int) -> None:
    title = CATALOG[one.op].title
    count = one.args["num_parameters"]
    st.markdown(
        f"**{title}** with {count} parameters has a curve for each channel. All start with the "
        "same slope; these are slopes that they might have learned."
    )
    proposed = ", ".join(f"{value:g}" for value in joint.spread_of(one.args))
    slopes = _numbers(
        f"{title}: slopes", f"{title}.slopes:{count}", proposed, "One for each channel."
    )
    if slopes is None:
        return
    if len(slopes) != count:
        st.caption(f":red[There are {len(slopes)} slopes; {count}, one a channel, work.]")
        return
    curves = joint.channels(one.op, slopes, low, high, points)
    names = [f"channel {place}: {slope:g}" for place, slope in enumerate(slopes)]
    x = [line.x for line in curves]
    left, right = st.columns(2)
    for place, name, lines in (
        (left, "f(x)", [line.y for line in curves]),
        (right, "f′(x), its derivative", [line.slope for line in curves]),
    ):
        chart = tidy(_lines(names, x, lines), name, _HEIGHT, name)
        place.plotly_chart(chart, key=f"{title}-{name}", config=CONFIG)


def _lines(names: Sequence[str], x: Sequence[Array], y: Sequence[Array]) -> go.Figure:
    chart = go.Figure()
    for slot, (name, across, up) in enumerate(zip(names, x, y, strict=True)):
        chart.add_scatter(
            x=across,
            y=up,
            name=name,
            mode="lines",
            line={"color": colour(slot), "dash": dash(slot), "width": 2.5, "simplify": False},
            hovertemplate="%{y:.4f}",
        )
    return chart.update_layout(hovermode="x unified", xaxis={"hoverformat": ".3f"})


def _numbers(label: str, key: str, first: str, help: str) -> tuple[float, ...] | None:
    """Draw a field for a list of numbers; say beside it what is wrong."""
    text = st.text_input(label, first, key=key, help=help, width=330, bind="query-params")
    try:
        return read_list(text)
    except BuilderError as error:
        st.caption(f":red[{error.message}]")
        return None


VIEWS: Mapping[str, Callable[[Chosen, float, float, int], None]] = {
    "scores": _scores,
    "gate": _gate,
    "channels": _channels,
}
