"""The form of a layer, made from its catalog row: what people need first, the rest under "more"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import streamlit as st

from builder import edit
from builder.catalog import Field, Layer
from builder.resolve import Step
from builder.spec import Node
from ui import state
from ui.state import Workspace
from ui.values import from_text, to_text

_NUMBER = "number"
_BOX = 84


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
            _field(ws, row, node, field)
        for field in told:
            _told(ws, row, node, field, step)
    if not rest:
        return
    changed = sum(field.name in node.args for field in rest)
    label = f"More ({changed} set)" if changed else "More"
    more = st.expander(label, key=f"more:{row.op}", on_change="rerun")
    if more.open:
        with more, st.container(key="more-fields"):
            for field in rest:
                _field(ws, row, node, field)


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


def _took(ws: Workspace, key: str, node_name: str, field: Field) -> None:
    _set(ws, node_name, field, state.get(key))


def _typed(ws: Workspace, key: str, node_name: str, field: Field) -> None:
    """Take typed text; what means nothing is said under the field and changes nothing."""
    try:
        value = from_text(field, str(state.get(key)))
    except ValueError as error:
        ws.wrong[key] = str(error)
        return
    _set(ws, node_name, field, value)


def _field(ws: Workspace, row: Layer, node: Node, field: Field) -> None:
    value = node.args.get(field.name, field.default)
    if field.kind == "bool" and not field.optional:
        _bool(ws, node, field, value)
    elif field.kind == "bool":
        _choice(ws, node, field, value, (True, False))
    elif field.kind == "choice":
        _choice(ws, node, field, value, field.choices)
    elif field.kind in ("int", "size") and field.choices:
        _number_or_word(ws, node, field, value)
    elif _slides(field, value):
        _slider(ws, node, field, value)
    else:
        _text(ws, node, field, value)


def _slides(field: Field, value: Any) -> bool:
    return (
        field.slider is not None
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and value >= field.slider[0]
    )


def _bool(ws: Workspace, node: Node, field: Field, value: Any) -> None:
    key = state.show(_key(ws, node, field), bool(value))
    st.toggle(
        field.name, key=key, help=field.help, on_change=_took, args=(ws, key, node.name, field)
    )


def _choice(ws: Workspace, node: Node, field: Field, value: Any, choices: Sequence[Any]) -> None:
    options = [None, *choices] if field.optional else list(choices)
    if value not in options:  # a word that torch does not know; the fault says so
        options.append(value)
    key = state.show(_key(ws, node, field), value)
    st.selectbox(
        field.name,
        options,
        key=key,
        help=field.help,
        format_func=lambda option: "-" if option is None else str(option),
        on_change=_took,
        args=(ws, key, node.name, field),
    )


def _slider(
    ws: Workspace, node: Node, field: Field, value: int | float, *, labelled: bool = True
) -> None:
    """A slider for the feel and a box for the exact number, both showing the same value."""
    assert field.slider is not None
    low, top = field.slider
    while value > top:  # the range grows with the value, so that no number is out of reach
        top *= 2
    whole = field.kind != "float"
    cast = int if whole else float
    step = 1 if whole else 0.01
    slid = state.show(_key(ws, node, field, "slider"), cast(value))
    box = state.show(_key(ws, node, field), to_text(value))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", wrap=False):
        st.slider(
            field.name,
            cast(low),
            cast(top),
            key=slid,
            step=step,
            help=field.help if labelled else None,
            label_visibility="visible" if labelled else "collapsed",
            on_change=_took,
            args=(ws, slid, node.name, field),
        )
        st.text_input(
            f"{field.name}, exactly",
            key=box,
            width=_BOX,
            label_visibility="collapsed",
            on_change=_typed,
            args=(ws, box, node.name, field),
        )
    _wrong(ws, box)


def _text(ws: Workspace, node: Node, field: Field, value: Any) -> None:
    key = state.show(_key(ws, node, field), to_text(value))
    st.text_input(
        field.name,
        key=key,
        help=f"{field.help} Takes {field.wanted}.",
        placeholder="none" if field.optional else "",
        on_change=_typed,
        args=(ws, key, node.name, field),
    )
    _wrong(ws, key)


def _number_or_word(ws: Workspace, node: Node, field: Field, value: Any) -> None:
    """Padding: a number, or `same` or `valid`."""
    mode = value if isinstance(value, str) else _NUMBER
    key = state.show(_key(ws, node, field, "mode"), mode)
    with st.container(gap="xsmall"):
        st.segmented_control(
            field.name,
            [_NUMBER, *field.choices],
            key=key,
            help=field.help,
            required=True,
            on_change=_mode,
            args=(ws, key, node.name, field),
        )
        if _slides(field, value):
            _slider(ws, node, field, value, labelled=False)
        elif not isinstance(value, str):
            _text(ws, node, field, value)


def _mode(ws: Workspace, key: str, node_name: str, field: Field) -> None:
    chosen = state.get(key)
    _set(ws, node_name, field, 1 if chosen == _NUMBER else chosen)


def _told(ws: Workspace, row: Layer, node: Node, field: Field, step: Step | None) -> None:
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
                width=_BOX,
                disabled=known is None,
                on_click=_set,
                args=(ws, node.name, field, known),
            )
            return
        key = state.show(_key(ws, node, field), to_text(node.args[field.name]))
        st.text_input(
            field.name,
            key=key,
            help=field.help,
            on_change=_typed,
            args=(ws, key, node.name, field),
        )
        st.button(
            "Infer",
            key=_key(ws, node, field, "infer"),
            help=f"Let the layer before tell {field.name}.",
            width=_BOX,
            on_click=_infer,
            args=(ws, node.name, field.name),
        )
    _wrong(ws, key)


def _infer(ws: Workspace, node_name: str, arg: str) -> None:
    ws.edit(lambda s: edit.unset_args(s, node_name, [arg], block=ws.block))


def _wrong(ws: Workspace, key: str) -> None:
    message = ws.wrong.get(key)
    if message:
        st.caption(f":red[{message}]")
