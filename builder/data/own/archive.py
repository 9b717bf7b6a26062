"""What is in a ZIP of class folders, told from its list of entries alone."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.data.own.shelf import called
from builder.errors import DataError, shown

MAX_BYTES = 1_000_000_000
MAX_UNPACKED = 4_000_000_000
MAX_CLASSES = 1_000
# Deflate packs an empty picture up to 1,000 times smaller; a folder of pictures never.
_MAX_RATIO = 100
_ALWAYS_FINE = 100_000_000

_SUFFIXES = frozenset(("png", "jpg", "jpeg", "jpe", "webp", "bmp", "tif", "tiff", "gif"))
_SYSTEM = frozenset(("__macosx", "thumbs.db", "desktop.ini"))
# Folders of some data sets that are no classes: both parts are read, and split anew.
_PARTS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation"))
_END, _END_SIZE, _MAX_COMMENT = b"PK\x05\x06", 22, 65_535
# Stands 20 bytes before the end record of a ZIP whose list may be of any length.
_LARGE = b"PK\x06\x07"
_MAX_LIST = 32_000_000


@dataclass(frozen=True)
class Listing:
    """The pictures in a ZIP.

    Args:
        entries: the path of each and the folder that is its class.
        sizes: bytes of each, unpacked.
        notes: what was left out, in sentences.
    """

    entries: tuple[tuple[str, str], ...]
    sizes: tuple[int, ...]
    notes: tuple[str, ...]


def listed(path: Path) -> Listing:
    """Return the pictures of a ZIP and their classes; no picture is read.

    One folder around all is no class, nor are folders such as `train` and `test`.

    Raises:
        DataError: it is no ZIP, has a path that climbs out or a password, would unpack to too
            much, or does not hold pictures in two or more folders.
    """
    _check_file(path)
    try:
        with zipfile.ZipFile(path) as file:
            infos = [info for info in file.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, UnicodeError):
        raise DataError(
            f"{called(path)} cannot be read as a ZIP: its list of files is broken. Pack it again."
        ) from None
    _check_entries(path, infos)
    shown_ones = [info for info in infos if not _hidden(info.filename)]
    pictures = [info for info in shown_ones if _suffix(info.filename) in _SUFFIXES]
    if not pictures:
        raise DataError(
            f"{called(path)} holds no pictures (PNG, JPEG, WebP, BMP, TIFF, GIF); a ZIP of class "
            "folders works: cats/1.png, dogs/1.png."
        )
    notes = []
    if len(pictures) < len(shown_ones):
        other = next(i.filename for i in shown_ones if _suffix(i.filename) not in _SUFFIXES)
        count = len(shown_ones) - len(pictures)
        notes.append(f"No pictures, and left out: {_and_more(other, count)}.")
    names, depth = _depth([_steps(info.filename)[:-1] for info in pictures])
    if names:
        notes.append(f"{' and '.join(names)} are read as one; the split is made here.")
    inside = [info for info in pictures if len(_steps(info.filename)) > depth + 1]
    if 0 < len(inside) < len(pictures):
        loose = next(i.filename for i in pictures if len(_steps(i.filename)) <= depth + 1)
        count = len(pictures) - len(inside)
        notes.append(f"In no class folder, and left out: {_and_more(loose, count)}.")
    entries = tuple((info.filename, _steps(info.filename)[depth]) for info in inside)
    _check_classes(path, sorted({folder for _, folder in entries}))
    return Listing(entries, tuple(info.file_size for info in inside), tuple(notes))


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return what sorts names as people do: 2 before 10."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _check_file(path: Path) -> None:
    """Look at the end record, where a ZIP says how long its list is, before the list is read.

    See 4.3.16 of the ZIP application note: byte 12 of the record begins the size of the list.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(
            f"{called(path)} has {size / 1e9:.1f} GB; up to {MAX_BYTES / 1e9:g} GB can be read."
        )
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(max(0, size - len(_LARGE) - 16 - _END_SIZE - _MAX_COMMENT))
        end = file.read()
    at = len(end) - _END_SIZE
    if not (end[at:].startswith(_END) and end.endswith(b"\0\0")):  # as zipfile looks for it
        at = end.rfind(_END)
    if start != b"PK" or at < 0 or len(end) < at + _END_SIZE:
        raise DataError(
            f"{called(path)} is no ZIP, or its end is missing; a ZIP of class folders works."
        )
    (length,) = struct.unpack_from("<L", end, at + 12)
    if length > _MAX_LIST or end[:at][-20:].startswith(_LARGE):
        raise DataError(
            f"{called(path)} lists more than 65,535 files, or says so; a ZIP of fewer works."
        )


def _check_entries(path: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    for info in infos:
        steps = re.split(r"[\\/]", info.filename)
        if ".." in steps or steps[0] == "" or re.match(r"[A-Za-z]:", info.filename):
            raise DataError(
                f"{called(path)} holds a path that climbs out of its folder, "
                f"{shown(info.filename)}; nothing of it was read. Pack the class folders again."
            )
        if info.flag_bits & 1:
            raise DataError(
                f"{called(path)} is locked with a password; one without a password can be read."
            )
    unpacked = sum(info.file_size for info in infos)
    packed = max(1, path.stat().st_size)
    if unpacked > MAX_UNPACKED or (unpacked > _ALWAYS_FINE and unpacked > _MAX_RATIO * packed):
        raise DataError(
            f"{called(path)} has {packed / 1e6:,.1f} MB and would unpack to "
            f"{unpacked / 1e6:,.0f} MB; up to {_MAX_RATIO} times its size and "
            f"{MAX_UNPACKED // 10**6:,} MB are read."
        )


def _check_classes(path: Path, folders: Sequence[str]) -> None:
    if not folders:
        raise DataError(
            f"The pictures of {called(path)} lie in no folders; the folder of each is its class: "
            "cats/1.png, dogs/1.png."
        )
    if len(folders) == 1:
        raise DataError(
            f"{called(path)} has one class folder, {shown(folders[0])}; two or more are needed, "
            "such as cats/1.png and dogs/1.png."
        )
    if len(folders) > MAX_CLASSES:
        raise DataError(
            f"{called(path)} has {len(folders):,} class folders; up to {MAX_CLASSES:,} work. "
            "Each folder is a class, not each picture."
        )


def _depth(folders: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], int]:
    """Return the names of the parts that are read as one, and how deep the class folders lie."""
    depth = 0
    while True:
        names = {folder[depth] for folder in folders if len(folder) > depth}
        deeper = any(len(folder) > depth + 1 for folder in folders)
        everyone = all(len(folder) > depth for folder in folders)
        if not deeper or not everyone:
            return (), depth
        if len(names) == 1:
            depth += 1
        elif {name.lower() for name in names} <= _PARTS:
            return tuple(sorted(names)), depth + 1
        else:
            return (), depth


def _and_more(name: str, count: int) -> str:
    return shown(name) + (f" and {count - 1:,} more" if count > 1 else "")


def _steps(name: str) -> tuple[str, ...]:
    return tuple(step for step in re.split(r"[\\/]", name) if step not in ("", "."))


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _hidden(name: str) -> bool:
    return any(step.startswith(".") or step.lower() in _SYSTEM for step in _steps(name))
