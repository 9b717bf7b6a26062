"""What differs between runs: model, data, recipe and surroundings, line by line.

Only what differs is told; all else is the same. A default counts as if it had been written, so a
run that names `momentum=0` and one that leaves it out do not differ. What belongs to something is
told with it: another optimizer is one line, its arguments in it, and so is another layer.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from builder.catalog import CATALOG
from builder.code import write_source
from builder.data import title
from builder.errors import BuilderError
from builder.spec import ModelSpec, Node
from builder.store import Run
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe

ABSENT = "–"
_DATA = ("dataset", "options", "split", "validation", "folds", "fold", "augment")
# Of what a run knows about itself: what was given to it. The rest is what came of it.
_DATA_FACTS = ("digest", "data")
_SURROUNDINGS = ("torch", "threads", "versions", "python", "platform", "machine", "device")


@dataclass(frozen=True)
class Difference:
    """One line on which runs differ.

    Args:
        part: `model`, `data`, `recipe` or `surroundings`.
        path: what differs, such as `optimizer_args.momentum`, or `2 Conv2d · out_channels`.
        values: what each run has, as text, in the order of the runs; `ABSENT` where it has none.
    """

    part: str
    path: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A run with its model and its settings read, or why they cannot be.

    Args:
        spec, recipe: `None` where they cannot be read.
        problem: the reason, empty where there is none.
    """

    run: Run
    spec: ModelSpec | None
    recipe: Recipe | None
    problem: str

    @property
    def title(self) -> str:
        """What people call the run: its name, or its model's."""
        return self.run.name or (self.spec.name if self.spec else self.run.id)


def opened(run: Run) -> Opened:
    """Read what a run was started with; a run of an older LayerLab may hold what is not read now.

    Quick for a thousand runs: texts that were read before are known.
    """
    spec, no_spec = _spec(run.spec)
    recipe, no_recipe = _recipe(run.recipe)
    return Opened(run, spec, recipe, " ".join(filter(None, (no_spec, no_recipe))))


@lru_cache(maxsize=4096)
def _spec(text: str) -> tuple[ModelSpec | None, str]:
    try:
        return ModelSpec.from_json(text), ""
    except BuilderError as error:
        return None, f"Its model cannot be read: {error.message}"


@lru_cache(maxsize=4096)
def _recipe(text: str) -> tuple[Recipe | None, str]:
    try:
        return Recipe.from_json(text), ""
    except BuilderError as error:
        return None, f"Its recipe cannot be read: {error.message}"


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Return the lines on which runs differ: model, data, recipe, surroundings, in this order."""
    found = [opened(run) for run in runs]
    if len(found) < 2:
        return []
    return [
        *_of_models(found),
        *_of_columns("data", [_data(one) for one in found]),
        *_of_columns("recipe", [_settings(one) for one in found]),
        *_of_columns("surroundings", [_facts(one.run, _SURROUNDINGS) for one in found]),
    ]


def code_difference(one: Run, other: Run) -> str:
    """Return a unified diff of the two models' code; empty if it is the same.

    Raises:
        BuilderError: the code of one of them cannot be written.
    """
    texts = []
    for run in (one, other):
        spec = opened(run).spec
        if spec is None:
            raise BuilderError(opened(run).problem)
        texts.append(write_source(spec).splitlines())
    before, after = texts
    names = opened(one).title, opened(other).title
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def _of_columns(part: str, columns: Sequence[Mapping[str, str]]) -> Iterator[Difference]:
    """Tell the keys under which the columns hold different texts."""
    for path in dict.fromkeys(key for column in columns for key in column):
        values = tuple(column.get(path, ABSENT) for column in columns)
        if len(set(values)) > 1:
            yield Difference(part, path, values)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Return the ends of nested mappings by their paths."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, shown_value(value)


def shown_value(value: Any) -> str:
    """Return a setting as people read it: `0.001`, `0.9, 0.999`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown_value, value)) or "none"
    return str(value)


# what a run was given


def _written(one: Opened) -> dict[str, Any]:
    """Return the recipe as a mapping: as it was read, or what can be seen of one that was not."""
    if one.recipe is not None:
        return asdict(one.recipe)
    try:
        found = json.loads(one.run.recipe)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _data(one: Opened) -> dict[str, str]:
    written = _written(one)
    column = dict(_flat({key: written[key] for key in _DATA if key in written}))
    if isinstance(written.get("dataset"), str):
        column["dataset"] = title(written["dataset"])
    return column | _facts(one.run, _DATA_FACTS)


def _facts(run: Run, names: Sequence[str]) -> dict[str, str]:
    return dict(_flat({name: run.facts[name] for name in names if name in run.facts}))


def _settings(one: Opened) -> dict[str, str]:
    written = {key: value for key, value in _written(one).items() if key not in _DATA}
    groups, phases = written.pop("groups", ()), written.pop("schedule", ())
    row = OPTIMIZERS.get(str(written.get("optimizer")))
    if row is not None and isinstance(written.get("optimizer_args"), Mapping):
        defaults = {name: field.default for name, field in row.fields.items()}
        written["optimizer_args"] = defaults | dict(written["optimizer_args"])
    column = dict(_flat(written))
    if one.problem:
        column["readable"] = one.problem
    for group in groups:
        column |= dict(_flat(_without(group, "name"), f"group {group.get('name', '')}"))
    for number, phase in enumerate(phases, 1):
        column |= dict(_flat(_without(phase, ""), f"schedule, phase {number}"))
    return column


