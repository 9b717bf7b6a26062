"""A line on which runs differ, and how lines are told from columns of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

ABSENT = "–"


@dataclass(frozen=True)
class Difference:
    """One line on which runs differ.

    Args:
        part: `model`, `data`, `recipe`, `by hand` or `surroundings`.
        path: what differs, such as `optimizer_args.momentum`, or `2 Conv2d · out_channels`.
        values: what each run has, as text, in the order of the runs; `ABSENT` where it has none.
    """

    part: str
    path: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Owner:
    """A setting that has settings of its own, such as an optimizer with its arguments.

    Args:
        name: runs that have another one differ in it as a whole.
        text: it and its settings, as people read them.
        settings: by path, defaults filled in.
    """

    name: str
    text: str
    settings: Mapping[str, str]


Column: TypeAlias = Mapping[str, "str | Owner"]


def of_columns(part: str, columns: Sequence[Column]) -> Iterator[Difference]:
    """Tell the keys under which the columns hold different texts."""
    for path in dict.fromkeys(key for column in columns for key in column):
        found = [column.get(path, ABSENT) for column in columns]
        owners = [value for value in found if isinstance(value, Owner)]
        if len(owners) == len(found) and len({owner.name for owner in owners}) == 1:
            yield from of_columns(part, [owner.settings for owner in owners])
            continue
        values = tuple(value.text if isinstance(value, Owner) else value for value in found)
        if len(set(values)) > 1:
            yield Difference(part, path, values)


def call(name: str, args: Mapping[str, Any]) -> str:
    """Return a name with its arguments, as code has it: `SGD(momentum=0.9)`."""
    given = ", ".join(f"{key}={shown_value(value)}" for key, value in args.items())
    return f"{name}({given})"


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Return the ends of nested mappings by their paths."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, shown_value(value)


def shown_value(value: Any) -> str:
    """Return a setting as people read it: `0.001`, `0.9, 0.999`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(shown_value, value)) or "none"
    return str(value)
