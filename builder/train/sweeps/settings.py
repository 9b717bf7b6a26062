"""The settings of a run that can be varied, each by itself: of recipe, data and layers.

All are read off tables that are there already: the recipe's fields, the rows of optimizers, losses,
schedulers, data sets, augmentations and layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from builder import edit
from builder.catalog import CATALOG, Field
from builder.data import DATASETS, title
from builder.data.augment import AUGMENTATIONS
from builder.data.own.shelf import Shelf
from builder.rows import row_of
from builder.spec import ModelSpec, Node
from builder.train.groups import Group
from builder.train.losses import LOSSES
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import FIELDS, devices
from builder.train.schedulers import SCHEDULERS
from builder.train.schedules import CHAINS, Phase
from builder.train.sweeps.setting import Setting, Setup

_OF_DATA = ("split", "validation", "folds", "fold")
_NO_SCHEDULE, _OWN_SCHEDULE = "none", "as it is"


def settings_of(setup: Setup) -> dict[str, Setting]:
    """Return all settings that can be varied, by path, those of the recipe first."""
    parts = (_plain, _optimizer, _loss, _schedule, _groups, _data, _layers)
    return {setting.path: setting for part in parts for setting in part(setup)}


# the recipe


def _change(setup: Setup, **values: Any) -> Setup:
    return replace(setup, recipe=replace(setup.recipe, **values))


def _of_recipe(setup: Setup, name: str, field: Field) -> Setting:
    def put(setup: Setup, value: Any) -> Setup:
        return _change(setup, **{name: value})

    return Setting(name, field.name, field, getattr(setup.recipe, name), put)


def _plain(setup: Setup) -> Iterator[Setting]:
    first = {"lr": FIELDS["lr"]}
    for name, field in (first | dict(FIELDS)).items():
        if name not in _OF_DATA:
            yield _of_recipe(setup, name, field)
    if len(devices()) > 1:
        yield _of_recipe(setup, "device", Field("device", "choice", choices=devices()))


def _argument(
    setup: Setup, holder: str, owner: str, field: Field, args: Mapping[str, Any]
) -> Setting:
    """Return an argument that a mapping of the recipe holds; a default is left out of it."""
    name = field.name

    def put(setup: Setup, value: Any) -> Setup:
        held: Mapping[str, Any] = getattr(setup.recipe, holder)
        return _change(setup, **{holder: _with(held, name, value, field.default)})

    value = args.get(name, field.default)
    return Setting(f"{holder}.{name}", f"{owner} · {name}", field, value, put)


def _with(args: Mapping[str, Any], name: str, value: Any, default: Any) -> dict[str, Any]:
    others = {key: held for key, held in args.items() if key != name}
    return others if value == default else {**others, name: value}


def _kept(args: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the arguments that another owner takes as well."""
    return {
        key: value
        for key, value in args.items()
        if key in fields and fields[key].problem(value) is None
    }


def _optimizer(setup: Setup) -> Iterator[Setting]:
    recipe = setup.recipe

    def put(setup: Setup, name: Any) -> Setup:
        kept = _kept(setup.recipe.optimizer_args, OPTIMIZERS[name].fields)
        return _change(setup, optimizer=name, optimizer_args=kept)

    row = OPTIMIZERS.get(recipe.optimizer)
    field = Field(
        "optimizer", "choice", choices=tuple(OPTIMIZERS),
        help="Arguments that the other one takes as well stay; the learning rate does.",
    )  # fmt: skip
    yield Setting("optimizer", "optimizer", field, recipe.optimizer, put)
    for field in row.fields.values() if row else ():
        yield _argument(setup, "optimizer_args", recipe.optimizer, field, recipe.optimizer_args)


def _loss(setup: Setup) -> Iterator[Setting]:
    recipe = setup.recipe
    row = LOSSES.get(recipe.loss)
    if row is None:
        return

    def put(setup: Setup, name: Any) -> Setup:
        kept = _kept(setup.recipe.loss_args, LOSSES[name].fields)
        return _change(setup, loss=name, loss_args=kept)

    fitting = tuple(name for name, other in LOSSES.items() if set(other.tasks) & set(row.tasks))
    field = Field(
        "loss", "choice", choices=fitting,
        help="Losses of different kinds are no measure of one another; a score of the answers is.",
    )  # fmt: skip
    yield Setting("loss", "loss", field, recipe.loss, put)
    for field in row.fields.values():
        yield _argument(setup, "loss_args", recipe.loss, field, recipe.loss_args)


