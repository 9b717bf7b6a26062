"""Tables of one's own: what each column is, which is the target, and what stands in a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import torch

from builder.data.own import tokens
from builder.data.own.columns import (
    COLUMN_KINDS,
    MAX_LEVELS,
    encoded,
    kind_of,
    learnable,
    letters,
    made_of,
    numbers,
    task_of,
)
from builder.data.own.sheets import open_sheet, suggest_format
from builder.data.own.shelf import PREFIX, called
from builder.data.samples import Samples, Task
from builder.data.split import GAPS, SCALINGS
from builder.errors import DataError, shown

MISSING = ("drop", *GAPS)
REPEATS = ("keep", "drop")  # rows that say what an earlier one has said
TASKS: tuple[Task, ...] = get_args(Task)
MAX_CLASSES = 1_000
MAX_FEATURES = 4_000
MAX_TEXT = 512  # tokens of a text
_NAMES = ("target", "label", "class", "y", "outcome", "species")
_LOOKED_AT = 2_000  # texts, for a guess
_OFFERED = 3  # columns in place of one that cannot be learned


@dataclass(frozen=True)
class Reading:
    """What came of a table.

    Args:
        samples: one column for each number, date (days since 1970) and yes or no; one for each
            value of a category. Of a table with a text, its tokens (n, length), int64, and
            nothing else.
        notes: what was done and left out on the way, in sentences.
    """

    samples: Samples
    notes: tuple[str, ...]


def suggest(path: Path) -> dict[str, Any]:
    """Return the options to start from, guessed from the file.

    Beside those of `suggest_format` they are `kinds` (what each column is: `COLUMN_KINDS`),
    `target`, `task`, `missing` (`MISSING`), `repeats` (`REPEATS`) and `scaling`; where a column is
    a text also `tokens` (`tokens.WAYS`) and `length`, how many of them are read.

    Raises:
        DataError: it is no table of two or more columns.
    """
    return completed(path, {})


def read(path: Path, options: Mapping[str, Any]) -> Samples:
    """Return the samples of a table; options and errors as `look`."""
    return look(path, options).samples


def look(path: Path, options: Mapping[str, Any]) -> Reading:
    """Read a table.

    Args:
        options: those of `suggest`; those left out are guessed.

    Raises:
        DataError: it is no table, an option does not fit it, or nothing can be learned from it.
    """
    given = completed(path, options)
    _check(path, given)
    sheet = open_sheet(path, _format(path, given))
    frame, notes = sheet.frame, list(sheet.notes)
    if given["repeats"] == "drop":
        frame = _once(frame, given, notes)
    kept = frame[given["target"]].notna()
    text = _text_column(given)
    if text is not None:
        return _texts(path, frame, text, given, notes)
    columns, features, scaled = _inputs(path, frame, given)
    x = np.column_stack(columns)
    infinite = np.isinf(x)
    if infinite.any():
        notes.append(f"{int(infinite.sum()):,} infinite numbers are taken for gaps.")
        x[infinite] = np.nan
    if given["missing"] == "drop":
        kept &= ~np.isnan(x).any(axis=1)
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} of {len(kept):,} rows have gaps and are left out.")
    if kept.sum() < 2:
        raise DataError(
            f"{called(path)} has {int(kept.sum())} rows without a gap; fill the gaps, or ignore "
            "the columns that have most of them.",
            mends={"Fill the gaps": {"missing": "mean"}},
        )
    y, classes = _target(path, frame, kept, given)
    samples = Samples(
        PREFIX + path.stem,
        torch.from_numpy(np.ascontiguousarray(x[kept.to_numpy()])),
        y,
        classes,
        tuple(features),
        given["task"],
        "table",
        MappingProxyType(given),
        scaling=tuple(given["scaling"] if scale else "none" for scale in scaled),
        gaps="mean" if given["missing"] == "drop" else given["missing"],
    )
    return Reading(samples, tuple(notes))


def mends(samples: Samples, leaks: Sequence[str], repeats: int) -> dict[str, dict[str, Any]]:
    """Return the options that would mend what a look at a table has found, by words for a button.

    Args:
        samples: of a table; of other data nothing is returned.
        leaks: the features that tell the target.
        repeats: how many samples say what an earlier one has said.
    """
    if "repeats" not in samples.options:
        return {}
    kinds = samples.options["kinds"]
    columns = [name for name in kinds if any(made_of(leak, name) for leak in leaks)]
    found: dict[str, dict[str, Any]] = {}
    if columns and len(columns) < sum(kind != "ignored" for kind in kinds.values()) - 1:
        left_out = dict.fromkeys(columns, "ignored")
        found[f"Leave out {', '.join(columns[:_OFFERED])}"] = {"kinds": left_out}
    if repeats and samples.options["repeats"] == "keep":
        found["Leave out rows that repeat"] = {"repeats": "drop"}
    return found


def _once(frame: Any, given: Mapping[str, Any], notes: list[str]) -> Any:
    """Return the rows that say something new."""
    used = [n for n, kind in given["kinds"].items() if kind != "ignored" or n == given["target"]]
    first = ~frame.duplicated(used)
    repeats = len(frame) - int(first.sum())
    if repeats:
        notes.append(f"{repeats:,} of {len(frame):,} rows repeat an earlier one and are left out.")
    return frame[first].reset_index(drop=True)


def _text_column(given: Mapping[str, Any]) -> str | None:
    kinds = {name: kind for name, kind in given["kinds"].items() if name != given["target"]}
    return next((name for name, kind in kinds.items() if kind == "text"), None)


def _texts(
    path: Path, frame: Any, text: str, given: Mapping[str, Any], notes: list[str]
) -> Reading:
    """Return the tokens of one column; a text is read alone."""
    target = given["target"]
    others = [
        name for name, kind in given["kinds"].items()
        if kind != "ignored" and name not in (text, target)
    ]  # fmt: skip
    if others:
        notes.append(f"{text} is read as a text, and alone: {', '.join(others)} are left out.")
    kept = frame[target].notna() & frame[text].notna()
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} of {len(kept):,} rows have gaps and are left out.")
    if kept.sum() < 2:
        raise DataError(f"{called(path)} has {int(kept.sum())} rows of {text} and {target}.")
    y, classes = _target(path, frame, kept, given)
    x, vocabulary = tokens.encode(
        [str(value) for value in frame[text][kept]], given["tokens"], given["length"]
    )
    samples = Samples(
        PREFIX + path.stem, x, y, classes, (), given["task"], "text", MappingProxyType(given),
        vocabulary=vocabulary,
    )  # fmt: skip
    return Reading(samples, tuple(notes))


def _format(path: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    guessed = suggest_format(path)
    return {name: options.get(name, value) for name, value in guessed.items()}


def completed(path: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options, those left out guessed from those that are given.

    Raises:
        DataError: as `suggest`.
    """
    format = _format(path, options)
    frame = open_sheet(path, format).frame
    chosen = options.get("kinds", {})
    target = options.get("target", _guess_target(frame))
    if not isinstance(target, str):
        raise DataError(f"target is {shown(target)}; the name of a column works.")
    kinds = {name: kind_of(frame[name]) for name in frame}
    if isinstance(chosen, Mapping):
        kinds |= chosen
    task = task_of(frame[target]) if target in kinds else TASKS[0]
    first = {"missing": "mean", "repeats": "keep", "scaling": "standard"}
    given = {"target": target, "task": task, **first, **options, **format, "kinds": kinds}
    others = {kind for name, kind in kinds.items() if name != target}
    if others == {"ignored"} and not chosen:  # words of many values, and nothing else
        widest = max((name for name in kinds if name != target), key=lambda n: letters(frame[n]))
        given["kinds"] = kinds | {widest: "text"}
    text = _text_column(given)
    if text in frame:
        values = [str(value) for value in frame[text].dropna()[:_LOOKED_AT]]
        given.setdefault("tokens", tokens.suggest_way(values))
        if given["tokens"] in tokens.WAYS:
            given.setdefault("length", tokens.suggest_length(values, given["tokens"]))
    return given


