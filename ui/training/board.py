"""The board of parameter groups: which part of the model is stepped how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from builder import BuilderError, ModelSpec, build
from builder.catalog import Field
from builder.resolve import resolve
from builder.store import Run
from builder.train import OPTIMIZERS, Recipe
from builder.train import groups as parameter_groups
from builder.train.groups import DEFAULT, Group, assign, modules, move
from ui import state
from ui.numbers import count
from ui.training.fields import said
from ui.training.settings import change, recipe
from ui.values import from_text, to_text

_NEW, _SHAPES = "a new group", "board-shapes"
_ROWS = 12  # that are seen without scrolling


def board(run: Run | None) -> None:
    """Draw every parameter in its group, the settings of each group, and the code they are."""
    spec, settings = state.workspace().spec, recipe()
    try:
        sizes = _sizes(spec)
    except BuilderError as error:
        st.info(f"The model cannot be built yet: {error.message}")
        return
    names = tuple(sizes)
    if not OPTIMIZERS[settings.optimizer].groups:
        st.info(
            f"{settings.optimizer} takes all parameters as one group. With another optimizer, each "
            "group has a rate of its own."
        )
        return
    st.caption(
        "Every parameter is in exactly one group. Choose parts of the model and move them; a group "
        f"steps its parameters at a rate of its own. What you move nowhere is in **{DEFAULT}**, "
        "which has the settings of the form."
    )
    _one_click(spec, names)
    left, right = st.columns([1.1, 1])
    with left:
        _parts(sizes, settings)
    with right:
        measured = _measured(run)
        for position, group in enumerate(settings.groups):
            _card(position, group, sizes, settings, measured.get(group.name))
        _rest(sizes, settings, measured.get(DEFAULT))
    try:
        parameter_groups.check(names, settings)
    except BuilderError as error:
        st.error(error.message, icon=":material/block:")
        return
    st.markdown("**The code it stands for**")
    st.code(parameter_groups.optimizer_code(settings, names), language="python")


def _sizes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter; the model is built once."""
    kept = state.get(_SHAPES)
    if kept is None or kept[0] != spec:
        resolve(spec)
        kept = (spec, {n: tuple(p.shape) for n, p in build(spec).named_parameters()})
        state.put(_SHAPES, kept)
    return kept[1]  # type: ignore[no-any-return]


def _one_click(spec: ModelSpec, names: Sequence[str]) -> None:
    made = {
        "Three of the notes": parameter_groups.seed_example(names),
        "No decay": parameter_groups.no_decay(build(spec)),
        "One a module": parameter_groups.by_module(names),
        "Freeze all but the last": parameter_groups.frozen_backbone(names),
    }
    help = {
        "Three of the notes": "First module at 0.0001, the second at 0.01, the last at 0.001.",
        "No decay": "Biases and the parameters of norms without weight decay.",
        "One a module": "A group for each module that has parameters.",
        "Freeze all but the last": "What a pretrained model is given for a new task.",
    }
    with st.container(horizontal=True):
        for label, groups in made.items():
            fields: dict[str, Any] = {"groups": _that_fit(groups)}
            if label == "Three of the notes":
                fields["lr"] = 0.0001
            st.button(
                label, key=f"board:{label}", disabled=not groups, help=help[label],
                on_click=change, kwargs=fields,
            )  # fmt: skip
        st.button(
            "Clear", icon=":material/close:", key="board:clear", disabled=not recipe().groups,
            on_click=change, kwargs={"groups": ()},
        )  # fmt: skip


