"""A sweep: many values of one or two settings, and what they came to."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from builder.store import Sweep
from builder.train.scores import BEST_LOSS
from builder.train.sweeps import METHODS, Plan, Point, Setting, best, points, results
from ui import state
from ui.runs import experiment
from ui.runs.base import Base, choose_base, first_measure, measures_of, refusal
from ui.runs.pick import choose_setting, choose_values
from ui.runs.sweep_chart import chart
from ui.text import escaped

_KEY = "sweep"
_METHODS = ("grid", "random", "search")
_MOST_SEEDS, _COUNT, _MOST_COUNT = 20, 20, 500


def sweep_section() -> None:
    """Draw the form of the next sweep, and the one on show."""
    experiment.section(_KEY, _form, _shown, pairs=False)


def _form() -> None:
    base = choose_base(_KEY)
    if base is None:
        return
    method = st.segmented_control(
        "Method", _METHODS, default="grid", required=True, key=f"{_KEY}:method",
        format_func=str.title, persist_state="session",
        help="  \n".join(f"**{name.title()}**: {METHODS[name]}" for name in _METHODS),
    )  # fmt: skip
    first = choose_setting(base, "Vary", f"{_KEY}:first")
    if first is None:
        return
    axis, wrong = choose_values(base, first, f"{_KEY}:first", str(method))
    axes, settings = [axis], [first]
    second = choose_setting(base, "And", f"{_KEY}:second", without=(first.path,), optional=True)
    if second is not None:
        axis, problem = choose_values(base, second, f"{_KEY}:second", str(method))
        axes.append(axis)
        settings.append(second)
        wrong = wrong or problem
    plan = Plan(
        base.setup, tuple(axes), str(method), **_how_many(str(method)), **_by(base, settings)
    )
    experiment.start(_KEY, base, plan, wrong or _refusal(base, plan))


def _how_many(method: str) -> dict[str, int]:
    if method == "grid":
        return {}
    count = st.number_input(
        "Points", 1, _MOST_COUNT, _COUNT, key=f"{_KEY}:count", persist_state="session",
        help="How many choices of values are tried.",
    )  # fmt: skip
    return {"count": int(count)}


def _by(base: Base, settings: Sequence[Setting]) -> dict[str, object]:
    """Draw by what runs are ranked, and how many seeds each point has."""
    known = measures_of(base.setup)
    paths = tuple(setting.path for setting in settings)
    usual = first_measure(paths, known, BEST_LOSS)
    left, right = st.columns([2, 1])
    measure = left.selectbox(
        "Ranked by", known, index=known.index(usual) if usual in known else 0,
        key=f"{_KEY}:measure:{usual}:{known[-1]}",
        help="Of the validation samples. A search learns from it.",
    )  # fmt: skip
    first = base.setup.recipe.seed
    if "seed" in paths:
        return {"measure": str(measure), "seeds": (first,)}
    count = right.number_input(
        "Seeds", 1, _MOST_SEEDS, 1, key=f"{_KEY}:seeds", persist_state="session",
        help="Each point is trained with each of them, and their mean counts.",
    )  # fmt: skip
    return {"measure": str(measure), "seeds": tuple(range(first, first + int(count)))}


def _refusal(base: Base, plan: Plan) -> str:
    """Return why the setup that is varied cannot be started; one point alone may be refused."""
    return refusal(base, plan.setup) or ""


def _shown(sweep: Sweep, plan: Plan) -> None:
    found = results(state.store(), sweep.id)
    tried = points(found)
    st.markdown(f"**{escaped(plan.title)}** :gray[· {escaped(plan.setup.spec.name)}]")
    experiment.progress(sweep, plan, found)
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        measure = experiment.choose_measure(plan, found)
    logarithmic = right.toggle("Logarithmic", key=f"{_KEY}:log", persist_state="session")
    top = best(tried, measure)
    if top is not None:
        st.success(_best_words(plan, top, measure, len(tried)), icon=":material/trophy:")
    if top is not None or any(point.failed for point in tried):
        st.caption(_reading(plan))
        st.plotly_chart(
            chart(plan, tried, measure, top, logarithmic=logarithmic),
            key=f"{_KEY}:chart",
            config={"displaylogo": False},
        )
    experiment.problems(found)
    experiment.buttons(sweep, plan, found, more_seeds=1, point=top)
    if found:
        _table(plan, tried, measure)


def _best_words(plan: Plan, top: Point, measure: str, among: int) -> str:
    """Say which point is the best, and how sure that is."""
    scores = top.scores(measure)
    words = (
        f"Best of {among}: **{escaped(plan.words(top.values))}**, {measure} {top.mean(measure):.4g}"
    )
    spread = top.spread(measure)
    if spread is None:
        return f"{words}. With one seed, near ones may be as good: more seeds tell."
    return f"{words} on the mean of {len(scores)} seeds, which spread by {spread:.2g}."


def _reading(plan: Plan) -> str:
    if len(plan.axes) == 1:
        return "Each dot is a run; the line joins the means. A cross is a run that failed."
    if plan.method == "grid":
        return "Each cell is a choice of both, on the mean of its seeds; the best is framed."
    return "Each dot is a choice of both; the best is ringed, a cross is one that failed."


def _table(plan: Plan, tried: Sequence[Point], measure: str) -> None:
    """Draw all points with what they came to."""
    rows = []
    for point in tried:
        row: dict[str, object] = {
            setting.label: setting.words(value)
            for setting, value in zip(plan.settings, point.values, strict=True)
        }
        if len(plan.seeds) > 1:
            row[f"mean {measure}"] = point.mean(measure)
        for result in point.results:
            title = measure if len(plan.seeds) == 1 else f"seed {result.member.seed}"
            row[title] = experiment.cell(result, result.score(measure))
        rows.append(row)
    st.dataframe(pd.DataFrame(rows), hide_index=True, key=f"{_KEY}:table", width="stretch")