def _schedule(setup: Setup) -> Iterator[Setting]:
    recipe = setup.recipe
    if recipe.schedule_by == "epoch":
        known = {_NO_SCHEDULE: (), **{name: make(recipe.epochs) for name, make in CHAINS.items()}}
        value = next((n for n, chain in known.items() if chain == recipe.schedule), _OWN_SCHEDULE)
        # Those of the same schedulers differ from it in arguments, which are settings themselves.
        mine = [phase.scheduler for phase in recipe.schedule]
        known = {n: c for n, c in known.items() if [phase.scheduler for phase in c] != mine}
        known[value] = recipe.schedule

        def put(setup: Setup, name: Any) -> Setup:
            return _change(setup, schedule=known[name])

        field = Field(
            "schedule", "choice", choices=tuple(known), help="What the learning rate does."
        )
        yield Setting("schedule", "schedule", field, value, put)
    for number, phase in enumerate(recipe.schedule):
        row = SCHEDULERS.get(phase.scheduler)
        for field in row.fields.values() if row else ():
            yield _of_phase(number, phase, field)


def _of_phase(number: int, phase: Phase, field: Field) -> Setting:
    def put(setup: Setup, value: Any) -> Setup:
        phases = list(setup.recipe.schedule)
        given = _with(phases[number].args, field.name, value, field.default)
        phases[number] = replace(phases[number], args=given)
        return _change(setup, schedule=tuple(phases))

    value = phase.args.get(field.name, field.default)
    label = f"phase {number + 1}, {phase.scheduler} · {field.name}"
    return Setting(f"schedule.{number}.{field.name}", label, field, value, put)


def _groups(setup: Setup) -> Iterator[Setting]:
    row = OPTIMIZERS.get(setup.recipe.optimizer)
    rate = replace(FIELDS["lr"], name="lr", optional=True)
    frozen = Field("frozen", "bool", default=False, help="Whether it is left as it is.")
    for number, group in enumerate(setup.recipe.groups):
        yield _of_group(number, group, rate, group.lr, lambda g, value: replace(g, lr=value))
        yield _of_group(
            number, group, frozen, group.frozen, lambda g, value: replace(g, frozen=value)
        )
        for field in row.fields.values() if row else ():
            if field.name in group.args or (row and field.name in row.first):
                shared = setup.recipe.optimizer_args.get(field.name, field.default)
                change = partial(_with_arg, field.name, shared)
                value = group.args.get(field.name, shared)
                yield _of_group(number, group, field, value, change)


def _with_arg(name: str, shared: Any, group: Group, value: Any) -> Group:
    return replace(group, args=_with(group.args, name, value, shared))


def _of_group(
    number: int, group: Group, field: Field, value: Any, change: Callable[[Group, Any], Group]
) -> Setting:
    def put(setup: Setup, value: Any) -> Setup:
        groups = list(setup.recipe.groups)
        groups[number] = change(groups[number], value)
        return _change(setup, groups=tuple(groups))

    label = f"group {group.name} · {field.name}"
    return Setting(f"groups.{group.name}.{field.name}", label, field, value, put)


# the data


