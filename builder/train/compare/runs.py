"""The lines on which runs differ, and what a run was given."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from builder.catalog import Field
from builder.code import write_source
from builder.data import DATASETS, title
from builder.data.augment import AUGMENTATIONS
from builder.errors import BuilderError
from builder.spec import ModelSpec
from builder.store import Event, Run
from builder.train.commands import CHANGES, in_words
from builder.train.compare.difference import Column, Difference, Owner, call, flat, of_columns
from builder.train.compare.models import of_models
from builder.train.given import FACT
from builder.train.losses import LOSSES
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe
from builder.train.schedulers import SCHEDULERS

_DATA = ("split", "validation", "folds", "fold")
_OWNERS = {"dataset": "options", "loss": "loss_args", "optimizer": "optimizer_args"}
# Of what a run knows about itself: what was given to it. The rest is what came of it.
_DESCRIBED, _SURROUNDINGS = "data", ("threads", "versions")


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


def differences(runs: Sequence[Run], events: Sequence[Sequence[Event]] = ()) -> list[Difference]:
    """Return the lines on which runs differ: model, data, recipe, what was done, surroundings.

    Args:
        events: what was done to each run while it went on, where that is to be told as well.
    """
    found = [opened(run) for run in runs]
    if len(found) < 2:
        return []
    return [
        *of_models([one.spec for one in found]),
        *of_columns("model", [_start(one.run) for one in found]),
        *of_columns("data", [_data(one) for one in found]),
        *_unexplained(found),
        *of_columns("recipe", [_settings(one) for one in found]),
        *of_columns("by hand", [_by_hand(done) for done in events]),
        *of_columns("surroundings", [_facts(one.run, _SURROUNDINGS) for one in found]),
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


def _data(one: Opened) -> Column:
    written = _written(one)
    column: dict[str, str | Owner] = {}
    name, options = written.get("dataset"), _mapping(written.get("options"))
    if isinstance(name, str):
        row = DATASETS.get(name)
        defaults = {option.name: option.default for option in row.options} if row else {}
        column["dataset"] = _owner("options", title(name), options, defaults)
    column |= dict(flat({key: written[key] for key in _DATA if key in written}))
    for name, args in _mapping(written.get("augment")).items():
        known = AUGMENTATIONS.get(name)
        path = f"augment.{name}"
        column[path] = _owner(path, name, _mapping(args), _defaults(known))
    return column


def _settings(one: Opened) -> Column:
    written = _written(one)
    apart = {"dataset", "options", *_DATA, "augment", "groups", "schedule", *_OWNERS.values()}
    column: dict[str, str | Owner] = dict(
        flat({key: value for key, value in written.items() if key not in apart})
    )
    if one.problem:
        column["readable"] = one.problem
    for key, table in (("loss", LOSSES), ("optimizer", OPTIMIZERS)):
        name, args = written.get(key), _mapping(written.get(_OWNERS[key]))
        if isinstance(name, str):
            column[key] = _owner(_OWNERS[key], name, args, _defaults(table.get(name)))
    for group in written.get("groups") or ():
        path = f"group {group.get('name', '')}"
        own = {key: value for key, value in group.items() if key != "name"}
        column[path] = _owner(path, path, own, {})
    column["schedule"] = _schedule(written.get("schedule") or ())
    return column


def _schedule(phases: Sequence[Mapping[str, Any]]) -> Owner:
    """Return the phases of a schedule: with other schedulers it is another one."""
    settings: dict[str, str] = {}
    texts = []
    for number, phase in enumerate(phases, 1):
        name, args = str(phase.get("scheduler")), _mapping(phase.get("args"))
        given = _defaults(SCHEDULERS.get(name)) | dict(args)
        path = f"schedule, phase {number}"
        settings |= dict(flat({"length": phase.get("length"), **given}, path))
        length = phase.get("length")
        texts.append(call(name, args) + (f" for {length}" if length else ""))
    names = " ".join(str(phase.get("scheduler")) for phase in phases)
    return Owner(names, ", then ".join(texts) or "none", settings)


def _owner(path: str, name: str, args: Mapping[str, Any], defaults: Mapping[str, Any]) -> Owner:
    text = call(name, args) if args else name
    return Owner(name, text, dict(flat({**defaults, **args}, path)))


def _defaults(row: Any) -> dict[str, Any]:
    """Return the defaults of a row of a table, nothing of one that there is not."""
    fields: Mapping[str, Field] = row.fields if row is not None else {}
    return {name: field.default for name, field in fields.items()}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _facts(run: Run, names: Sequence[str]) -> Column:
    return dict(flat({name: run.facts[name] for name in names if name in run.facts}))


def _start(run: Run) -> Column:
    given = run.facts.get(FACT)
    drawn = "weights drawn from the seed"
    return {"starts from": f"{given['title']} ({given['digest'][:8]})" if given else drawn}


def _by_hand(events: Sequence[Event]) -> Column:
    """Return what was done to a run while it went on, but for what leaves its course alone."""
    changes = [event for event in events if event.name in CHANGES]
    column: dict[str, str] = {}
    for event in changes:
        words, at = in_words(event.name, event.args), f"at step {event.step:,}"
        column[words] = f"{column[words]}, {at}" if words in column else at
    return column


def _unexplained(found: Sequence[Opened]) -> Iterator[Difference]:
    """Tell how the data differ where the settings do not say why: a file or a package did."""
    columns = [_facts(one.run, (_DESCRIBED,)) for one in found]
    settings = [_decides(one) for one in found]
    for line in of_columns("data", columns):
        seen: dict[str, str] = {}
        pairs = zip(settings, line.values, strict=True)
        if any(seen.setdefault(setting, value) != value for setting, value in pairs):
            yield line


def _decides(one: Opened) -> str:
    """Return the settings from which the data of a run follow."""
    written = _written(one)
    keys = ("dataset", "options", *_DATA, "seed")
    return json.dumps({key: written.get(key) for key in keys}, sort_keys=True, default=str)
