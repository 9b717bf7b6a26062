"""The group board: the parts of a model as a tree, and the groups that they are moved into."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ui.components.bridge import Intent, mount, register


@dataclass(frozen=True)
class PartRow:
    """A module or a parameter as the tree shows it.

    Args:
        path: as the model knows it, such as `encoder.fc.bias`.
        about: the module's class, or the parameter's shape.
        values: how many values it has.
        groups: which groups they are in, more than one for a module whose parts are apart.
        parameter: whether it is one, and has nothing below it.
        still: whether the model itself freezes all of it.
    """

    path: str
    about: str
    values: int
    groups: Sequence[str]
    parameter: bool
    still: bool = False


@dataclass(frozen=True)
class GroupRow:
    """A group that parts can be moved into, its colour as `#rrggbb` and a line about it."""

    name: str
    colour: str
    about: str


_component = register(
    "group_board",
    html="""
    <div class="ll group-board">
      <div class="scroll parts" role="tree" aria-multiselectable="true"
           aria-label="Parts of the model"></div>
      <div class="groups" role="list" aria-label="Groups"></div>
      <div class="sr" role="status"></div>
    </div>
    """,
)


def group_board(
    parts: Sequence[PartRow],
    groups: Sequence[GroupRow],
    *,
    key: str,
    on_move: Callable[[Sequence[str], str | None], None],
) -> None:
    """Shows the tree beside the groups.

    Parts are dragged onto a group; or they are chosen by clicks or by arrow keys and Space, and a
    group's button takes them. ``on_move`` is then called, before the script reruns, with their
    paths and the name of the group, None for a new one.
    """
    paths, names = {part.path for part in parts}, {group.name for group in groups}

    def handle(intent: Intent) -> None:
        if is_move(intent, paths, names):
            on_move(intent["paths"], intent["to"])

    mount(
        _component,
        key=key,
        data={
            "parts": [
                {
                    "path": part.path,
                    "name": part.path.rpartition(".")[2],
                    "depth": part.path.count("."),
                    "about": part.about,
                    "values": part.values,
                    "groups": list(part.groups),
                    "parameter": part.parameter,
                    "still": part.still,
                }
                for part in parts
            ],
            "groups": [
                {"name": group.name, "colour": group.colour, "about": group.about}
                for group in groups
            ],
        },
        on_intent=handle,
    )


def is_move(intent: Intent, paths: Collection[str], names: Collection[str]) -> bool:
    """Whether a message moves parts that there are into a group that there is, or a new one."""
    moved, to = intent.get("paths"), intent.get("to")
    return (
        intent.keys() == {"do", "paths", "to"}
        and intent["do"] == "move"
        and isinstance(moved, list)
        and bool(moved)
        and all(isinstance(path, str) and path in paths for path in moved)
        and (to is None or (isinstance(to, str) and to in names))
    )
