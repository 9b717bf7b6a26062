"""What a person did in the list of layers, as an edit of the open model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builder import edit
from builder.catalog import CATALOG
from builder.resolve import resolve
from ui import state
from ui.layers import fault_in


def add(op: str, at: int | None = None) -> None:
    """Put a layer in at the marked place, and select it."""
    ws = state.workspace()
    place = ws.place if at is None else at
    if ws.edit(lambda s: edit.insert(s, place, op, block=ws.block)):
        ws.insert_at = None
        nodes = ws.spec.block(ws.block).nodes
        if place < len(nodes):
            ws.selected = nodes[place].name


def handle(intent: dict[str, Any]) -> None:
    """Carry out one intent of the list; anything that is not there any more is said, not raised."""
    _HANDLERS[intent["do"]](intent)


def move(name: str, to: int) -> None:
    """Move a layer; it stays selected under the name it then has."""
    ws = state.workspace()
    last = len(ws.spec.block(ws.block).nodes) - 1
    to = max(0, min(to, last))
    if ws.edit(lambda s: edit.move(s, name, to, block=ws.block)):
        ws.selected = ws.spec.block(ws.block).nodes[to].name


def duplicate(name: str) -> None:
    """Copy a layer and select the copy."""
    ws = state.workspace()
    if ws.edit(lambda s: edit.duplicate(s, name, block=ws.block)):
        block = ws.spec.block(ws.block)
        ws.selected = block.nodes[block.positions[name] + 1].name


def delete(name: str) -> None:
    """Take a layer out and select the one that takes its place."""
    ws = state.workspace()
    position = ws.spec.block(ws.block).positions.get(name, 0)
    if ws.edit(lambda s: edit.remove(s, name, block=ws.block)):
        nodes = ws.spec.block(ws.block).nodes
        ws.selected = nodes[min(position, len(nodes) - 1)].name if nodes else None


def rename(name: str, new: str) -> None:
    """Give a layer another name."""
    ws = state.workspace()
    if ws.edit(lambda s: edit.rename(s, name, new.strip(), block=ws.block)):
        ws.selected = new.strip()


def toggle(name: str, on: bool) -> None:
    """Switch a layer on or off."""
    ws = state.workspace()
    ws.edit(lambda s: edit.switch(s, name, on, block=ws.block))


def fix(name: str, of: str, number: int) -> None:
    """Apply a fix that the list offered."""
    ws = state.workspace()
    resolution = resolve(ws.spec)
    if of == "fault":
        found = fault_in(resolution, ws.block)
        offered = found.fixes if found else ()
    else:
        offered = tuple(f for note in resolution.notes if note.node == name for f in note.fixes)
    if 0 <= number < len(offered):
        ws.edit(offered[number].apply)


_HANDLERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "select": lambda i: state.workspace().select(i["name"]),
    "input": lambda i: state.workspace().select(i["name"]),
    "insert": lambda i: setattr(state.workspace(), "insert_at", i["at"]),
    "add": lambda i: add(i["op"], i["at"]) if i["op"] in _ops() else None,
    "move": lambda i: move(i["name"], i["to"]),
    "duplicate": lambda i: duplicate(i["name"]),
    "delete": lambda i: delete(i["name"]),
    "rename": lambda i: rename(i["name"], i["new"]),
    "toggle": lambda i: toggle(i["name"], i["on"]),
    "fix": lambda i: fix(i["name"], i["of"], i["fix"]),
    "undo": lambda i: state.workspace().undo(),
    "redo": lambda i: state.workspace().redo(),
}


def _ops() -> set[str]:
    return {*CATALOG, *state.workspace().spec.blocks}
