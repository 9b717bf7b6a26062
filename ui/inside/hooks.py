"""Hooks: put on any module by a click, what they see of a batch, taken off again."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st
from torch import Tensor

from builder.build import check
from builder.labs import inspection
from builder.labs.inspection import Part
from builder.labs.inspection_hooks import KINDS, Firing, Given, Hook, Observed, observe
from builder.labs.inspection_hooks_code import write_hooks
from ui import state
from ui.activations.style import COLOURS, CONFIG, chart
from ui.batch import choose_batch
from ui.components.bridge import Intent
from ui.components.module_tree import Switch, module_tree
from ui.inside.effort import wanted
from ui.inside.tree import rows_of
from ui.subject import Subject

_ON, _PICKED = "inside:hooks", "inside:hooked"
_HEIGHT, _LINES = 430, 20
_LOST = "NaN, inf"
_FEW = 40  # children that have a hook at first
_NAMED = 60  # modules that are named in the chart
_COLOUR = dict(zip(KINDS, (COLOURS[2], COLOURS[1], COLOURS[0]), strict=True))
_SWITCHES = [Switch(name, kind.label, kind.help) for name, kind in KINDS.items()]


def section(here: Subject) -> None:
    """Draw the section."""
    found = inspection.parts(here.model)
    hooks = _on(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batch = choose_batch(here, 16)
        _all_at_once(found, hooks)
    tree, code = st.columns([6, 5])
    with tree:
        rows = rows_of(found, here.spec.name)
        module_tree(
            [replace(row, on=[k for k in KINDS if (row.id, k) in hooks]) for row in rows],
            key="inside-hooks",
            selected=_picked(found),
            switches=_SWITCHES,
            on_intent=lambda intent: _told(intent, hooks),
            height=_HEIGHT,
        )
    with code:
        if not hooks:
            st.info("Put a hook on: every module has a switch for each of the three kinds.")
            return
        source = write_hooks(here.spec, batch.inputs, hooks)
        st.code(source, height=_HEIGHT if source.count("\n") > _LINES else "content")
    macs = check(here.spec).macs * len(batch.inputs[0]) * (2 + 2 * _goes_back(hooks))
    if not wanted(macs, (batch.made_from, tuple(hooks)), key="inside:observe"):
        return
    seen = _observed(batch.made_from, tuple(hooks), here, batch.inputs)
    _outcome(seen, hooks)
    st.plotly_chart(_order(seen.firings, found, here.spec.name), key="hook-order", config=CONFIG)
    _table(seen.firings, _picked(found), here.spec.name)


@st.cache_data(max_entries=16, show_spinner="Passing the batch")
def _observed(
    made_from: Hashable, hooks: tuple[Hook, ...], _here: Subject, _inputs: tuple[Tensor, ...]
) -> Observed:
    del made_from
    return observe(_here.model, _here.spec, _inputs, hooks)


# --- which are on ------------------------------------------------------------------------------


def _on(found: Sequence[Part]) -> list[Hook]:
    """Return the hooks that are on, in the order of the tree; at first those of the children."""
    chosen = state.get(_ON)
    if chosen is None:
        children = [part.path for part in found if part.level == 1]
        chosen = {(path, "forward") for path in children} if len(children) <= _FEW else set()
    return [(part.path, kind) for part in found for kind in KINDS if (part.path, kind) in chosen]


def _all_at_once(found: Sequence[Part], hooks: Collection[Hook]) -> None:
    every = {(part.path, kind) for part in found for kind in KINDS}
    for name, kind in KINDS.items():
        st.button(
            f"All {kind.label}", key=f"hooks:{name}", help=f"On every module. {kind.help}",
            on_click=lambda name=name: state.put(
                _ON, {*hooks, *((path, other) for path, other in every if other == name)}
            ),
        )  # fmt: skip
    st.button(
        "Take all off", key="hooks:off", icon=":material/close:", disabled=not hooks,
        on_click=lambda: state.put(_ON, set()),
    )  # fmt: skip


def _told(intent: Intent, hooks: Collection[Hook]) -> None:
    if intent["do"] == "pick":
        state.put(_PICKED, intent["id"])
        return
    state.put(_ON, set(hooks) ^ {(intent["id"], intent["what"])})


def _picked(found: Sequence[Part]) -> str:
    """Return the module whose firings are listed: the model itself, which is all, at first."""
    picked = state.get(_PICKED, "")
    return picked if any(part.path == picked for part in found) else ""


def _goes_back(hooks: Collection[Hook]) -> bool:
    return any(kind == "backward" for _, kind in hooks)


# --- what they saw -----------------------------------------------------------------------------


def _outcome(seen: Observed, hooks: Sequence[Hook]) -> None:
    held = ", ".join(f"{count:,} in `{kept}`" for kept, count in seen.on.items() if count)
    same = (
        "the outputs are **the same** as without"
        if seen.difference == 0
        else f"the outputs differ from those without by up to **{seen.difference:.2g}**"
    )
    st.markdown(
        f"**{len(hooks):,}** hooks fired **{len(seen.firings):,}** times. While they were on, the "
        f"modules held {held}. After `handle.remove()` they hold **{sum(seen.left.values())}**, "
        f"and {same}."
    )
    if 0 < seen.difference < 1e-4:
        st.caption(
            "Torch runs a Transformer layer in one fused step where nobody listens inside it, and "
            "adds in another order then."
        )
    if seen.refusal:
        st.info(
            "A full backward hook wraps what its module gives, and torch then lets no layer write "
            f"over it: *{seen.refusal}* So the layers with `inplace=True` ran out of place here, "
            "which gives the same numbers.",
            icon=":material/layers:",
        )
    if seen.silent:
        names = ", ".join(f"`{path or 'model'}` ({kind})" for path, kind in seen.silent[:8])
        more = f" and {len(seen.silent) - 8} more" if len(seen.silent) > 8 else ""
        st.caption(
            f"Never called: {names}{more}. A ModuleList is not called itself, an attention uses "
            "the weights of its `out_proj` without calling it, and what no gradient reaches has no "
            "way back."
        )


def _order(firings: Sequence[Firing], found: Sequence[Part], title: str) -> Any:
    """Return a chart of the firings one after the other, each at the height of its module."""
    fired = {one.path for one in firings}
    paths = [part.path for part in found if part.path in fired]
    heights = {path: number for number, path in enumerate(paths)}
    data = []
    for kind, colour in _COLOUR.items():
        mine = [(n, one) for n, one in enumerate(firings, 1) if one.kind == kind]
        if mine:
            data.append(
                {
                    "type": "scatter", "mode": "markers", "name": KINDS[kind].label,
                    "x": [number for number, _ in mine],
                    "y": [heights[one.path] for _, one in mine],
                    "text": [one.path or title for _, one in mine],
                    "marker": {"color": colour, "size": 8 if len(firings) < 200 else 5},
                    "hovertemplate": "%{x}. %{text}",
                }
            )  # fmt: skip
    data.insert(
        0,
        {
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
            "x": list(range(1, len(firings) + 1)), "y": [heights[one.path] for one in firings],
            "line": {"color": "#8A929E", "width": 1},
        },
    )  # fmt: skip
    named = len(paths) <= _NAMED
    return chart(
        data, "in the order of firing", min(520, 110 + (18 if named else 4) * len(paths)), "hooks",
        showlegend=True, legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0.35},
        xaxis={"title": "firing", "dtick": max(1, round(len(firings) / 12))},
        yaxis={
            "autorange": "reversed", "showgrid": named, "zeroline": False,
            "tickvals": list(range(len(paths))) if named else [],
            "ticktext": [path or title for path in paths] if named else [],
        },
    )  # fmt: skip


def _table(firings: Sequence[Firing], picked: str, title: str) -> None:
    lines = [
        _line(number, one, given, title)
        for number, one in enumerate(firings, 1)
        if not picked or one.path == picked or one.path.startswith(f"{picked}.")
        for given in one.given
    ]
    if not lines:
        st.caption(f"No hook on `{picked}` or inside it fired. Pick {title} to see all.")
        return
    table = pd.DataFrame(lines)
    if _LOST in table and not table[_LOST].any():
        table = table.drop(columns=_LOST)
    number = st.column_config.NumberColumn(format="%.4g")
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "#": st.column_config.NumberColumn(help="In the order of firing."),
            "zeros": st.column_config.ProgressColumn(format="percent", max_value=1.0),
            **dict.fromkeys(("mean", "spread", "min", "max", "norm"), number),
            "over": st.column_config.TextColumn(help="The samples that the figures are over."),
        },
    )
    if picked:
        st.caption(f"Only `{picked}` and what is inside it. Pick {title} in the tree to see all.")


def _line(number: int, one: Firing, given: Given, title: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "#": number,
        "hook": KINDS[one.kind].label,
        "module": one.path or title,
        "given": given.part,
        "shape": " × ".join(map(str, given.shape)) if given.shape is not None else "None",
        "dtype": given.dtype,
    }
    figures = given.facts
    if figures is not None:
        line |= {
            "mean": figures.mean, "spread": figures.spread, "min": figures.low,
            "max": figures.high, "norm": figures.norm, "zeros": figures.zeros,
            _LOST: figures.lost,
            "over": "all" if given.over is None else f"the first {given.over}",
        }  # fmt: skip
    return line
