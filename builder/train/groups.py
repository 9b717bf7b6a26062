"""Parameter groups: parts of a model that have settings of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torch import nn

from builder.errors import RecipeError, shown
from builder.train.optimizers import OPTIMIZERS
from builder.values import frozen

if TYPE_CHECKING:
    from builder.train.recipe import Recipe

DEFAULT = "default"
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


@dataclass(frozen=True)
class Group:
    """Parameters whose settings differ from the recipe's.

    Args:
        name: for people; no two groups of a recipe have the same.
        members: paths of modules or of parameters, as `named_modules` and `named_parameters` give
            them. A longer path wins over a shorter one: `fc.bias` over `fc`.
        lr: learning rate; `None` for the recipe's.
        args: arguments of the optimizer that differ from the recipe's, such as `weight_decay`.
        frozen: whether they are left as they are.
    """

    name: str
    members: tuple[str, ...]
    lr: float | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    frozen: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        object.__setattr__(self, "args", frozen(self.args))


def assign(names: Iterable[str], groups: Sequence[Group]) -> dict[str, str]:
    """Return for each parameter the group it is in: that of the longest path to it.

    What no path leads to is in `default`.
    """
    owners = {member: group.name for group in groups for member in group.members}
    return {name: owners.get(_owner(name, owners), DEFAULT) for name in names}


def _owner(name: str, paths: Mapping[str, str]) -> str:
    path = name
    while path and path not in paths:
        path = path.rpartition(".")[0]
    return path


def check(names: Sequence[str], recipe: Recipe) -> None:
    """Raise `RecipeError` for the first group that cannot work with these parameters."""
    groups, row = recipe.groups, OPTIMIZERS[recipe.optimizer]
    if groups and not row.groups:
        raise RecipeError(
            f"{row.name} takes all parameters as one group; without groups, or with another "
            "optimizer, it works."
        )
    seen: dict[str, str] = {}
    known = set()
    for group in groups:
        if not group.name.strip() or group.name == DEFAULT:
            raise RecipeError(
                f"A group is called {shown(group.name)}; any other name works, {DEFAULT} is that "
                "of the parameters in no group."
            )
        if group.name in known:
            raise RecipeError(f"Two groups are called {group.name}; each needs a name of its own.")
        known.add(group.name)
        for member in group.members:
            if member in seen:
                raise RecipeError(
                    f"{member} is in two groups, {seen[member]} and {group.name}; a parameter is "
                    "stepped by one."
                )
            seen[member] = group.name
            if not any(name == member or name.startswith(f"{member}.") for name in names):
                raise RecipeError(
                    f"Group {group.name} names {member}, and the model has no such parameter or "
                    f"module; it has {', '.join(modules(names))}."
                )
        _check_settings(group, recipe)
    found = assign(names, groups)
    for group in groups:
        if group.name not in found.values():
            raise RecipeError(
                f"Group {group.name} is empty; put a module into it, or remove the group."
            )
    still = {group.name for group in groups if group.frozen}
    if names and all(owner in still for owner in found.values()):
        raise RecipeError("Every group is frozen, so nothing would learn; let one learn.")


def _check_settings(group: Group, recipe: Recipe) -> None:
    lr = group.lr
    if lr is not None and (isinstance(lr, bool) or not isinstance(lr, int | float) or not lr >= 0):
        raise RecipeError(
            f"The learning rate of group {group.name} is {shown(lr)}; a number from 0 up works."
        )
    try:
        OPTIMIZERS[recipe.optimizer].check({**recipe.optimizer_args, **group.args})
    except RecipeError as error:
        raise RecipeError(f"Group {group.name}: {error.message}") from None


def modules(names: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of the modules that own parameters, in order; a bare one counts itself."""
    return tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in names))


@dataclass(frozen=True)
class Part:
    """A module that owns parameters, itself or below it, or a parameter.

    Args:
        path: as `named_modules` and `named_parameters` give it.
        shape: of a parameter; `None` for a module.
        about: the class of a module; empty for a parameter.
        names: of the parameters in it.
        values: how many values they have.
        still: whether none of them needs a gradient.
    """

    path: str
    shape: tuple[int, ...] | None
    about: str
    names: tuple[str, ...]
    values: int
    still: bool


def parts(model: nn.Module) -> tuple[Part, ...]:
    """Return all parts of a model as a tree is read: a module, then what is in it."""
    held = dict(model.named_parameters())

    def part(path: str, module: nn.Module | None) -> Part:
        mine = {n: p for n, p in held.items() if n == path or n.startswith(f"{path}.")}
        return Part(
            path,
            tuple(held[path].shape) if module is None else None,
            "" if module is None else type(module).__name__,
            tuple(mine),
            sum(value.numel() for value in mine.values()),
            not any(value.requires_grad for value in mine.values()),
        )

    found = []
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        if path:
            found.append(part(path, module))
        own = (f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False))
        found += [part(name, None) for name in own if name in held]
    return tuple(one for one in found if one.names)


def move(
    names: Sequence[str], groups: Sequence[Group], paths: Iterable[str], to: str
) -> tuple[Group, ...]:
    """Return the groups with all parameters under some paths moved into one of them.

    Groups name modules where these are whole. One that is left empty goes; one that does not exist
    is made.

    Args:
        names: of all parameters.
        to: name of a group; `default` takes them out of all.
    """
    owners = assign(names, groups)
    for path in paths:
        owners |= {name: to for name in names if name == path or name.startswith(f"{path}.")}
    if to != DEFAULT and to not in {group.name for group in groups}:
        groups = (*groups, Group(to, ()))
    moved = [
        replace(
            group, members=_whole({n for n, owner in owners.items() if owner == group.name}, names)
        )
        for group in groups
    ]
    return tuple(group for group in moved if group.members)