def _without(found: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in dict(found).items() if key != name}


# models


def _of_models(found: Sequence[Opened]) -> Iterator[Difference]:
    yield from _of_columns("model", [_frame(one.spec) for one in found])
    specs = {column: one.spec for column, one in enumerate(found) if one.spec is not None}
    names = dict.fromkeys(name for spec in specs.values() for name in (None, *spec.blocks))
    for name in names:
        blocks = [
            spec.block(name).nodes if name is None or name in spec.blocks else ()
            for spec in specs.values()
        ]
        for line in _of_blocks(f"{name}." if name else "", blocks):
            values = dict(zip(specs, line.values, strict=True))
            yield replace(line, values=tuple(values.get(c, ABSENT) for c in range(len(found))))


def _frame(spec: ModelSpec | None) -> dict[str, str]:
    if spec is None:
        return {"model": "cannot be read"}
    inputs = {
        f"input {entry.name}": f"{', '.join(map(str, entry.shape))} {entry.dtype}"
        for entry in spec.inputs
    }
    return {"name": spec.name, "container": spec.container, **inputs}


def _of_blocks(prefix: str, blocks: Sequence[Sequence[Node]]) -> Iterator[Difference]:
    """Tell the layers that were added, removed or changed, beside one another."""
    rows: dict[tuple[int, int], list[Node | None]] = {}
    names: list[dict[str, tuple[int, int]]] = []
    for column, nodes in enumerate(blocks):
        places = _places(blocks[0], nodes)
        names.append({node.name: place for node, place in zip(nodes, places, strict=True)})
        for node, place in zip(nodes, places, strict=True):
            rows.setdefault(place, [None] * len(blocks))[column] = node
    for place in sorted(rows):
        yield from _of_nodes(prefix, rows[place], names)


def _places(first: Sequence[Node], nodes: Sequence[Node]) -> list[tuple[int, int]]:
    """Return where each node stands beside the first model's: `(i, 0)` beside its node `i`.

    A node that it does not have is `(i, k)`, the k-th behind its node `i`. Nodes that are wholly
    alike are found first; between those, nodes of the same op are taken for one that was changed.
    """
    beside: dict[int, int] = {}
    alike = difflib.SequenceMatcher(
        None, [_content(n) for n in first], [_content(n) for n in nodes], autojunk=False
    )
    for tag, a, a_end, b, b_end in alike.get_opcodes():
        if tag == "equal":
            beside |= dict(zip(range(b, b_end), range(a, a_end), strict=True))
        elif tag == "replace":
            ops = difflib.SequenceMatcher(
                None, [n.op for n in first[a:a_end]], [n.op for n in nodes[b:b_end]], autojunk=False
            )
            for inner, i, i_end, j, j_end in ops.get_opcodes():
                if inner == "equal" or (inner == "replace" and i_end - i == j_end - j):
                    pairs = zip(range(b + j, b + j_end), range(a + i, a + i_end), strict=True)
                    beside |= dict(pairs)
    places, last, extra = [], -1, 0
    for position in range(len(nodes)):
        if position in beside:
            last, extra = beside[position], 0
        else:
            extra += 1
        places.append((last, extra))
    return places


def _content(node: Node) -> Node:
    """Return what a node is, whatever it is called and reads."""
    return replace(node, name="0", inputs=())


def _of_nodes(
    prefix: str,
    nodes: Sequence[Node | None],
    names: Sequence[Mapping[str, tuple[int, int]]],
) -> Iterator[Difference]:
    some = [node for node in nodes if node is not None]
    label = f"{prefix}{some[0].name} {some[0].op.rpartition('.')[2]}"
    if len({node.op for node in some}) > 1 or len(some) < len(nodes):
        values = tuple(ABSENT if node is None else _call(node) for node in nodes)
        yield Difference("model", f"{prefix}{some[0].name}", values)
        return
    columns = [_details(node, at) for node, at in zip(some, names, strict=True)]
    for line in _of_columns("model", columns):
        yield Difference("model", f"{label} · {line.path}", line.values)


def _call(node: Node) -> str:
    given = ", ".join(f"{key}={shown_value(value)}" for key, value in node.args.items())
    return f"{node.op}({given})"


def _details(node: Node, places: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    row = CATALOG.get(node.op)
    stated = {n: f.default for n, f in row.fields.items() if not f.required} if row else {}
    inferred = set(row.infer) if row else set()
    args = {k: v for k, v in stated.items() if k not in inferred} | dict(node.args)
    column = dict(_flat(args))
    for name, start in node.init.items():
        column[f"{name} starts"] = f"{start.scheme} {shown_value(tuple(start.args.values()))}"
    # A layer further up shifts the numbers that are read; what they stand for counts.
    column["reads"] = shown_value(tuple(str(places.get(name, name)) for name in node.inputs))
    column["switched"] = "on" if node.enabled else "off"
    column["frozen"] = shown_value(node.frozen)
    if not node.positional:
        column["name"] = node.name
    return column
