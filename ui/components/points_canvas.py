"""The points canvas: a plane on which points of some classes are drawn and erased by hand."""

import math
from collections.abc import Callable, Sequence

from ui.components.bridge import Intent, mount, register

# What one stroke may hold; a script sends less.
LONGEST = 2_000
EXTENT = 1.0
MAX_RADIUS = 0.5

_component = register(
    "points_canvas",
    html="""
    <div class="ll points-canvas">
      <div class="tools">
        <div class="classes" role="group" aria-label="Class"></div>
        <div class="ways" role="group" aria-label="Tool"></div>
        <div class="acts"></div>
      </div>
      <canvas class="plane" tabindex="0" role="application"></canvas>
      <div class="told" role="status"></div>
    </div>
    """,
)


def points_canvas(
    points: Sequence[tuple[float, float, int]],
    *,
    colours: Sequence[str],
    key: str,
    on_intent: Callable[[Intent], None],
    undoable: bool = False,
) -> None:
    """Shows points, (across, up, class) within `EXTENT` of the middle, to add to and to erase.

    There are as many classes as ``colours``. ``on_intent`` is called with

    - ``{"do": "add", "points": [[across, up, class], ...]}`` for a click or a stroke;
    - ``{"do": "erase", "places": [[across, up], ...], "radius": float}`` for a stroke of the
      eraser: points within the radius of one of the places go;
    - ``{"do": "undo"}``, offered where ``undoable`` says so, and ``{"do": "clear"}``.
    """

    def handle(intent: Intent) -> None:
        if is_stroke(intent, len(colours)):
            on_intent(intent)

    mount(
        _component,
        key=key,
        data={
            "points": [[round(x, 4), round(y, 4), c] for x, y, c in points],
            "colours": list(colours),
            "extent": EXTENT,
            "undoable": undoable,
        },
        on_intent=handle,
    )


def is_stroke(intent: Intent, classes: int) -> bool:
    """Whether a message is one of those that the canvas sends, with places on the plane."""
    do = intent.get("do")
    if do in ("undo", "clear"):
        return intent.keys() == {"do"}
    if do == "add":
        points = intent.get("points")
        return intent.keys() == {"do", "points"} and _are_places(points, classes)
    if do == "erase":
        places, radius = intent.get("places"), intent.get("radius")
        fits = _is_number(radius) and 0 < radius <= MAX_RADIUS
        return intent.keys() == {"do", "places", "radius"} and fits and _are_places(places)
    return False


def _are_places(found: object, classes: int | None = None) -> bool:
    """Whether these are places, each with its class if there are classes."""
    numbers = 2 if classes is None else 3
    return (
        isinstance(found, list)
        and 0 < len(found) <= LONGEST
        and all(isinstance(place, list) and len(place) == numbers for place in found)
        and all(_is_number(v) and abs(v) <= EXTENT for place in found for v in place[:2])
        and all(type(c) is int and 0 <= c < (classes or 0) for p in found for c in p[2:])
    )


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
