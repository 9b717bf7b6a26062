"""The runs as rows of a table: what each column holds, and which rows a search finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from builder.data import title
from builder.store import Run
from builder.train.compare import Opened
from builder.train.scores import scores

STATUS: Mapping[str, str] = {
    "queued": "◌ Waiting",
    "running": "▶ Training",
    "paused": "‖ Paused",
    "finished": "✓ Finished",
    "stopped": "■ Stopped",
    "failed": "✗ Failed",
    "died": "✗ Died",
}


@dataclass(frozen=True)
class Column:
    """A column of the table: its heading, what a run has in it, how it is drawn."""

    heading: str
    value: Callable[[Opened], Any]
    look: Any = None


def _of_recipe(name: str) -> Callable[[Opened], Any]:
    return lambda one: getattr(one.recipe, name, None)


def _epochs(one: Opened) -> str:
    planned = f" / {one.recipe.epochs}" if one.recipe else ""
    return f"{one.run.epoch:.3g}{planned}"


def seconds(run: Run) -> float | None:
    """Return how long a run has trained, by the clock where it does not say."""
    told = run.facts.get("seconds")
    if told is not None:
        return float(told)
    return None if run.started is None else (run.ended or time.time()) - run.started


def _when(one: Opened) -> datetime:
    return datetime.fromtimestamp(one.run.created, UTC).astimezone()


COLUMNS: tuple[Column, ...] = (
    Column("Run", lambda one: one.title, st.column_config.TextColumn(pinned=True)),
    Column("Status", lambda one: STATUS.get(one.run.status, one.run.status)),
    Column("Model", lambda one: one.spec.name if one.spec else "cannot be read"),
    Column("Data", lambda one: title(one.recipe.dataset) if one.recipe else "cannot be read"),
    Column("Loss", _of_recipe("loss")),
    Column("Optimizer", _of_recipe("optimizer")),
    Column("Rate", _of_recipe("lr"), st.column_config.NumberColumn(format="%g", help="At first.")),
    Column("Batch", _of_recipe("batch_size")),
    Column("Epochs", _epochs),
    Column("Samples/s", lambda one: one.run.facts.get("samples_per_second"),
           st.column_config.NumberColumn(format="compact")),
    Column("Seconds", lambda one: seconds(one.run), st.column_config.NumberColumn(format="%.1f")),
    Column("Seed", _of_recipe("seed"), st.column_config.NumberColumn(format="%d")),
    Column("Tags", lambda one: list(one.run.tags), st.column_config.ListColumn()),
    Column("Started", _when, st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss")),
    Column("Notes", lambda one: one.problem or one.run.message or one.run.notes),
)  # fmt: skip
_SCORES_AFTER = "Epochs"


def frame(found: Sequence[Opened]) -> pd.DataFrame:
    """Return the table, a row for each run in their order."""
    measured = [scores(one.run) for one in found]
    table: dict[str, list[Any]] = {}
    for column in COLUMNS:
        table[column.heading] = [column.value(one) for one in found]
        if column.heading == _SCORES_AFTER:
            for name in dict.fromkeys(name for row in measured for name in row):
                table[name] = [row.get(name) for row in measured]
    return pd.DataFrame(table)


def looks(table: pd.DataFrame) -> dict[str, Any]:
    """Return how the columns of a table are drawn."""
    known = {column.heading: column.look for column in COLUMNS if column.look is not None}
    number = st.column_config.NumberColumn(format="%.4g")
    return known | {name: number for name in table.columns if "validation" in name}


def matching(found: Iterable[Opened], text: str) -> list[Opened]:
    """Return the runs in which every word of a text occurs."""
    words = text.lower().split()
    return [one for one in found if all(word in _text(one) for word in words)]


def _text(one: Opened) -> str:
    run, recipe = one.run, one.recipe
    parts = [one.title, run.id, run.status, STATUS.get(run.status, ""), run.notes, *run.tags]
    parts += [run.message, one.problem, one.spec.name if one.spec else ""]
    if recipe is not None:
        parts += [title(recipe.dataset), recipe.dataset, recipe.loss, recipe.optimizer]
        parts += [f"lr={recipe.lr:g}", f"seed={recipe.seed}"]
    return " ".join(parts).lower()
