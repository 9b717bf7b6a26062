"""What a person may do to a run while it goes on, and after it was cut short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.store import Point, Run
from builder.train import Recipe
from builder.train.checkpoint import Checkpoints
from ui import state
from ui.training.doctor import notes_of_run
from ui.training.settings import RUN, launcher

_GROUP = "group:"
# Ten to a decade; the slider stands at the nearest, so that its choices never change.
_RATES = tuple(10 ** (tenth / 10) for tenth in range(-80, 21))


def controls(run: Run, points: Sequence[Point]) -> None:
    """Draw the buttons of a run, as they make sense now, and the doctor's notes on it."""
    with st.container(horizontal=True, key="run-controls", vertical_alignment="center"):
        if run.status == "running":
            _told(run, "Pause", "pause", ":material/pause:")
        if run.status == "paused":
            _told(run, "Go on", "go", ":material/play_arrow:", primary=True)
            _told(run, "One batch", "batch", ":material/step_over:")
            _told(run, "One epoch", "epoch", ":material/fast_forward:")
        if run.active:
            st.button(
                "Stop", icon=":material/stop:", key="stop", on_click=launcher().stop, args=(run.id,)
            )
        if run.status in ("running", "paused"):
            _told(
                run, "Rates ÷ 10", "scale", ":material/trending_down:", args={"factor": 0.1},
                help="Divide the learning rate of every group by 10 now.",
            )  # fmt: skip
            with st.popover("Rates and groups", icon=":material/tune:", width="content"):
                _groups(run, points)
        if run.status in ("stopped", "failed", "died"):
            _after(run)
        notes_of_run(run, points)
    complaint = state.get(_COMPLAINT)
    if complaint and complaint[0] == run.id:
        st.error(complaint[1], icon=":material/block:")


_COMPLAINT, _TOLD = "run-complaint", "told"


def _told(
    run: Run,
    label: str,
    command: str,
    icon: str,
    *,
    args: Mapping[str, Any] | None = None,
    primary: bool = False,
    help: str | None = None,
) -> None:
    st.button(
        label,
        icon=icon,
        key=f"tell:{command}:{_count()}",
        type="primary" if primary else "secondary",
        help=help,
        on_click=_send,
        args=(_count(), run.id, command),
        kwargs=args,
    )


def _count() -> int:
    return int(state.get(_TOLD, 0))


def _send(count: int, run_id: str, command: str, **args: Any) -> None:
    """Tell a run something, once a click.

    A click that meets the page redrawing itself can arrive twice; the second time, the button it
    was on is one that has been counted.
    """
    if count == _count():
        state.put(_TOLD, count + 1)
        state.store().send(run_id, command, **args)


def _groups(run: Run, points: Sequence[Point]) -> None:
    """Draw a learning rate for each group, and whether it learns."""
    rates = {p.split: p.value for p in points if p.metric == "lr" and p.value is not None}
    frozen = run.facts.get("frozen", [])
    if not rates:
        st.caption("The learning rates appear with the first measurement.")
    for split, rate in rates.items():
        name = split.removeprefix(_GROUP)
        _rate_of(run, name, rate)
        if len(rates) == 1:
            continue
        key = state.show(f"frozen:{run.id}:{name}", name in frozen)

        def took(key: str = key, name: str = name) -> None:
            _send(_count(), run.id, "freeze" if state.get(key) else "unfreeze", group=name)

        st.toggle(f"Freeze {name}", key=key, on_change=took)
    st.caption("Each change is marked on the curves and kept in the run's record.")


def _rate_of(run: Run, name: str, rate: float) -> None:
    """Draw a slider and the button that sets it: the page redraws itself while a run goes on, and
    a slider that acted at once would act when it is drawn anew as well."""
    nearest = min(_RATES, key=lambda choice: abs(choice - rate))
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    key = f"rate:{run.id}:{name}"
    left.select_slider(
        f"Learning rate of {name}, now {rate:.3g}",
        _RATES,
        nearest,
        key=key,
        format_func=lambda value: f"{value:.2g}",
    )
    right.button(
        "Set",
        key=f"set-rate:{run.id}:{name}:{_count()}",
        width="stretch",
        on_click=_set_rate,
        args=(_count(), run.id, name, key),
    )


def _set_rate(count: int, run_id: str, name: str, key: str) -> None:
    """Send where the slider stands now, which the page may not have drawn yet."""
    _send(count, run_id, "rate", lr=state.get(key), group=name)


def _after(run: Run) -> None:
    """Offer to go on with a run that was cut short, or to try again with smaller steps."""
    lower = run.status == "failed" and "learning rate" in run.message
    if Checkpoints(state.store().folder(run.id)).exist:
        _resume(run, "Go on", "go-on")
        if lower:
            _resume(run, "Go on at a tenth of the rate", "go-on-lower", ("scale", {"factor": 0.1}))
    if lower:
        st.button(
            "Start again at a tenth of the rate", icon=":material/replay:", key="again-lower",
            on_click=_try, args=(run, _again),
        )  # fmt: skip


def _resume(run: Run, label: str, key: str, *commands: tuple[str, Mapping[str, Any]]) -> None:
    step = run.facts.get("checkpoint", 0)
    st.button(
        label,
        icon=":material/resume:",
        key=key,
        help=f"From the checkpoint of step {step:,}; nothing that was learned until then is lost.",
        on_click=_try,
        args=(run, lambda old: launcher().resume(old.id, *commands)),
    )


def _again(run: Run) -> None:
    recipe = Recipe.from_json(run.recipe)
    groups = tuple(
        group if group.lr is None else replace(group, lr=group.lr / 10) for group in recipe.groups
    )
    lower = replace(recipe, lr=recipe.lr / 10, groups=groups)
    state.put(RUN, launcher().repeat(run, lower))


def _try(run: Run, action: Any) -> None:
    state.put(_COMPLAINT, None)
    try:
        action(run)
    except BuilderError as error:
        state.put(_COMPLAINT, (run.id, error.message))
