"""In place: what `inplace=True` does to a tensor, to memory, and what autograd says to it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from builder.catalog import CATALOG
from builder.labs import inplace
from builder.labs.activation import ACTIVATIONS
from builder.labs.activation_code import made
from builder.labs.numbers import draw
from ui.activations.chosen import Chosen
from ui.activations.style import COLOURS, CONFIG, chart
from ui.numbers import memory

_COUNT = 1_000_000
_SHAPE = (1, 10)


def section(chosen: Sequence[Chosen]) -> None:
    """Draw the section."""
    one = _pick(chosen)
    row = ACTIVATIONS[one.op]
    left, right = st.columns([3, 2])
    with left:
        _tensor(one)
    with right:
        _memory(one)
    st.markdown("##### Where autograd refuses it")
    st.code(f"activation = {made(one.op, {**one.args, 'inplace': True})}", language="python")
    tries = inplace.attempts(one.op, one.args)
    for start in range(0, len(tries), 2):
        for place, attempt in zip(st.columns(2), tries[start : start + 2], strict=False):
            with place.container(border=True, height="stretch"):
                _attempt(attempt)
    others = ", ".join(CATALOG[op].title for op in inplace.IN_PLACE if op != one.op)
    st.caption(f"{row.title} can work in place, and so can {others}.")


def _pick(chosen: Sequence[Chosen]) -> Chosen:
    """Let people choose among those that can work in place, the chosen ones first."""
    known = {one.op: one for one in chosen if one.op in inplace.IN_PLACE}
    ops = [*known, *(op for op in inplace.IN_PLACE if op not in known)]
    titles = {ACTIVATIONS[op].title: op for op in ops}
    title = st.selectbox("Activation", list(titles), key="in-place", width=230, bind="query-params")
    op = titles[title]
    return known.get(op, Chosen(op, ACTIVATIONS[op].initial_args(), 0))


def _tensor(one: Chosen) -> None:
    found = inplace.overwrite(one.op, one.args, draw(_SHAPE).values)
    st.markdown("##### The tensor itself")
    st.dataframe(
        pd.DataFrame(
            {
                "x before": found.before.flatten().numpy(),
                "x after y = f(x)": found.after_plain.flatten().numpy(),
                "x after it in place": found.after.flatten().numpy(),
                "y, both ways": found.result.flatten().numpy(),
            }
        ),
        width="stretch",
        height="content",
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.4f")
            for name in ("x before", "x after y = f(x)", "x after it in place", "y, both ways")
        },
    )
    for name, (x, y) in found.addresses.items():
        same = "the same memory" if x == y else "memory of its own"
        st.caption(f"{name.capitalize()}: x at `{x:#x}`, y at `{y:#x}`: {same}.")


def _memory(one: Chosen) -> None:
    found = inplace.memory(one.op, one.args, _COUNT)
    st.markdown(f"##### Memory, {_COUNT:,} numbers")
    data = []
    for way, colour in (("plain", COLOURS[1]), ("in place", COLOURS[0])):
        sizes = [found.evaluating[way], found.training[way]]
        data.append(
            {
                "type": "bar",
                "x": ["evaluating", "training"],
                "y": [size / 1e6 for size in sizes],
                "name": way,
                "text": [f"{way}<br>{memory(size)}" for size in sizes],
                "textposition": "inside",
                "marker": {"color": colour},
                "hoverinfo": "skip",
            }
        )
    figure = chart(data, "", 330, "in-place-memory", yaxis={"title": "MB"}, barmode="group")
    st.plotly_chart(figure, key="in-place-memory", config=CONFIG)
    if found.training["plain"] == found.training["in place"]:
        st.caption(
            f"While training, nothing is saved: torch computes the derivative of {one.title} from "
            "its input, and copies that before it is overwritten."
        )
    else:
        st.caption(
            f"While training, memory is saved as well: torch can compute the derivative of "
            f"{one.title} from its output, and needs the input no more."
        )


def _attempt(attempt: inplace.Attempt) -> None:
    if attempt.refusal is not None:
        badge = ":red-badge[:material/block: refused]"
    elif attempt.wrong:
        badge = ":orange-badge[:material/warning: runs, other numbers]"
    else:
        badge = ":green-badge[:material/check: runs]"
    st.markdown(f"**{attempt.title}** {badge}")
    st.code(attempt.source, language="python")
    if attempt.refusal is not None:
        st.markdown(f":red[RuntimeError: {attempt.refusal}]")
    elif attempt.wrong:
        st.caption(f"y is {_listed(attempt.result)}, and {_listed(attempt.plain)} without inplace.")
    st.markdown(attempt.why)


def _listed(values: Sequence[float] | None) -> str:
    return f"[{', '.join(f'{value:g}' for value in values or ())}]"
