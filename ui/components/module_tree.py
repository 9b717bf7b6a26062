"""The tree of a model: its modules and what they hold, to pick from and to switch things on at."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ui.components.bridge import Intent, mount, register


@dataclass(frozen=True)
class TreeRow:
    """A row; what it holds follows it, one ``level`` deeper.

    ``leaf`` is true for what is no module: a parameter or a buffer. ``words`` say more of it in
    grey, ``count`` stands at the end. ``order`` is a number beside a row that stands out, ``dim``
    is true for one that steps back, ``on`` names its switches that are on.
    """

    id: str
    level: int
    name: str
    kind: str
    words: str = ""
    count: str = ""
    colour: str = "#8b93a1"
    leaf: bool = False
    order: int | None = None
    dim: bool = False
    on: Collection[str] = ()


@dataclass(frozen=True)
class Switch:
    """A switch that every module has: its ``label``, and ``help`` on it in a sentence."""

    id: str
    label: str
    help: str


_component = register(
    "module_tree",
    scripts=("tree_rows.js",),
    html="""
    <div class="ll tree module-tree">
      <div class="scroll"><div role="tree" aria-label="Modules of the model"></div></div>
    </div>
    """,
)


def module_tree(
    rows: Sequence[TreeRow],
    *,
    key: str,
    on_intent: Callable[[Intent], None],
    selected: str | None = None,
    switches: Sequence[Switch] = (),
    height: int | None = None,
) -> None:
    """Shows the rows, of which those below a row can be folded away.

    ``on_intent`` is called before the script reruns, with one of::

        {"do": "pick", "id": str}                  a row was clicked
        {"do": "switch", "id": str, "what": str}   one of its switches was

    both of which name rows and switches that there are. ``height`` is the greatest height in
    pixels, beyond which the tree scrolls.
    """
    ids, known = {row.id for row in rows}, {entry.id for entry in switches}
    mount(
        _component,
        key=key,
        data={
            "rows": [as_json(row) for row in rows],
            "switches": [vars(entry) for entry in switches],
            "selected": selected,
            "height": height,
        },
        on_intent=lambda intent: on_intent(intent) if is_intent(intent, ids, known) else None,
    )


def is_intent(intent: Intent, ids: Collection[str], switches: Collection[str]) -> bool:
    """Whether a message has the form of one of the intents above."""
    fields = {"pick": {"do", "id"}, "switch": {"do", "id", "what"}}.get(str(intent.get("do")))
    if fields is None or intent.keys() != fields:
        return False
    if not all(isinstance(value, str) for value in intent.values()):
        return False
    return intent["id"] in ids and intent.get("what") in {None, *switches}


def as_json(row: TreeRow) -> dict[str, object]:
    """Return a row as its script takes it."""
    return {**vars(row), "on": list(row.on)}
