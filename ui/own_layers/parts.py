"""The settings and the parameters of a layer of one's own: a row of widgets each."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import streamlit as st

from builder.catalog import Field
from builder.initial import in_words
from builder.names import free_name
from builder.own.layer import KINDS, OwnLayer, OwnParameter, Setting
from ui import state
from ui.fields import Entry, draw
from ui.own_layers.edited import Edited
from ui.own_layers.trial import Trial
from ui.starts import start_form

_KINDS = {"int": "whole number", "float": "number", "bool": "yes or no"}
_FRESH: dict[str, Any] = {"int": 16, "float": 1.0, "bool": True}
_TO_SET, _DEFAULT = "to be set", "by default"
_AXES = {-1: "last axis", 1: "axis 1"}


def settings(edited: Edited, found: Trial) -> None:
    """Draw the settings: what every use of the layer chooses."""
    with st.container(gap="xsmall"):
        st.markdown(
            "**Settings**",
            help="What every use of the layer chooses, as `out_features` of `nn.Linear`. A size "
            "of what comes in need not be chosen: it is read off.",
        )
        for place, one in enumerate(edited.layer.settings):
            _setting(edited, place, one)
            say_fault(found, one.name)
        st.button(
            "Add a setting", key=edited.key("add-setting"), icon=":material/add:", type="tertiary",
            on_click=lambda: edited.add(
                settings=Setting(_free(edited.layer, "size"), "int", _FRESH["int"])
            ),
        )  # fmt: skip


def parameters(edited: Edited, found: Trial) -> None:
    """Draw the parameters: what the layer learns."""
    with st.container(gap="xsmall"):
        st.markdown(
            "**Parameters**",
            help="What the layer learns: name, shape, how it starts. Shapes are written in "
            "settings and numbers: `(in_features, out_features)`, `(4 * hidden,)`.",
        )
        for place, one in enumerate(edited.layer.parameters):
            _parameter(edited, place, one, found)
            say_fault(found, one.name)
        st.button(
            "Add a parameter", key=edited.key("add-parameter"), icon=":material/add:",
            type="tertiary", on_click=lambda: edited.add(parameters=_fresh(edited.layer)),
        )  # fmt: skip


def _setting(edited: Edited, place: int, one: Setting) -> None:
    key = edited.key("setting", one.name)
    kind = state.show(f"{key}:kind", one.kind)
    tellers = _tellers(edited.layer) if one.kind == "int" else {}
    ways, way = [_TO_SET, _DEFAULT, *tellers], _told(one, edited.layer)
    told = state.show(f"{key}:told", way)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        _name(edited, one.name, f"{key}:name")
        st.selectbox(
            "Kind", KINDS, KINDS.index(one.kind), key=kind, width=126,
            format_func=_KINDS.__getitem__, label_visibility="collapsed",
            on_change=lambda: edited.alter(
                "settings", place, lambda held: _of_kind(held, str(state.get(kind)))
            ),
        )  # fmt: skip
        st.selectbox(
            "Told by", ways, ways.index(way), key=told, width=142,
            label_visibility="collapsed",
            on_change=lambda: edited.alter(
                "settings", place, lambda held: _told_by(held, str(state.get(told)), tellers)
            ),
        )  # fmt: skip
        if one.default is not None:
            with st.container(width=92):
                draw(_default(edited, place, one, f"{key}:default:{one.kind}"))
        _remove(edited, "settings", place, one.name)


def _default(edited: Edited, place: int, one: Setting, key: str) -> Entry:
    def take(value: Any) -> None:
        edited.alter("settings", place, lambda held: replace(held, default=value))

    field = Field("default", one.kind, required=True)  # type: ignore[arg-type]  # kinds of fields
    return Entry(edited.ws, field, one.default, key, take)


def _tellers(layer: OwnLayer) -> dict[str, tuple[int, str]]:
    """Return what can tell a size, by its words: the axis and the input."""
    found = {
        _words(axis, source): (axis, source if source != layer.inputs[0] else "")
        for source in layer.inputs
        for axis in _AXES
    }
    for one in layer.settings:  # a document may name any axis
        if one.axis is not None and one.axis not in _AXES:
            found[_told(one, layer)] = (one.axis, one.input)
    return found


def _words(axis: int, source: str) -> str:
    return f"{_AXES.get(axis, f'axis {axis}')} of {source}"


def _told(one: Setting, layer: OwnLayer) -> str:
    if one.axis is None:
        return _TO_SET if one.default is None else _DEFAULT
    return _words(one.axis, one.input or layer.inputs[0])


def _told_by(one: Setting, words: str, tellers: dict[str, tuple[int, str]]) -> Setting:
    if words in tellers:
        axis, source = tellers[words]
        return Setting(one.name, "int", None, axis, source)
    default = one.default if one.default is not None else _FRESH[one.kind]
    return Setting(one.name, one.kind, default if words == _DEFAULT else None)


def _of_kind(one: Setting, kind: str) -> Setting:
    return Setting(one.name, kind, None if one.default is None else _FRESH[kind])


def _parameter(edited: Edited, place: int, one: OwnParameter, found: Trial) -> None:
    key = edited.key("parameter", one.name)
    text = state.show(f"{key}:shape", one.shape)

    def put(**parts: Any) -> None:
        edited.alter("parameters", place, lambda held: replace(held, **parts))

    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        _name(edited, one.name, f"{key}:name")
        st.text_input(
            "Shape", one.shape, key=text, width=204, label_visibility="collapsed",
            placeholder="(in_features,)",
            on_change=lambda: put(shape=str(state.get(text)).strip()),
        )  # fmt: skip
        with st.popover(in_words(one.init), key=f"{key}:starts", width=164, help="How it starts"):
            start_form(
                edited.ws, f"{one.name} starts by", one.init,
                found.followed.shapes.get(one.name), f"{key}:start",
                lambda init: put(init=init), otherwise="",
            )  # fmt: skip
        _remove(edited, "parameters", place, one.name)


def _fresh(layer: OwnLayer) -> OwnParameter:
    size = next((one.name for one in layer.settings if one.kind == "int"), "1")
    return OwnParameter(_free(layer, "w"), f"({size},)")


def _name(edited: Edited, part: str, key: str) -> None:
    """Draw the name of a part; shapes, the formula and the model follow a new one."""
    state.show(key, part)
    st.text_input(
        "Name", part, key=key, width=118, label_visibility="collapsed",
        on_change=lambda: edited.rename(part, str(state.get(key))),
    )  # fmt: skip


def _remove(edited: Edited, kind: str, place: int, part: str) -> None:
    st.button(
        "", key=edited.key(kind, part, "remove"), icon=":material/close:", type="tertiary",
        help=f"Remove {part}", on_click=lambda: edited.alter(kind, place, lambda held: None),
    )  # fmt: skip


def say_fault(found: Trial, where: str) -> None:
    """Say under a row what is wrong with it."""
    fault = found.followed.fault
    if fault is not None and found.followed.where == where:
        st.caption(f":red[{fault.message}]")


def _free(layer: OwnLayer, wanted: str) -> str:
    """Return a name that neither the layer nor its formula has used yet."""
    held = (*(one.name for one in layer.settings), *(one.name for one in layer.parameters))
    return free_name(wanted, {*held, *layer.inputs, *re.findall(r"\w+", layer.forward)})