def _guess_target(frame: Any) -> str:
    small = {str(name).lower(): str(name) for name in frame}
    named = next((small[name] for name in _NAMES if name in small), None)
    useful = learnable(frame)
    return named or (useful[0] if useful else str(frame.columns[-1]))


def _others(frame: Any, target: str) -> dict[str, dict[str, Any]]:
    """Return the options that make another column the target, by the words for a button."""
    names = [name for name in learnable(frame) if name != target][:_OFFERED]
    return {f"Learn {name}": {"target": name, "task": task_of(frame[name])} for name in names}


def _texts_of(frame: Any, given: Mapping[str, Any]) -> list[str]:
    """Return the columns of words that are left out, the longest first."""
    names = [n for n, kind in given["kinds"].items() if kind == "ignored" and n != given["target"]]
    words = [n for n in names if kind_of(frame[n]) == "ignored"]
    return sorted(words, key=lambda name: -letters(frame[name]))[:_OFFERED]


def _check(path: Path, given: Mapping[str, Any]) -> None:
    kinds, target = given["kinds"], given["target"]
    names = [*suggest_format(path), "kinds", "target", "task", "missing", "repeats", "scaling"]
    names += ["tokens", "length"] if _text_column(given) is not None else []
    unknown = next((name for name in given if name not in names), None)
    if unknown is not None:
        raise DataError(
            f"{called(path)} has no setting {shown(unknown)}; it has {', '.join(names)}."
        )
    sheet = open_sheet(path, _format(path, given)).frame
    for name in (target, *kinds):
        if name not in sheet.columns:
            has = ", ".join(sheet.columns[:20])
            raise DataError(f"{called(path)} has no column {shown(name)}; it has {has}.")
    for what, value, choices in (
        ("task", given["task"], TASKS),
        ("missing", given["missing"], MISSING),
        ("repeats", given["repeats"], REPEATS),
        ("scaling", given["scaling"], SCALINGS),
        ("tokens", given.get("tokens", "words"), tuple(tokens.WAYS)),
        *((f"The kind of {name}", kind, COLUMN_KINDS) for name, kind in kinds.items()),
    ):
        if value not in choices:
            raise DataError(f"{what} is {shown(value)}; {' or '.join(choices)} works.")
    length = given.get("length", 1)
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_TEXT:
        raise DataError(
            f"length is {shown(length)}; a whole number of tokens from 1 to {MAX_TEXT} works."
        )


