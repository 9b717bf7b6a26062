"""Step by step: a batch through the model, forward and back, with what passes and its cost."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import streamlit as st
from torch import Tensor

from builder.build import check
from builder.labs import stepping
from builder.labs.inspection_values import Held
from builder.labs.map_sheet import sheet, shrink, tiles
from builder.labs.stepping import Cost, Passage, Passed
from builder.labs.subject import twin
from ui import state
from ui.activations.style import COLOURS, CONFIG, chart
from ui.batch import Batch, choose_batch
from ui.inside.effort import wanted
from ui.inside.picture import picture
from ui.numbers import count, memory
from ui.subject import Subject

_AT, _PLAYING, _TURNED = "stepping:at", "stepping:playing", "stepping:turned"
_TICK = 1.0  # seconds that a step is on show while it plays
_MODES = ("eval()", "train()")
_POWERS = (0, 1, 2, 3, 6, 10, 20, 30, 38)
_MAPS, _COLUMNS = 32, 8
_TILE = 84  # pixels
_PASSES = 7  # of the batch, for all that is measured


def section(here: Subject) -> None:
    """Draw the section."""
    check(here.spec)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        batch = choose_batch(here, 16)
        mode = st.segmented_control(
            "Mode", _MODES, default=_MODES[0], required=True, key="stepping-mode",
            help="In `train()` dropout drops, and batch norm uses the batch's own mean and spread.",
        )  # fmt: skip
        power = st.select_slider(
            "Input times", _POWERS, key="stepping-power", width=190,
            format_func=lambda power: f"10^{power}" if power else "1",
            help="Large numbers overflow somewhere: at which step does the first NaN come?",
        )  # fmt: skip
    made_from = (batch.made_from, mode, power)
    work = check(here.spec).macs * len(batch.inputs[0]) * _PASSES
    if not wanted(work, made_from, key="stepping-run"):
        return
    done = _passed(made_from, here, batch, mode == "train()", power)
    spent = _costs((batch.made_from, mode), here, batch, mode == "train()")
    _verdict(done)
    st.fragment(_player, run_every=_TICK if state.get(_PLAYING) else None)(done, spent)


@st.cache_resource(max_entries=4, show_spinner="Running the model")
def _passed(
    made_from: Hashable, _here: Subject, _batch: Batch, training: bool, power: int
) -> Passed:
    """Return the batch on its way; all sessions share it, and nobody changes it."""
    del made_from
    inputs = [
        value * 10.0**power if value.is_floating_point() else value for value in _batch.inputs
    ]
    model = twin(_here.model).train(training)
    return stepping.step_through(model, _here.spec, inputs, training=training)


@st.cache_data(max_entries=8, show_spinner="Measuring each step")
def _costs(made_from: Hashable, _here: Subject, _batch: Batch, training: bool) -> dict[str, Cost]:
    del made_from
    model = twin(_here.model).train(training)
    return stepping.costs(model, _here.spec, _batch.inputs, training=training)


def _verdict(done: Passed) -> None:
    """Say where it broke, if it did."""
    if done.problem:
        st.warning(f"It goes no further: {done.problem}", icon=":material/block:")
    first = done.broken
    if first is None:
        return
    what = f"{first.facts.lost:,} of {first.value.numel():,} numbers"
    if first.op:
        st.error(
            f"**{first.name}** (`{first.op}`) is the first to give NaN or infinity: {what}. What "
            "it read was finite; all behind it reads that.",
            icon=":material/error:",
        )
    else:
        st.error(f"The input **{first.name}** itself has {what} that are none.")


def _player(done: Passed, spent: Mapping[str, Cost]) -> None:
    """Draw the step on show, the buttons that move it, and all steps in a table."""
    last = len(done.passages) - 1
    at = min(int(state.get(_AT) or 0), last)
    if state.get(_PLAYING):
        at = _played(at, last)
    _buttons(done.passages, at, last)
    _one(done.passages[at], spent)
    _table(done, spent, at)


def _played(at: int, last: int) -> int:
    """Go one step on, but not for the run that the click on Play itself brought."""
    if state.get(_TURNED):
        state.put(_TURNED, False)
        return at
    if at < last:
        at += 1
        state.put(_AT, at)
    if at == last:
        state.put(_PLAYING, False)
        st.rerun()
    return at


def _buttons(passages: Sequence[Passage], at: int, last: int) -> None:
    playing = bool(state.get(_PLAYING))
    with st.container(horizontal=True, vertical_alignment="bottom", key="stepping-player"):
        _button("First", "first_page", lambda: _go(0), at == 0)
        _button("Back", "chevron_left", lambda: _go(at - 1), at == 0)
        word, icon = ("Pause", "pause") if playing else ("Play", "play_arrow")
        if st.button(word, icon=f":material/{icon}:", key="stepping:play", type="primary"):
            state.put(_PLAYING, not playing)
            state.put(_TURNED, not playing)
            if not playing and at == last:
                state.put(_AT, 0)
            st.rerun()
        _button("Next", "chevron_right", lambda: _go(at + 1), at == last)
        _button("Last", "last_page", lambda: _go(last), at == last)
        key = state.show("stepping:slider", at)
        st.select_slider(
            "Step", range(last + 1), key=key, label_visibility="collapsed",
            format_func=lambda place: f"{place}: {passages[place].name}",
            on_change=lambda: _go(state.get(key)),
        )  # fmt: skip


def _button(label: str, icon: str, then: Any, off: bool) -> None:
    st.button(
        label, icon=f":material/{icon}:", key=f"stepping:{label.lower()}", on_click=then,
        disabled=off,
    )  # fmt: skip


def _go(place: int) -> None:
    state.put(_AT, place)
    state.put(_PLAYING, False)


def _one(passage: Passage, spent: Mapping[str, Cost]) -> None:
    """Draw what one step gave: its shape, its numbers, and those of one sample."""
    facts = passage.facts
    reads = f" reads {', '.join(passage.reads)} and gives" if passage.reads else ": the input,"
    dtype = str(passage.value.dtype).removeprefix("torch.")
    st.markdown(
        f"#### {passage.name}" + (f" :gray[· {passage.op}]" if passage.op else ""),
    )
    words = [f"**{passage.name}**{reads} `{tuple(passage.value.shape)}` {dtype}"]
    if facts.count > facts.lost:
        words.append(
            f"from {facts.low:.4g} to {facts.high:.4g}, mean {facts.mean:.4g}, spread "
            f"{facts.spread:.4g}, {facts.zeros:.1%} are 0"
        )
    if facts.lost:
        words.append(f":red[{facts.lost:,} NaN or infinite]")
    cost = spent.get(passage.name.partition("[")[0])
    if cost is not None:
        words.append(f"{_time(cost.seconds)}, {count(cost.macs)} multiply-adds")
    st.markdown(" :gray[·] ".join(words))
    left, right = st.columns([2, 3])
    with left:
        _histogram(passage)
    with right:
        _values(passage)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def _histogram(passage: Passage) -> None:
    edges, counts = passage.facts.edges, passage.facts.counts
    if not counts:
        st.caption("None of its numbers is finite.")
        return
    bars = {
        "type": "bar",
        "x": [(a + b) / 2 for a, b in pairwise(edges)],
        "y": counts,
        "marker": {"color": COLOURS[1], "line": {"width": 0}},
        "hovertemplate": "%{y:,} near %{x:.4g}<extra></extra>",
    }
    figure = chart([bars], "all numbers of the batch", 260, "stepping-histogram", bargap=0)
    st.plotly_chart(figure, key="stepping-histogram", config=CONFIG)


def _values(passage: Passage) -> None:
    """Draw the first sample: maps as pictures, all else as a table of colours or bars."""
    value = passage.value[0].float() if passage.value.dim() else passage.value.float()
    st.caption("The first sample of the batch")
    if value.dim() == 3 and min(value.shape[1:]) > 1:
        _maps(value)
        return
    picture(Held(passage.name, value, False))


def _maps(value: Tensor) -> None:
    """Draw maps (C, H, W) as tiles, each from its own smallest value, black, to its largest."""
    small = shrink(value[:_MAPS], _TILE)
    scale = max(1, (_TILE if len(small) > 1 else 2 * _TILE) // max(small.shape[1:]))
    pictures = tiles(small, "rescale").repeat(scale, axis=1).repeat(scale, axis=2)
    columns = min(_COLUMNS, len(pictures))
    st.image(sheet(pictures, columns), width=columns * pictures.shape[2])
    more = f", the first {_MAPS} of them here" if len(value) > _MAPS else ""
    many = f"{len(value)} maps" if len(value) > 1 else "One map"
    st.caption(
        f"{many} of {value.shape[1]} × {value.shape[2]}{more}; black is the least value of each, "
        "white the largest."
    )


def _table(done: Passed, spent: Mapping[str, Cost], at: int) -> None:
    """Draw all steps, the one on show marked; a click on a row shows that one."""
    total = sum(cost.seconds for cost in spent.values()) or 1.0
    rows = []
    for place, passage in enumerate(done.passages):
        facts = passage.facts
        cost = spent.get(passage.name)
        rows.append(
            {
                "": "▶" if place == at else "",
                "step": passage.name,
                "op": passage.op or "input",
                "shape": str(tuple(passage.value.shape)),
                "min": facts.low,
                "max": facts.high,
                "mean": facts.mean,
                "spread": facts.spread,
                "zeros": facts.zeros,
                "NaN, inf": facts.lost,
                "time": cost.seconds * 1e6 if cost else float("nan"),
                "share": cost.seconds / total if cost else float("nan"),
                "memory": memory(cost.memory) if cost else "",
                "multiply-adds": cost.macs if cost else float("nan"),
            }
        )
    number = st.column_config.NumberColumn(format="%.3g")
    key = "stepping:table"

    def picked() -> None:
        chosen = state.get(key)["selection"]["rows"]
        if chosen:
            _go(chosen[0])

    st.dataframe(
        pd.DataFrame(rows),
        key=key,
        hide_index=True,
        on_select=picked,
        selection_mode="single-row",
        height=min(35 * (len(rows) + 1) + 3, 420),
        column_config={
            "": st.column_config.TextColumn(width=30),
            "step": st.column_config.TextColumn(pinned=True),
            **dict.fromkeys(("min", "max", "mean", "spread"), number),
            "zeros": st.column_config.NumberColumn(format="percent"),
            "NaN, inf": st.column_config.NumberColumn(format="localized"),
            "time": st.column_config.NumberColumn(
                "time, µs", format="%.0f",
                help="The least of several passes without gradients, by torch's profiler.",
            ),
            "share": st.column_config.ProgressColumn(
                format="percent", max_value=1.0, help="Of the time of all steps."
            ),
            "memory": st.column_config.TextColumn(
                help="What is there after the step and was not before, by torch's profiler."
            ),
            "multiply-adds": st.column_config.NumberColumn(
                format="compact", help="Counted from the shapes, for the whole batch."
            ),
        },
    )  # fmt: skip
    if spent:
        macs = sum(cost.macs for cost in spent.values())
        st.caption(
            f"{_time(total)} in all for {count(macs)} multiply-adds: {count(macs / total)} a "
            "second. Layers that only move or compare numbers cost time and no multiply-adds."
        )
