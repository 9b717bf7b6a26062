"""A page of the points canvas. What is written into its box begins anew."""

import sys
from pathlib import Path

# Streamlit puts only the script's own folder on the path.
sys.path.insert(0, str(Path(__file__).parents[3]))

import streamlit as st

from builder.data.own.points import Drawing
from ui.components.bridge import Intent
from ui.components.points_canvas import points_canvas

scene = st.text_input("Scene", "first", key="scene")
if st.session_state.get("of") != scene:
    st.session_state.update(of=scene, past=[], drawing=Drawing(), said=[])
found = st.session_state


def take(intent: Intent) -> None:
    """Does what the canvas asks for."""
    drawing, past = found.drawing, found.past
    found.said = [*found.said, intent["do"]]
    if intent["do"] == "undo":
        found.drawing, found.past = (past[-1], past[:-1]) if past else (drawing, past)
        return
    found.past = [*past, drawing]
    if intent["do"] == "clear":
        found.drawing = Drawing()
    elif intent["do"] == "add":
        found.drawing = drawing.add(tuple((x, y, c) for x, y, c in intent["points"]))
    else:
        for x, y in intent["places"]:
            drawing = drawing.erase(x, y, intent["radius"])
        found.drawing = drawing


COLOURS = ("#2F6FB5", "#C2410C", "#2A8C6A", "#7A5BB8", "#A87708", "#1B8496")
points_canvas(
    found.drawing.points,
    colours=COLOURS,
    key=f"canvas {scene}",
    on_intent=take,
    undoable=bool(found.past),
)

st.text(f"This is {scene}")
st.text(f"Classes: {found.drawing.counts}")
st.text(f"Last: {found.drawing.points[-1:]}")
st.text(f"Said: {found.said}")
