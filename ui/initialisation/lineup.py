"""Which starts are looked at side by side, and in what colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import streamlit as st

from builder.initial import in_words
from builder.labs.depth import INITIAL
from builder.spec import Init
from ui import state
from ui.activations import style
from ui.starts import start_form
from ui.state import Workspace

# What is known to go wrong stands beside what goes well.
STARTS: Mapping[str, Init | None] = MappingProxyType(
    {name: row.weight for name, row in INITIAL.items()}
    | {
        "constant 0.1": Init("constant_", {"val": 0.1}),
        "too large": Init("normal_", {"mean": 0.0, "std": 2.0}),
    }
)
_OWN, _DRAFT = "lineup:own", "lineup:draft"
_MOST = len(style.COLOURS) - 1  # the last colour, grey, is that of the open model


@dataclass(frozen=True)
class Contender:
    """A start as it is looked at.

    Args:
        start: of the weights, `None` for as torch draws them.
        slot: its place in the order of colours.
    """

    title: str
    start: Init | None
    slot: int

    @property
    def colour(self) -> str:
        """Its colour in every chart."""
        return style.colour(self.slot)

    @property
    def dash(self) -> str:
        """How its line is drawn."""
        return style.dash(self.slot)


def of_model() -> Contender:
    """Return what stands for the open model as it is."""
    return Contender("as the model says", None, _MOST)


def choose(ws: Workspace, key: str, first: Sequence[str]) -> list[Contender]:
    """Draw the choice and return what is chosen; colours stay while others come and go."""
    own: dict[str, Init] = state.get(_OWN, {})
    known = {**STARTS, **own}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        picked = st.pills(
            "Starts", list(known), selection_mode="multi", default=list(first), key=key,
            label_visibility="collapsed", wrap=True,
        )  # fmt: skip
        with st.popover("Another", icon=":material/add:"):
            _another(ws, own)
    names = [name for name in known if name in picked][:_MOST]
    if len(picked) > _MOST:
        st.caption(f"{_MOST} at a time are shown; the rest waits.")
    slots = style.slots(f"{key}:slots", names)
    return [Contender(name, known[name], slots[name]) for name in names]


def _another(ws: Workspace, own: Mapping[str, Init]) -> None:
    """Draw the form of a start with arguments of one's own, for all the sections."""
    draft: Init = state.get(_DRAFT, Init("normal_"))
    # The weights of a Linear layer have two axes.
    start_form(
        ws, "Weights start by", draft, (2, 2), "lineup", partial(state.put, _DRAFT), otherwise=""
    )
    st.button(
        "Add", key="lineup:add", icon=":material/add:",
        on_click=lambda: state.put(_OWN, {**own, in_words(draft): draft}),
    )  # fmt: skip
