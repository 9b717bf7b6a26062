"""The table of all runs: search, choose, see them go on."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import streamlit as st

from builder.train.compare import Opened, opened
from ui import state
from ui.runs import rows
from ui.runs.chosen import chosen, ticked, told
from ui.runs.redraw import heed, then_redraw
from ui.training.settings import launcher

_POLL = 1.0
_SEARCH, _ACTIVE, _SHOWN = "runs:search", "runs:active", "runs:shown"
_ROW, _MOST_ROWS = 35, 11


def table() -> None:
    """Draw the table; it follows the runs that go on."""
    active = any(run.active for run in state.store().runs())
    st.fragment(_table, run_every=_POLL if active else None)()


def _table() -> None:
    heed()
    launcher().tend()
    found = [opened(run) for run in state.store().runs()]
    _follow(found)
    if not found:
        st.info(
            "No runs yet. Press Start on the Train page: every run is kept here with its model, "
            "its settings and its curves, to be compared, repeated and varied.",
            icon=":material/science:",
        )
        st.page_link("pages/train.py", label="To the Train page", icon=":material/show_chart:")
        return
    text = st.text_input(
        "Search",
        key=_SEARCH,
        placeholder="Search: words of a name, model, data set, optimizer, tag, note or status",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    shown = rows.matching(found, str(text or ""))
    _draw(shown)
    active = sum(one.run.active for one in found)
    st.caption(
        f"{len(shown):,} of {len(found):,} runs"
        + (f", {active} going on" if active else "")
        + ". Tick those to look at; headings sort."
    )


def _follow(found: Sequence[Opened]) -> None:
    """Run the whole page when the first run has begun or the last has ended."""
    active = any(one.run.active for one in found)
    if state.get(_ACTIVE) is not None and state.get(_ACTIVE) != active:
        state.put(_ACTIVE, active)
        st.rerun()
    state.put(_ACTIVE, active)


def _draw(shown: Sequence[Opened]) -> None:
    ids = [one.run.id for one in shown]
    # A selection is a list of positions: with other rows it would mean other runs, so the table is
    # a new one then, and is told what is chosen.
    key = f"runs:table:{zlib.crc32(','.join(ids).encode()):x}:{told()}"
    wanted = [ids.index(run_id) for run_id in chosen() if run_id in set(ids)]
    data = rows.frame(shown)
    state.put(_SHOWN, (key, ids))
    st.dataframe(
        data,
        key=key,
        hide_index=True,
        column_config=rows.looks(data),
        height=_ROW * (min(len(shown), _MOST_ROWS) + 1) + 2,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": wanted}},
        on_select=lambda: then_redraw(_picked),
        row_height=_ROW,
    )


def _picked() -> None:
    """Choose what has been ticked; what the search hides stays chosen."""
    key, ids = state.get(_SHOWN)
    positions = state.get(key)["selection"]["rows"]
    picked = [ids[position] for position in positions if position < len(ids)]
    hidden = [run_id for run_id in chosen() if run_id not in set(ids)]
    ticked([*hidden, *picked])
