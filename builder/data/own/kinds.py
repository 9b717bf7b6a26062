"""The kinds of files that can be brought. One row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from builder.data.own import array, pictures, points, table, text
from builder.data.own.shelf import Shelf
from builder.data.samples import Samples

Options: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Args:
        name: what the shelf calls it.
        title: for people.
        help: a sentence.
        suffixes: of the files, without the dot.
        read: makes samples of a file by a recipe's options; raises `DataError` in words for what
            it cannot read and for options that do not fit the file.
        suggest: the options to start from, guessed from the file.
    """

    name: str
    title: str
    help: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Options], Samples]
    suggest: Callable[[Path], dict[str, Any]]


_ROWS: tuple[Kind, ...] = (
    Kind(
        "table",
        "Table",
        "Rows and columns: CSV, TSV, Excel (.xlsx) or Parquet, one column of which is the target. "
        "A column of texts is read word by word or letter by letter.",
        ("csv", "tsv", "parquet", "xlsx"),
        table.read,
        table.suggest,
    ),
    Kind(
        "pictures",
        "Pictures",
        "A ZIP of pictures in class folders: cats/1.png, dogs/1.png.",
        ("zip",),
        pictures.read,
        pictures.suggest,
    ),
    Kind(
        "array",
        "Arrays",
        "Arrays of NumPy: .npz with inputs and targets, or .npy with the target as last column.",
        ("npz", "npy"),
        array.read,
        array.suggest,
    ),
    Kind(
        "text",
        "Text",
        "A text (.txt, .md) to be learned character by character; what is learned can write on.",
        ("txt", "md"),
        text.read,
        text.suggest,
    ),
    Kind(
        "points",
        "Points drawn by hand",
        "Points on a plane, drawn with the mouse or the keyboard.",
        ("json",),
        points.read,
        points.suggest,
    ),
)
KINDS: Mapping[str, Kind] = MappingProxyType({row.name: row for row in _ROWS})


def read(name: str, options: Options) -> Samples:
    """Return the samples of a file on the shelf.

    Raises:
        DataError: it is not there, or cannot be read with these options.
    """
    shelf = Shelf()
    return KINDS[shelf.about(name).kind].read(shelf.path(name), options)
