"""What pairs and sweeps share on the page: the choice among them, starting, where they stand."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import streamlit as st

from builder import BuilderError
from builder.store import Sweep
from builder.train.compare import opened
from builder.train.cores import at_once
from builder.train.scores import scores
from builder.train.sweeps import MOST_RUNS, Plan, Point, Result, add_seeds, results
from ui import state
from ui.runs.actions import open_model, say, use_recipe
from ui.runs.base import Base
from ui.runs.chosen import MOST, choose
from ui.runs.redraw import heed, then_redraw
from ui.runs.rows import STATUS, seconds
from ui.text import escaped
from ui.training.settings import launcher

_POLL = 1.0
ADDRESS = "sweep"


def section(
    key: str, form: Callable[[], None], shown: Callable[[Sweep, Plan], None], *, pairs: bool
) -> None:
    """Draw a form beside what came of what was started with it.

    Args:
        key: of the widgets, and of the container, which lays them side by side.
        shown: draws one of them; it is called again and again while that goes on.
        pairs: whether pairs are shown, or sweeps.
    """
    with st.container(key=f"{key}-page"):
        with st.container(key=f"{key}-form", border=True):
            form()
        with st.container(key=f"{key}-result"):
            sweep_id = _choose(key, pairs)
            if sweep_id is not None:
                going = _going(sweep_id)
                st.fragment(_draw, run_every=_POLL if going else None)(sweep_id, shown, going)


def _choose(key: str, pairs: bool) -> str | None:
    """Draw the choice among those there are, the newest at first; returns an id."""
    known = {}
    for sweep in state.store().sweeps():
        plan = plan_of(sweep)
        if plan is not None and (plan.method == "pair") == pairs:
            known[sweep.id] = (sweep, plan)
    if not known:
        st.caption("What comes of it appears here.")
        return None
    wanted = state.get(f"{key}:shown") or state.address(ADDRESS)
    wanted = wanted if wanted in known else next(iter(known))
    if len(known) > 1:
        st.selectbox(
            "Show", list(known), key=state.show(f"{key}:shown", wanted),
            format_func=lambda sweep_id: _title(*known[sweep_id]),
            label_visibility="collapsed",
        )  # fmt: skip
        wanted = state.get(f"{key}:shown")
    state.set_address(ADDRESS, wanted)
    return wanted


def plan_of(sweep: Sweep) -> Plan | None:
    """Return the plan of a sweep, `None` where it cannot be read any more."""
    try:
        plan = Plan.from_json(sweep.plan)
        return plan if plan.settings else None
    except BuilderError:
        return None


def _title(sweep: Sweep, plan: Plan) -> str:
    when = time.strftime("%d %b, %H:%M", time.localtime(sweep.created))
    return f"{plan.title} · {plan.setup.spec.name} · {when}"


def _going(sweep_id: str) -> bool:
    store = state.store()
    return store.sweep(sweep_id).status == "going" or any(
        run.active for run in store.runs(sweep=sweep_id)
    )


def _draw(sweep_id: str, shown: Callable[[Sweep, Plan], None], going: bool) -> None:
    heed()
    launcher().tend()
    sweep = state.store().sweep(sweep_id)
    plan = plan_of(sweep)
    if plan is not None:
        shown(sweep, plan)
    if _going(sweep_id) != going:  # polling, and the table of runs, follow it
        st.rerun()


# starting


def start(key: str, base: Base, plan: Plan, wrong: str) -> None:
    """Draw the button that starts a plan, what it will cost, and what is wrong with it.

    Args:
        wrong: what is known to be wrong already, empty if nothing is.
    """
    try:
        plan.check()
    except BuilderError as error:
        wrong = wrong or error.message
    if wrong:
        st.warning(escaped(wrong), icon=":material/block:")
    else:
        st.caption(_cost(base, plan))
    if st.button(
        "Start", type="primary", icon=":material/play_arrow:", disabled=bool(wrong),
        width="stretch", key=f"{key}:start",
    ):  # fmt: skip
        try:
            sweep_id = launcher().sweep(
                plan, given=base.given(), model_id=base.model_id, budget=base.budget,
            )  # fmt: skip
        except BuilderError as error:
            st.error(escaped(error.message), icon=":material/block:")
            return
        state.put(f"{key}:shown", sweep_id)
        st.rerun()


def _cost(base: Base, plan: Plan) -> str:
    together = min(at_once(), plan.runs)
    words = f"{plan.runs} runs, {together} at a time"
    took = seconds(base.run) if base.run is not None and base.run.status == "finished" else None
    if took:
        words += f": about {_duration(took * math.ceil(plan.runs / together))} at this run's pace"
    return f"{words}. They go on when this page is closed."


def _duration(spent: float) -> str:
    return f"{spent:.0f} s" if spent < 90 else f"{spent / 60:.0f} min"


# where it stands


def progress(sweep: Sweep, plan: Plan, found: Sequence[Result]) -> None:
    """Draw how far it has come, and the button that ends it or goes on with it."""
    over = sum(result.over for result in found)
    going = len(found) - over
    if sweep.status == "going" or going:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.progress(
            min(1.0, over / max(1, plan.runs)), text=f"{over} of {plan.runs} runs are over"
            + (f", {going} going on or waiting" if going else ""),
        )  # fmt: skip
        if sweep.status == "going":
            right.button(
                "Cancel", icon=":material/stop_circle:", key=f"cancel:{sweep.id}", width="stretch",
                on_click=then_redraw, args=(launcher().cancel, sweep.id),
                help="Ends its runs; what they have come to stays.",
            )  # fmt: skip
        return
    cut = sum(result.status in ("stopped", "died") for result in found)
    if sweep.status == "cancelled" or cut:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.caption(f"Cut short: {over - cut} of {plan.runs} runs came to their end.")
        right.button(
            "Go on", icon=":material/resume:", key=f"take-up:{sweep.id}", width="stretch",
            on_click=then_redraw, args=(_take_up, sweep.id),
            help="From the checkpoints of the runs that were stopped, then with those to come.",
        )  # fmt: skip


def _take_up(sweep_id: str) -> None:
    try:
        launcher().take_up(sweep_id)
    except BuilderError as error:
        say(error.message, "block")


def choose_measure(plan: Plan, found: Sequence[Result]) -> str:
    """Draw the choice of a score; returns it."""
    there = dict.fromkeys(name for result in found if result.run for name in scores(result.run))
    names = list(dict.fromkeys((plan.measure, *there)))
    chosen = st.selectbox(
        "Compared by", names, key=f"measure:{plan.method == 'pair'}", persist_state="session",
        label_visibility="collapsed",
        help="Of the validation samples, at the end of a run; the best loss is the lowest that was "
        "seen on the way.",
    )  # fmt: skip
    return str(chosen)


def cell(result: Result | None, score: float | None) -> str:
    """Return what a table says of a result: its score, or where it stands."""
    if score is not None:
        return f"{score:.4g}"
    if result is None:
        return "to come"
    return {"refused": "✗ Refused", "deleted": "deleted"}.get(
        result.status, STATUS.get(result.status, result.status)
    )


def problems(found: Sequence[Result]) -> None:
    """Say why runs failed or were refused, each reason once."""
    reasons = dict.fromkeys(result.message for result in found if result.failed and result.message)
    for reason in list(reasons)[:3]:
        st.caption(f":red[{escaped(reason)}]")


# what can be done with it


def buttons(
    sweep: Sweep,
    plan: Plan,
    found: Sequence[Result],
    *,
    more_seeds: int,
    point: Point | None = None,
) -> None:
    """Draw what can be done with what came of it.

    Args:
        more_seeds: how many a click adds.
        point: the one whose recipe and model are offered.
    """
    runs = [result.run for result in found if result.run is not None]
    chosen = [result.run for result in point.results if result.run] if point is not None else []
    with st.container(horizontal=True, key=f"sweep-buttons-{sweep.id}"):
        if chosen:
            one = opened(chosen[0])
            _button("Use its recipe", "tune", "On the Train page: that of the best.",
                    use_recipe, one, primary=True)  # fmt: skip
            if any(setting.path.startswith("layer.") for setting in plan.settings):
                _button("Open its model", "stacks", "On the Build page: that of the best.",
                        open_model, one)  # fmt: skip
        varied = any(setting.path == "seed" for setting in plan.settings)
        if not varied and plan.runs + more_seeds * plan.points <= MOST_RUNS:
            _button(
                f"{more_seeds} more seed{'s' * (more_seeds > 1)}", "casino",
                "Each is trained with more seeds, which tells a difference from luck.",
                _more, sweep.id, more_seeds,
            )  # fmt: skip
        if runs:
            _button(
                "Tick its runs", "checklist",
                f"In the table above, {MOST} at most, for curves, differences and labels.",
                _tick, [run.id for run in runs],
            )  # fmt: skip
        with st.popover("Forget it", icon=":material/delete:", disabled=sweep.status == "going"):
            st.markdown("The runs stay in the table; only what holds them together goes.")
            _button("Forget", "delete", "", _forget, sweep.id)


def _button(
    label: str, icon: str, help: str, action: Callable[..., None], *args: object,
    primary: bool = False,
) -> None:  # fmt: skip
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"tried:{action.__name__.strip('_')}",
        help=help or None,
        type="primary" if primary else "secondary",
        on_click=then_redraw,
        args=(action, *args),
    )


def _more(sweep_id: str, count: int) -> None:
    try:
        add_seeds(state.store(), sweep_id, count)
    except BuilderError as error:
        say(error.message, "block")
        return
    launcher().tend(now=True)


def _tick(ids: Sequence[str]) -> None:
    choose(ids[:MOST])
    say(f"{min(len(ids), MOST)} of its {len(ids)} runs are ticked.", "checklist")


def _forget(sweep_id: str) -> None:
    for result in results(state.store(), sweep_id):
        if result.run is not None and result.run.active:
            say("Its runs go on; cancel it first.", "block")
            return
    state.store().delete_sweep(sweep_id)
