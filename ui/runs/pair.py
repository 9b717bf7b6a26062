"""A/B: two values of one setting, all else the same, trained from the same seeds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from builder.store import Sweep
from builder.train.scores import LAST_LOSS
from builder.train.sweeps import Axis, Plan, Result, points, results, verdict
from ui import state
from ui.runs import experiment
from ui.runs.base import Base, choose_base, first_measure, measures_of, refusal
from ui.runs.overlay import COLOURS, Line, laid_over
from ui.runs.pick import choose_setting, other_value
from ui.text import escaped

_KEY = "pair"
_SEEDS, _MOST_SEEDS, _MORE = 3, 20, 3
_ICONS = {
    "A": ":material/looks_one:", "B": ":material/looks_two:", "same": ":material/equal:",
    "open": ":material/balance:",
}  # fmt: skip


def pair_section() -> None:
    """Draw the form of the next pair, and the one on show."""
    experiment.section(_KEY, _form, _shown, pairs=True)


def _form() -> None:
    base = choose_base(_KEY)
    if base is None:
        return
    setting = choose_setting(base, "Change", f"{_KEY}:setting", without=("seed",))
    if setting is None:
        return
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        key = state.show(f"{_KEY}:a", setting.words(setting.value))
        st.text_input("A", key=key, disabled=True)
    with right:
        value = other_value(base, setting, _KEY)
    count = st.number_input(
        "Seeds", 1, _MOST_SEEDS, _SEEDS, key=f"{_KEY}:seeds", persist_state="session",
        help="Both sides are trained with each of them: of the weights, the split and the order of "
        "the samples. One seed cannot tell a difference from luck.",
    )  # fmt: skip
    first = base.setup.recipe.seed
    plan = Plan(
        base.setup,
        (Axis(setting.path, (setting.value, value)),),
        "pair",
        seeds=tuple(range(first, first + int(count))),
        measure=first_measure((setting.path,), measures_of(base.setup), LAST_LOSS),
    )
    same = "" if value != setting.value else "B is as A is; choose another value."
    experiment.start(_KEY, base, plan, same or _refusal(base, plan))


def _refusal(base: Base, plan: Plan) -> str:
    """Return why one of the sides cannot be started; empty if both can."""
    for side, value in zip("AB", plan.axes[0].values, strict=True):
        wrong = refusal(base, plan.at((value,), plan.seeds[0]))
        if wrong:
            return f"{side} cannot be started: {wrong}"
    return ""


def _shown(sweep: Sweep, plan: Plan) -> None:
    found = results(state.store(), sweep.id)
    setting, (a, b) = plan.settings[0], plan.axes[0].values
    st.markdown(
        f"**{escaped(setting.label)}**: :orange-badge[A] {escaped(setting.words(a))} against "
        f":blue-badge[B] {escaped(setting.words(b))} :gray[· {escaped(plan.setup.spec.name)}, "
        "all else the same]"
    )
    experiment.progress(sweep, plan, found)
    measure = experiment.choose_measure(plan, found)
    said = verdict(plan, found, measure)
    draw = st.success if said.winner in ("A", "B") else st.info
    draw(escaped(said.words), icon=_ICONS[said.winner])
    _by_seed(plan, found, measure)
    _curves(plan, found)
    won = {"A": (a,), "B": (b,)}.get(said.winner)
    winner = next((point for point in points(found) if point.values == won), None)
    experiment.buttons(sweep, plan, found, more_seeds=_MORE, point=winner)


def _by_seed(plan: Plan, found: Sequence[Result], measure: str) -> None:
    """Draw the score of each side for each seed, and the difference."""
    by_place = {(result.member.values[0], result.member.seed): result for result in found}
    a, b = plan.axes[0].values
    rows = []
    for seed in plan.seeds:
        sides = [by_place.get((value, seed)) for value in (a, b)]
        scores = [side.score(measure) if side else None for side in sides]
        one, other = scores
        rows.append(
            {
                "Seed": str(seed),
                "A": experiment.cell(sides[0], one),
                "B": experiment.cell(sides[1], other),
                "B − A": "" if one is None or other is None else f"{other - one:+.4g}",
            }
        )
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{_KEY}:table", width="stretch")


def _curves(plan: Plan, found: Sequence[Result]) -> None:
    runs, styles, titles = [], [], []
    for value, side, colour in zip(plan.axes[0].values, "AB", COLOURS, strict=False):
        mine = [r.run for r in found if r.member.values == (value,) and r.run is not None]
        runs += mine
        thin = len(plan.seeds) > 1
        styles += [_line(colour, thin)] * len(mine)
        titles += [f"{side}: {plan.words((value,))}"] * len(mine)
    if runs:
        laid_over(runs, styles, titles)


def _line(colour: str, thin: bool) -> Line:
    return {"color": colour, "width": 1.3 if thin else 2, "dash": "solid"}
