"""Points drawn by hand: the canvas, and what makes them data to learn from."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import streamlit as st

from builder import BuilderError
from builder.data.own import Own, Shelf
from builder.data.own.points import CLASSES, MAX_POINTS, Drawing
from ui import state
from ui.components.bridge import Intent
from ui.components.points_canvas import points_canvas
from ui.training.looks.colours import CLASSES as COLOURS
from ui.training.settings import choose_data

_DRAFT = "points:draft"
_MOST_PAST = 100


@dataclass
class Draft:
    """A drawing in the making.

    Args:
        name: what the shelf calls it, since it was last kept.
        kept: as it was then.
        past: drawings to go back to.
    """

    drawing: Drawing = field(default_factory=Drawing)
    name: str | None = None
    kept: Drawing | None = None
    past: list[Drawing] = field(default_factory=list)

    def take(self, intent: Intent) -> None:
        """Do what the canvas asks for."""
        if intent["do"] == "undo":
            if self.past:
                self.drawing = self.past.pop()
            return
        changed = _changed(self.drawing, intent)
        if changed != self.drawing:
            self.past = [*self.past, self.drawing][-_MOST_PAST:]
            self.drawing = changed


def _changed(drawing: Drawing, intent: Intent) -> Drawing:
    if intent["do"] == "clear":
        return Drawing()
    if intent["do"] == "add":
        return drawing.add(tuple((float(x), float(y), c) for x, y, c in intent["points"]))
    for x, y in intent["places"]:
        drawing = drawing.erase(x, y, intent["radius"])
    return drawing


def form(own: Own) -> None:
    """Draw the canvas with the points that the recipe trains on, to go on from them."""
    if _draft().name != own.name:
        try:
            drawing = Drawing.from_json(Shelf().path(own.name).read_bytes(), own.title)
        except BuilderError as error:
            st.error(error.message, icon=":material/error:")
            return
        state.put(_DRAFT, Draft(drawing, own.name, drawing))
    drawing_panel()


def drawing_panel() -> None:
    """Draw the canvas, and the button that makes its points the data of the recipe."""
    draft = _draft()
    points_canvas(
        draft.drawing.points,
        colours=COLOURS[:CLASSES],
        key="points-canvas",
        on_intent=draft.take,
        undoable=bool(draft.past),
    )
    changed = draft.drawing != draft.kept
    problem = draft.drawing.problem
    st.button(
        "Learn from these points",
        type="primary" if changed else "secondary",
        icon=":material/check:",
        disabled=problem is not None or not changed,
        on_click=_keep,
        args=(draft,),
        width="stretch",
    )
    if problem is not None:
        st.caption(problem)
    elif len(draft.drawing.points) >= MAX_POINTS:
        st.caption(f"There are {MAX_POINTS:,} points, as many as fit.")


def _draft() -> Draft:
    found = state.get(_DRAFT)
    if found is None:
        found = Draft()
        state.put(_DRAFT, found)
    return found  # type: ignore[no-any-return]


def _keep(draft: Draft) -> None:
    title = f"Points drawn {time.strftime('%d %b, %H:%M')}"
    name = Shelf().keep("points", title, draft.drawing.to_json())
    draft.name, draft.kept = name, draft.drawing
    choose_data(name)
