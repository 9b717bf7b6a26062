"""A name taken apart: the way to it in the tree of a model, and in its code."""

from collections.abc import Mapping, Sequence

from ui.components.bridge import mount, register
from ui.components.module_tree import TreeRow, as_json

_component = register(
    "name_path",
    scripts=("tree_rows.js",),
    styles=("module_tree.css",),
    html="""
    <div class="ll tree name-path">
      <div class="told" role="status"><div class="full"></div><ol class="why"></ol></div>
      <div class="panes">
        <div class="scroll"><div role="tree" aria-label="Names in the model"></div></div>
        <div class="scroll"><div class="code-lines" aria-label="Code of the model"></div></div>
      </div>
    </div>
    """,
)


def name_path(
    rows: Sequence[TreeRow],
    code: str,
    *,
    places: Mapping[str, Sequence[int]],
    words: Mapping[str, str],
    first: str,
    key: str,
    height: int,
) -> None:
    """Shows the tree beside the code; the name that is pointed at lights its way in both.

    ``places`` are the lines of the code, from 1, that make a row, by the id of the row. ``words``
    say of each row how it came by its name. ``first`` is the row that is picked at first.
    """
    mount(
        _component,
        key=key,
        data={
            "rows": [as_json(row) for row in rows],
            "code": code.splitlines(),
            "places": {name: list(lines) for name, lines in places.items()},
            "words": dict(words),
            "first": first,
            "height": height,
        },
        on_intent=lambda intent: None,
    )
