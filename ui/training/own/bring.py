"""Bringing data of one's own: files of the kinds that can be read, and points drawn by hand."""

from __future__ import annotations

import streamlit as st

from builder import BuilderError
from builder.data.disk import WHERE
from builder.data.own import KINDS, Shelf
from ui import state
from ui.training.own.points import drawing_panel
from ui.training.settings import choose_data, recipe

_MOST_MB = 500
_WRONG = "own:brought"


def bring_panel() -> None:
    """Offer to bring a file, or to draw points; either becomes the data of the recipe."""
    ws = state.workspace()
    key = f"own:upload:{ws.uploads}"
    st.file_uploader(
        "A file of your own",
        [suffix for kind in KINDS.values() for suffix in kind.suffixes],
        key=key,
        max_upload_size=_MOST_MB,
        help="  \n".join(f"**{kind.title}**: {kind.help}" for kind in KINDS.values()),
        on_change=_brought,
        args=(key,),
    )
    if _WRONG in ws.wrong:
        st.error(ws.wrong[_WRONG], icon=":material/error:")
    # The form of points that are learned from has the canvas already.
    if not _drawn(recipe().dataset) and st.toggle("Draw points instead", key="own:draw"):
        drawing_panel()
    st.caption(WHERE)


def _drawn(dataset: str) -> bool:
    return any(own.name == dataset and own.kind == "points" for own in Shelf().listed())


def _brought(key: str) -> None:
    ws, file = state.workspace(), state.get(key)
    if file is None:
        return
    suffix = file.name.rpartition(".")[2].lower()
    kind = next(kind for kind in KINDS.values() if suffix in kind.suffixes)
    try:
        name = Shelf().keep(kind.name, file.name, file.getvalue())
    except BuilderError as error:
        ws.wrong[_WRONG] = error.message
        return
    ws.wrong.pop(_WRONG, None)
    ws.uploads += 1  # so that the same file can be brought once more
    choose_data(name)
