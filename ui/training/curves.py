"""The curves of a run: any metric, training and validation, with what was done to it marked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from builder.store import Event, Point, Run
from builder.train.commands import in_words
from builder.train.metrics import METRICS
from ui import state
from ui.runs.overlay import look
from ui.runs.rows import seconds
from ui.training.curves_lines import Line, Lines, as_table, lines_of, smoothed
from ui.training.curves_thin import thinned

# The first two of the theme's chart colours; both stand out on a light and on a dark page.
COLOURS = {"train": "#E0663A", "validation": "#4A8FD8"}
AXES = ("epoch", "step", "seconds")
HEIGHT = 300
_GREY = "#8A929E"
_SETTLED = 1.5  # seconds a chart of a run that goes on is left as it is
_FEW = 4  # lines that are named above the chart; more stand beside it
_WORDS = 6  # marks that are written out; of more, the last ones


Made = TypeVar("Made")


@dataclass(frozen=True)
class Family:
    """Lines that belong in one chart, one for each group or each layer.

    Args:
        title: of the chart.
        prefix: of their splits.
        help: what is drawn.
    """

    title: str
    prefix: str
    help: str


# By the metric that they share.
FAMILIES: Mapping[str, Family] = {
    "lr": Family("learning rate", "group:", "Of each parameter group, as the optimizer used it."),
    "step_size": Family(
        "step size", "group:",
        "|Δw| / |w| of each parameter group: how far one step moves the weights, as a share of "
        "their size. About 0.001 is usual.",
    ),
    "grad_norm": Family(
        "gradient norm", "layer:",
        "The norm of the gradient over the parameters of each layer, at single steps.",
    ),
}  # fmt: skip
_OTHERS = {"loss": "What training makes smaller; the training line is a mean over batches."}


@dataclass(frozen=True)
class Options:
    """How curves are drawn: over which axis, how smooth, which axes are logarithmic."""

    axis: str = "epoch"
    smoothing: float = 0.0
    logs: tuple[str, ...] = ()
    marks: bool = True


def curves_panel(run_id: str, points: Sequence[Point]) -> None:
    """Draw the curves of a run: a choice of metrics, options, and a chart for each chosen one.

    Args:
        points: all that it has measured, in order.
    """
    run = state.store().run(run_id)
    lines = lines_of(run_id, points)
    names = _names(lines)
    if not names:
        with st.container(height=HEIGHT, border=False):
            st.caption("The first point comes as soon as the worker has taken its first steps.")
        return
    head, tail = st.columns([5, 1], vertical_alignment="bottom")
    chosen = head.pills(
        "Curves", names, selection_mode="multi", default=_first(names), key="curves:metrics",
        format_func=_title, persist_state="session", label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    with tail:
        options = _options(run, points)
    if not chosen:
        st.caption("Choose a metric to see its curve.")
    events = state.store().events(run_id) if options.marks else []
    wanted = [name for name in names if name in (chosen or ())]
    figures = settled(
        "curves", run, (wanted, options, len(events)),
        lambda: [chart(lines, metric, options, events, pace=pace(run)) for metric in wanted],
    )  # fmt: skip
    for start in range(0, len(wanted), 2):
        columns = st.columns(min(2, len(wanted)))
        for column, number in zip(columns, range(start, min(start + 2, len(wanted))), strict=False):
            metric = wanted[number]
            column.plotly_chart(
                figures[number],
                key=f"curve-{metric}",
                config=config(f"{_title(metric)} of {run_id}"),
            )
            column.caption(_help(metric))


def settled(name: str, run: Run, choice: object, make: Callable[[], Made]) -> Made:
    """Return what was made a moment ago while a run goes on, else what is made now.

    Streamlit puts a new chart in the place of one that has changed, which shows as a blink.

    Args:
        name: of what is made.
        choice: what it depends on besides the run's progress.
    """
    key, now = f"settled:{name}", time.monotonic()
    about = (run.id, run.status, choice)
    kept = state.get(key)
    if kept is not None and run.status == "running" and kept[0] == about and now < kept[1]:
        made: Made = kept[2]
        return made
    made = make()
    state.put(key, (about, now + _SETTLED, made))
    return made


def config(file: str) -> dict[str, object]:
    """Return how plotly's own buttons work: the camera saves a picture of twice the size."""
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": "png", "scale": 2, "filename": file},
    }


def pace(run: Run) -> float | None:
    """Return how many seconds a step of a run takes, on the mean; `None` before its first."""
    spent = seconds(run)
    return spent / run.step if run.step and spent is not None else None


def _names(lines: Lines) -> list[str]:
    """Return the metrics that there are: the loss, scores by their table, then the families."""
    order = ["loss", *METRICS, *FAMILIES]
    return sorted(lines.metrics, key=lambda name: order.index(name) if name in order else 99)


def _first(names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in FAMILIES][:2]


def _title(metric: str) -> str:
    return FAMILIES[metric].title if metric in FAMILIES else metric


