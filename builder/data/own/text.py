"""A text of one's own, character by character: which comes next?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from builder.data.own.delimited import encoding
from builder.data.own.shelf import PREFIX, called
from builder.data.samples import Samples, token_name
from builder.data.text import characters
from builder.errors import DataError, shown

MAX_BYTES = 20_000_000
MAX_CHARACTERS = 1_000  # different ones: each is a class
MAX_NUMBERS = 20_000_000  # of all windows together
LENGTHS, STEPS = range(4, 257), range(1, 1001)
_LENGTH = 32
_WINDOWS = 50_000  # to start with: more would let a first run wait


def suggest(path: Path) -> dict[str, Any]:
    """Return the options to start from: `length`, `step` and `lower`.

    `length` is that of a window, `step` the way from one window to the next, both in characters;
    with `lower` all letters are made small.

    Raises:
        DataError: it is no text.
    """
    step = -(-len(_text(path)) // _WINDOWS)
    return {"length": _LENGTH, "step": min(max(1, step), STEPS[-1]), "lower": False}


def read(path: Path, options: Mapping[str, Any]) -> Samples:
    """Return a text as windows (n, length), int64, each with the character that comes next.

    Args:
        options: those of `suggest`; those left out are as it has them.

    Raises:
        DataError: it is no text, too short for its windows or too large, or an option is none.
    """
    given = {**suggest(path), **options}
    _check(path, given)
    text = _text(path).lower() if given["lower"] else _text(path)
    length, step = given["length"], given["step"]
    windows = (len(text) - 1) // step
    if windows < 2:
        raise DataError(
            f"{called(path)} has {len(text):,} characters, too few for two windows; a longer text "
            "or a smaller step would do."
        )
    if windows * length > MAX_NUMBERS:
        wide = -(-len(text) * length // MAX_NUMBERS)
        raise DataError(
            f"{called(path)} gives {windows:,} windows of {length} characters, "
            f"{windows * length:,} numbers; up to {MAX_NUMBERS:,} work. A step of {wide:,} would "
            "do.",
            mends={f"Take a step of {wide:,}": {"step": wide}},
        )
    different = len(set(text))
    if different > MAX_CHARACTERS:
        raise DataError(
            f"{called(path)} has {different:,} different characters; up to {MAX_CHARACTERS:,} work."
        )
    x, y, vocabulary = characters(text, length, step)
    return Samples(
        PREFIX + path.stem,
        torch.from_numpy(np.ascontiguousarray(x, np.int64)),
        torch.from_numpy(np.ascontiguousarray(y, np.int64)),
        tuple(map(token_name, vocabulary)),
        (),
        "classification",
        "text",
        MappingProxyType(given),
        vocabulary=tuple(vocabulary),
    )


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise DataError(
            f"{called(path)} has {path.stat().st_size:,} bytes; texts up to {MAX_BYTES:,} work."
        )
    content = path.read_bytes()
    if b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{called(path)} is no text: it holds bytes that stand for no character.")
    text = content.decode(encoding(path), "replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(path: Path, given: Mapping[str, Any]) -> None:
    known = ("length", "step", "lower")
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise DataError(
            f"{called(path)} has no setting {shown(unknown)}; it has {', '.join(known)}."
        )
    for name, works in (("length", LENGTHS), ("step", STEPS)):
        value = given[name]
        if isinstance(value, bool) or not isinstance(value, int) or value not in works:
            raise DataError(
                f"{called(path)}: {name} is {shown(value)}; a whole number from {works[0]} to "
                f"{works[-1]:,} works."
            )
    if not isinstance(given["lower"], bool):
        raise DataError(f"{called(path)}: lower is {shown(given['lower'])}; yes or no works.")
