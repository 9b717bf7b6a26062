"""What the next run starts from, where it does not draw its weights: said on the Train page."""

from __future__ import annotations

import streamlit as st

from builder import BuilderError, ModelSpec
from builder.files.matching import match, wanted_by
from builder.files.shelf import Shelved
from builder.train.given import Given
from ui import state
from ui.subject import shelf
from ui.text import escaped

_START = "start"


def start_from(id: str | None) -> None:
    """Let the next run start from weights on the shelf, or, with `None`, from its seed."""
    state.put(_START, id or "")


def start() -> Shelved | None:
    """Return the weights that the next run starts from, `None` where it draws its own."""
    id = state.get(_START)
    if id is None:  # a refresh finds them in the address
        id = state.address(_START) or ""
        state.put(_START, id)
    found = {one.id: one for one in shelf().listed()}.get(id) if id else None
    state.set_address(_START, found.id if found else None)
    return found


def start_id() -> str:
    """Return what tells the weights that the next run starts from, empty where it draws its own."""
    one = start()
    return one.id if one else ""


def given() -> Given | None:
    """Return the weights that the next run is given, `None` where it draws its own.

    Raises:
        BuilderError: they are not kept any more.
    """
    one = start()
    return Given(shelf().state(one.id), one.title, one.loaded) if one else None


def start_line() -> bool:
    """Say what the next run starts from, unless it draws its own; returns whether it can."""
    one = start()
    if one is None:
        return True
    complaint = misfit(one)
    with st.container(border=True, key="start-from"):
        st.markdown(
            f":material/input: Starts from **{escaped(one.title)}** :gray[· {len(one.loaded)} of "
            f"{one.tensors} tensors were loaded · `{one.digest[:8]}`]"
        )
        if complaint:
            st.error(f"{complaint} Load them anew on the page Inside, or let go of them.")
        st.button(
            "Let go", key="start-from:drop", icon=":material/close:", on_click=start_from,
            args=(None,), help="The run draws its weights from the seed, as usual.",
        )  # fmt: skip
    return not complaint


def misfit(one: Shelved) -> str:
    """Return why the open model cannot start from weights, empty if it can."""
    try:
        held = wanted_by(ModelSpec.from_json(one.spec))
        return match(wanted_by(state.workspace().spec), held).complaint()
    except BuilderError as error:
        return error.message
