"""A page of the three components over a plain list of layers.

Its box says how many layers, and how slow the server is to answer: `layers=50&lag=0.8`. What is
written there begins anew.
"""

import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qsl

# Streamlit puts only the script's own folder on the path.
sys.path.insert(0, str(Path(__file__).parents[3]))

import streamlit as st

from ui.components import (
    DiagramEdge,
    DiagramNode,
    LayerRow,
    PaletteEntry,
    PortRow,
    diagram,
    layer_list,
    palette,
)

NAMES = ("conv1", "relu1", "pool1", "flatten", "fc1", "fc2")
ENTRIES = (
    PaletteEntry("nn.Linear", "Linear", "Linear", "Multiplies by a weight and adds a bias."),
    PaletteEntry("nn.Conv2d", "Conv2d", "Convolution", "Slides a kernel over a picture."),
    PaletteEntry("nn.MaxPool2d", "MaxPool2d", "Pooling", "Keeps the largest of each window."),
    PaletteEntry("nn.AvgPool2d", "AvgPool2d", "Pooling", "Keeps the mean of each window."),
)
MARKUP = "<b>bold</b>"


def first_rows() -> list[LayerRow]:
    """The six layers of the page, the last but one at fault; or as many as asked for."""
    many = int(settings.get("layers", 0))
    if many:
        return [
            LayerRow(f"layer{i}", "nn.ReLU", "ReLU", "Activation", (), f"(N, {i})")
            for i in range(many)
        ]
    return [
        LayerRow(name, "nn.Linear", f"Kind {MARKUP}", "Linear", [("3 → ", True), ("8", False)],
                 "(N, 8)", 32, 1 / 6)
        for name in NAMES[:4]
    ] + [
        LayerRow("fc1", "nn.Linear", "Linear", "Linear", state="fault",
                 message="fc1 needs 10 features and gets 8.", fixes=["Take 8", "Take 10"]),
        LayerRow("fc2", "nn.Linear", "Linear", "Linear", state="unreached"),
    ]  # fmt: skip


def position(name: str) -> int:
    """Where the layer of this name stands."""
    return [row.name for row in memory.rows].index(name)


def on_intent(intent: dict[str, object]) -> None:
    """Does to the list what was asked for."""
    time.sleep(float(settings.get("lag", 0)))
    memory.said = [*memory.said, intent]
    rows = list(memory.rows)
    do, name = intent["do"], intent.get("name")
    at = position(name) if isinstance(name, str) and do != "input" else -1
    if do == "select":
        memory.selected = name
    elif do == "insert":
        memory.insert_at = intent["at"]
    elif do == "add":
        add(str(intent["op"]), int(str(intent["at"])))
        return
    elif do == "move":
        rows.insert(int(str(intent["to"])), rows.pop(at))
    elif do == "duplicate":
        memory.copies += 1
        rows.insert(at + 1, replace(rows[at], name=f"copy{memory.copies}"))
    elif do == "delete":
        del rows[at]
        memory.selected = rows[min(at, len(rows) - 1)].name if rows else None
    elif do == "rename":
        rows[at] = replace(rows[at], name=str(intent["new"]))
        memory.selected = intent["new"]
    elif do == "toggle":
        rows[at] = replace(rows[at], state="ok" if intent["on"] else "off")
    elif do == "fix":
        rows[at] = replace(rows[at], state="ok", message="", fixes=(), shape="(N, 4)")
    memory.rows = rows


def add(op: str, at: int | None = None) -> None:
    """Puts a layer of this op at the marked place, or at the end."""
    memory.copies += 1
    if at is None:
        at = len(memory.rows) if memory.insert_at is None else memory.insert_at
    row = LayerRow(f"new{memory.copies}", op, op.removeprefix("nn."), "Linear")
    memory.rows = [*memory.rows[:at], row, *memory.rows[at:]]
    memory.insert_at = None


def pick(name: str) -> None:
    """Selects what was picked in the diagram."""
    memory.selected = name


st.set_page_config(layout="wide")
scene = st.text_input("Scene", "first", bind="query-params", key="scene")
settings = dict(parse_qsl(scene))
memory = st.session_state
if memory.get("of") != scene:
    memory.of = scene
    memory.rows = first_rows()
    memory.selected = None
    memory.insert_at = None
    memory.said = []
    memory.copies = 0

left, middle, right = st.columns([1, 2, 2])
with left:
    palette(ENTRIES, key=f"palette {scene}", on_add=add, open_groups=2, height=320)
    if st.button("Change one"):
        memory.rows[3] = replace(memory.rows[3], shape="(N, 77)")
        st.rerun()
with middle:
    layer_list(
        memory.rows,
        selected=memory.selected,
        insert_at=memory.insert_at,
        inputs=[PortRow("x", "(N, 3)", "float32")],
        outputs=[PortRow("fc2", "(N, 4)")],
        key=f"list {scene}",
        on_intent=on_intent,
        height=420,
    )
    st.text(f"Python has: {' '.join(row.name for row in memory.rows[:12])}")
    st.text(f"Python selects: {memory.selected}")
    st.text(f"Python was told: {memory.said[-1:]}")
with right:
    ids = [row.name for row in memory.rows]
    diagram(
        [DiagramNode(row.name, row.title, row.shape, row.group, row.state) for row in memory.rows],
        [DiagramEdge(a, b) for a, b in pairwise(ids)]
        + ([DiagramEdge("conv1", "flatten")] if {"conv1", "flatten"} <= set(ids) else []),
        key=f"diagram {scene}",
        selected=memory.selected,
        on_select=pick,
        height=420,
    )

st.text(f"This is {scene}")
