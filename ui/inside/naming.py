"""Naming: why a parameter is called what it is called, and what a Python list hides from torch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
import streamlit as st
import torch

from builder import ModelSpec, write_source
from builder.code.places import Place, places
from builder.labs import inspection
from builder.labs.inspection import Part
from builder.labs.inspection_naming import LISTED, PLAIN, Found, compare
from ui.components.name_path import name_path
from ui.inside.tree import rows_of
from ui.subject import Subject

_VIEWS = ("Where a name comes from", "Sequential, ModuleList, list")
_HEIGHT = 460


def section(here: Subject) -> None:
    """Draw the section."""
    view = st.segmented_control(
        "Look at", _VIEWS, default=_VIEWS[0], required=True, key="naming", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if view == _VIEWS[0]:
        _names(here)
    else:
        _holders(here)


def _names(here: Subject) -> None:
    source = write_source(here.spec)
    known = places(source, here.spec.name)
    found = inspection.parts(here.model)
    rows = rows_of(found, here.spec.name, ("parameter", "buffer"))
    st.caption(
        "Setting a module or a parameter as an attribute registers it under the attribute's name. "
        "A full name is the names on the way, joined by dots: `sub_module.param_name`. Point at a "
        "name, or at a line of the code."
    )
    leaves = [row.id for row in rows if row.leaf]
    name_path(
        rows,
        source,
        places={name: place.lines for name, place in known.items()},
        words=_words(found, here.spec.name, known),
        first=leaves[0] if leaves else rows[0].id,
        key="inside-names",
        height=_HEIGHT,
    )


def _words(found: Sequence[Part], title: str, known: dict[str, Place]) -> dict[str, str]:
    """Return, for each name, how it came about."""
    kinds = {part.path: part.kind for part in found}
    words = {"": "is the model itself, whose name is empty."}
    for part in found:
        if part.path:
            above = kinds[part.path.rpartition(".")[0]]
            words[part.path] = _of_module(part, above, known.get(part.path))
        for names, how in (
            (part.parameters, "sets self.{} = nn.Parameter(...), which goes into _parameters."),
            (part.buffers, "calls self.register_buffer({!r}, ...), which puts it into _buffers."),
        ):
            for name in names:
                path = f"{part.path}.{name}".lstrip(".")
                words[path] = _of_tensor(part, name, how, known.get(path), title)
    return words


def _of_module(part: Part, above: str, place: Place | None) -> str:
    if place is None or place.how == "start":
        return f"is a {part.kind} that {above} makes itself, in torch's own code."
    if place.how == "position":
        return f"is its place in the {above}, from 0: {place.code}."
    if place.how == "key":
        return f"is its key in the {above}: {place.code}."
    return f"is an attribute: {place.owner}.__init__ sets self.{part.name} = {_short(place.code)}."


def _of_tensor(part: Part, name: str, how: str, place: Place | None, title: str) -> str:
    if place is not None and place.how == "attribute":
        return f"is an attribute: {place.owner}.__init__ sets self.{name} = {place.code}."
    start = " The code says how it starts." if place is not None else ""
    return f"is torch's: {part.kind or title}.__init__ {how.format(name)}{start}"


def _short(code: str) -> str:
    return code if len(code) <= 60 else f"{code[:57]}..."


# --- what is registered ----------------------------------------------------------------------


def _holders(here: Subject) -> None:
    st.caption(
        f"The layers of {here.spec.name} held in three ways, each really built, run and trained "
        "for one step of SGD on two samples."
    )
    found = _compared(here.spec.to_json(), here.spec)
    _table(found)
    for place, one in zip(st.columns(len(found)), found, strict=True):
        with place:
            if one.refusal:
                st.info(one.refusal)
            else:
                st.code(one.source, language="python", height=430)
    st.caption(
        "`nn.Module` looks at what is set as an attribute: a Module goes into `_modules`, and a "
        "list is only a list. The forward pass finds the layers all the same, but they never "
        "learn, are not saved, stay behind on another device, and are not told of `eval()`. Here "
        "the optimizer complains because it gets nothing at all; with one registered layer beside "
        "the list nobody would."
    )


@st.cache_data(max_entries=16, show_spinner="Building it three times")
def _compared(text: Hashable, _spec: ModelSpec) -> tuple[Found, ...]:
    del text
    return compare(_spec)


def _table(found: Sequence[Found]) -> None:
    like = next(one.output for one in found if one.holder == LISTED)

    def out(one: Found) -> str:
        if one.holder == LISTED or one.output is None or like is None:
            return "these numbers"
        return "the same numbers" if torch.allclose(one.output, like) else "**other** numbers"

    lines = {
        "`modules()` finds": lambda one: f"{_of(one.modules, one.layers)} layers",
        "`parameters()` gives": lambda one: f"{_of(one.given, one.numbers)} numbers",
        "the optimizer": lambda one: f"`{one.complaint}`" if one.complaint else
        f"changes {one.changed:,} in a step",
        "`state_dict()` has": lambda one: _keys(one.keys),
        "`to(torch.float64)` converts": lambda one: f"{_of(one.moved, one.numbers)} numbers",
        "`eval()` reaches": lambda one: f"{_of(one.reached, one.layers)} layers",
        "after it, forward gives": out,
    }  # fmt: skip
    table = pd.DataFrame(
        {
            "": list(lines),
            **{
                f"`{one.holder}`": ["–" if one.refusal else tell(one) for tell in lines.values()]
                for one in found
            },
        }
    )
    st.table(table, border="horizontal", hide_index=True)
    plain = next(one for one in found if one.holder == PLAIN)
    if plain.output is not None and out(plain).startswith("**"):
        st.caption(
            "Its numbers are others because its dropout and batch norm were never told to evaluate."
        )


def _of(part: int, whole: int) -> str:
    if part == whole:
        return f"all {whole:,}"
    return f":red[{'none' if part == 0 else f'{part:,}'}] of the {whole:,}"


def _keys(keys: Sequence[str]) -> str:
    if not keys:
        return ":red[no keys]"
    return f"{len(keys):,} keys: `{keys[0]}`" + (", ..." if len(keys) > 1 else "")
