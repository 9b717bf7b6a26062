"""The kernel grid: the numbers of a kernel as coloured cells, to type and paste into."""

from collections.abc import Callable

from ui.components.bridge import Intent, mount, register
from ui.components.numbers import Numbers, is_place, plain

_component = register(
    "kernel_grid",
    scripts=("numbers.js",),
    html="""
    <div class="ll kernel-grid">
      <label class="bar" hidden>
        <span class="place"></span>
        <input class="edit" type="text" autocomplete="off" spellcheck="false">
      </label>
      <div class="scroll"><div class="cells" role="grid"></div></div>
      <div class="message" role="alert"></div>
    </div>
    """,
)

# A 31 x 31 block of long numbers is 25 thousand characters; what is longer is no kernel.
LONGEST = 100_000


def kernel_grid(
    values: Numbers,
    *,
    key: str,
    on_intent: Callable[[Intent], None] | None = None,
    read_only: bool = False,
) -> None:
    """Shows a kernel, rows of equal length, as cells coloured by sign and magnitude.

    ``on_intent`` is called with ``{"do": "set", "row": int, "column": int, "text": str}`` for a
    number typed into a cell, such as "-0.5" or "1/9", and with ``{"do": "fill", ...}`` and the
    same fields for a block that was pasted there: rows on lines, numbers between tabs, commas,
    semicolons or spaces. Reading the text is up to the receiver; the grid holds back only what is
    plainly no number.
    """
    rows, columns = len(values), len(values[0])
    editable = on_intent is not None and not read_only

    def handle(intent: Intent) -> None:
        if on_intent is not None and editable and is_entry(intent, (rows, columns)):
            on_intent(intent)

    mount(
        _component,
        key=key,
        data={
            "values": plain(values),
            "editable": editable,
        },
        on_intent=handle,
    )


def is_entry(intent: Intent, size: tuple[int, int]) -> bool:
    """Whether a message writes to a cell of a kernel of this (height, width)."""
    return (
        intent.keys() == {"do", "row", "column", "text"}
        and intent["do"] in ("set", "fill")
        and isinstance(intent["text"], str)
        and len(intent["text"]) <= LONGEST
        and is_place(intent, size)
    )
