"""Schemes: how the parameters of the open model start, set for a kind, a layer or one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from builder import BuilderError, write_source
from builder.initial import in_words
from builder.labs.initialisation.drawn import Drawn
from builder.labs.initialisation.law import law
from builder.labs.initialisation.places import Place, start, weights
from builder.resolve import resolve
from builder.spec import Init
from ui import state
from ui.initialisation.model import drawn, opened
from ui.starts import start_form
from ui.state import Workspace

PARAMETER = "initialisation:parameter"
_SCOPES = ("Kind", "Layer", "Parameter")
# One click sets them for all weights of a kind.
_CLICKS: Mapping[str, Init] = {
    "Xavier": Init("xavier_uniform_"),
    "Kaiming": Init("kaiming_normal_", {"nonlinearity": "relu"}),
}
_MOST_KINDS, _MOST_ROWS = 3, 16


def section(ws: Workspace) -> None:
    """Draw the section."""
    found = opened(ws.spec)
    _fault(ws)
    if not found:
        st.info(f"{ws.spec.name} has no parameters. Add a layer that learns on the Build page.")
        st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
        return
    _clicks(ws, found)
    left, right = st.columns([5, 3], gap="medium")
    with right:
        _forms(ws, found)
    with left:
        _table(ws, found)
        _code(ws)


def _fault(ws: Workspace) -> None:
    """Say what keeps the model from running, and offer what mends it."""
    for fault in resolve(ws.spec).faults:
        st.error(fault.message, icon=":material/error:")
        with st.container(horizontal=True, gap="small"):
            for number, fix in enumerate(fault.fixes):
                st.button(fix.label, key=f"start-fix:{number}", on_click=ws.edit, args=(fix.apply,))


def _clicks(ws: Workspace, found: Sequence[Place]) -> None:
    """Draw a button for each kind of weights and each of the usual schemes."""
    by_kind: dict[str, list[Place]] = {}
    for place in weights(found):
        by_kind.setdefault(place.op.rpartition(".")[2], []).append(place)
    with st.container(horizontal=True, gap="small", key="start-clicks"):
        for kind in list(by_kind)[:_MOST_KINDS]:
            for name, init in _CLICKS.items():
                st.button(
                    f"All {kind}: {name}",
                    key=f"start-all:{kind}:{name}",
                    help=f"{in_words(init)} for the weights of every {kind}, in blocks too.",
                    on_click=_set,
                    args=(ws, by_kind[kind], init),
                )
        st.button(
            "All as their layers draw them",
            key="start-none",
            icon=":material/restart_alt:",
            disabled=all(place.init is None for place in found),
            on_click=_set,
            args=(ws, found, None),
        )


def _set(ws: Workspace, chosen: Sequence[Place], init: Init | None) -> None:
    ws.edit(partial(start, chosen=chosen, init=init))


def _forms(ws: Workspace, found: Sequence[Place]) -> None:
    scope = st.segmented_control(
        "Set for", _SCOPES, default=_SCOPES[0], required=True, key="scope", bind="query-params",
        help="All of one kind at once, all of one layer, or one alone.",
    )  # fmt: skip
    if scope == "Parameter":
        _form(ws, [pick(found)])
        return
    by_name: dict[str, list[Place]] = {}
    for place in found:
        by_name.setdefault(place.kind if scope == "Kind" else place.layer, []).append(place)
    label = {"Kind": "Kind of parameter", "Layer": "Layer"}[scope]
    key = f"scope:{scope}"
    if state.get(key) not in by_name:
        state.put(key, next(iter(by_name)))
    name = st.selectbox(label, list(by_name), key=key)
    if scope == "Kind":
        _form(ws, by_name[name])
        return
    for place in by_name[name]:
        _form(ws, [place])


def pick(found: Sequence[Place]) -> Place:
    """Draw the choice of a parameter, shared by the sections."""
    known = {place.title: place for place in found}
    first = (weights(found) or found)[0].title
    chosen = state.get(PARAMETER)
    key = state.show("parameter-box", chosen if chosen in known else first)
    title = st.selectbox(
        "Parameter", list(known), key=key, width=330,
        on_change=lambda: state.put(PARAMETER, state.get(key)),
    )  # fmt: skip
    return known[title]


def _form(ws: Workspace, chosen: Sequence[Place]) -> None:
    """Draw the form of parameters that start alike, or are to."""
    first, *others = chosen
    init = first.init if all(place.init == first.init for place in others) else None
    label = first.title if not others else f"{first.kind}, {len(chosen)} of them"
    with st.container(border=True, gap="small", key=f"start-form-{first.title}"):
        key = f"initial:{'one' if not others else 'kind'}:{first.title}"
        start_form(ws, label, init, first.shape, key, partial(_set, ws, chosen))
        if any(place.init != first.init for place in others):
            ways = sorted({in_words(place.starts_by) for place in chosen if place.starts_by})
            st.caption(f"They start in different ways: {', '.join(ways)}. A choice sets all.")
        elif init is None and first.own:
            st.caption(
                f"Left alone, {'they are' if others else 'it is'} drawn by `{in_words(first.own)}`."
            )


def _table(ws: Workspace, found: Sequence[Place]) -> None:
    try:
        known = drawn(ws.spec)
    except BuilderError as error:
        st.caption(error.message)
        known = {}
    titles = [place.title for place in found]
    key = "start-table"

    def picked() -> None:
        rows = state.get(key)["selection"]["rows"]
        if rows:
            state.put(PARAMETER, titles[rows[0]])
            state.put("scope", "Parameter")

    st.dataframe(
        pd.DataFrame([_row(place, known.get(place.title)) for place in found]),
        key=key,
        hide_index=True,
        height="content" if len(found) <= _MOST_ROWS else 36 * _MOST_ROWS,
        on_select=picked,
        selection_mode="single-row",
        column_config={
            "said": st.column_config.CheckboxColumn(
                help="Whether the model says so; else it is what torch does by itself."
            ),
            "in theory": st.column_config.NumberColumn(
                format="%.4g", help="Standard deviation of what the scheme draws from."
            ),
            "drawn": st.column_config.NumberColumn(
                format="%.4g", help="Standard deviation of what the seed has drawn."
            ),
        },
    )
    st.caption("Tick a row to set that parameter alone.")


def _row(place: Place, seen: Drawn | None) -> dict[str, object]:
    told = law(place.starts_by, place.shape) if place.starts_by else None
    return {
        "parameter": place.title,
        "of": place.op,
        "shape": " × ".join(map(str, place.shape)),
        "starts by": in_words(place.starts_by) if place.starts_by else "its constructor",
        "said": place.init is not None,
        "in theory": told.std if told else None,
        "drawn": seen.facts.spread if seen else None,
    }


def _code(ws: Workspace) -> None:
    with st.expander(
        "The code", icon=":material/code:", key="start-code", on_change="rerun"
    ) as box:
        if box.open:
            try:
                st.code(write_source(ws.spec), language="python")
            except BuilderError as error:
                st.caption(error.message)
