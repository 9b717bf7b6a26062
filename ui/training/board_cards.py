"""The settings of each parameter group, on a card of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from builder.catalog import Field
from builder.train import OPTIMIZERS, Recipe
from builder.train.groups import Group
from ui import state
from ui.training.fields import said
from ui.training.settings import change, recipe
from ui.values import from_text, to_text

_ABREAST = 3


def card(position: int, group: Group, settings: Recipe) -> None:
    """Draw the settings of the group at a position of the recipe."""
    with st.container(border=True):
        name, still, gone = st.columns([4, 2, 1], vertical_alignment="center")
        with name:
            _text(position, "name", "Name", group.name, Field("name", "choice"), "")
        with still:
            key = state.show(f"board:{position}:frozen", group.frozen)
            st.toggle(
                "Frozen", group.frozen, key=key, help="Left as it is.",
                on_change=lambda: _put(position, frozen=state.get(key)),
            )  # fmt: skip
        gone.button(
            "", icon=":material/delete:", key=f"board:{position}:remove", help="Remove the group",
            on_click=_remove, args=(position,),
        )  # fmt: skip
        if group.frozen:
            return
        row = OPTIMIZERS[settings.optimizer]
        lr = Field("lr", "float", low=0, optional=True, help="Empty for that of the form.")
        wanted = dict.fromkeys([row.momentum, "weight_decay", *row.first])
        own = [row.fields[name] for name in wanted if name in row.fields]
        fields = [lr, *(field for field in own if field.kind not in ("bool", "choice"))]
        for start in range(0, len(fields), _ABREAST):
            for column, field in zip(st.columns(_ABREAST), fields[start:], strict=False):
                with column:
                    _argument(position, field, group, settings)


def _argument(position: int, field: Field, group: Group, settings: Recipe) -> None:
    if field.name == "lr":
        _text(position, "lr", "Learning rate", group.lr, field, f"{settings.lr:g}")
        return
    default = settings.optimizer_args.get(field.name, field.default)
    _text(
        position, field.name, field.name, group.args.get(field.name),
        replace(field, optional=True), to_text(default),
    )  # fmt: skip


def _text(position: int, name: str, label: str, value: Any, field: Field, placeholder: str) -> None:
    key = state.show(f"board:{position}:{name}", to_text(value))
    st.text_input(
        label,
        to_text(value),
        key=key,
        placeholder=placeholder,
        help=field.help or None,
        on_change=_typed,
        args=(key, position, field),
    )
    said(key)


def _typed(key: str, position: int, field: Field) -> None:
    wrong, text = state.workspace().wrong, str(state.get(key))
    wrong.pop(key, None)
    if field.name == "name":
        _put(position, name=text.strip())
        return
    try:
        value = from_text(field, text)
    except ValueError as error:
        wrong[key] = str(error)
        return
    problem = field.problem(value)
    if problem:
        wrong[key] = problem
    elif field.name == "lr":
        _put(position, lr=value)
    else:
        args = {**recipe().groups[position].args, field.name: value}
        _put(position, args={k: v for k, v in args.items() if v is not None})


def _put(position: int, **fields: Any) -> None:
    groups = list(recipe().groups)
    groups[position] = replace(groups[position], **fields)
    change(groups=tuple(groups))


def _remove(position: int) -> None:
    groups = recipe().groups
    change(groups=(*groups[:position], *groups[position + 1 :]))
