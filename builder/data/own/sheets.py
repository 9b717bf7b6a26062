"""Files of rows and columns as they are: CSV and its kin, Parquet, Excel, told by their content.

What a file is called says nothing here: a workbook that is named `.csv` is read as a workbook.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from builder.data.own import delimited
from builder.data.own.shelf import called
from builder.errors import DataError, shown

MAX_BYTES = 500_000_000
MAX_COLUMNS = 2_000
MAX_ROWS = 250_000
_MAX_UNPACKED = 2_000_000_000


@dataclass(frozen=True)
class Sheet:
    """The columns of a file.

    Args:
        frame: a `pandas.DataFrame`; no two columns have one name.
        notes: what was done to read it, in sentences.
    """

    frame: Any
    notes: tuple[str, ...]


def open_sheet(path: Path, options: Mapping[str, Any]) -> Sheet:
    """Read a file; of very many rows, `MAX_ROWS` are drawn by a fixed seed.

    Args:
        options: those of `suggest_format`.

    Raises:
        DataError: it is no table, or not with these options.
    """
    return _opened(path, json.dumps(options, sort_keys=True))


@lru_cache(maxsize=2)
def _opened(path: Path, options: str) -> Sheet:
    frame, notes = _READERS[file_format(path)](path, json.loads(options))
    width = frame.shape[1]
    if width > MAX_COLUMNS:
        raise DataError(
            f"{called(path)} has {width:,} columns; a table of up to {MAX_COLUMNS:,} works, and "
            "wider data do as an array (.npy)."
        )
    if len(frame) == 0:
        raise DataError(f"{called(path)} has a header and no rows; a table has rows below it.")
    if width < 2:
        raise DataError(
            f"{called(path)} has one column, {shown(str(next(iter(frame), '')))}; a table needs a "
            "target and something to learn it from. Perhaps it has another delimiter."
        )
    rows = len(frame)
    if rows > MAX_ROWS:
        drawn = np.sort(np.random.default_rng(0).choice(rows, MAX_ROWS, replace=False))
        frame = frame.iloc[drawn].reset_index(drop=True)
        notes += (f"Of {rows:,} rows, {MAX_ROWS:,} are drawn by a fixed seed, in their order.",)
    names, renamed = _distinct([str(name).strip() for name in frame.columns])
    return Sheet(frame.set_axis(names, axis=1), (*notes, *renamed))


def suggest_format(path: Path) -> dict[str, Any]:
    """Return how a file is to be read, guessed from its content.

    A file of text has `encoding`, `delimiter`, `header` (whether the first line holds names),
    `decimal` (the sign before a fraction) and `ragged` (`refuse` or `skip` lines of another number
    of fields); a workbook `sheet` and `header`; a Parquet file says all itself.

    Raises:
        DataError: it is no table.
    """
    return dict(_guessed(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=16)
def _guessed(path: Path, changed: int) -> dict[str, Any]:
    del changed
    kind = file_format(path)
    if kind == "text":
        return delimited.guess(path)
    return {"sheet": sheet_names(path)[0], "header": True} if kind == "workbook" else {}


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets of a workbook, in its order."""
    import openpyxl

    try:
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True)
            names = tuple(sheet.title for sheet in book.worksheets)
    except _BROKEN as error:
        raise _broken(path, error) from None
    if not names:
        raise DataError(f"{called(path)} has no sheet of cells; one with a table works.")
    return names


def file_format(path: Path) -> str:
    """Return `text`, `parquet` or `workbook`; raises `DataError` for all else."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{called(path)} has {size / 1e6:,.0f} MB; up to {MAX_BYTES / 1e6:,.0f} MB can be read."
        )
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(f"{called(path)} is empty; a table has a line of names and rows below it.")
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"PK\x03\x04"):
        return _packed(path)
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{called(path)} is neither text nor a workbook nor Parquet; CSV, TSV, Excel (.xlsx) "
            "and Parquet files can be read."
        )
    return "text"


def _packed(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
    except zipfile.BadZipFile:
        raise DataError(f"{called(path)} is a broken workbook: its end is missing.") from None
    if not any(entry.filename == "xl/workbook.xml" for entry in entries):
        raise DataError(
            f"{called(path)} is a ZIP file and no workbook; unpack it, and bring the table in it."
        )
    _check_unpacked(path, sum(entry.file_size for entry in entries))
    return "workbook"


def _check_unpacked(path: Path, size: int) -> None:
    if size > _MAX_UNPACKED:
        raise DataError(
            f"{called(path)} unpacks to {size / 1e9:.1f} GB; up to {_MAX_UNPACKED / 1e9:g} GB "
            "can be read."
        )


def _text(path: Path, options: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    columns, notes = delimited.read(path, options)
    return columns.to_pandas(date_as_object=False), notes


def _parquet(path: Path, options: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    del options
    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            groups = range(about.num_row_groups)
            _check_unpacked(path, sum(about.row_group(n).total_byte_size for n in groups))
            columns = file.read()
    except (pa.ArrowException, OSError) as error:
        raise _broken(path, error) from None
    flat = [n for n, kind in enumerate(columns.schema.types) if not pa.types.is_nested(kind)]
    return columns.select(flat).to_pandas(ignore_metadata=True, date_as_object=False), ()


def _workbook(path: Path, options: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd

    names = sheet_names(path)
    if options["sheet"] not in names:
        raise DataError(
            f"{called(path)} has no sheet {shown(options['sheet'])}; it has {', '.join(names)}."
        )
    try:
        with path.open("rb") as file:
            frame = pd.read_excel(
                file,
                sheet_name=options["sheet"],
                header=0 if options["header"] else None,
                engine="openpyxl",
            )
    except _BROKEN as error:
        raise _broken(path, error) from None
    return frame.dropna(how="all").reset_index(drop=True), ()


_BROKEN = (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, SyntaxError)


def _broken(path: Path, error: Exception) -> DataError:
    why = str(error).strip().partition("\n")[0][:150].rstrip(".")
    return DataError(f"{called(path)} is broken and cannot be read: {why}. Save it once more.")


def _distinct(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return names of which no two are the same, and a sentence if some were."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    found: list[str] = []
    for name in names:
        number, free = 2, name or "column"
        while free in found or (number > 2 and free in names):
            free, number = f"{name} ({number})", number + 1
        found.append(free)
    if not twice:
        return found, ()
    return found, (f"More than one column is called {', '.join(twice)[:100]}; they are numbered.",)


_READERS = {"text": _text, "parquet": _parquet, "workbook": _workbook}