def _data(setup: Setup) -> Iterator[Setting]:
    recipe = setup.recipe
    row = DATASETS.get(recipe.dataset)
    alike = [own.name for own in Shelf().listed()] if row is None else []
    if row is not None:
        alike = [
            name for name, other in DATASETS.items()
            if (other.task, other.kind, other.shape) == (row.task, row.kind, row.shape)
        ]  # fmt: skip

    def put(setup: Setup, name: Any) -> Setup:
        known = {option.name for option in DATASETS[name].options} if name in DATASETS else set()
        kept = {k: v for k, v in setup.recipe.options.items() if k in known}
        return _change(setup, dataset=name, options=kept)

    choices = tuple(dict.fromkeys((recipe.dataset, *alike)))
    field = Field("data", "choice", choices=choices, help="Data of the same shape.")
    yield Setting("dataset", "data", field, recipe.dataset, put, title)
    for option in row.options if row else ():
        field = Field(
            option.name, option.kind, default=option.default, low=option.low, high=option.high,
            slider=(0, 4) if option.name == "seed" else None, help=option.help,
        )  # fmt: skip
        yield _argument(setup, "options", title(recipe.dataset), field, recipe.options)
    for name in _OF_DATA:
        yield _of_recipe(setup, name, FIELDS[name])
    pictures = row is not None and row.kind == "picture"
    for name in AUGMENTATIONS if pictures else recipe.augment:
        yield from _augmentation(setup, name)


def _augmentation(setup: Setup, name: str) -> Iterator[Setting]:
    row, chosen = AUGMENTATIONS[name], setup.recipe.augment

    def switch(setup: Setup, on: Any) -> Setup:
        others = {key: args for key, args in setup.recipe.augment.items() if key != name}
        return _change(setup, augment={**others, name: {}} if on else others)

    field = Field(name, "bool", default=False, help=row.help)
    yield Setting(f"augment.{name}", name, field, name in chosen, switch)
    for field in row.fields.values() if name in chosen else ():

        def put(setup: Setup, value: Any, field: Field = field) -> Setup:
            held = setup.recipe.augment
            given = _with(held[name], field.name, value, field.default)
            return _change(setup, augment={**held, name: given})

        value = chosen[name].get(field.name, field.default)
        yield Setting(f"augment.{name}.{field.name}", f"{name} · {field.name}", field, value, put)


# the model


def _layers(setup: Setup) -> Iterator[Setting]:
    for block in (None, *setup.spec.blocks):
        for node in setup.spec.block(block).nodes:
            yield from _of_node(setup.spec, block, node)


def _of_node(spec: ModelSpec, block: str | None, node: Node) -> Iterator[Setting]:
    row = row_of(spec, node.op)
    if row is None:  # a block of the model, or a layer called again
        return
    prefix = f"{block}." if block else ""
    path, label = f"layer.{prefix}{node.name}", f"{prefix}{node.name} {row.title}"
    first = [name for name in row.first if name in row.fields]
    for name in dict.fromkeys((*first, *row.fields)):
        field = row.fields[name]
        if name not in node.args and (name in row.infer or field.required):
            continue
        value = node.args.get(name, field.default)
        put = partial(_set_arg, block, node.name, field)
        yield Setting(f"{path}.{name}", f"{label} · {name}", field, value, put)
    if "ctivation" in row.group:
        yield Setting(f"{path}.op", f"{label} · op", _others_like(node.op), node.op,
                      partial(_set_op, block, node.name))  # fmt: skip
    switch = Field("on", "bool", default=True, help="Off, it hands on what it is given.")
    yield Setting(
        f"{path}.on", f"{label} · on", switch, node.enabled, partial(_switch, block, node.name)
    )


def _set_arg(block: str | None, name: str, field: Field, setup: Setup, value: Any) -> Setup:
    if value == field.default and not field.required and not field.stated:
        spec = edit.unset_args(setup.spec, name, [field.name], block=block)
    else:
        spec = edit.set_args(setup.spec, name, {field.name: value}, block=block)
    return replace(setup, spec=spec)


def _set_op(block: str | None, name: str, setup: Setup, op: Any) -> Setup:
    return replace(setup, spec=edit.set_op(setup.spec, name, op, {}, block=block))


def _switch(block: str | None, name: str, setup: Setup, on: Any) -> Setup:
    return replace(setup, spec=edit.switch(setup.spec, name, bool(on), block=block))


def _others_like(op: str) -> Field:
    """Return the choice of a function in another's place: those that need no arguments."""
    group = CATALOG[op].group
    free = (
        name for name, row in CATALOG.items()
        if row.group == group and not any(field.required for field in row.fields.values())
    )  # fmt: skip
    choices = tuple(dict.fromkeys((op, *free)))
    return Field("op", "choice", choices=choices, help="Another function in the same place.")
