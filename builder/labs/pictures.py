"""Pictures: read from what people upload, and the samples that are there from the start."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

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
_OURS = re.compile(rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|BM|II\*\0|MM\0\*|GIF8", re.DOTALL)
# How other files begin, so that they can be called by their names; the first that fits counts.
_OTHERS = [
    (re.compile(beginning, re.DOTALL | re.IGNORECASE), what)
    for beginning, what in (
        (rb"%PDF", "a PDF"),
        (rb"8BPS", "a Photoshop file"),
        (rb"PK\x03\x04", "a ZIP archive"),
        (rb"\x1f\x8b", "a gzip archive"),
        (rb"\0\0\x01\0", "an icon file"),
        (rb"....ftypavi[fs]", "an AVIF picture"),
        (rb"....ftyp(hei|hev|mif1|msf1)", "a HEIC picture"),
        (rb"....ftyp", "a film"),
        (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL picture"),
        (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
        (rb"\s*<(!doctype )?html", "a web page"),
        (rb".{0,2000}<svg", "an SVG: instructions for drawing, not pixels. Save it as PNG"),
    )
]
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_AT_ONCE = 2**20  # numbers stretched at a time
_OVER_WHITE = "its transparent parts laid over white"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was brought in.

    Args:
        name: the name of its file.
        pixels: (H, W, C), C being 1 or 3; made read-only.
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
        """Return its values from 0 to 1, (H, W, `channels`), as `ToTensor` has them.

        One channel is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded to the picture's own
        bits as Pillow's `convert("L")` does; a grey picture in three channels has the same value
        in each.
        """
        pixels: Any = self.pixels
        if channels == 1 and self.channels == 3:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None]
        elif channels == 3 and self.channels == 1:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        return np.asarray(pixels / np.float32(np.iinfo(self.pixels.dtype).max))

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
        raise PictureError(_broken(name)) from None


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{name} has {height:,} × {width:,} pixels, {width * height / 1e6:,.0f} million; "
            f"{MAX_PIXELS // 10**6} million at most are read. Make it smaller first."
        )


def _broken(name: str) -> str:
    return (
        f"{name} begins like a picture and cannot be read to its end: it is broken, incomplete "
        "or without pixels. Save it again, or upload it again."
    )


def _no_picture(data: bytes, name: str) -> str:
    if not data:
        return f"{name} is empty."
    if _OURS.match(data):
        return _broken(name)
    what = next((what for beginning, what in _OTHERS if beginning.match(data)), "no picture")
    return f"{name} is {what}; {_WORKS}."


def _taken(image: ImageFile.ImageFile, name: str) -> Picture:
    notes = []
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"the first of {frames} pictures in its file")
    if re.search(r"(RGB[AX]?|LA|CMYK);16", str(image.tile)):
        notes.append("16 bits a channel brought to 8")
    # A TIFF turns itself as it is loaded and forgets that it did; a PNG has to be loaded first.
    turned = image.format == "TIFF" and _turn(image) is not None
    image.load()
    turn = _turn(image)
    if turned or turn is not None:
        notes.append("turned as its EXIF says")
    pixels, how = _as_pixels(image if turn is None else image.transpose(turn))
    return Picture(name, pixels, tuple(notes + how))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what puts an image upright. A broken EXIF block spoils no picture: it says nothing."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return None


def _as_pixels(image: Image.Image) -> tuple[Pixels, list[str]]:
    """Return the pixels of an image of any mode, and what was done to get them."""
    if image.mode.startswith("I;16"):
        deep = np.array(image).astype(np.uint16)
        clear = deep == image.info.get("transparency", -1)
        deep[clear] = 65535
        return deep[:, :, None], ["16 bits a pixel", *([_OVER_WHITE] if clear.any() else [])]
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image))
    kind = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    named = image.mode in ("CMYK", "YCbCr", "LAB", "HSV")
    how = [f"{image.mode} turned into RGB"] if named else []
    if image.has_transparency_data:
        image = image.convert("LA" if kind == "L" else "RGBA")
        alpha = image.getchannel("A")
        if alpha.getextrema() != (255, 255):
            white = Image.new(kind, image.size, "white")
            white.paste(image.convert(kind), mask=alpha)
            image, how = white, [*how, _OVER_WHITE]
    pixels = np.asarray(image if image.mode == kind else image.convert(kind))
    return pixels.reshape(image.height, image.width, -1), how


def _stretched(numbers: NDArray[Any]) -> tuple[NDArray[np.uint16], list[str]]:
    """Return numbers of any range in 16 bits: 0 to 1 as they are, others from black to white.

    What is no number is black.
    """
    known = np.isfinite(numbers)
    there = numbers[known]
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 0.0)
    how = f"its numbers, {low:.4g} to {high:.4g}, stretched from black to white"
    if low >= 0 and high <= 1:
        low, high, how = 0.0, 1.0, "its numbers from 0 to 1 kept in 16 bits"
    pixels = np.zeros((*numbers.shape, 1), np.uint16)
    for start in range(0, numbers.size, _AT_ONCE):  # double numbers of it all would take 400 MB
        part = slice(start, start + _AT_ONCE)
        there = known.reshape(-1)[part]
        shares = (numbers.reshape(-1)[part][there].astype(np.float64) - low) / (high - low or 1.0)
        pixels.reshape(-1)[part][there] = np.rint(shares * 65535)
    return pixels, [how]


@dataclass(frozen=True)
class Sample:
    """A picture that is there from the start: what to look for in it, who made it, how it loads."""

    title: str
    help: str
    credit: str
    load: Callable[[], Picture]


def _photograph(file: str) -> Picture:
    return read_picture((_FOLDER / file).read_bytes(), file)


def _chart(draw: Callable[[], NDArray[np.uint8]], title: str) -> Picture:
    return Picture(title, draw()[:, :, None])


_PHOTOGRAPHS = (
    ("cat", "Cat", "Fur and whiskers: edges of every direction.", "Stéfan van der Walt, CC0"),
    ("astronaut", "Astronaut", "Smooth skin beside sharp outlines.", "NASA, public domain"),
    ("coffee", "Coffee", "Round outlines on the grain of wood.", "Rachel Michetti, CC0"),
    ("cameraman", "Photographer", "A dark figure before fine grass.", "Lav Varshney, CC0"),
    ("brick", "Bricks", "Lines that run in two directions only.", "CC0Textures, CC0"),
    ("china", "Temple", "Roofs full of fine, regular detail.", "danielbuechele, CC BY 2.0"),
)
_CHARTS = (
    (
        "edges",
        "Edges",
        "Straight, slanted and round edges, and bars of 2 to 8 pixels.",
        charts.edges,
    ),
    ("checkerboard", "Checkerboard", "Squares from 64 pixels to 1.", charts.checkerboard),
    ("zone_plate", "Zone plate", "Every fineness in every direction.", charts.zone_plate),
    ("impulse", "One bright pixel", "A kernel leaves itself here, turned by 180°.", charts.impulse),
    ("letter", "Letter F", "It looks different when it is turned or mirrored.", charts.letter),
    ("ramp", "Ramp", "Rises evenly: its slope is the same everywhere.", charts.ramp),
)

SAMPLES: Mapping[str, Sample] = {
    key: Sample(title, help, f"photograph by {credit}", partial(_photograph, f"{key}.jpg"))
    for key, title, help, credit in _PHOTOGRAPHS
} | {
    key: Sample(title, help, "", partial(_chart, draw, title)) for key, title, help, draw in _CHARTS
}