def _help(metric: str) -> str:
    if metric in FAMILIES:
        return FAMILIES[metric].help
    row = METRICS.get(metric)
    return f"{row.help} {row.better.capitalize()} is better." if row else _OTHERS.get(metric, "")


def _options(run: Run, points: Sequence[Point]) -> Options:
    with st.popover("Options", icon=":material/tune:", width="stretch"):
        axis = st.segmented_control(
            "Over", AXES, default="epoch", key="curves:axis", required=True,
            persist_state="session",
            help="Seconds are those of the steps at the run's mean speed.",
        )  # fmt: skip
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, 0.01, key="curves:smoothing", persist_state="session",
            help="Weight of what came before in a running mean; the line itself stays, faint.",
        )  # fmt: skip
        logs = st.pills(
            "Logarithmic", ("across", "up"), selection_mode="multi", key="curves:logs",
            persist_state="session",
        )  # fmt: skip
        marks = st.toggle(
            "Marks", value=True, key="curves:marks", persist_state="session",
            help="Dashed lines where a rate was changed, a group frozen, the run went on.",
        )  # fmt: skip
        st.download_button(
            "All points (CSV)", data=lambda: as_table(points, pace(run)).to_csv(index=False),
            file_name=f"{run.id}.csv", mime="text/csv", on_click="ignore", key="curves:csv",
            icon=":material/download:", width="stretch",
        )  # fmt: skip
        st.caption("The camera above each chart saves it as a picture.")
    return Options(str(axis), float(smoothing), tuple(logs), bool(marks))


def chart(
    lines: Lines,
    metric: str,
    options: Options,
    events: Sequence[Event] = (),
    *,
    pace: float | None = None,
) -> go.Figure:
    """Return the chart of a metric: training and validation, or a line for each group or layer.

    At most 1,000 points of a line are drawn, its spikes among them.

    Args:
        events: what was done to the run, marked where it was done.
        pace: seconds a step takes.
    """
    figure = go.Figure()
    splits = lines.metrics.get(metric, {})
    for name, line, style in _styled(metric, splits):
        x, y = line.over(options.axis, pace=pace)
        if options.smoothing:
            faint_x, faint_y = thinned(x, y)
            figure.add_scatter(
                x=faint_x, y=faint_y, mode="lines", line={**style, "width": 1}, opacity=0.3,
                showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        x, y = thinned(x, smoothed(y, options.smoothing))
        figure.add_scatter(
            x=x,
            y=y,
            name=name,
            mode="lines+markers" if len(x) < 25 else "lines",
            marker={"size": 5},
            line=style,
            showlegend=True,
            hovertemplate=f"%{{y:.5g}} at {options.axis} %{{x:.5g}}"
            "<extra>%{fullData.name}</extra>",
        )
    beside = len(splits) > _FEW
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        title={"text": _title(metric), "x": 0.0, "font": {"size": 15}},
        legend={"x": 1.02, "y": 1, "font": {"size": 11}}
        if beside
        else {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.13},
        xaxis={
            "title": {"text": options.axis},
            "type": "log" if "across" in options.logs else "linear",
        },
        yaxis={
            "type": "log" if "up" in options.logs else "linear",
            "exponentformat": "power",
            "rangemode": "tozero" if metric in FAMILIES else "normal",
        },
        # The same chart all along: what the reader zoomed into stays while points come in.
        uirevision=f"{metric} {options.axis} {','.join(options.logs)}",
    )
    _mark(figure, events, options, pace)
    return figure


def _styled(metric: str, splits: Mapping[str, Line]) -> list[tuple[str, Line, dict[str, object]]]:
    """Return name, line and look of each line of a chart."""
    if metric in FAMILIES:
        prefix = FAMILIES[metric].prefix
        return [
            (split.removeprefix(prefix), line, look(number))
            for number, (split, line) in enumerate(splits.items())
        ]
    return [
        (split, splits[split], {"color": colour, "width": 2})
        for split, colour in COLOURS.items()
        if split in splits
    ]


def _mark(figure: go.Figure, events: Sequence[Event], options: Options, pace: float | None) -> None:
    """Draw a dashed line where something was done to the run, and say what."""
    logarithmic = "across" in options.logs
    marks: dict[float, list[str]] = {}
    for event in events:
        at = event.epoch if options.axis == "epoch" else float(event.step)
        at *= (pace or 0.0) if options.axis == "seconds" else 1.0
        if at > 0 or not logarithmic:
            marks.setdefault(at, []).append(in_words(event.name, event.args))
    for number, (at, words) in enumerate(marks.items()):
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", layer="below",
            line={"color": _GREY, "width": 1, "dash": "dash"},
        )  # fmt: skip
        said = "; ".join(words)
        figure.add_annotation(
            # A shape stands at a value, an annotation of a logarithmic axis at its logarithm.
            x=np.log10(at) if logarithmic else at, y=1, yref="paper", yanchor="top",
            xanchor="right", textangle=-90, showarrow=False,
            text=said if len(marks) - number <= _WORDS else "•",
            hovertext=said, font={"size": 10, "color": _GREY},
        )  # fmt: skip
