"""The curves of a run: any metric, training and validation, with what was done to it marked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from builder.store import Point, Run
from builder.train.metrics import METRICS
from ui import state
from ui.runs.rows import seconds
from ui.training.curves_chart import FAMILIES, HEIGHT, Options, about, chart, title
from ui.training.curves_lines import Lines, as_table, lines_of

AXES = ("epoch", "step", "seconds")
_SETTLED = 1.5  # seconds a chart of a run that goes on is left as it is

Made = TypeVar("Made")


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
        format_func=title, persist_state="session", label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    with tail:
        options = _options(run, points)
    if not chosen:
        st.caption("Choose a metric to see its curve.")
    events = state.store().events(run_id) if options.marks else []
    wanted = [name for name in names if name in (chosen or ())]
    with st.container(key="curves"):
        for start in range(0, len(wanted), 2):
            columns = st.columns(min(2, len(wanted)))
            for column, metric in zip(columns, wanted[start : start + 2], strict=False):
                with column:
                    chart(lines, metric, options, events, pace=pace(run)).draw(f"curve-{metric}")
                    st.caption(about(metric))
    if wanted:
        whole = " New points bring the whole back, so pause first." if run.active else ""
        st.caption(
            "Drag to move, turn the wheel with Ctrl to zoom, double-click to go back."
            f"{whole} Click a name to see its line alone. Data and picture are above each chart."
        )


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
    return Options(str(axis), float(smoothing), tuple(logs), bool(marks))