def _whole(mine: Collection[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the shortest paths that lead to these parameters and no others."""
    found: dict[str, None] = {}
    for name in names:
        if name not in mine:
            continue
        parts = name.split(".")
        heads = (".".join(parts[:end]) for end in range(1, len(parts)))
        fits = (h for h in heads if all(n in mine for n in names if n.startswith(f"{h}.")))
        found[next(fits, name)] = None
    return tuple(found)


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Return what the optimizer is given: every parameter once, each group with its `name`.

    The parameters of frozen groups are in it as well, and need no gradient: they may learn again
    later. The default group stands last, if it has any.

    Raises:
        RecipeError: the groups do not fit the model.
    """
    parameters = dict(model.named_parameters())
    check(tuple(parameters), recipe)
    owners = assign(parameters, recipe.groups)
    made: list[dict[str, Any]] = []
    for group in (*recipe.groups, Group(DEFAULT, ())):
        mine = [parameters[name] for name, owner in owners.items() if owner == group.name]
        if group.frozen:
            for parameter in mine:
                parameter.requires_grad_(False)
        if mine:
            lr = recipe.lr if group.lr is None else group.lr
            made.append({"params": mine, "name": group.name, "lr": lr, **group.args})
    return made


def optimizer_code(recipe: Recipe, names: Sequence[str] = ()) -> str:
    """Return the code that makes the optimizer of a recipe, given `model`.

    Args:
        names: of all parameters of the model, where the recipe has groups.
    """
    given = "".join(f", {name}={value!r}" for name, value in recipe.optimizer_args.items())
    if not recipe.groups:
        made = f"torch.optim.{recipe.optimizer}(model.parameters(), lr={recipe.lr:g}{given})"
        return f"optimizer = {made}"
    owners = assign(names, recipe.groups)
    lines: list[str] = []
    entries: list[str] = []
    for group in recipe.groups:
        mine = [name for name, owner in owners.items() if owner == group.name]
        if group.frozen:
            lines += [
                f"for parameter in {_parameters(group, mine, names)}:  # {group.name}",
                "    parameter.requires_grad = False",
            ]
            continue
        own = [f'"params": {_parameters(group, mine, names)}']
        own += [f'"lr": {group.lr:g}'] if group.lr is not None else []
        own += [f'"{name}": {value!r}' for name, value in group.args.items()]
        entries.append(f"{{{', '.join(own)}}},  # {group.name}")
    rest = [name for name, owner in owners.items() if owner == DEFAULT]
    if rest:
        entries.append(f'{{"params": {_parameters(Group(DEFAULT, modules(rest)), rest, names)}}},')
    body = "".join(f"        {entry}\n" for entry in entries)
    lines.append(
        f"optimizer = torch.optim.{recipe.optimizer}(\n    [\n{body}    ],\n"
        f"    lr={recipe.lr:g}{given},\n)"
    )
    return "\n".join(lines)


def _parameters(group: Group, mine: Sequence[str], names: Sequence[str]) -> str:
    """Return an expression for the parameters of a group, by modules where these are whole."""
    whole = [
        name
        for member in group.members
        for name in names
        if name == member or name.startswith(f"{member}.")
    ]
    if sorted(whole) != sorted(mine):
        if len(mine) < 3:
            return "[" + ", ".join(f'model.get_parameter("{name}")' for name in mine) + "]"
        listed = ", ".join(f'"{name}"' for name in mine)
        return f"[model.get_parameter(name) for name in ({listed})]"
    parts = [
        f'model.get_parameter("{member}")'
        if member in names
        else f"*{_attribute(member)}.parameters()"
        for member in group.members
    ]
    if len(parts) == 1 and parts[0].startswith("*"):
        return parts[0].removeprefix("*")
    return f"[{', '.join(parts)}]"


def _attribute(path: str) -> str:
    if all(part.isidentifier() for part in path.split(".")):
        return f"model.{path}"
    return f'model.get_submodule("{path}")'


# one click each


def seed_example(names: Sequence[str]) -> tuple[Group, ...]:
    """Return the three groups of the notes: first module, second at 0.01, last at 0.001.

    There the recipe's own learning rate is 0.0001, which the first group keeps.
    """
    found = modules(names)
    if len(found) < 3:
        return ()
    first, second, last = found[0], found[1], found[-1]
    return (
        Group(first, (first,)),
        Group(second, (second,), lr=0.01),
        Group(last, (last,), lr=0.001),
    )


def no_decay(model: nn.Module) -> tuple[Group, ...]:
    """Return a group without weight decay of all biases and of the parameters of norms."""
    members = []
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, _NORMS) or name.startswith("bias") or parameter.dim() < 2:
                members.append(f"{path}.{name}" if path else name)
    return (Group("no decay", tuple(members), args={"weight_decay": 0.0}),) if members else ()


def by_module(names: Sequence[str]) -> tuple[Group, ...]:
    """Return a group for each module that owns parameters."""
    return tuple(Group(path, (path,)) for path in modules(names))


def frozen_backbone(names: Sequence[str]) -> tuple[Group, ...]:
    """Return one frozen group of all modules but the last."""
    found = modules(names)
    return (Group("backbone", found[:-1], frozen=True),) if len(found) > 1 else ()
