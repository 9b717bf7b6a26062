"""Parameters: every tensor that the model holds, in figures, as a histogram and as a picture."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd
import streamlit as st

from builder.files import npy
from builder.labs.inspection_values import Facts, Held, facts, held
from ui import state
from ui.activations.style import COLOURS, CONFIG, chart
from ui.inside import modes
from ui.inside.course import course, slider
from ui.inside.picture import picture
from ui.inside.tree import shape_text
from ui.subject import Subject

_TENSOR = "inside:tensor"
_FEW, _MANY = 24, 80  # bins of the small histograms and of the large one
_VIEWS = ("Values", "train() and eval()")


@dataclass(frozen=True)
class _Column:
    """A column of the table: its heading, what a tensor has in it, how it is drawn."""

    heading: str
    value: Callable[[Held, Facts], Any]
    look: Any = None


def _number(help: str) -> Any:
    return st.column_config.NumberColumn(format="%.3g", help=help)


_COLUMNS = (
    _Column("name", lambda one, _: one.name, st.column_config.TextColumn(pinned=True)),
    _Column("kind", lambda one, _: "parameter" if one.learned else "buffer"),
    _Column("shape", lambda one, _: shape_text(one.tensor)),
    _Column("numbers", lambda one, _: one.tensor.numel(),
            st.column_config.NumberColumn(format="localized")),
    _Column("histogram", lambda _, found: list(found.counts), st.column_config.BarChartColumn(
        y_min=0, help="From its smallest number to its largest.")),
    _Column("norm", lambda _, found: found.norm,
            _number("Square root of the sum of all squares.")),
    _Column("mean", lambda _, found: found.mean, _number("")),
    _Column("spread", lambda _, found: found.spread, _number("Standard deviation.")),
    _Column("min", lambda _, found: found.low, _number("")),
    _Column("max", lambda _, found: found.high, _number("")),
    _Column("zeros", lambda _, found: found.zeros, st.column_config.ProgressColumn(
        format="percent", max_value=1.0, help="Share that is exactly 0.")),
    _Column("NaN, inf", lambda _, found: found.lost, st.column_config.NumberColumn(
        format="localized", help="Numbers that are none.")),
    _Column("dtype", lambda one, _: str(one.tensor.dtype).removeprefix("torch.")),
    _Column("device", lambda one, _: str(one.tensor.device)),
    _Column("requires_grad", lambda one, _: one.tensor.requires_grad,
            st.column_config.CheckboxColumn(help="Off for buffers, and for what is frozen.")),
)  # fmt: skip


def section(here: Subject) -> None:
    """Draw the section."""
    view = st.segmented_control(
        "Look at", _VIEWS, default=_VIEWS[0], required=True, key="values", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == _VIEWS[0]:
        _values(here)
    else:
        modes.modes(here)


def _values(here: Subject) -> None:
    tensors = {one.name: one for one in held(here.model)}
    if not tensors:
        st.info(f"{here.spec.name} holds no tensor: none of its layers learns or keeps any.")
        return
    slider(here)
    _table(tensors, _facts(here.made_from, here))
    name = _choose(list(tensors))
    _one(here, tensors[name])


@st.cache_data(max_entries=16, show_spinner="Measuring the parameters")
def _facts(made_from: Hashable, _here: Subject) -> dict[str, Facts]:
    del made_from
    return {one.name: facts(one.tensor, _FEW) for one in held(_here.model)}


def _table(tensors: Mapping[str, Held], found: Mapping[str, Facts]) -> None:
    shown = [
        column
        for column in _COLUMNS
        if column.heading != "NaN, inf" or any(one.lost for one in found.values())
    ]
    table = pd.DataFrame(
        {
            column.heading: [column.value(one, found[one.name]) for one in tensors.values()]
            for column in shown
        }
    )
    names = list(tensors)
    key = "inside:tensors"

    def picked() -> None:
        rows = state.get(key)["selection"]["rows"]
        if rows:
            state.put(_TENSOR, names[rows[0]])

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        on_select=picked,
        selection_mode="single-row",
        column_config={column.heading: column.look for column in shown if column.look},
    )
    learned = sum(one.tensor.numel() for one in tensors.values() if one.learned)
    frozen = sum(
        one.tensor.numel() for one in tensors.values()
        if one.learned and not one.tensor.requires_grad
    )  # fmt: skip
    kept = sum(one.tensor.numel() for one in tensors.values() if not one.learned)
    words = [f"**{learned:,}** numbers in parameters", f"**{kept:,}** in buffers"]
    if frozen:
        words.insert(1, f"**{frozen:,}** of them frozen")
    st.caption(", ".join(words) + ". Tick a row to see that tensor below.")


def _choose(names: list[str]) -> str:
    chosen = state.get(_TENSOR)
    key = state.show("inside:tensor-box", chosen if chosen in names else names[0])
    name: str = st.selectbox(
        "Tensor", names, key=key, width=330,
        on_change=lambda: state.put(_TENSOR, state.get(key)),
    )  # fmt: skip
    return name


def _one(here: Subject, one: Held) -> None:
    """Draw one tensor: its histogram, its picture, its way through the run."""
    found = facts(one.tensor, _MANY)
    left, right = st.columns(2)
    with left:
        st.markdown(f"**`{one.name}`** :gray[· {shape_text(one.tensor)}]")
        if found.counts:
            st.plotly_chart(_histogram(found), key="tensor-histogram", config=CONFIG)
        st.caption(
            f"norm {found.norm:.4g}, mean {found.mean:.4g}, spread {found.spread:.4g}, from "
            f"{found.low:.4g} to {found.high:.4g}, {found.zeros:.1%} exactly 0"
        )
        st.download_button(
            f"{one.name}.npy",
            data=lambda: npy(one.tensor.detach().float().cpu().numpy()),
            file_name=f"{one.name}.npy",
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            help="For `numpy.load`.",
        )
    with right:
        picture(one)
    course(here, one.name)


def _histogram(found: Facts) -> Any:
    bars = {
        "type": "bar",
        "x": [(low + high) / 2 for low, high in pairwise(found.edges)],
        "y": list(found.counts),
        "marker": {"color": COLOURS[1], "line": {"width": 0}},
        "hovertemplate": "%{y:,} numbers about %{x:.3g}<extra></extra>",
    }
    return chart([bars], "", 280, "tensor-histogram", bargap=0.02)
