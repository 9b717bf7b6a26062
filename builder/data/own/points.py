"""Points that were drawn by hand on a plane, each of a class."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch

from builder.data.own.shelf import PREFIX, called
from builder.data.samples import Samples
from builder.errors import DataError, shown

# Across, up, and the number of the class.
Point: TypeAlias = tuple[float, float, int]

EXTENT = 1.0
CLASSES = 6
MAX_POINTS = 2_000
_LEAST = 2  # of each class: one to learn from, one to be judged on


@dataclass(frozen=True)
class Drawing:
    """Points within `EXTENT` of the middle each way, in the order in which they were drawn."""

    points: tuple[Point, ...] = ()

    def add(self, points: tuple[Point, ...]) -> Drawing:
        """Return it with further points, as far as there is room for them."""
        return Drawing((*self.points, *points)[:MAX_POINTS])

    def erase(self, x: float, y: float, radius: float) -> Drawing:
        """Return it without the points that lie within a radius."""
        there = [p for p in self.points if math.hypot(p[0] - x, p[1] - y) > radius]
        return Drawing(tuple(there))

    @property
    def counts(self) -> dict[int, int]:
        """How many points each class has that has any."""
        found = sorted({point[2] for point in self.points})
        return {c: sum(point[2] == c for point in self.points) for c in found}

    @property
    def problem(self) -> str | None:
        """What keeps it from being learned, in a sentence."""
        if len(self.counts) < 2:
            have = "one class has" if self.counts else "none has"
            return f"Draw points of two or more classes; {have} some so far."
        few = [c for c, count in self.counts.items() if count < _LEAST]
        if few:
            return f"Class {few[0]} has 1 point; every class needs {_LEAST} or more."
        return None

    def to_json(self) -> bytes:
        """Return it as it is kept."""
        return json.dumps({"format": 1, "points": self.points}).encode()

    @classmethod
    def from_json(cls, content: bytes, name: str = "The file") -> Drawing:
        """Read it; raises `DataError` for what is no drawing."""
        try:
            found = json.loads(content)
            points = tuple((float(x), float(y), int(c)) for x, y, c in found["points"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise DataError(
                f'{name} holds no drawn points; {{"points": [[0.5, -0.2, 1]]}} has across, up and '
                "class of one."
            ) from None
        if len(points) > MAX_POINTS:
            raise DataError(f"{name} has {len(points):,} points; up to {MAX_POINTS:,} work.")
        for point in points:
            if not is_point(point):
                raise DataError(
                    f"{name} has the point {shown(point)}; from {-EXTENT:g} to {EXTENT:g} across "
                    f"and up, and a class from 0 to {CLASSES - 1}, works."
                )
        return cls(points)


def is_point(point: Point) -> bool:
    """Whether a point lies on the plane and its class is one of those that there are."""
    return all(abs(v) <= EXTENT for v in point[:2]) and 0 <= point[2] < CLASSES


def suggest(path: Path) -> dict[str, Any]:
    """Return no options: a drawing says all itself."""
    del path
    return {}


def read(path: Path, options: Mapping[str, Any]) -> Samples:
    """Return drawn points as samples (n, 2); classes without points are left out.

    Raises:
        DataError: it is no drawing, has too little to learn from, or was given an option.
    """
    if options:
        raise DataError(f"Drawn points have no setting {shown(next(iter(options)))}.")
    drawing = Drawing.from_json(path.read_bytes(), called(path))
    if drawing.problem is not None:
        raise DataError(f"{called(path)}: {drawing.problem}")
    numbers = {c: number for number, c in enumerate(drawing.counts)}
    return Samples(
        PREFIX + path.stem,
        torch.tensor([point[:2] for point in drawing.points], dtype=torch.float32),
        torch.tensor([numbers[point[2]] for point in drawing.points]),
        tuple(map(str, numbers)),
        ("x1", "x2"),
        "classification",
        "points",
    )
