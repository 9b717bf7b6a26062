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

from builder.errors import BuilderError

Values: TypeAlias = NDArray[np.float32]
Pixels: TypeAlias = NDArray[np.uint8]

_NOT_A_NUMBER = (255, 0, 255)
# From blue over white to red: the two ends are ColorBrewer's RdBu, as printed in its list.
_SIGNED = np.array([[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]])
_SIGNED_STEPS = 511


@dataclass(frozen=True)
class Tone:
    """One way to show values: what it does in words, and (H, W, C) values to bytes."""

    title: str
    help: str
    shade: Callable[[Values], Pixels]


def to_pixels(values: Values, tone: str) -> Pixels:
    """Return values, (H, W) or (H, W, C) with C 1 or 3, as an RGB picture, (H, W, 3).

    Raises:
        BuilderError: there is no such tone.
    """
    if tone not in TONES:
        raise BuilderError(f"There is no tone {tone!r}; known are {', '.join(TONES)}.")
    table = values if values.ndim == 3 else values[:, :, None]
    known = np.isfinite(table)
    whole = bool(known.all())
    pixels = TONES[tone].shade(table if whole else np.where(known, table, np.float32(0)))
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if not whole:
        pixels[~known.all(axis=2)] = _NOT_A_NUMBER
    return pixels


def histogram(values: Values, bins: int = 64) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many values of each channel lie in each bin, (C, bins), and the bins' edges.

    The bins span all channels; what is no number is left out.
    """
    table = values if values.ndim == 3 else values[:, :, None]
    known = table[np.isfinite(table)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    counts = [
        np.histogram(channel[np.isfinite(channel)], edges)[0]
        for channel in (table[:, :, index] for index in range(table.shape[2]))
    ]
    return np.array(counts), edges


def outside(values: Values) -> tuple[float, float]:
    """Return the shares of values below 0 and above 1."""
    return float(np.mean(values < 0)), float(np.mean(values > 1))


def encode_png(pixels: Pixels) -> bytes:
    """Return an RGB or grey picture as PNG: nothing is lost, and little time spent on its size."""
    ordered = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def _to_bytes(values: Values) -> Pixels:
    """Return values from 0 to 1 as bytes, rounded; what lies outside is cut off."""
    return np.asarray(np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _rescale(values: Values) -> Pixels:
    low, high = float(values.min()), float(values.max())
    return _to_bytes((values - low) / (high - low) if high > low else values)


def _signed(values: Values) -> Pixels:
    mean = values.mean(axis=2)
    reach = float(np.abs(mean).max(initial=0.0)) or 1.0
    half = _SIGNED_STEPS // 2
    places = np.linspace(0, len(_SIGNED) - 1, _SIGNED_STEPS)
    table = np.stack(
        [np.interp(places, range(len(_SIGNED)), _SIGNED[:, channel]) for channel in range(3)],
        axis=1,
    ).astype(np.uint8)
    return np.asarray(table[np.rint(mean / reach * half).astype(np.int32) + half])


def _wrap(values: Values) -> Pixels:
    # Through int64, as a cast of a negative float to a byte is left to the machine.
    return (values * np.float32(255)).astype(np.int64).astype(np.uint8)


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