def _that_fit(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Leave out the arguments that the optimizer does not have."""
    known = OPTIMIZERS[recipe().optimizer].fields
    return tuple(
        replace(group, args={k: v for k, v in group.args.items() if k in known}) for group in groups
    )


def _parts(sizes: dict[str, tuple[int, ...]], settings: Recipe) -> None:
    names = tuple(sizes)
    each = st.toggle("Weights and biases apart", key="board:each")
    paths = names if each else modules(names)
    owners = assign(names, settings.groups)
    rows = [_row(path, sizes, owners) for path in paths]
    event = st.dataframe(
        pd.DataFrame(rows, columns=["part", "shape", "parameters", "group"]),
        hide_index=True,
        height=38 * (min(len(rows), _ROWS) + 1),
        key=f"board:parts:{each}",
        on_select="rerun",
        selection_mode="multi-row",
    )
    chosen = [paths[row] for row in event.selection.rows if row < len(paths)]
    targets = [*(group.name for group in settings.groups), DEFAULT, _NEW]
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    to = left.selectbox("Move the chosen parts to", targets, index=len(targets) - 1)
    right.button(
        "Move", icon=":material/drive_file_move:", key="board:move", disabled=not chosen,
        width="stretch", on_click=_move, args=(names, chosen, to),
        help="Choose parts in the table first." if not chosen else None,
    )  # fmt: skip


def _row(
    path: str, sizes: dict[str, tuple[int, ...]], owners: dict[str, str]
) -> tuple[str, str, int, str]:
    mine = {n: s for n, s in sizes.items() if n == path or n.rpartition(".")[0] == path}
    shapes = ", ".join("x".join(map(str, shape)) or "scalar" for shape in mine.values())
    return path, shapes, sum(map(_numel, mine.values())), ", ".join({owners[n]: 0 for n in mine})


def _numel(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _move(names: Sequence[str], paths: Sequence[str], to: str) -> None:
    groups = recipe().groups
    if to == _NEW:
        taken = {group.name for group in groups}
        to = next(f"group {n}" for n in range(1, len(taken) + 2) if f"group {n}" not in taken)
    change(groups=move(names, groups, paths, to))


def _card(
    position: int,
    group: Group,
    sizes: dict[str, tuple[int, ...]],
    settings: Recipe,
    measured: float | None,
) -> None:
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
        st.caption(f"{_held(group.name, sizes, settings)}{_measured_words(measured)}")
        if group.frozen:
            return
        row = OPTIMIZERS[settings.optimizer]
        wanted = dict.fromkeys([*row.first, row.momentum, "weight_decay"])
        fields = [row.fields[name] for name in wanted if name in row.fields]
        columns = st.columns(max(2, 1 + len(fields)))
        with columns[0]:
            lr = Field("lr", "float", low=0, optional=True)
            _text(position, "lr", "Learning rate", group.lr, lr, f"{settings.lr:g}")
        for column, field in zip(columns[1:], fields, strict=False):
            if field.kind in ("bool", "choice"):
                continue
            default = settings.optimizer_args.get(field.name, field.default)
            with column:
                _text(
                    position, field.name, field.name, group.args.get(field.name),
                    replace(field, optional=True), to_text(default),
                )  # fmt: skip


def _rest(sizes: dict[str, tuple[int, ...]], settings: Recipe, measured: float | None) -> None:
    with st.container(border=True):
        st.markdown(f"**{DEFAULT}** :gray[at the form's learning rate, {settings.lr:g}]")
        st.caption(f"{_held(DEFAULT, sizes, settings)}{_measured_words(measured)}")


def _held(name: str, sizes: dict[str, tuple[int, ...]], settings: Recipe) -> str:
    owners = assign(sizes, settings.groups)
    mine = [parameter for parameter, owner in owners.items() if owner == name]
    if not mine:
        return "Nothing is in it."
    total = sum(_numel(sizes[parameter]) for parameter in mine)
    parts = ", ".join(modules(mine)[:6]) + ("…" if len(modules(mine)) > 6 else "")
    return f"{count(total)} parameters: {parts}."


def _measured(run: Run | None) -> dict[str, float]:
    """Return the newest step size of each group of the run on show."""
    if run is None:
        return {}
    points = state.store().points(run.id)
    return {
        point.split.removeprefix("group:"): point.value
        for point in points
        if point.metric == "step_size" and point.value is not None
    }


def _measured_words(measured: float | None) -> str:
    return "" if measured is None else f" In the run on show, |Δw| / |w| was last {measured:.1e}."


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
