"""Pictures: read from what people upload, and the samples that are there from the start."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from builder.errors import PictureError
from builder.labs import charts

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Values: TypeAlias = NDArray[np.float32]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
MAX_BYTES = 50 * 2**20
MAX_PIXELS = 50_000_000
MAX_FILES = 12

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "pictures"
_WORKS = "PNG, JPEG, WebP, BMP, TIFF and GIF work"
# How other kinds of files begin, so that they can be called by their names.
_BEGINNINGS = {
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a ZIP archive",
    b"\x00\x00\x01\x00": "an icon file",
}
_BRANDS = {
    b"ftypavif": "an AVIF picture",
    b"ftyphei": "a HEIC picture",
    b"ftypmif1": "a HEIC picture",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was brought in.

    Args:
        name: the name of its file.
        pixels: (H, W, C), C being 1 or 3; read-only.
        notes: what was done to it on the way in, in words.
    """

    name: str
    pixels: Pixels
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[2])

    def values(self, channels: int) -> Values:
        """Return its values from 0 to 1, (H, W, `channels`).

        One channel is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow's `convert("L")`);
        a grey picture in three channels has the same value in each.
        """
        pixels: Any = self.pixels
        if channels == 1 and self.channels == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None]
        elif channels == 3 and self.channels == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        return np.asarray(pixels * np.float32(1 / np.iinfo(self.pixels.dtype).max))

    def within(self, side: int) -> Picture:
        """Return it no larger than `side` each way, by averaging; itself if it is small enough."""
        if max(self.height, self.width) <= side:
            return self
        scale = side / max(self.height, self.width)
        size = (max(1, round(self.width * scale)), max(1, round(self.height * scale)))
        small: Any = cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA)
        return Picture(self.name, small.reshape(size[1], size[0], self.channels), self.notes)


def read_picture(data: bytes, name: str) -> Picture:
    """Return the picture in a file: turned as its EXIF says, without alpha, as grey or RGB.

    Nothing is decoded before its size is known to be bearable.

    Raises:
        PictureError: it is no picture, of a kind that is not read, broken, or too large.
    """
    if len(data) > MAX_BYTES:
        raise PictureError(
            f"{name} has {len(data) / 2**20:.0f} MB; {MAX_BYTES // 2**20} MB at most are read."
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size, name)
            return _taken(image, name)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(_no_picture(data, name)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"{name} would unpack to more than {MAX_PIXELS // 10**6} million pixels, which is "
            "the most that is read. Make it smaller first."
        ) from None
    except MemoryError:
        raise PictureError(f"{name} takes more memory than there is.") from None
    except Exception:  # decoders raise whatever they like at a broken file
        raise PictureError(
            f"{name} is broken or incomplete: it begins like a picture and cannot be read to its "
            "end. Save it again, or upload it again."
        ) from None


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{name} has {height:,} × {width:,} pixels, {width * height / 1e6:,.0f} million; "
            f"{MAX_PIXELS // 10**6} million at most are read. Make it smaller first."
        )
    if not width * height:
        raise PictureError(f"{name} has no pixels.")


def _taken(image: Image.Image, name: str) -> Picture:
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"the first of {frames} frames")
    image.load()
    upright = ImageOps.exif_transpose(image)
    if image.getexif().get(_ORIENTATION, 1) != 1:
        notes.append("turned as its EXIF says")
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
        notes.append("its transparent parts laid over white")
    pixels, how = _as_pixels(upright)
    return Picture(name, pixels, tuple(notes + how))


_ORIENTATION = 0x0112


def _as_pixels(image: Image.Image) -> tuple[Pixels, list[str]]:
    """Return the pixels of an image of any mode, and what was done to get them."""
    if image.mode.startswith("I"):  # more than 8 bits a pixel, in several byte orders
        deep = np.asarray(image).astype(np.int64)
        if deep.min() >= 0 and deep.max() <= 65535:
            return deep.astype(np.uint16)[:, :, None], ["16 bits a pixel"]
        return _stretched(deep.astype(np.float64)), ["its numbers stretched to black and white"]
    if image.mode == "F":
        return _stretched(np.asarray(image)), ["its numbers stretched to black and white"]
    if image.mode in ("L", "1", "LA"):
        return np.array(image.convert("L"))[:, :, None], []
    how = [f"{image.mode} turned into RGB"] if image.mode in ("CMYK", "YCbCr", "LAB", "HSV") else []
    pixels = np.array(image.convert("RGB"))
    return pixels, how


def _stretched(numbers: NDArray[Any]) -> NDArray[np.uint16]:
    known = np.nan_to_num(numbers.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(known.min()), float(known.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (known - low) / (high - low) if high > low else np.zeros_like(known)
    return np.rint(scaled * 65535).astype(np.uint16)[:, :, None]


def _no_picture(data: bytes, name: str) -> str:
    if not data:
        return f"{name} is empty."
    start = data[:400].lstrip()
    if b"<svg" in data[:2000].lower():
        return f"{name} is an SVG: instructions for drawing, not pixels. Save it as PNG; {_WORKS}."
    for beginning, what in _BEGINNINGS.items():
        if start.startswith(beginning):
            return f"{name} is {what}; {_WORKS}."
    for brand, what in _BRANDS.items():
        if brand in data[4:16]:
            return f"{name} is {what}, which is not read; {_WORKS}."
    return f"{name} is no picture; {_WORKS}."


@dataclass(frozen=True)
class Sample:
    """A picture that is there from the start: who made it, and how it is loaded."""

    title: str
    credit: str
    load: Callable[[], Picture]


def _photograph(file: str) -> Picture:
    return read_picture((_FOLDER / file).read_bytes(), file)


def _chart(draw: Callable[[], NDArray[np.uint8]], title: str) -> Picture:
    return Picture(title, draw()[:, :, None])


_PHOTOGRAPHS = {
    "cat": ("Cat", "Chelsea, by Stéfan van der Walt, CC0"),
    "astronaut": ("Astronaut", "Eileen Collins, by NASA, public domain"),
    "coffee": ("Coffee", "by Rachel Michetti, CC0"),
    "cameraman": ("Photographer", "by Lav Varshney, CC0"),
    "brick": ("Bricks", "CC0Textures, CC0"),
}
_CHARTS = {
    "edges": ("Edges", charts.edges),
    "checkerboard": ("Checkerboard", charts.checkerboard),
    "zone_plate": ("Zone plate", charts.zone_plate),
    "impulse": ("One bright pixel", charts.impulse),
    "letter": ("Letter F", charts.letter),
    "ramp": ("Ramp", charts.ramp),
}

SAMPLES: Mapping[str, Sample] = {
    key: Sample(title, credit, partial(_photograph, f"{key}.jpg"))
    for key, (title, credit) in _PHOTOGRAPHS.items()
} | {key: Sample(title, "", partial(_chart, draw, title)) for key, (title, draw) in _CHARTS.items()}
