"""How a parameter starts: a scheme and its arguments, as a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from builder.catalog import Field
from builder.initial import fitting, in_words
from builder.schemes import SCHEMES, Shape, Values
from builder.spec import Init
from ui import state
from ui.fields import Entry, draw
from ui.state import Workspace


def start_form(
    ws: Workspace,
    name: str,
    init: Init | None,
    shape: Shape | None,
    key: str,
    take: Callable[[Init | None], object],
    *,
    otherwise: str = "as its layer draws it",
) -> None:
    """Draw the choice of a scheme, and its arguments.

    Args:
        name: what starts, as the label says it.
        init: how it starts now, `None` for as the constructor of its layer draws it.
        shape: tells which schemes there are; `None` offers all.
        key: of its widgets.
        take: is given the new way to start.
        otherwise: how it starts where nothing is said; empty where something has to be.
    """
    names = _offered(shape)
    chosen = init.scheme if init else ""
    if chosen and chosen not in names:  # values, or a fault that says so
        names.append(chosen)
    shown = state.show(f"{key}:scheme", chosen)
    options = ["", *names] if otherwise else names
    st.selectbox(
        name,
        options,
        index=options.index(chosen),
        key=shown,
        format_func=lambda scheme: _title(scheme, init) if scheme else otherwise,
        help="  \n".join(f"**{row.name}** {row.help}" for row in SCHEMES.values()),
        on_change=lambda: take(_fresh(str(state.get(shown)), init)),
    )
    row = SCHEMES.get(chosen)
    if init is None or row is None:
        return
    for field in row.fields.values():
        draw(_entry(ws, init, field, f"{key}:{row.name}:{field.name}:", take))


def _offered(shape: Shape | None) -> list[str]:
    if shape is not None:
        return list(fitting(shape))
    return [name for name, row in SCHEMES.items() if not isinstance(row, Values)]


def _title(scheme: str, init: Init | None) -> str:
    if init is not None and scheme == init.scheme and isinstance(SCHEMES.get(scheme), Values):
        return in_words(init)
    return scheme


def _fresh(scheme: str, init: Init | None) -> Init | None:
    """Return a scheme with the arguments it has to be told, `None` for none."""
    if not scheme or (init is not None and init.scheme == scheme):
        return init if scheme else None
    return Init(scheme, SCHEMES[scheme].initial_args())


def _entry(
    ws: Workspace, init: Init, field: Field, key: str, take: Callable[[Init | None], object]
) -> Entry:
    def changed(value: Any) -> None:
        args = {**init.args, field.name: value}
        if not field.required and value == field.default:
            del args[field.name]
        take(Init(init.scheme, args))

    return Entry(ws, field, init.args.get(field.name, field.default), key, changed)
