"""The schedule of the learning rates: its phases, and its plan over the run before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.catalog import Field
from builder.data import load
from builder.store import Run
from builder.train import OPTIMIZERS, Recipe, schedules
from builder.train.schedulers import SCHEDULERS
from builder.train.schedules import CHAINS, Phase
from ui import state
from ui.runs.overlay import look
from ui.training.curves import config
from ui.training.fields import said
from ui.training.settings import change, recipe
from ui.values import from_text, to_text

_MOST_POINTS = 2000
_GROUP = "group:"


def schedule_panel(run: Run | None) -> None:
    """Draw the phases of the schedule, what the rates will be, and the code."""
    settings = recipe()
    units = _units(settings)
    by = settings.schedule_by
    st.caption(
        "What the learning rates do over the run, a phase after the other. Each phase starts from "
        "the groups' own rates; without one they stay as they are."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, make in CHAINS.items():
            st.button(
                label, key=f"schedule:{label}", help=make.__doc__, on_click=_chain, args=(label,)
            )
        st.button(
            "Clear", icon=":material/close:", key="schedule:clear", disabled=not settings.schedule,
            on_click=change, kwargs={"schedule": ()},
        )  # fmt: skip
    key = state.show("schedule:by", by)
    st.segmented_control(
        "Counted in", ["epoch", "step"], default=by, key=key, required=True,
        format_func={"epoch": "epochs", "step": "steps"}.__getitem__,
        help="Steps of the optimizer change the rate within an epoch.",
        on_change=_counted, args=(key,),
    )  # fmt: skip
    for position, phase in enumerate(settings.schedule):
        _card(position, phase, settings)
    st.button(
        "Add a phase", icon=":material/add:", key="schedule:add", on_click=_add, args=(units,)
    )
    try:
        schedules.check(settings.schedule, OPTIMIZERS[settings.optimizer], units, by)
    except BuilderError as error:
        st.error(error.message, icon=":material/block:")
        return
    rates = _rates(settings)
    st.plotly_chart(
        _plan(settings, rates, units, run), key="schedule-plan", config=config("schedule")
    )
    follows = any(SCHEDULERS[phase.scheduler].wants_metric for phase in settings.schedule)
    if follows:
        st.caption("What the validation loss will be is not known yet, so the plan is flat.")
    if settings.schedule:
        st.code(
            schedules.code(settings.schedule, list(rates.values()), units, by),
            language="python",
            wrap_lines=True,
        )


def _units(settings: Recipe) -> int:
    """Return how many epochs, or steps, the run has; a share of the samples is kept from it."""
    try:
        samples = len(load(settings.dataset, **settings.options).x)
    except BuilderError:
        return settings.epochs
    kept = 1 / settings.folds if settings.split == "folds" else settings.validation
    return settings.units(samples - math.ceil(samples * kept))


def _rates(settings: Recipe) -> dict[str, float]:
    own = {g.name: settings.lr if g.lr is None else g.lr for g in settings.groups if not g.frozen}
    return {**own, "default": settings.lr}


def _plan(settings: Recipe, rates: dict[str, float], units: int, run: Run | None) -> go.Figure:
    by = settings.schedule_by
    figure = go.Figure()
    planned = schedules.plan(settings.schedule, list(rates.values()), units)
    every = max(1, units // _MOST_POINTS)
    for number, (name, line) in enumerate(zip(rates, planned, strict=True)):
        figure.add_scatter(
            x=list(range(0, units, every)),
            y=line[::every],
            name=name,
            mode="lines",
            line={**look(number), "shape": "hv" if by == "epoch" else "linear"},
            hovertemplate=f"{by} %{{x}}: %{{y:.3g}}<extra>{name}</extra>",
        )
    for number, (name, x, y) in enumerate(_done(run, by)):
        figure.add_scatter(
            x=x, y=y, name=f"{name}, in the run on show", mode="lines", opacity=0.6,
            line={**look(number), "dash": "dot"}, hovertemplate="%{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        height=320,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={"text": "learning rate", "x": 0.0, "font": {"size": 15}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.12},
        showlegend=True,
        xaxis={"title": {"text": by}, "rangemode": "tozero"},
        yaxis={
            "type": "log" if state.get("schedule:log") else "linear",
            "exponentformat": "e",
            "rangemode": "tozero",
        },
    )
    st.checkbox("Logarithmic rate", key="schedule:log")
    return figure


def _done(run: Run | None, by: str) -> list[tuple[str, list[float], list[float | None]]]:
    """Return the rates that a run really had, by group."""
    if run is None:
        return []
    points = [p for p in state.store().points(run.id) if p.metric == "lr"]
    names = dict.fromkeys(point.split for point in points)
    return [
        (
            name.removeprefix(_GROUP),
            [p.epoch if by == "epoch" else p.step for p in points if p.split == name],
            [p.value for p in points if p.split == name],
        )
        for name in names
    ]


def _card(position: int, phase: Phase, settings: Recipe) -> None:
    row = SCHEDULERS.get(phase.scheduler)
    last = position == len(settings.schedule) - 1
    with st.container(border=True):
        left, right, gone = st.columns([3, 2, 0.6], vertical_alignment="bottom")
        with left:
            key = state.show(f"phase:{position}:scheduler", phase.scheduler)
            st.selectbox(
                f"Phase {position + 1}", list(SCHEDULERS),
                list(SCHEDULERS).index(phase.scheduler) if row else 0, key=key,
                help=row.help if row else None,
                on_change=lambda: _put(position, scheduler=state.get(key), args={}),
            )  # fmt: skip
        with right:
            length = Field("length", "int", low=1, optional=last)
            _text(
                position, length, phase.length, f"Lasts, in {settings.schedule_by}s",
                "to the end" if last else "",
            )  # fmt: skip
        gone.button(
            "", icon=":material/delete:", key=f"phase:{position}:remove", help="Remove the phase",
            on_click=_remove, args=(position,),
        )  # fmt: skip
        if row is None:
            return
        st.caption(row.help)
        fields = list(row.fields.values())
        for start in range(0, len(fields), 4):
            for column, field in zip(st.columns(4), fields[start : start + 4], strict=False):
                with column:
                    _argument(position, field, phase)


def _argument(position: int, field: Field, phase: Phase) -> None:
    value = phase.args.get(field.name, field.default)
    key = f"phase:{position}:{phase.scheduler}:{field.name}"
    if field.kind == "bool":
        state.show(key, bool(value))
        st.toggle(
            field.name, bool(value), key=key, help=field.help,
            on_change=lambda: _set(position, field, state.get(key)),
        )  # fmt: skip
    elif field.kind == "choice":
        state.show(key, value)
        st.selectbox(
            field.name, field.choices, field.choices.index(value), key=key, help=field.help,
            on_change=lambda: _set(position, field, state.get(key)),
        )  # fmt: skip
    else:
        _text(position, field, value, field.name, "by the length", key)


def _text(
    position: int, field: Field, value: Any, label: str, placeholder: str, key: str = ""
) -> None:
    key = state.show(key or f"phase:{position}:{field.name}", _written(value))
    st.text_input(
        label, _written(value), key=key, placeholder=placeholder, help=field.help or None,
        on_change=_typed, args=(key, position, field),
    )  # fmt: skip
    said(key)


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else to_text(value)


def _typed(key: str, position: int, field: Field) -> None:
    wrong = state.workspace().wrong
    wrong.pop(key, None)
    try:
        value = from_text(field, str(state.get(key)))
    except ValueError as error:
        wrong[key] = str(error)
        return
    if field.kind == "ints" and isinstance(value, int):
        value = (value,)
    problem = field.problem(value)
    if problem:
        wrong[key] = problem
    elif field.name == "length":
        _put(position, length=value)
    else:
        _set(position, field, value)


def _set(position: int, field: Field, value: Any) -> None:
    args = {**recipe().schedule[position].args, field.name: value}
    _put(position, args={k: v for k, v in args.items() if (k, v) != (field.name, field.default)})


def _put(position: int, **fields: Any) -> None:
    phases = list(recipe().schedule)
    phases[position] = replace(phases[position], **fields)
    change(schedule=tuple(phases))


def _remove(position: int) -> None:
    phases: Sequence[Phase] = recipe().schedule
    change(schedule=(*phases[:position], *phases[position + 1 :]))


def _add(units: int) -> None:
    """Add a phase behind the others; the one that was open to the end gets half of what is left."""
    phases = list(recipe().schedule)
    if phases and phases[-1].length is None:
        used = sum(phase.length or 0 for phase in phases[:-1])
        phases[-1] = replace(phases[-1], length=max(1, (units - used) // 2))
    change(schedule=(*phases, Phase("CosineAnnealingLR")))


def _chain(label: str) -> None:
    change(schedule=CHAINS[label](_units(recipe())))


def _counted(key: str) -> None:
    """Count in the other unit; the lengths are those of another unit then, and chains fit anew."""
    change(schedule_by=state.get(key), schedule=())
