"""The settings of a text of one's own, and the box to paste one into."""

from __future__ import annotations

from typing import Any

import streamlit as st

from builder import BuilderError
from builder.data.own import Own, Shelf, text
from ui import state
from ui.training.settings import choose_data, choose_options, recipe

_WRONG = "own:pasted"
_NAMED = 30  # letters of a pasted text that name it


def form(own: Own) -> None:
    """Draw the settings of a text that the recipe trains on."""
    try:
        options = {**_suggested(own.name), **recipe().options}
    except BuilderError:  # said where the data are read
        return
    left, right = st.columns(2)
    with left:
        _number("Window", "length", text.LENGTHS, options, "Characters that the model reads.")
    with right:
        _number(
            "Step", "step", text.STEPS, options,
            "Characters from one window to the next; a larger one makes fewer samples.",
        )  # fmt: skip
    key = state.show("text:lower", bool(options["lower"]))
    st.checkbox(
        "All letters small",
        bool(options["lower"]),
        key=key,
        on_change=lambda: choose_options({**options, "lower": state.get(key)}),
        help="Fewer different characters, so fewer classes.",
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _suggested(name: str) -> dict[str, Any]:
    return text.suggest(Shelf().path(name))


def _number(label: str, name: str, works: range, options: dict[str, Any], help: str) -> None:
    key = state.show(f"text:{name}", options[name])
    st.number_input(
        label,
        works[0],
        works[-1],
        options[name],
        key=key,
        help=help,
        on_change=lambda: choose_options({**options, name: state.get(key)}),
    )


def paste_panel() -> None:
    """Draw a box for a text; it becomes the data of the recipe, to be learned and written on."""
    ws = state.workspace()
    key = f"own:paste:{ws.uploads}"
    st.text_area(
        "A text to learn, character by character", key=key, height=160, max_chars=1_000_000,
        placeholder="Paste a few pages here; the more, the better.",
    )  # fmt: skip
    st.button(
        "Learn this text", icon=":material/edit_note:", key="own:paste:take", on_click=_pasted,
        args=(key,),
    )  # fmt: skip
    if _WRONG in ws.wrong:
        st.error(ws.wrong[_WRONG], icon=":material/error:")


def _pasted(key: str) -> None:
    ws, found = state.workspace(), str(state.get(key) or "")
    if len(found) < 2 * text.LENGTHS[0]:
        ws.wrong[_WRONG] = (
            f"There are {len(found)} characters; a text of a few hundred or more can be learned."
        )
        return
    title = " ".join(found.split())[:_NAMED]
    try:
        name = Shelf().keep("text", f"{title} …", found.encode())
    except BuilderError as error:
        ws.wrong[_WRONG] = error.message
        return
    ws.wrong.pop(_WRONG, None)
    ws.uploads += 1
    choose_data(name)
