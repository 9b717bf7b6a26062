"""What a person did in the list of layers, as an edit of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builder import edit
from builder.catalog import CATALOG
from builder.resolve import resolve
from ui.layers import fault_in
from ui.state import Workspace


def add(ws: Workspace, op: str, at: int | None = None) -> None:
    """Put a layer in at the marked place, and select it."""
    place = ws.place if at is None else at
    if ws.edit(lambda s: edit.insert(s, place, op, block=ws.block)):
        ws.insert_at = None
        nodes = ws.spec.block(ws.block).nodes
        if place < len(nodes):
            ws.selected = nodes[place].name


def handle(ws: Workspace, intent: dict[str, Any]) -> None:
    """Carry out one intent of the list; anything that is not there any more is said, not raised."""
    _HANDLERS[intent["do"]](ws, intent)


def move(ws: Workspace, name: str, to: int) -> None:
    """Move a layer; it stays selected under the name it then has."""
    last = len(ws.spec.block(ws.block).nodes) - 1
    to = max(0, min(to, last))
    if ws.edit(lambda s: edit.move(s, name, to, block=ws.block)):
        ws.selected = ws.spec.block(ws.block).nodes[to].name


def duplicate(ws: Workspace, name: str) -> None:
    """Copy a layer and select the copy."""
    if ws.edit(lambda s: edit.duplicate(s, name, block=ws.block)):
        block = ws.spec.block(ws.block)
        ws.selected = block.nodes[block.positions[name] + 1].name


def delete(ws: Workspace, name: str) -> None:
    """Take a layer out and select the one that takes its place."""
    position = ws.spec.block(ws.block).positions.get(name, 0)
    if ws.edit(lambda s: edit.remove(s, name, block=ws.block)):
        nodes = ws.spec.block(ws.block).nodes
        ws.selected = nodes[min(position, len(nodes) - 1)].name if nodes else None


def rename(ws: Workspace, name: str, new: str) -> None:
    """Give a layer another name."""
    if ws.edit(lambda s: edit.rename(s, name, new.strip(), block=ws.block)):
        ws.selected = new.strip()


def toggle(ws: Workspace, name: str, on: bool) -> None:
    """Switch a layer on or off."""
    ws.edit(lambda s: edit.switch(s, name, on, block=ws.block))


def fix(ws: Workspace, name: str, of: str, number: int) -> None:
    """Apply a fix that the list offered."""
    resolution = resolve(ws.spec)
    if of == "fault":
        found = fault_in(resolution, ws.block)
        offered = found.fixes if found else ()
    else:
        offered = tuple(f for note in resolution.notes if note.node == name for f in note.fixes)
    if 0 <= number < len(offered):
        ws.edit(offered[number].apply)


_HANDLERS: dict[str, Callable[[Workspace, dict[str, Any]], None]] = {
    "select": lambda ws, i: ws.select(i["name"]),
    "input": lambda ws, i: ws.select(i["name"]),
    "insert": lambda ws, i: setattr(ws, "insert_at", i["at"]),
    "add": lambda ws, i: add(ws, i["op"], i["at"]) if i["op"] in _ops(ws) else None,
    "move": lambda ws, i: move(ws, i["name"], i["to"]),
    "duplicate": lambda ws, i: duplicate(ws, i["name"]),
    "delete": lambda ws, i: delete(ws, i["name"]),
    "rename": lambda ws, i: rename(ws, i["name"], i["new"]),
    "toggle": lambda ws, i: toggle(ws, i["name"], i["on"]),
    "fix": lambda ws, i: fix(ws, i["name"], i["of"], i["fix"]),
    "undo": lambda ws, i: ws.undo(),
    "redo": lambda ws, i: ws.redo(),
}


def _ops(ws: Workspace) -> set[str]:
    return {*CATALOG, *ws.spec.blocks, *ws.spec.layers}
