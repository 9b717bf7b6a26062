"""The form of a layer, made from its catalog row: what people need first, the rest under "more"."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import streamlit as st

from builder import edit
from builder.catalog import Field, Layer
from builder.resolve import Step
from builder.spec import Node
from ui import state
from ui.fields import BOX, Entry, draw
from ui.state import Workspace
from ui.values import to_text


def layer_form(
    ws: Workspace, row: Layer, node: Node, step: Step | None, *, without: Collection[str] = ()
) -> None:
    """Draw the fields of a layer; every change is an edit of the model that `ws` holds."""
    fields = [field for field in row.fields.values() if field.name not in without]
    first = [row.fields[name] for name in row.first if name not in without]
    told = [field for field in fields if field.name in row.infer]
    rest = [field for field in fields if field not in first and field not in told]
    with st.container(key="fields"):
        for field in first:
            draw(_entry(ws, node, field))
        for field in told:
            _told(ws, node, field, step)
    if not rest:
        return
    changed = sum(field.name in node.args for field in rest)
    label = f"More ({changed} set)" if changed else "More"
    more = st.expander(label, key=f"more:{row.op}", on_change="rerun")
    if more.open:
        with more, st.container(key="more-fields"):
            for field in rest:
                draw(_entry(ws, node, field))


def _entry(ws: Workspace, node: Node, field: Field) -> Entry:
    return Entry(
        ws,
        field,
        node.args.get(field.name, field.default),
        _key(ws, node, field),
        partial(_set, ws, node.name, field),
    )


def _key(ws: Workspace, node: Node, field: Field, part: str = "") -> str:
    return f"arg:{ws.block or ''}:{node.name}:{field.name}:{part}"


def _set(ws: Workspace, node_name: str, field: Field, value: Any) -> None:
    """Put a value into the model; torch's own default is left out unless it was spelled out."""
    node = ws.spec.block(ws.block).node(node_name)
    if value == field.default and not field.required and not field.stated:
        if field.name in node.args:
            ws.edit(lambda s: edit.unset_args(s, node_name, [field.name], block=ws.block))
        return
    ws.edit(lambda s: edit.set_args(s, node_name, {field.name: value}, block=ws.block))


def _told(ws: Workspace, node: Node, field: Field, step: Step | None) -> None:
    """A size that the wire tells: shown as such, or set by hand."""
    by_hand = field.name in node.args
    known = step.args.get(field.name) if step else None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        if not by_hand:
            shown = "unknown yet" if known is None else to_text(known)
            st.markdown(f"{field.name} :gray[=] **{shown}** :gray-badge[inferred]")
            st.button(
                "Set",
                key=_key(ws, node, field, "set"),
                help=f"Set {field.name} by hand. {field.help}",
                width=BOX,
                disabled=known is None,
                on_click=_set,
                args=(ws, node.name, field, known),
            )
            return
        entry = _entry(ws, node, field)
        key = state.show(entry.key, to_text(entry.value))
        st.text_input(
            field.name,
            key=key,
            help=field.help,
            on_change=entry.typed,
            args=(key,),
        )
        st.button(
            "Infer",
            key=_key(ws, node, field, "infer"),
            help=f"Let the layer before tell {field.name}.",
            width=BOX,
            on_click=_infer,
            args=(ws, node.name, field.name),
        )
    entry.say_wrong(key)


def _infer(ws: Workspace, node_name: str, arg: str) -> None:
    ws.edit(lambda s: edit.unset_args(s, node_name, [arg], block=ws.block))
