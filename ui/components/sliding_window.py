"""The sliding window: a kernel walks over a small picture and its result fills cell by cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ui.components.bridge import Intent, mount, register
from ui.components.numbers import Numbers, is_place, plain

Rule = Literal["sum", "max", "mean"]


@dataclass(frozen=True)
class Window:
    """What a layer with a window does to a small picture.

    ``input`` is the picture with its padding, up to 24 x 24; ``padding`` says of each of its cells
    whether it is padding. ``output`` is the result, and ``tops`` and ``lefts`` are where in the
    input the window of each of its rows and columns begins. ``down`` and ``across`` are the
    places of the taps from there: 0, 1, 2 for three in a row, 0, 2, 4 with a dilation of 2.

    ``rule`` is what is made of the numbers under the taps: the "sum" of their products with
    ``kernel`` and of ``bias``, their "max" or their "mean", which leaves padding out unless
    ``counts_padding`` and divides by how many numbers are left unless there is a ``divisor``. Only
    "sum" uses the numbers of ``kernel``.

    ``at`` is the (row, column) of the output to begin with; a new value jumps there.
    """

    input: Numbers
    padding: Sequence[Sequence[bool]]
    kernel: Numbers
    down: Sequence[int]
    across: Sequence[int]
    tops: Sequence[int]
    lefts: Sequence[int]
    output: Numbers
    rule: Rule = "sum"
    bias: float = 0.0
    counts_padding: bool = True
    divisor: float | None = None
    at: tuple[int, int] = (0, 0)


_component = register(
    "sliding_window",
    scripts=("numbers.js", "sliding_window_scene.js"),
    html="""
    <div class="ll sliding-window">
      <svg class="scene" tabindex="0" role="application" aria-roledescription="animation"
        aria-label="A window sliding over the input. Space plays and pauses, arrow keys step, Home
        goes to the start, Enter looks at this position."></svg>
      <div class="sum" role="group" aria-label="Arithmetic of this position"></div>
      <div class="controls" role="toolbar" aria-label="Animation"></div>
      <div class="sr" role="status"></div>
    </div>
    """,
)


def sliding_window(
    window: Window,
    *,
    key: str,
    on_intent: Callable[[Intent], None] | None = None,
    height: int = 340,
) -> None:
    """Draws the window, paused at ``window.at``; the rest is between the person and the browser.

    ``on_intent`` is called with ``{"do": "look", "row": int, "column": int}`` for a cell of the
    output that was clicked, or chosen by Enter. ``height`` is that of the drawing, in pixels.
    """
    size = len(window.tops), len(window.lefts)

    def handle(intent: Intent) -> None:
        if on_intent is not None and is_look(intent, size):
            on_intent(intent)

    mount(
        _component,
        key=key,
        data={
            "input": plain(window.input),
            "padding": [[bool(cell) for cell in row] for row in window.padding],
            "kernel": plain(window.kernel),
            "down": list(window.down),
            "across": list(window.across),
            "tops": list(window.tops),
            "lefts": list(window.lefts),
            "output": plain(window.output),
            "rule": window.rule,
            "bias": float(window.bias),
            "countsPadding": window.counts_padding,
            "divisor": window.divisor,
            "at": list(window.at),
            "height": height,
            "pickable": on_intent is not None,
        },
        on_intent=handle,
    )


def is_look(intent: Intent, size: tuple[int, int]) -> bool:
    """Whether a message looks at a cell of an output of this (height, width)."""
    return (
        intent.keys() == {"do", "row", "column"}
        and intent["do"] == "look"
        and is_place(intent, size)
    )
