"""A ZIP of pictures in class folders: `cats/1.png`, `dogs/2.jpg`.

Nothing is unpacked to the disk, and nothing is taken into memory before its size is known to be
bearable: the list of entries, each file, each picture, and all of them together are bounded.
"""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from builder.data.own import archive
from builder.data.own.archive import Listing
from builder.data.own.shelf import PREFIX, called
from builder.data.samples import Samples
from builder.errors import DataError, PictureError, shown
from builder.labs.pictures import MAX_BYTES, Picture, read_picture

COLOURS, FITS = ("grey", "colour"), ("crop", "squash")
MIN_SIDE, MAX_SIDE = 4, 512
MAX_PICTURES = 20_000
MAX_NUMBERS = 100_000_000  # 400 MB of float32
# What is decoded at most, at about 100 million pixels a second.
MAX_PIXELS = 6_000_000_000
# Packed as JPEG, a byte of a picture is some 10 to 20 pixels.
_SURELY_READ = 300_000_000
_LOOKED_AT = 8
_SIDES = (16, 28, 32, 48, 64)


@dataclass(frozen=True)
class Reading:
    """What came of a ZIP.

    Args:
        samples: pictures (n, C, H, W) with values from 0 to 1, and the numbers of their folders.
        notes: what was done and left out on the way, in sentences.
        broken: the pictures that could not be read, with the reason.
    """

    samples: Samples
    notes: tuple[str, ...]
    broken: Mapping[str, str]


