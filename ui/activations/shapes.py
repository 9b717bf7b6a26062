"""Views of the activations that a curve would lie about: softmax and kin, GLU, PReLU by channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from builder import BuilderError
from builder.catalog import CATALOG
from builder.labs import joint
from builder.labs.activation import Array
from builder.labs.numbers import read_list
from ui.activations.chosen import Chosen
from ui.activations.style import CONFIG, chart, colour, dash

_HEIGHT = 360
_HOVER = {"hovermode": "x unified", "xaxis": {"hoverformat": ".3f"}}
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
    bars = {
        "type": "bar",
        "x": names,
        "y": outputs,
        "marker": {"color": [colour(slot) for slot in range(len(names))]},
        "hovertemplate": "%{x}: %{y:.4f}<extra></extra>",
    }
    words = f"of {', '.join(f'{value:g}' for value in given)}"
    _draw(left, [bars], words, f"{title}-bars")
    x = [moved.x] * len(names)
    here = {
        "type": "line", "x0": given[0], "x1": given[0], "yref": "y domain", "y0": 0, "y1": 1,
        "line": {"dash": "dot", "width": 1, "color": "#7D8593"},
    }  # fmt: skip
    lines = _lines(names, x, list(moved.y.T))
    words = "outputs while score 1 moves"
    _draw(middle, lines, words, f"{title}-outputs", **_HOVER, shapes=[here])
    lines = _lines(names, x, list(moved.slope.T))
    _draw(right, lines, "their derivatives by score 1", f"{title}-slopes", **_HOVER)


def _gate(one: Chosen, low: float, high: float, points: int) -> None:
    title = CATALOG[one.op].title
    st.markdown(
        f"**{title}** has no curve: it halves an axis, and one half, b, opens or closes the way "
        "for the other, a."
    )
    found = joint.gate(one.op, low, high, min(points, 101))
    left, right = st.columns(2)
    reach = float(abs(found.y).max())
    plane = {
        "type": "heatmap", "x": found.a, "y": found.b, "z": found.y, "zmin": -reach, "zmax": reach,
        "colorscale": _SIGNED, "hovertemplate": "a %{x:.2f}, b %{y:.2f}: %{z:.4f}<extra></extra>",
    }  # fmt: skip
    value, gate = {"title": "a, the value"}, {"title": "b, the gate"}
    _draw(left, [plane], "output", "gate-plane", xaxis=value, yaxis=gate)
    lines = _lines(["gate"], [found.b], [found.open])
    words = "derivative by a: how far the gate is open"
    _draw(right, lines, words, "gate-open", hovermode="x unified", xaxis=gate)


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
        _draw(place, _lines(names, x, lines), name, f"{title}-{name}", **_HOVER)


def _lines(names: Sequence[str], x: Sequence[Array], y: Sequence[Array]) -> list[dict[str, Any]]:
    return [
        {
            "type": "scatter",
            "x": across,
            "y": up,
            "name": name,
            "mode": "lines",
            "line": {"color": colour(slot), "dash": dash(slot), "width": 2.5, "simplify": False},
            "hovertemplate": "%{y:.4f}",
        }
        for slot, (name, across, up) in enumerate(zip(names, x, y, strict=True))
    ]


def _draw(
    place: DeltaGenerator, data: Sequence[Mapping[str, Any]], title: str, key: str, **layout: Any
) -> None:
    figure = chart(data, title, _HEIGHT, key, **layout)
    place.plotly_chart(figure, key=key, config=CONFIG)


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
