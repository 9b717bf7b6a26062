"""Rows of text between delimiters: how they are written, guessed, and read by pyarrow."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.data.own.shelf import called
from builder.errors import DataError, shown

DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Bar"}
DECIMALS = {".": "Point", ",": "Comma"}
RAGGED = ("refuse", "skip")
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1", "gb18030", "shift_jis", "cp1251", "euc_kr")
_GAPS = ["", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "?"]
_LOOKED_AT, _BYTES = 50, 200_000
_NUMBER = re.compile(r"\s*[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*")
_FRACTION = re.compile(r"\s*[-+]?\d*,\d+\s*")


def guess(path: Path) -> dict[str, Any]:
    """Return how a file of text is written: `encoding`, `delimiter`, `header`, `decimal`, `ragged`.

    Raises:
        DataError: it is not text in any encoding.
    """
    found = encoding(path)
    with path.open("rb") as file:
        text = file.read(_BYTES).decode(found, "ignore")
    lines = text.splitlines()[:_LOOKED_AT]
    delimiter = max(DELIMITERS, key=lambda sign: _regular(lines, sign))
    rows = list(csv.reader(lines, delimiter=delimiter))
    cells = [cell for row in rows[1:] for cell in row]
    comma = delimiter != "," and any(_FRACTION.fullmatch(cell) for cell in cells)
    return {
        "encoding": found,
        "delimiter": delimiter,
        "header": not any(_NUMBER.fullmatch(cell) for cell in rows[0]) if rows else True,
        "decimal": "," if comma else ".",
        "ragged": "refuse",
    }


def read(path: Path, options: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Return the columns of a file, a `pyarrow.Table`, and what was done to read it, in sentences.

    Raises:
        DataError: it cannot be read so; a line of another number of fields is named.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    _check(options)
    ragged: list[Any] = []

    def skip(row: Any) -> str:
        ragged.append(row)
        return "skip"

    # One block, so that the type of a column is told by all of its rows; one thread, so that a
    # ragged row knows its number.
    block = min(2**31 - 1, max(2**20, 4 * path.stat().st_size))
    try:
        found = arrow.read_csv(
            path,
            arrow.ReadOptions(
                use_threads=False,
                block_size=block,
                encoding=options["encoding"],
                autogenerate_column_names=not options["header"],
            ),
            arrow.ParseOptions(
                delimiter=options["delimiter"], newlines_in_values=True, invalid_row_handler=skip
            ),
            arrow.ConvertOptions(
                null_values=_GAPS, strings_can_be_null=True, decimal_point=options["decimal"]
            ),
        )
        # Names are decoded when they are asked for.
        found = found.rename_columns(found.column_names)
    except UnicodeError:
        raise _wrong_encoding(path, options) from None
    except (pa.ArrowException, OSError) as error:
        why = str(error).partition("\n")[0][:150].rstrip(".")
        raise DataError(
            f"{called(path)} cannot be read as a table: {why}. Choose another delimiter or "
            "encoding."
        ) from None
    if any(pa.types.is_binary(kind) for kind in found.schema.types):
        raise _wrong_encoding(path, options)
    if not ragged:
        return found, ()
    first = ragged[0]
    place = f"line {first.number:,}" if first.number else f"the line {shown(first.text)}"
    if options["ragged"] == "refuse":
        raise DataError(
            f"{called(path)}: {place} has {first.actual_columns} fields, the first line "
            f"{first.expected_columns}. Mend it, choose another delimiter, or skip such lines "
            f"({len(ragged):,} in all).",
            mends={"Skip such lines": {"ragged": "skip"}},
        )
    more = f" and {len(ragged) - 1:,} more" if len(ragged) > 1 else ""
    note = f"Left out for too many or too few fields: {place}{more}."
    return found, (note,)


def _wrong_encoding(path: Path, options: Mapping[str, Any]) -> DataError:
    likely = encoding(path)
    return DataError(
        f"{called(path)} is not written in {options['encoding']}; {likely} may be right.",
        mends={f"Read it as {likely}": {"encoding": likely}},
    )


def _check(options: Mapping[str, Any]) -> None:
    _among("delimiter", options["delimiter"], tuple(DELIMITERS))
    _among("decimal", options["decimal"], tuple(DECIMALS))
    _among("ragged", options["ragged"], RAGGED)
    if options["delimiter"] == options["decimal"]:
        raise DataError("The delimiter and the decimal sign are both a comma; one of them is not.")
    try:
        codecs.lookup(str(options["encoding"]))
    except (LookupError, ValueError):
        raise DataError(
            f"There is no encoding {shown(options['encoding'])}; {', '.join(ENCODINGS)} work."
        ) from None


def _among(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        works = " or ".join(map(repr, choices))
        raise DataError(f"{name} is {shown(value)}; {works} works.")


def encoding(path: Path) -> str:
    """Return how a text is encoded: UTF-8 or UTF-16 if it can be, else what is likeliest."""
    from charset_normalizer import from_bytes

    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode()
    except UnicodeDecodeError as error:
        start = max(0, error.start - _BYTES // 2)
        best = from_bytes(content[start : start + _BYTES]).best()
        return best.encoding if best is not None else "cp1252"
    return "utf-8"


def _regular(lines: Sequence[str], sign: str) -> tuple[int, int]:
    """Return how many lines have as many fields as most have, and how many those are."""
    sizes = [len(row) for row in csv.reader(lines, delimiter=sign)]
    many = [size for size in sizes if size > 1]
    if not many:
        return 0, 0
    usual = max(set(many), key=many.count)
    return many.count(usual), usual