def suggest(path: Path) -> dict[str, Any]:
    """Return the options to start from: the size and the colours of the first few pictures.

    They are `height` and `width` in pixels, `colour` (a row of `COLOURS`) and `fit`: whether what
    does not have this shape is cropped to it or squashed.

    Raises:
        DataError: it is no ZIP of pictures in class folders.
    """
    listing = archive.listed(path)
    step = max(1, len(listing.entries) // _LOOKED_AT)
    found = []
    with zipfile.ZipFile(path) as file:
        for name, _ in listing.entries[::step][:_LOOKED_AT]:
            try:
                found.append(_picture(file, name))
            except PictureError:
                continue
    sides = [min(picture.height, picture.width) for picture in found] or [32]
    middle = sorted(sides)[len(sides) // 2]
    side = max((fit for fit in _SIDES if fit <= middle), default=max(middle, MIN_SIDE))
    coloured = any(_has_colour(picture) for picture in found)
    return {"height": side, "width": side, "colour": COLOURS[coloured], "fit": "crop"}


def read(path: Path, options: Mapping[str, Any]) -> Samples:
    """Return the pictures of a ZIP; options and errors as `look`."""
    return look(path, options).samples


def look(path: Path, options: Mapping[str, Any]) -> Reading:
    """Read a ZIP.

    Args:
        options: those of `suggest`; those left out are guessed.

    Raises:
        DataError: an option does not work, it is no ZIP of pictures in two or more class folders,
            most of them are broken, or it would take more memory than is good.
    """
    given = dict(options)
    if not given.keys() >= {"height", "width", "colour", "fit"}:
        given = {**suggest(path), **given}
    _check(path, given)
    return _look(path, given["height"], given["width"], given["colour"], given["fit"])


def _check(path: Path, given: Mapping[str, Any]) -> None:
    for name in ("height", "width"):
        value = given[name]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not MIN_SIDE <= value <= MAX_SIDE:
            raise DataError(
                f"{name} is {shown(value)}; a whole number from {MIN_SIDE} to {MAX_SIDE} works."
            )
    for name, choices in (("colour", COLOURS), ("fit", FITS)):
        if given[name] not in choices:
            raise DataError(f"{name} is {shown(given[name])}; {' or '.join(choices)} works.")
    unknown = sorted(given.keys() - {"height", "width", "colour", "fit"})
    if unknown:
        raise DataError(
            f"{called(path)} has no setting {shown(unknown[0])}; it has height, width, colour, fit."
        )


@lru_cache(maxsize=2)
def _look(path: Path, height: int, width: int, colour: str, fit: str) -> Reading:
    listing = archive.listed(path)
    channels = 3 if colour == "colour" else 1
    chosen, notes = _sampled(listing, channels * height * width)
    values = np.empty((len(chosen), channels, height, width), np.float32)
    kept: list[int] = []
    broken: dict[str, str] = {}
    pixels = 0
    with zipfile.ZipFile(path) as file:
        for number in chosen:
            name = listing.entries[number][0]
            try:
                picture = _picture(file, name)
            except PictureError as error:
                broken[name] = error.message
                continue
            shaped = _shaped(picture, height, width, fit).values(channels)
            values[len(kept)] = shaped.transpose(2, 0, 1)
            kept.append(number)
            pixels += picture.height * picture.width
            if pixels > MAX_PIXELS:
                break
    seen = len(kept) + len(broken)
    if len(broken) > len(kept):
        name, why = next(iter(broken.items()))
        raise DataError(
            f"{len(broken):,} of the {seen:,} pictures in {called(path)} cannot be read, too many "
            f"to go on. The first: {why}"
        )
    if seen < len(chosen):
        notes += (
            f"The first {seen:,} that were drawn have {MAX_PIXELS // 10**6:,} million pixels "
            "together, the most that is read; smaller pictures would all be.",
        )
    if broken:
        notes += (
            f"{len(broken):,} of {seen:,} pictures cannot be read and are left out, such as "
            f"{next(iter(broken))}.",
        )
    folders = [listing.entries[number][1] for number in kept]
    options = {"height": height, "width": width, "colour": colour, "fit": fit}
    samples = _samples(path, torch.from_numpy(values[: len(kept)]), folders, options)
    return Reading(samples, (*listing.notes, *notes), broken)


def _sampled(listing: Listing, numbers: int) -> tuple[list[int], tuple[str, ...]]:
    """Return which entries are read, and a sentence if they are not all."""
    total = len(listing.entries)
    most = min(MAX_PICTURES, MAX_NUMBERS // numbers)
    if total <= most and sum(listing.sizes) < _SURELY_READ:
        return list(range(total)), ()
    # In the order of the draw, so that those which are read stand for all wherever it ends.
    drawn = np.random.default_rng(0).permutation(total)[:most].tolist()
    note = f"Of {total:,} pictures, {most:,} are drawn by a fixed seed."
    return drawn, (note,) if most < total else ()


def _picture(file: zipfile.ZipFile, name: str) -> Picture:
    """Return a picture of the ZIP; raises `PictureError` for whatever is wrong with it."""
    try:
        entry = file.getinfo(name)
        if entry.file_size > MAX_BYTES:
            raise PictureError(
                f"{name} has {entry.file_size / 2**20:,.0f} MB; {MAX_BYTES // 2**20} MB at most "
                "are read."
            )
        with file.open(entry) as content:
            return read_picture(content.read(MAX_BYTES + 1), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise PictureError(f"{name} is damaged in the ZIP: {_words(error)}") from None
    except (NotImplementedError, RuntimeError):
        raise PictureError(f"{name} is packed in a way that is not read; as usual works.") from None


def _words(error: Exception) -> str:
    return str(error).strip().rstrip(".")[:100] + "."


def _has_colour(picture: Picture) -> bool:
    small = picture.within(64).pixels.astype(np.int64)
    return picture.channels == 3 and bool((small.max(2) - small.min(2)).mean() > small.max() / 100)


def _shaped(picture: Picture, height: int, width: int, fit: str) -> Picture:
    """Return a picture of this size."""
    pixels: Any = picture.pixels
    if fit == "crop":
        pixels = _middle(pixels, height, width)
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    sized: Any = cv2.resize(pixels, (width, height), interpolation=way)
    return Picture(picture.name, sized.reshape(height, width, picture.channels))


def _middle(pixels: Any, height: int, width: int) -> Any:
    """Return the largest part about the middle that has the same shape."""
    tall, wide = pixels.shape[:2]
    h = max(1, min(tall, round(wide * height / width)))
    w = max(1, min(wide, round(tall * width / height)))
    top, left = (tall - h) // 2, (wide - w) // 2
    return np.ascontiguousarray(pixels[top : top + h, left : left + w])


def _samples(
    path: Path, x: torch.Tensor, folders: list[str], options: Mapping[str, Any]
) -> Samples:
    counts = Counter(folders)
    if len(counts) < 2:
        [only] = counts
        raise DataError(
            f"Of {called(path)}, only pictures of the folder {shown(only)} can be read; two or "
            "more classes are needed."
        )
    classes = tuple(sorted(counts, key=archive.natural))
    numbers = {name: number for number, name in enumerate(classes)}
    y = torch.tensor([numbers[folder] for folder in folders])
    return Samples(PREFIX + path.stem, x, y, classes, (), "classification", "picture", options)
