"""The columns of a table: what each is, guessed, and the numbers that it becomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from builder.data.samples import Task
from builder.errors import DataError, shown

COLUMN_KINDS = ("number", "category", "date", "text", "ignored")
MAX_LEVELS = 50
_FEW = 20  # whole numbers of a target that are taken for classes
_LEARNED = ("number", "category")
_LOOKED_AT = 2_000  # words, for whether they are dates
_DATE = r"\d{4}-\d\d-\d\d"
_AS = {"category": "Take {} as a category", "ignored": "Ignore {}"}
_DAY = np.timedelta64(1, "D")


def kind_of(column: Any) -> str:
    """Return what a column is likely to be, a row of `COLUMN_KINDS`; `text` is never guessed."""
    from pandas.api import types

    if types.is_bool_dtype(column):
        return "category"
    if types.is_numeric_dtype(column):
        return "number"
    if types.is_datetime64_any_dtype(column):
        return "date"
    words = column.dropna()[:_LOOKED_AT].astype(str)
    if len(words) and words.str.match(_DATE).all():
        return "date"
    return "category" if column.nunique() <= MAX_LEVELS else "ignored"


def letters(column: Any) -> int:
    """Return how many letters all values of a column have together."""
    return int(column.dropna().astype(str).str.len().sum())


def learnable(frame: Any) -> list[str]:
    """Return the columns that can be learned, the last of the table first."""
    usable = [n for n in frame if frame[n].nunique() > 1 and kind_of(frame[n]) in _LEARNED]
    return [str(name) for name in reversed(usable)]


def task_of(column: Any) -> Task:
    """Return what a column is likely to be as a target: a class, or a number."""
    if kind_of(column) != "number":
        return "classification"
    there = column.dropna().unique()
    few = len(there) <= _FEW and len(there) * 5 <= len(column)
    return "classification" if few and bool((there % 1 == 0).all()) else "regression"


def encoded(name: str, column: Any, kind: str) -> dict[str, Any]:
    """Return what a column becomes, arrays (n,) of float32 by name; a gap is NaN in all of it.

    A number stays one, a date becomes days since 1970, a category a 0 or 1 for each of its values.

    Raises:
        DataError: it does not hold what its kind says.
    """
    import pandas as pd

    if kind == "number":
        return {name: numbers(name, column)}
    if kind == "date":
        days = pd.to_datetime(column, errors="coerce", utc=True).dt.tz_localize(None)
        return {f"{name} (days)": ((days - pd.Timestamp(0)) / _DAY).to_numpy(np.float32)}
    levels = sorted(column.dropna().unique(), key=lambda level: (str(type(level)), level))
    if len(levels) > MAX_LEVELS:
        raise DataError(
            f"The category {name} has {len(levels):,} values; up to {MAX_LEVELS} work. Ignore it, "
            "or take it as a number if it is one.",
            mends={f"Ignore {name}": {"kinds": {name: "ignored"}}},
        )
    gap = column.isna().to_numpy()
    marked = {level: np.asarray(column == level, np.float32) for level in levels}
    for values in marked.values():
        values[gap] = np.nan
    if len(levels) <= 2:
        return {f"{name} = {level}": marked[level] for level in levels[-1:]}
    return {f"{name} = {level}": values for level, values in marked.items()}


def made_of(feature: str, column: str) -> bool:
    """Whether a feature is one of those that a column becomes; see `encoded`."""
    return feature == column or feature.startswith((f"{column} = ", f"{column} (days)"))


def numbers(name: str, column: Any) -> Any:
    """Return a column as an array (n,) of float32; raises `DataError` if it holds words."""
    import pandas as pd

    found = pd.to_numeric(column, errors="coerce")
    words = column[found.isna() & column.notna()]
    if len(words):
        kind = "category" if column.nunique() <= MAX_LEVELS else "ignored"
        raise DataError(
            f"The column {name} is taken for numbers and holds {shown(str(words.iloc[0]))}; take "
            "it as a category, or choose another decimal sign.",
            mends={_AS[kind].format(name): {"kinds": {name: kind}}},
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and told of
        return found.to_numpy(np.float64, na_value=np.nan).astype(np.float32)