def _inputs(path: Path, frame: Any, given: Mapping[str, Any]) -> tuple[list[Any], list[str], Any]:
    """Return columns (n,) of float32, their names, and which of them are scaled."""
    columns: list[Any] = []
    features: list[str] = []
    scaled: list[bool] = []
    for name, kind in given["kinds"].items():
        if name == given["target"] or kind == "ignored":
            continue
        made = encoded(name, frame[name], kind)
        columns += made.values()
        features += made
        scaled += [kind != "category"] * len(made)
    if not columns:
        raise DataError(
            f"{called(path)} has no column to learn from beside {given['target']}: the others are "
            f"ignored, or words of more than {MAX_LEVELS} values. Numbers, dates, or words of "
            "few values work.",
            mends={
                f"Read {name} as a text": {"kinds": {name: "text"}}
                for name in _texts_of(frame, given)
            },
        )
    if len(columns) > MAX_FEATURES:
        raise DataError(
            f"{called(path)} would become {len(columns):,} features; up to {MAX_FEATURES:,} work. "
            "Ignore categories of many values."
        )
    return columns, features, scaled


def _target(
    path: Path, frame: Any, kept: Any, given: Mapping[str, Any]
) -> tuple[torch.Tensor, tuple[str, ...]]:
    name = given["target"]
    column = frame[name][kept]
    found = column.unique()
    if len(found) < 2:
        raise DataError(
            f"The target {name} of {called(path)} is {shown(str(found[0]))} in every row: there is "
            "nothing to learn. Choose another column.",
            mends=_others(frame, name),
        )
    if given["task"] == "regression":
        try:
            values = numbers(name, column)
        except DataError as error:
            mends = {"Learn a class": {"task": "classification"}}
            raise DataError(error.message, mends=mends) from None
        if not np.isfinite(values).all():
            raise DataError(f"The target {name} holds infinite numbers; finite ones work.")
        return torch.from_numpy(values.copy()).unsqueeze(1), ()
    if len(found) > MAX_CLASSES:
        raise DataError(
            f"The target {name} has {len(found):,} different values; up to {MAX_CLASSES:,} classes "
            "work, and numbers do as a regression.",
            mends={"Learn a number": {"task": "regression"}}
            if kind_of(column) == "number"
            else _others(frame, name),
        )
    levels = sorted(found, key=lambda level: (str(type(level)), level))
    places = {level: number for number, level in enumerate(levels)}
    classes = tuple(f"{v:g}" if isinstance(v, float) else str(v) for v in levels)
    return torch.tensor(column.map(places).to_numpy(np.int64)), classes
