"""The board of parameter groups: which part of the model is stepped how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
import torch

from builder import BuilderError, ModelSpec, build
from builder.resolve import resolve
from builder.store import Run
from builder.train import OPTIMIZERS, Recipe
from builder.train import groups as parameter_groups
from builder.train.groups import DEFAULT, Group, Part, assign, move
from ui import state
from ui.components.group_board import GroupRow, PartRow, group_board
from ui.numbers import count
from ui.runs.overlay import look
from ui.training.board_cards import card
from ui.training.measured import points_of
from ui.training.settings import change, recipe

_KEPT = "board:model"
_GROUP = "group:"


@dataclass(frozen=True)
class _Model:
    """What the board needs of a model: its parts, and the one group that modules alone can tell."""

    spec: ModelSpec
    parts: tuple[Part, ...]
    no_decay: tuple[Group, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return tuple(part.path for part in self.parts if part.shape is not None)


def board(run: Run | None) -> None:
    """Draw every parameter in its group, the settings of each group, and the code they are."""
    settings = recipe()
    try:
        model = _model(state.workspace().spec)
    except BuilderError as error:
        st.info(f"The model cannot be built yet: {error.message}")
        return
    if not OPTIMIZERS[settings.optimizer].groups:
        st.info(
            f"{settings.optimizer} takes all parameters as one group. With another optimizer, each "
            "group has a rate of its own."
        )
        return
    st.caption(
        "Every parameter is in exactly one group, which steps it at a rate of its own. Drag parts "
        "of the model onto a group, or choose some and press *Move here*. What is moved nowhere is "
        f"in **{DEFAULT}**, which has the settings of the form."
    )
    _one_click(model)
    measured = _measured(run)
    group_board(
        _parts(model, settings),
        _groups(model, settings, measured),
        key="group-board",
        on_move=lambda paths, to: _move(model.names, paths, to),
    )
    if measured:
        st.caption("|Δw| / |w| is how far the newest step of the run on show moved the weights.")
    if not settings.groups:
        _code(model.names, settings)
        return
    with st.container(key="group-settings"):
        left, right = st.columns(2)
    with left:
        for position, group in enumerate(settings.groups):
            card(position, group, settings)
    with right:
        _code(model.names, settings)


def _model(spec: ModelSpec) -> _Model:
    """Return what the board needs of a model; it is built once, without memory for weights."""
    kept: _Model | None = state.get(_KEPT)
    if kept is None or kept.spec != spec:
        resolve(spec)
        with torch.device("meta"):
            built = build(spec, budget=2**63)
        kept = _Model(spec, parameter_groups.parts(built), parameter_groups.no_decay(built))
        state.put(_KEPT, kept)
    return kept


def _one_click(model: _Model) -> None:
    made = {
        "Three of the notes": parameter_groups.seed_example(model.names),
        "No decay": model.no_decay,
        "One a module": parameter_groups.by_module(model.names),
        "Freeze all but the last": parameter_groups.frozen_backbone(model.names),
    }
    help = {
        "Three of the notes": "First module at 0.0001, the second at 0.01, the last at 0.001; it "
        "takes three modules.",
        "No decay": "Biases and the parameters of norms without weight decay, which the form sets "
        "for all others.",
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


def _parts(model: _Model, settings: Recipe) -> list[PartRow]:
    owners = assign(model.names, settings.groups)
    return [
        PartRow(
            part.path,
            part.about if part.shape is None else " × ".join(map(str, part.shape)) or "scalar",
            part.values,
            tuple(dict.fromkeys(owners[name] for name in part.names)),
            parameter=part.shape is not None,
            still=part.still,
        )
        for part in model.parts
    ]


def _groups(model: _Model, settings: Recipe, measured: Mapping[str, float]) -> list[GroupRow]:
    """Return the groups in the order, and the colours, of their lines on the curves."""
    owners = assign(model.names, settings.groups)
    values = {part.path: part.values for part in model.parts}
    rows = []
    for number, group in enumerate((*settings.groups, Group(DEFAULT, ()))):
        held = sum(values[name] for name, owner in owners.items() if owner == group.name)
        lr = settings.lr if group.lr is None else group.lr
        about = [f"{count(held)} parameters" if held else "empty"]
        about.append("frozen" if group.frozen else f"rate {lr:g}")
        if group.name in measured:
            about.append(f"|Δw| / |w| {measured[group.name]:.1e}")
        rows.append(GroupRow(group.name, str(look(number)["color"]), " · ".join(about)))
    return rows


def _measured(run: Run | None) -> dict[str, float]:
    """Return the newest step size of each group of the run on show."""
    return {
        point.split.removeprefix(_GROUP): point.value
        for point in (points_of(run.id) if run is not None else ())
        if point.metric == "step_size" and point.value is not None
    }


def _move(names: Sequence[str], paths: Sequence[str], to: str | None) -> None:
    groups = recipe().groups
    if to is None:
        taken = {group.name for group in groups}
        to = next(f"group {n}" for n in range(1, len(taken) + 2) if f"group {n}" not in taken)
    change(groups=move(names, groups, paths, to))


def _code(names: Sequence[str], settings: Recipe) -> None:
    """Draw the code that the groups stand for, or what is wrong with them."""
    try:
        parameter_groups.check(names, settings)
    except BuilderError as error:
        _mend(names, settings, error)
        return
    st.code(parameter_groups.optimizer_code(settings, names), language="python", wrap_lines=True)


def _mend(names: Sequence[str], settings: Recipe, error: BuilderError) -> None:
    """Say what is wrong with the groups; what is lost, empty or there twice goes at a click."""
    st.error(error.message, icon=":material/block:")
    sound = move(names, settings.groups, (), DEFAULT)
    if sound != settings.groups:
        st.button(
            "Keep the parts that there are, each in one group", key="board:mend", type="primary",
            on_click=change, kwargs={"groups": sound},
        )  # fmt: skip
