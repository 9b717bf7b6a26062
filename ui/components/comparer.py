"""The comparer: a picture before and after, under one divider or side by side, to zoom and pick."""

from collections.abc import Callable
from hashlib import sha1
from io import BytesIO
from typing import Literal

import pyarrow as pa
from PIL import Image

from ui import state
from ui.components.bridge import Intent, mount, register
from ui.components.numbers import is_place

View = Literal["slide", "side"]
Size = tuple[int, int]
Mark = tuple[int, int] | tuple[int, int, tuple[int, int, int, int]]

_component = register(
    "comparer",
    scripts=("comparer_lens.js",),
    html="""
    <div class="ll comparer">
      <div class="frame">
        <canvas class="stage" tabindex="0" role="application" aria-roledescription="comparer"
          aria-label="Picture before and after. Plus and minus zoom, 0 shows everything, Shift with
          an arrow key pans."></canvas>
        <span class="label before"></span>
        <span class="label after"></span>
        <div class="handle" role="slider" tabindex="0" aria-orientation="horizontal"
          aria-label="Divider between before and after" aria-valuemin="0" aria-valuemax="100">
          <i class="knob"></i>
        </div>
        <div class="tools" role="toolbar" aria-label="View"></div>
      </div>
      <div class="sr" role="status"></div>
    </div>
    """,
)


def comparer(
    before: bytes,
    after: bytes,
    *,
    before_size: Size,
    after_size: Size,
    key: str,
    on_intent: Callable[[Intent], None] | None = None,
    mark: Mark | None = None,
    view: View = "slide",
    height: int = 420,
) -> None:
    """Shows two pictures, given as PNG or JPEG, over the same area.

    ``before_size`` and ``after_size`` are what the labels say, (height, width), so they may be
    those of the full pictures where previews are sent. Everything else counts in pixels of the
    pictures sent: ``mark`` is a (row, column) of the after picture, followed where it is known by
    the (top, left, height, width) that it comes from in the before picture.

    ``on_intent`` is called with ``{"do": "pick", "row": int, "column": int}`` for a point of the
    after picture; without it nothing can be picked. ``view`` is the view to begin with: the person
    may change it, and a new value changes it back. ``height`` is in pixels.
    """
    row, column, *box = mark or (None, None)
    slot = f"comparer:{key}:held"

    def handle(intent: Intent) -> None:
        if intent == {"do": "resend"}:
            state.put(slot, ())
        elif on_intent is not None and is_pick(intent, _size(after)):
            on_intent(intent)

    # The browser keeps the two pictures it shows, and asks for them where it has not got them (the
    # person went to another page and came back), so a pick sends a hundred bytes, not a megabyte.
    held = state.get(slot, ())
    digests = [_digest(before), _digest(after)]
    mount(
        _component,
        key=key,
        data={
            # As Arrow: a megabyte costs half a millisecond here, as base64 in JSON six.
            "before": None if digests[0] in held else _carried(before),
            "after": None if digests[1] in held else _carried(after),
            "digests": digests,
            "sizes": [list(before_size), list(after_size)],
            "mark": None if mark is None else {"row": row, "column": column},
            "box": list(box[0]) if box else None,
            "view": view,
            "height": height,
            "pickable": on_intent is not None,
        },
        on_intent=handle,
    )
    state.put(slot, digests)


def is_pick(intent: Intent, size: Size) -> bool:
    """Whether a message picks a pixel of a picture of this (height, width)."""
    return (
        intent.keys() == {"do", "row", "column"}
        and intent["do"] == "pick"
        and is_place(intent, size)
    )


def _size(picture: bytes) -> Size:
    with Image.open(BytesIO(picture), formats=("PNG", "JPEG")) as image:
        return image.height, image.width


def _carried(picture: bytes) -> pa.Table:
    return pa.table({"bytes": pa.array([picture], pa.binary())})


def _digest(picture: bytes) -> str:
    return sha1(picture, usedforsecurity=False).hexdigest()
