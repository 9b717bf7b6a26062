"""The settings of a table: how its file is written, what each column is, what is learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from builder import BuilderError
from builder.data.own import Own, Shelf, delimited, table
from builder.data.own.columns import COLUMN_KINDS
from builder.data.own.sheets import file_format, open_sheet, sheet_names, suggest_format
from ui import state
from ui.training.own.mending import merged
from ui.training.settings import choose_options, recipe

_TASKS = {"classification": "A class", "regression": "A number"}
_MISSING = {
    "drop": "Leave such rows out",
    "mean": "The mean of the training rows",
    "median": "The median of the training rows",
    "zero": "Nought",
}
_REPEATS = {"keep": "Stay", "drop": "Are left out"}
_SCALING = {"standard": "Mean 0, spread 1", "minmax": "From 0 to 1", "none": "As they are"}
_TOKENS = {"words": "Words", "characters": "Characters"}
_HEADER = {True: "Names", False: "Numbers and words already"}
_RAGGED = {"refuse": "Refuse the file", "skip": "Leave them out"}
_HEAD = 5
# What depends on how the file is written: it is guessed anew when that changes.
_GUESSED = ("target", "kinds", "task")
_GUESS_FROM = ("target", "tokens")


def form(own: Own) -> None:
    """Draw the settings of a table that the recipe trains on."""
    path = Shelf().path(own.name)
    chosen = dict(recipe().options)
    written = st.expander("How the file is written", key="table-format", on_change="rerun")
    try:
        format = {**suggest_format(path), **chosen}
        if written.open:
            with written:
                _format_form(own, format, chosen)
        frame = open_sheet(path, {name: format[name] for name in suggest_format(path)}).frame
        options = {**_suggested(own.name, _frozen(format, chosen)), **chosen}
    except BuilderError:  # said where the data are read
        return
    st.dataframe(frame.head(_HEAD), hide_index=True)
    st.caption(f"{len(frame):,} rows, {frame.shape[1]} columns{_written(format)}.")
    names = {str(name): str(name) for name in frame}
    left, right = st.columns([1.35, 1])
    with left:
        _select("Target", "target", names, options["target"], chosen, ("task",))
    with right:
        _select("Learn", "task", _TASKS, options["task"], chosen)
    _columns(own, frame, {**options["kinds"]}, options["target"], chosen)
    if "tokens" in options:
        _select("Cut the text into", "tokens", _TOKENS, options["tokens"], chosen, ("length",))
        _length(options["length"], chosen)
    else:
        _select("In a gap", "missing", _MISSING, options["missing"], chosen)
        _select("Rows that repeat", "repeats", _REPEATS, options["repeats"], chosen)
        _select("Scale numbers", "scaling", _SCALING, options["scaling"], chosen)
    try:
        notes = table.look(path, chosen).notes
    except BuilderError:  # the page says it, where the data are read
        return
    for note in notes:
        st.caption(note)


def _written(format: Mapping[str, Any]) -> str:
    """Say how a file of text is read, as far as it was guessed or chosen."""
    if "delimiter" not in format:
        return ""
    between = delimited.DELIMITERS.get(format["delimiter"], format["delimiter"]).lower()
    decimal = delimited.DECIMALS.get(format["decimal"], format["decimal"]).lower()
    names = "" if format["header"] else ", without a line of names"
    return f"; {format['encoding']}, {between} between columns, decimal {decimal}{names}"


def _format_form(own: Own, given: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
    path = Shelf().path(own.name)
    kind = file_format(path)
    rows: tuple[tuple[str, str, Mapping[Any, str]], ...] = ()
    if kind == "text":
        encodings = {name: name for name in (*delimited.ENCODINGS, given["encoding"])}
        rows = (
            ("Encoding", "encoding", encodings),
            ("Between columns", "delimiter", delimited.DELIMITERS),
            ("Before a fraction", "decimal", delimited.DECIMALS),
            ("The first line holds", "header", _HEADER),
            ("Lines of another length", "ragged", _RAGGED),
        )
    elif kind == "workbook":
        sheets = {name: name for name in sheet_names(path)}
        rows = (("Sheet", "sheet", sheets), ("The first row holds", "header", _HEADER))
    else:
        st.caption("A Parquet file says itself how it is written.")
    for label, name, words in rows:
        _select(label, name, words, given[name], chosen, _GUESSED)


def _frozen(format: Mapping[str, Any], chosen: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return the options that others are guessed from, as a key of the cache."""
    kept = {**format, **{name: chosen[name] for name in _GUESS_FROM if name in chosen}}
    kinds = tuple(chosen.get("kinds", {}).items())
    found = tuple((name, value) for name, value in kept.items() if name not in ("kinds", "task"))
    return (*found, ("kinds", kinds)) if kinds else found


def _thawed(given: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    options = dict(given)
    return options | {"kinds": dict(options["kinds"])} if "kinds" in options else options


@st.cache_data(max_entries=16, show_spinner=False)
def _suggested(name: str, given: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return table.completed(Shelf().path(name), _thawed(given))


def _columns(
    own: Own,
    frame: pd.DataFrame,
    kinds: Mapping[str, str],
    target: str,
    chosen: Mapping[str, Any],
) -> None:
    """Draw what each column is; the target is not among them."""
    names = [name for name in kinds if name != target]
    rows = pd.DataFrame(
        {
            "column": names,
            "kind": [kinds[name] for name in names],
            "gaps": [int(frame[name].isna().sum()) for name in names],
            "values": [int(frame[name].nunique()) for name in names],
        }
    )
    ws = state.workspace()
    key = f"table:kinds:{own.id}:{target}:{ws.uploads}:{hash(tuple(kinds.items()))}"
    st.data_editor(
        rows,
        key=key,
        hide_index=True,
        disabled=["column", "gaps", "values"],
        column_config={
            "kind": st.column_config.SelectboxColumn(options=list(COLUMN_KINDS), required=True)
        },
        on_change=_set_kinds,
        args=(names, chosen, key),
    )


def _set_kinds(names: list[str], chosen: Mapping[str, Any], key: str) -> None:
    edits = (state.get(key) or {}).get("edited_rows", {})
    changed = {names[int(row)]: edit["kind"] for row, edit in edits.items() if edit.get("kind")}
    choose_options(merged(chosen, {"kinds": changed}))


def _length(value: Any, chosen: Mapping[str, Any]) -> None:
    key = state.show("table:length", value)
    st.number_input(
        "Tokens that are read",
        1,
        table.MAX_TEXT,
        value,
        key=key,
        help="A shorter text is padded at its beginning; of a longer one the beginning is read.",
        on_change=_set,
        args=("length", key, chosen, ()),
    )


def _select(
    label: str,
    name: str,
    words: Mapping[Any, str],
    value: Any,
    chosen: Mapping[str, Any],
    guessed_anew: tuple[str, ...] = (),
) -> None:
    """Draw a choice; what is `guessed_anew` is let go of when it changes."""
    found = list(words)
    if value not in found:
        found.append(value)
    key = state.show(f"table:{name}", value)
    st.selectbox(
        label,
        found,
        key=key,
        format_func=lambda choice: words.get(choice, str(choice)),
        on_change=_set,
        args=(name, key, chosen, guessed_anew),
    )


def _set(name: str, key: str, chosen: Mapping[str, Any], guessed_anew: tuple[str, ...]) -> None:
    kept = {k: v for k, v in chosen.items() if k not in guessed_anew}
    choose_options({**kept, name: state.get(key)})
