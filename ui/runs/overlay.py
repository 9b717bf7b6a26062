"""The curves of the chosen runs over one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import plotly.graph_objects as go
import streamlit as st

from builder.store import Run
from builder.train.compare import opened
from ui.runs.chosen import chosen_runs
from ui.runs.lines import AXES, Measured, as_table, line, measured
from ui.training.curves_thin import thinned

_POLL = 1.0
# Readable on a light and on a dark page; told apart by every kind of colour vision with the dashes.
COLOURS = (
    "#E0663A", "#4A8FD8", "#2FA67E", "#9678D3", "#C0942B", "#2D9DB3", "#D0609A", "#858D99",
)  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot")
_FIRST = ("validation loss", "train loss")
# Colour, dash and width, as plotly has them.
Line: TypeAlias = Mapping[str, object]


def overlay() -> None:
    """Draw the curves, live while one of the runs goes on."""
    if not chosen_runs():
        st.caption("Tick runs in the table to lay their curves over one another.")
        return
    active = any(run.active for run in chosen_runs())
    st.fragment(_overlay, run_every=_POLL if active else None)()


def _overlay() -> None:
    runs = chosen_runs()
    laid_over(runs, [look(number) for number in range(len(runs))], names(runs))


def laid_over(runs: Sequence[Run], styles: Sequence[Line], titles: Sequence[str]) -> None:
    """Draw the curves of runs over one another, with the choice of what and how.

    Args:
        styles: how the line of each looks.
        titles: what each is called in the legend; of several of one name the first is in it.
    """
    found = measured(runs)
    metrics = sorted(dict.fromkeys(name for one in found.values() for name in one.by_metric))
    if not metrics:
        st.caption("Nothing has been measured yet.")
        return
    bar = st.columns([2, 1.3, 1.3, 1.4], vertical_alignment="bottom")
    metric = bar[0].selectbox(
        "Metric", metrics, index=_first(metrics), key="runs:metric", persist_state="session"
    )
    axis = bar[1].segmented_control(
        "Over", AXES, default="epoch", key="runs:axis", required=True, persist_state="session",
        help="Seconds are those of the steps at the run's mean speed.",
    )  # fmt: skip
    smoothing = bar[2].slider(
        "Smoothing", 0.0, 0.99, 0.0, 0.01, key="runs:smoothing", persist_state="session",
        help="Weight of what came before in a running mean; the line itself stays, faint.",
    )  # fmt: skip
    logs = bar[3].pills(
        "Logarithmic", ("across", "up"), selection_mode="multi", key="runs:logs",
        persist_state="session",
    )  # fmt: skip
    figure = curves(runs, found, styles, titles, str(metric), str(axis), float(smoothing), logs)
    st.plotly_chart(figure, key="runs:curves", config={"displaylogo": False})
    _about(figure, runs, found, str(metric))


def _first(metrics: Sequence[str]) -> int:
    return next((metrics.index(name) for name in _FIRST if name in metrics), 0)


def _about(
    figure: go.Figure, runs: Sequence[Run], found: Mapping[str, Measured], metric: str
) -> None:
    count = sum(len(one.by_metric.get(metric, ())) for one in found.values())
    drawn = sum(len(trace.x) for trace in figure.data if trace.name)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(
        f"{count:,} points, {drawn:,} of them drawn: those that give the line its shape, "
        "spikes kept. The file has all."
        if drawn < count
        else f"{count:,} points."
    )
    right.download_button(
        "All points (CSV)",
        data=lambda: as_table(runs, names(runs)).to_csv(index=False),
        file_name="curves.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="runs:csv",
        width="stretch",
    )


def names(runs: Sequence[Run]) -> list[str]:
    """Return what tells the runs apart in a legend: a name that two have gets its time."""
    titles = [opened(run).title for run in runs]
    return [
        title if titles.count(title) == 1 else f"{title} {run.id[9:15]}{run.id[-3:]}"
        for title, run in zip(titles, runs, strict=True)
    ]


def look(number: int) -> Line:
    """Return the line of the run of this number: a colour, then a dash."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "dash": DASHES[number // len(COLOURS) % len(DASHES)],
        "width": 2,
    }


def curves(
    runs: Sequence[Run],
    found: Mapping[str, Measured],
    styles: Sequence[Line],
    titles: Sequence[str],
    metric: str,
    axis: str,
    smoothing: float,
    logs: Sequence[str],
) -> go.Figure:
    """Return a metric of runs over one another, at most 1,000 points a line."""
    figure = go.Figure()
    for number, (run, style, name) in enumerate(zip(runs, styles, titles, strict=True)):
        if smoothing:
            x, y = thinned(*line(run, found[run.id], metric, axis))
            figure.add_scatter(
                x=x, y=y, mode="lines", line={**style, "width": 1}, opacity=0.25,
                showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        x, y = thinned(*line(run, found[run.id], metric, axis, smoothing))
        figure.add_scatter(
            x=x,
            y=y,
            name=name,
            mode="lines+markers" if len(x) < 25 else "lines",
            marker={"size": 5},
            line=style,
            legendgroup=name,
            showlegend=name not in titles[:number],
            hovertemplate=f"%{{y:.5g}} at {axis} %{{x:.5g}}<extra>%{{fullData.name}}</extra>",
        )
    figure.update_layout(
        height=400,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.2},
        xaxis={"title": {"text": axis}, "type": "log" if "across" in logs else "linear"},
        yaxis={"title": {"text": metric}, "type": "log" if "up" in logs else "linear"},
        # The same chart all along: what the reader zoomed into stays while points come in.
        uirevision=f"{metric} {axis} {','.join(logs)}",
    )
    return figure
