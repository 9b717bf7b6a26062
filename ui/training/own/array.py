"""The settings of a file of arrays: which is what, and what is to be learned."""

from __future__ import annotations

from typing import Any

import streamlit as st

from builder import BuilderError
from builder.data.own import Own, Shelf, array
from ui import state
from ui.training.settings import choose_options, recipe

_KINDS = {"table": "Table", "sequence": "Sequences", "picture": "Pictures"}
_TASKS = {"classification": "A class", "regression": "A number"}


def form(own: Own) -> None:
    """Draw the settings of a file of arrays that the recipe trains on."""
    path = Shelf().path(own.name)
    try:
        heads = array.heads(path)
        options = {**_suggested(own.name), **recipe().options}
    except BuilderError:  # said where the data are read
        return
    words = {name: f"{name} {head}" for name, head in heads.items()}
    last = {array.LAST_COLUMN: "the last column of the inputs"}
    _select("Inputs", "x", words, options)
    _select("Targets", "y", {**words, **last}, options)
    head = heads.get(options["x"])
    fitting = array.kinds(head.shape) if head else ()
    _select("Read as", "kind", {kind: _KINDS[kind] for kind in fitting}, options)
    _select("Learn", "task", _TASKS, options)


@st.cache_data(max_entries=16, show_spinner=False)
def _suggested(name: str) -> dict[str, Any]:
    return array.suggest(Shelf().path(name))


def _select(label: str, name: str, words: dict[str, str], options: dict[str, Any]) -> None:
    found = list(words)
    if options[name] not in words:
        found.append(options[name])
    key = state.show(f"array:{name}", options[name])
    st.selectbox(
        label,
        found,
        key=key,
        format_func=lambda choice: words.get(choice, str(choice)),
        on_change=_set,
        args=(options, name, key),
    )


def _set(options: dict[str, Any], name: str, key: str) -> None:
    chosen = {**options, name: state.get(key)}
    if name == "x":
        head = array.heads(Shelf().path(recipe().dataset)).get(chosen["x"])
        fitting = array.kinds(head.shape) if head else ()
        if fitting and chosen["kind"] not in fitting:
            chosen["kind"] = fitting[0]
    choose_options(chosen)
