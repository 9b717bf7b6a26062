"""Bringing data of one's own: a file, a text that is pasted, or points drawn by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import streamlit as st

from builder import BuilderError
from builder.data import DATASETS
from builder.data.disk import WHERE
from builder.data.own import KINDS, Own, Shelf
from ui import state
from ui.text import escaped
from ui.training.own.points import drawing_panel
from ui.training.own.text import paste_panel
from ui.training.settings import choose_data, recipe

PANEL = "own-data"
_MOST_MB = 500
_WRONG = "own:brought"


def bring_panel() -> None:
    """Offer to bring a file, a text or points; what is brought becomes the data of the recipe."""
    own = _learned()
    # The form of points that are learned from has the canvas already.
    ways = [way for way in _WAYS if way != "Points" or own is None or own.kind != "points"]
    way = st.segmented_control(
        "Bring", ways, default=ways[0], key=f"own:way:{len(ways)}", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    _WAYS[way or ways[0]]()
    if own is not None:
        _forget_panel(own)


def _file_panel() -> None:
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
    st.caption("MNIST and its kin, if they lie on this machine, stand in the list.", help=WHERE)


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
    state.put(PANEL, False)
    choose_data(name)


_WAYS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {"A file": _file_panel, "A text": paste_panel, "Points": drawing_panel}
)


def _learned() -> Own | None:
    """Return the file that the recipe trains on, if it is one of the user's own."""
    return next((own for own in Shelf().listed() if own.name == recipe().dataset), None)


def _forget_panel(own: Own) -> None:
    """Offer to let go of a file."""
    with st.popover("Forget this file", icon=":material/delete:", type="tertiary"):
        st.markdown(
            f"**{escaped(own.title)}** is deleted from this machine. Runs that were trained on it "
            "stay; to run them again, bring it once more."
        )
        st.button("Delete it", key="own:forget", on_click=_forget, args=(own.name,))


def _forget(name: str) -> None:
    choose_data(next(iter(DATASETS)))
    Shelf().remove(name)
