"""Many maps on one sheet: a picture of tiles, which costs a page as much as a single map."""

from __future__ import annotations

import io
import math
from typing import Any, TypeAlias

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from builder.labs.tones import encode_png, to_pixels

Tiles: TypeAlias = NDArray[np.uint8]
Range: TypeAlias = tuple[float, float]

TILE = 160  # pixels of a tile's longer side; a page shows no more
_GAP = 6  # pixels


def span(maps: Tensor) -> Range:
    """Return the smallest and the largest value of maps that are numbers, (0, 0) if none is."""
    known = maps[maps.isfinite()]
    return (known.min().item(), known.max().item()) if known.numel() else (0.0, 0.0)


def tiles(maps: Tensor, tone: str, shared: Range | None = None) -> Tiles:
    """Return maps (n, h, w) as pictures (n, h, w, 3).

    Args:
        tone: a row of `TONES`.
        shared: smallest and largest value of the scale that all have; left out, each has its own.
    """
    if not len(maps):
        return np.zeros((0, *maps.shape[1:], 3), np.uint8)
    if shared is None:
        return np.stack([to_pixels(one.numpy(), tone) for one in maps])
    # One picture above the other has one scale; two rows of its ends make it the one asked for.
    count, height, width = maps.shape
    ends = np.repeat(np.array(shared, np.float32)[:, None], width, axis=1)
    column = np.concatenate([maps.reshape(-1, width).numpy(), ends])
    return to_pixels(column, tone)[:-2].reshape(count, height, width, 3)


def shrink(maps: Tensor, side: int = TILE) -> Tensor:
    """Return maps (n, h, w) no larger than `side` each way, by averaging."""
    largest = max(maps.shape[-2:])
    if largest <= side:
        return maps
    size = [max(1, round(length * side / largest)) for length in maps.shape[-2:]]
    return F.interpolate(maps.unsqueeze(0), size, mode="area").squeeze(0)


def colour_tiles(filters: Tensor) -> Tiles:
    """Return filters (n, 3, h, w) as pictures: grey is 0, each as strong as its strongest value."""
    reach = filters.abs().amax(dim=(1, 2, 3), keepdim=True)
    values = 0.5 + 0.5 * filters / reach.clamp_min(1e-12)
    pictures = values.permute(0, 2, 3, 1).contiguous().numpy()
    return np.stack([to_pixels(one, "clip") for one in pictures])


def sheet(pictures: Tiles, columns: int) -> bytes:
    """Return pictures (n, h, w, 3) as one PNG, row by row and without a gap."""
    count, height, width, _ = pictures.shape
    rows = math.ceil(count / columns)
    paper = np.zeros((rows * columns, height, width, 3), np.uint8)
    paper[:count] = pictures
    laid = paper.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return encode_png(laid.reshape(rows * height, columns * width, 3))


def strip(pictures: Tiles, side: int) -> bytes:
    """Return pictures (n, h, w, 3) side by side as one PNG, clear between them.

    One smaller than `side` is made larger by whole steps, so that every value stays a square.
    """
    _, height, width, _ = pictures.shape
    scale = max(1, math.ceil(side / max(height, width)))
    large = pictures.repeat(scale, axis=1).repeat(scale, axis=2)
    gap = np.zeros((height * scale, _GAP, 4), np.uint8)
    parts: list[NDArray[Any]] = []
    for picture in large:
        solid = np.full((*picture.shape[:2], 1), 255, np.uint8)
        parts += [gap, np.concatenate([picture, solid], axis=2)]
    data = io.BytesIO()
    Image.fromarray(np.concatenate(parts[1:], axis=1)).save(data, "PNG", compress_level=1)
    return data.getvalue()
