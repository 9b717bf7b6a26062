"""Test charts, drawn by numbers: pictures of which one knows what a filter should make of them."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Grey: TypeAlias = NDArray[np.uint8]

_SIDE = 512


def edges() -> Grey:
    """Return straight edges of all directions: bars, a slanted square, a disc."""
    chart = np.full((_SIDE, _SIDE), 40, np.uint8)
    chart[40:232, 40:136] = 220
    chart[40:136, 136:232] = 130
    corners = cv2.boxPoints(((372.0, 136.0), (150.0, 150.0), 20.0)).astype(np.int32)
    cv2.fillConvexPoly(chart, corners, (220.0,), cv2.LINE_AA)
    cv2.circle(chart, (136, 376), 96, (220.0,), -1, cv2.LINE_AA)
    for width, left in enumerate((280, 330, 382, 438), start=1):
        for bar in range(3):
            at = left + bar * 4 * width
            chart[280:472, at : at + 2 * width] = 220
    return chart


def checkerboard() -> Grey:
    """Return a board whose squares shrink from row to row: 64, 32, 16, 8, 4, 2 and 1 pixels."""
    bands = []
    columns = np.arange(_SIDE)
    for cell in (64, 32, 16, 8, 4, 2, 1):
        rows = np.arange(128 if cell == 64 else 64)
        bands.append((rows[:, None] // cell + columns[None, :] // cell) % 2)
    return (np.concatenate(bands)[:_SIDE] * 255).astype(np.uint8)


def zone_plate() -> Grey:
    """Return rings that grow finer outwards, up to the finest the pixels can hold.

    `cos(pi r² / side)`: at the middle of each side the frequency is half a period a pixel.
    """
    place = np.arange(_SIDE) - (_SIDE - 1) / 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    return np.rint(127.5 + 127.5 * np.cos(np.pi * square / _SIDE)).astype(np.uint8)


def impulse() -> Grey:
    """Return a single bright pixel on black: a filter leaves its kernel there, turned."""
    chart = np.zeros((33, 33), np.uint8)
    chart[16, 16] = 255
    return chart


def letter() -> Grey:
    """Return a letter F, which looks different when turned or mirrored."""
    chart = np.zeros((_SIDE, _SIDE), np.uint8)
    chart[96:416, 160:224] = 255
    chart[96:160, 160:368] = 255
    chart[224:288, 160:320] = 255
    return chart


def ramp() -> Grey:
    """Return a grey that rises evenly from left to right."""
    return np.tile(np.linspace(0, 255, _SIDE).round().astype(np.uint8), (_SIDE // 2, 1))
