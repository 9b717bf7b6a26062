"""The tile sheet: many small pictures under their labels, one of them chosen."""

from collections.abc import Callable, Sequence
from hashlib import sha1

import pyarrow as pa

from ui.components.bridge import Intent, mount, register

_component = register(
    "tile_sheet",
    html="""
    <div class="ll tile-sheet">
      <div class="tiles"></div>
      <div class="told" role="status"></div>
    </div>
    """,
)


def tile_sheet(
    sheet: bytes,
    *,
    size: tuple[int, int],
    columns: int,
    labels: Sequence[str],
    facts: Sequence[str],
    key: str,
    chosen: int | None = None,
    on_intent: Callable[[Intent], None] | None = None,
) -> None:
    """Shows the tiles of a picture, a PNG, each in a place that grows with the page.

    ``size`` is that of a tile, (height, width), in pixels of the sheet, on which ``columns`` of
    them stand side by side without a gap. A tile has one of the ``labels`` below it; its line of
    ``facts`` is read below all of them while the pointer or the focus is on it. ``chosen`` has a
    frame.

    ``on_intent`` is called with ``{"do": "pick", "number": int}`` for a tile that was clicked;
    without it none can be.
    """

    def handle(intent: Intent) -> None:
        if on_intent is not None and is_pick(intent, len(labels)):
            on_intent(intent)

    mount(
        _component,
        key=key,
        data={
            "sheet": pa.table({"bytes": pa.array([sheet], pa.binary())}),
            # Only another sheet is decoded and drawn.
            "digest": sha1(sheet, usedforsecurity=False).hexdigest(),
            "size": list(size),
            "columns": columns,
            "labels": list(labels),
            "facts": list(facts),
            "chosen": chosen,
            "pickable": on_intent is not None,
        },
        on_intent=handle,
    )


def is_pick(intent: Intent, count: int) -> bool:
    """Whether a message picks one of so many tiles."""
    number = intent.get("number")
    return (
        intent.keys() == {"do", "number"}
        and intent["do"] == "pick"
        and type(number) is int
        and 0 <= number < count
    )
