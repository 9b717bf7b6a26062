"""What is known of each activation: measured facts, what it costs, its formula, torch's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from builder.catalog import CATALOG
from builder.labs.activation import ELEMENTS, REPEATS, Cost, Facts, Zone, cost, facts, sentence
from ui.activations.chosen import Chosen

_FAR = 1e5


def facts_table(chosen: Sequence[Chosen]) -> None:
    """Draw the facts of the activations that have a curve, one a row."""
    st.dataframe(
        pd.DataFrame([_row(one) for one in chosen]),
        hide_index=True,
        width="stretch",
        height="content",
        column_config=_COLUMNS,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Cost: nanoseconds an element, measured in this process on {ELEMENTS:,} float32 "
            f"numbers and one thread; the fastest of {REPEATS} runs."
        )
        st.button("Measure again", icon=":material/timer:", key="measure", on_click=_cost.clear)


_COLUMNS = {
    "bounded": st.column_config.CheckboxColumn(
        help="Whether there are numbers that no output exceeds, up and down."
    ),
    "monotonic": st.column_config.CheckboxColumn(
        help="Whether a larger input never gives a smaller output."
    ),
    "zero-centred": st.column_config.CheckboxColumn(
        help="Whether a standard normal input gives a mean of 0, to a hundredth of its spread."
    ),
    "mean": st.column_config.NumberColumn(
        format="%.3f", help="Of what comes out for a standard normal input."
    ),
    "spread": st.column_config.NumberColumn(
        format="%.3f", help="Standard deviation of what comes out for a standard normal input."
    ),
    "breaks": st.column_config.TextColumn(help="Where it jumps, or its slope does."),
    "saturated": st.column_config.TextColumn(help="Where its slope is smaller than 0.01."),
    "dead": st.column_config.TextColumn(help="Where its slope is exactly 0, up to a break."),
    "forward ns": st.column_config.NumberColumn(format="%.2f"),
    "with gradient ns": st.column_config.NumberColumn(format="%.2f"),
}


def _row(one: Chosen) -> dict[str, object]:
    known = _facts(one.op, one.args)
    price = _cost(one.op)
    return {
        "activation": one.title,
        "range": f"{_number(known.lowest)} to {_number(known.highest)}",
        "bounded": known.bounded,
        "monotonic": known.rising,
        "zero-centred": known.zero_centred,
        "mean": round(known.mean, 6) + 0.0,
        "spread": known.spread,
        "breaks": _breaks(known),
        "saturated": _stretches(known.zones, "saturated"),
        "dead": _stretches(known.zones, "dead"),
        "forward ns": price.forward,
        "with gradient ns": price.both,
    }


@st.cache_data(max_entries=512, show_spinner=False)
def _facts(op: str, args: Mapping[str, Any]) -> Facts:
    return facts(op, args)


@st.cache_data(max_entries=64, show_spinner=False)
def _cost(op: str) -> Cost:
    return cost(op)


def _number(value: float) -> str:
    if abs(value) == float("inf"):
        return "∞" if value > 0 else "−∞"
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")


def _breaks(known: Facts) -> str:
    parts = [f"jump at {_number(place)}" for place in known.jumps]
    parts += [f"kink at {_number(place)}" for place in known.kinks]
    return ", ".join(parts) or "smooth"


def _stretches(zones: Sequence[Zone], kind: str) -> str:
    parts = []
    for zone in zones:
        if zone.kind != kind:
            continue
        if zone.low < -_FAR:
            parts.append(f"below {_number(zone.high)}")
        elif zone.high > _FAR:
            parts.append(f"above {_number(zone.low)}")
        else:
            parts.append(f"{_number(zone.low)} to {_number(zone.high)}")
    return ", ".join(parts) or "nowhere"


def formulas(chosen: Sequence[Chosen]) -> None:
    """Draw formula, meaning and torch's own sentence of each activation."""
    for start in range(0, len(chosen), 2):
        for place, one in zip(st.columns(2), chosen[start : start + 2], strict=False):
            row = CATALOG[one.op]
            with place.container(border=True, gap="xsmall", height="stretch"):
                st.markdown(
                    f":color[■]{{foreground={one.colour}}} **{row.title}** :gray[· {row.help}]"
                )
                st.markdown(f"${row.formula}$")
                st.caption(f"torch: “{sentence(one.op)}”")
