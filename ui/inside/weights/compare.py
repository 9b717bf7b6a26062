"""Compare: how far two checkpoints are from one another, tensor by tensor, and where."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st
import torch

from builder import BuilderError
from builder.files.distance import Compared, compare
from builder.labs.inspection_values import Held
from ui import state
from ui.inside.picture import picture
from ui.inside.weights.bench import (
    FRESH,
    Bench,
    State,
    choose_source,
    loaded_once,
    sources,
    untrained,
)
from ui.text import escaped

_ROWS, _ROW = 12, 35
_TABLE = "weights:distances"
_SHOWN = ("Difference", "First", "Second")


def compare_two(here: Bench) -> None:
    """Draw two checkpoints beside one another."""
    known = sources(here)
    known[FRESH] = untrained(state.workspace().spec, here.seed)
    if len(known) < 2:
        st.info(
            "There are fresh weights only. Train the model, or bring weights back from a file; "
            "then two can be compared.",
            icon=":material/compare_arrows:",
        )
        return
    if here.first not in known or here.second not in known:
        here.first, here.second = FRESH, next(iter(known))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choose_source(
            "First", known, here.first, "weights:first", lambda key: setattr(here, "first", key)
        )
        choose_source(
            "Second", known, here.second, "weights:second", lambda key: setattr(here, "second", key)
        )
    try:
        one = loaded_once(here, "first", here.first, known[here.first])
        other = loaded_once(here, "second", here.second, known[here.second])
        found: Compared = here.once(
            "compared", (here.done["first"][0], here.done["second"][0]), compare, one, other
        )
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        return
    _whole(found)
    if found.rows:
        _table(here, found)
        _where(here, one, other)


def _whole(found: Compared) -> None:
    if not found.rows:
        st.info(
            "They have no tensor of one name and shape. Bring back the one with other names first: "
            "what is kept then has the names of the model.",
            icon=":material/compare_arrows:",
        )
    elif found.whole.equal:
        st.success(
            f"All {len(found.rows)} tensors are the same to the bit.", icon=":material/equal:"
        )
    else:
        with st.container(horizontal=True):
            st.metric("Distance (L2)", f"{found.whole.l2:.4g}", width=150)
            st.metric("Relative to the first", _percent(found.whole.relative), width=180)
            st.metric("Largest difference", f"{found.whole.largest:.4g}", width=170)
            st.metric("Cosine", f"{found.whole.cosine:.4f}", width=130)
    apart = []
    for words, names in (
        ("Of another shape in the second", found.unlike),
        ("In the first alone", found.first_only),
        ("In the second alone", found.second_only),
    ):
        if names:
            some = ", ".join(escaped(name) for name in names[:5])
            apart.append(f"{words}: {some}{f' and {len(names) - 5} more' * (len(names) > 5)}.")
    if apart:
        st.caption(" ".join(apart))


def _percent(share: float) -> str:
    return f"{share:.2%}" if math.isfinite(share) else "from 0"


def _table(here: Bench, found: Compared) -> None:
    names = [row.name for row in found.rows]
    table = pd.DataFrame(
        {
            "tensor": names,
            "numbers": [row.count for row in found.rows],
            "L2": [row.l2 for row in found.rows],
            "relative": [
                row.relative if math.isfinite(row.relative) else None for row in found.rows
            ],
            "largest": [row.largest for row in found.rows],
            "cosine": [row.cosine for row in found.rows],
        }
    )
    if any(row.equal for row in found.rows):
        table["same"] = ["to the bit" if row.equal else "" for row in found.rows]

    def picked() -> None:
        rows = state.get(_TABLE)["selection"]["rows"]
        if rows:
            here.looked = names[rows[0]]

    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        key=_TABLE,
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(names), _ROWS) + 1) + 2,
        row_height=_ROW,
        on_select=picked,
        selection_mode="single-row",
        column_config={
            "tensor": st.column_config.TextColumn(pinned=True),
            "numbers": number(format="localized"),
            "L2": number(format="%.4g", help="Euclidean norm of the difference."),
            "relative": number(
                format="percent", help="L2 over the norm of the first; empty where that is 0."
            ),
            "largest": number(format="%.4g", help="The largest absolute difference."),
            "cosine": number(
                format="%.4f", help="Of the angle between the two; empty where one is 0."
            ),
        },
    )
    st.caption("Tick a row to see where that tensor differs.")


def _where(here: Bench, one: State, other: State) -> None:
    names = [name for name in one if name in other and one[name].shape == other[name].shape]
    if here.looked not in names:
        here.looked = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = state.show("weights:looked", here.looked)
        st.selectbox(
            "Tensor", names, key=key, width=330,
            on_change=lambda: setattr(here, "looked", state.get(key)),
        )  # fmt: skip
        shown = st.segmented_control(
            "Show", _SHOWN, default=_SHOWN[0], required=True, key="weights:shown",
            label_visibility="collapsed",
        )  # fmt: skip
    a, b = one[here.looked].to(torch.float32), other[here.looked].to(torch.float32)
    values = {"Difference": b - a, "First": a, "Second": b}[str(shown)]
    picture(Held(here.looked, values, learned=True))
    if shown == "Difference":
        st.caption("The second less the first.")
