"""The palette: every layer that can be added, grouped and searched in the browser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ui.components.bridge import Intent, mount, register
from ui.components.colours import group_colour


@dataclass(frozen=True)
class PaletteEntry:
    """A layer as the palette shows it; ``help`` is a sentence or two."""

    op: str
    title: str
    group: str
    help: str = ""


_component = register(
    "palette",
    html="""
    <div class="ll palette">
      <label class="search">
        <span class="sr">Search layers</span>
        <input type="search" autocomplete="off" spellcheck="false">
      </label>
      <div class="scroll entries"></div>
      <div class="sr" role="status"></div>
      <div class="tip" role="tooltip" popover="manual"></div>
    </div>
    """,
)


def palette(
    entries: Sequence[PaletteEntry],
    *,
    key: str,
    on_add: Callable[[str], None],
    open_groups: int = 1,
    height: int | None = None,
) -> None:
    """Shows the entries by group, in the order given, the first ``open_groups`` unfolded.

    ``on_add`` is called with the op of an entry that was clicked or chosen by Enter, before the
    script reruns. An entry dragged onto a layer list arrives there instead, as its "add" intent.
    ``height`` is the height in pixels; None lets the palette grow.
    """
    known = {entry.op for entry in entries}

    def handle(intent: Intent) -> None:
        op = intent.get("add")
        if isinstance(op, str) and op in known:
            on_add(op)

    mount(
        _component,
        key=key,
        data={
            "entries": [
                {
                    "op": entry.op,
                    "title": entry.title,
                    "group": entry.group,
                    "colour": group_colour(entry.group),
                    "help": entry.help,
                }
                for entry in entries
            ],
            "openGroups": open_groups,
            "height": height,
        },
        on_intent=handle,
    )
