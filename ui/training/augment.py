"""Augmentation: what is done to pictures at random while they are learned from; a look at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from builder import BuilderError
from builder.catalog import Field
from builder.data import Samples, load
from builder.data.augment import AUGMENTATIONS, Augmentation, code, make
from ui import state
from ui.training.settings import change, recipe
from ui.training.sheet import across, sheet

_COLUMNS, _ROWS = 8, 4
_DRAW = "augment:draw"


def augment_panel() -> None:
    """Draw the choice of augmentations, and what becomes of a few pictures."""
    settings = recipe()
    try:
        samples = load(settings.dataset, **settings.options)
    except BuilderError as error:
        st.error(error.message)
        return
    if samples.kind != "picture":
        _not_for(samples)
        return
    with st.container(key="augment"):
        left, right = st.columns([1, 1.3], gap="large")
        with left:
            _choices(samples)
        with right:
            _look(samples)


def _not_for(samples: Samples) -> None:
    if not recipe().augment:
        st.info("Augmentation is for pictures; these data are none.", icon=":material/image:")
        return
    st.warning(
        f"The recipe augments pictures, and these samples are {samples.shape}: no pictures.",
        icon=":material/warning:",
    )
    st.button("Augment nothing", on_click=change, kwargs={"augment": {}})


def _choices(samples: Samples) -> None:
    grey = samples.shape[0] != 3
    st.caption(
        "Each time a picture is learned from, it is changed by draws of its own. Validation sees "
        "the pictures as they are."
    )
    for row in AUGMENTATIONS.values():
        on = row.name in recipe().augment
        if grey and row.colour and not on:
            continue
        key = state.show(f"augment:{row.name}", on)
        st.checkbox(row.title, key=key, help=row.help, on_change=_chose, args=(row.name, key))
        if on:
            with st.container(key=f"augment-{row.name}", border=True):
                for field in row.fields.values():
                    _argument(row, field)
    if grey:
        st.caption("Two more are there for pictures in colour.")


def _chose(name: str, key: str) -> None:
    chosen = dict(recipe().augment)
    if state.get(key):
        chosen[name] = {}
    else:
        chosen.pop(name, None)
    change(augment=chosen)


def _argument(row: Augmentation, field: Field) -> None:
    value = row.given(recipe().augment.get(row.name, {}))[field.name]
    if field.name == "translate":
        names = ("translate, across", "translate, down")
        for place, (label, number) in enumerate(zip(names, value, strict=True)):
            _slider(row, field, label, number, place)
    else:
        _slider(row, field, field.name, value)


def _slider(
    row: Augmentation, field: Field, label: str, value: Any, place: int | None = None
) -> None:
    assert field.slider is not None
    numbers = value if isinstance(value, tuple) else (value,)
    # A recipe from a file may hold what no slider would give.
    low, high = min(field.slider[0], *numbers), max(field.slider[1], *numbers)
    whole = field.kind == "int"
    cast = int if whole else float
    shown = tuple(map(float, value)) if isinstance(value, tuple) else cast(value)
    key = state.show(f"augment:{row.name}:{label}", shown)
    step: float = (2 if field.name == "kernel_size" else 1) if whole else _step(high - low)
    st.slider(
        label,
        cast(low),
        cast(high),
        step=cast(step),
        key=key,
        help=field.help,
        on_change=_set,
        args=(row, field, key, place),
    )


def _step(span: float) -> float:
    """Return how far a slider goes at a time: about a hundredth of its way."""
    return 1.0 if span > 50 else 0.1 if span > 5 else 0.01


def _set(row: Augmentation, field: Field, key: str, place: int | None) -> None:
    given: Mapping[str, Any] = recipe().augment.get(row.name, {})
    value = state.get(key)
    if place is not None:
        pair = list(row.given(given)[field.name])
        pair[place] = value
        value = tuple(pair)
    args = {**given, field.name: value}
    kept = {k: v for k, v in args.items() if v != row.fields[k].default}
    change(augment={**recipe().augment, row.name: kept})


def _look(samples: Samples) -> None:
    augment = recipe().augment
    try:
        apply = make(augment, samples.shape)
    except BuilderError as error:
        st.error(error.message, icon=":material/error:")
        return
    some = _some(samples)
    if apply is None:
        st.image(sheet(some[None]), width="stretch", caption="As they are: nothing is chosen.")
        return
    # The page's own draws, the same until others are asked for.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(state.get(_DRAW, 0))
        changed = torch.stack([apply(some) for _ in range(_ROWS)])
    st.image(sheet(some[None]), width="stretch")
    st.image(sheet(changed), width="stretch")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Again", icon=":material/casino:", key="augment:again", on_click=_draw_again)
        st.caption("Above as they are, below what the model may see of them.")
    st.code(code(augment, samples.shape), language="python", wrap_lines=True)


def _draw_again() -> None:
    state.put(_DRAW, state.get(_DRAW, 0) + 1)


def _some(samples: Samples) -> Tensor:
    """Return a few pictures, from all classes as far as there is room."""
    order = torch.argsort(samples.y.flatten(), stable=True)
    places = torch.linspace(0, len(order) - 1, across(samples.shape, _COLUMNS)).long()
    return samples.x[order[places]]
