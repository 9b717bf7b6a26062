"""What an eye can be shown of numbers: float values as the bytes of a picture.

A screen shows 0 to 1. A convolution gives what it gives, and each tone says what becomes of the
rest. Values that are no numbers are magenta in every tone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from builder.errors import LabError

Values: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[np.uint8]

_NOT_A_NUMBER = (255, 0, 255)
# The ends and quarters are ColorBrewer's RdBu of 11 classes, turned round; the middle is white.
_SIGNED = np.array([[5, 48, 97], [67, 147, 195], [255, 255, 255], [214, 96, 77], [103, 0, 31]])
_REACH = 127  # steps from white to either end
# Such a picture packs best by runs over the difference to the row above: at half the time of
# zlib's level 1 the files are no larger, be it a photograph, its edges or a chart.
_PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)


@dataclass(frozen=True)
class Tone:
    """One way to show values: what it does in words, and (H, W, C) values to bytes."""

    title: str
    help: str
    shade: Callable[[Values], Pixels]


def to_pixels(values: Values, tone: str) -> Pixels:
    """Return values, (H, W) or (H, W, C) with C 1 or 3, as an RGB picture, (H, W, 3).

    A pixel with a value that is no number is magenta and counts for no range.

    Raises:
        LabError: there is no such tone.
    """
    if tone not in TONES:
        raise LabError(f"There is no tone {tone!r}; known are {', '.join(TONES)}.")
    table = _table(values)
    odd = None
    if not np.isfinite(table).all():
        odd = ~np.isfinite(table).all(axis=2)
        table = table.copy()
        table[odd] = 0 if odd.all() else table[~odd][0]
    pixels = TONES[tone].shade(table)
    if pixels.shape[2] == 1:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if odd is not None:
        pixels[odd] = _NOT_A_NUMBER
    return pixels


def histogram(values: Values, bins: int = 64) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many values of each channel lie in each bin, (C, bins), and the bins' edges.

    The bins span all channels; what is no number is left out.
    """
    table = _table(values)
    channels = [table[:, :, index] for index in range(table.shape[2])]
    if not np.isfinite(table).all():
        channels = [channel[np.isfinite(channel)] for channel in channels]
    known = [channel for channel in channels if channel.size]
    low = min((float(channel.min()) for channel in known), default=0.0)
    high = max((float(channel.max()) for channel in known), default=1.0)
    if low == high:
        beside = max(0.5, abs(low) / 2)
        low, high = low - beside, high + beside
    counts = []
    for channel in channels:  # numpy.histogram takes three times as long
        place = (channel.astype(np.float64) - low) * (bins / (high - low))
        which = np.minimum(place.astype(np.int32), bins - 1)
        counts.append(np.bincount(which.ravel(), minlength=bins))
    return np.array(counts), np.linspace(low, high, bins + 1)


def outside(values: Values) -> tuple[float, float]:
    """Return the shares of values below 0 and above 1."""
    below, above = np.count_nonzero(values < 0), np.count_nonzero(values > 1)
    return below / values.size, above / values.size


def encode_png(pixels: Pixels) -> bytes:
    """Return an RGB or grey picture, (H, W, 3) or (H, W), as PNG; nothing is lost."""
    ordered = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(".png", ordered, _PNG)
    assert done
    return data.tobytes()


def _table(values: Values) -> Values:
    """Return a view or a copy of values that is (H, W, C) and lies row by row."""
    return np.ascontiguousarray(values if values.ndim == 3 else values[:, :, None], np.float32)


def _to_bytes(values: Values) -> Pixels:
    """Return values from 0 to 1 as bytes, rounded; what lies outside is cut off."""
    scaled = np.clip(values, 0, 1)
    scaled *= 255
    scaled += 0.5
    return scaled.astype(np.uint8)


def _rescale(values: Values) -> Pixels:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return _to_bytes(values)
    if high - low > float(np.finfo(np.float32).max):
        values, low, high = values * np.float32(0.5), low / 2, high / 2
    shares = values - np.float32(low)
    shares /= np.float32(high - low)
    return _to_bytes(shares)


def _signed(values: Values) -> Pixels:
    channels = values.shape[2]
    mean = cv2.transform(values, np.full((1, channels), 1 / channels, np.float32))
    reach = cv2.norm(mean, cv2.NORM_INF) or 1.0
    steps = cv2.convertScaleAbs(mean / np.float32(reach), alpha=_REACH, beta=_REACH + 1)
    return np.asarray(cv2.applyColorMap(steps, _SIGNED_TABLE), np.uint8)


def _signed_table() -> Pixels:
    """Return the colour of each step, (256, 1, 3): 1 the most negative, 128 zero, 255 the most."""
    places = (np.arange(256) - (_REACH + 1)) / _REACH
    colours = [np.interp(places, np.linspace(-1, 1, 5), _SIGNED[:, part]) for part in range(3)]
    return np.asarray(np.rint(colours).T[:, None]).astype(np.uint8)


_SIGNED_TABLE = _signed_table()


def _wrap(values: Values) -> Pixels:
    # Through int64, as a cast of a negative float to a byte is left to the machine.
    with np.errstate(over="ignore", invalid="ignore"):
        whole: NDArray[np.int64] = (values * np.float32(255)).astype(np.int64)
    return whole.astype(np.uint8)


TONES: Mapping[str, Tone] = {
    "clip": Tone("Clip", "Below 0 is black, above 1 is white.", _to_bytes),
    "rescale": Tone("Rescale", "The smallest value is black, the largest white.", _rescale),
    "absolute": Tone(
        "Absolute", "The sign is taken away, then as clip.", lambda v: _to_bytes(np.abs(v))
    ),
    "signed": Tone(
        "Signed",
        "Blue below 0, white at 0, red above, the strongest value in full colour; "
        "of three channels their mean.",
        _signed,
    ),
    "wrapped": Tone(
        "Wrapped",
        "What ToPILImage makes of floats: times 255, cast to a byte. -0.01 becomes 254: wrong.",
        _wrap,
    ),
}
