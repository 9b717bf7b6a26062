"""Tree: the modules of a model, how torch walks them, and what is kept under each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
import streamlit as st
from torch import Tensor

from builder.catalog import CATALOG
from builder.labs import inspection
from builder.labs.inspection import KEPT, WALKS, Part
from ui import state
from ui.components.bridge import Intent
from ui.components.colours import group_colour
from ui.components.module_tree import TreeRow, module_tree
from ui.numbers import count
from ui.subject import Subject

_PICKED = "inside:picked"
_HEIGHT = 520


def section(here: Subject) -> None:
    """Draw the section."""
    walk = WALKS[
        st.segmented_control(
            "Walk", list(WALKS), default="named_children", required=True, key="walk",
            format_func=lambda method: f"`{method}()`", bind="query-params",
        )
    ]  # fmt: skip
    found = inspection.parts(here.model)
    names = inspection.walked(here.model, walk.method)
    tree, told = st.columns([6, 5])
    with tree:
        st.caption(f"**{len(names):,}** of them. {walk.help}")
        module_tree(
            rows_of(found, here.spec.name, (walk.item,), lit=names),
            key="inside-tree",
            selected=_picked(found),
            on_intent=_pick,
            height=_HEIGHT,
        )
    with told:
        st.code(walk.code)
        text = inspection.printed(here.model, walk.method)
        st.code(text or "(nothing)", language=None, height=_fitting(text))
    _under(here, _picked(found))


def rows_of(
    found: Collection[Part],
    title: str,
    leaves: Collection[str] = (),
    *,
    lit: Collection[str] | None = None,
) -> list[TreeRow]:
    """Return the rows of a tree.

    Args:
        title: what the model itself is called.
        leaves: what is shown besides modules: `parameter`, `buffer`.
        lit: names in the order of a walk; all others step back. Left out, none does.
    """
    places = {name: number for number, name in enumerate(lit or (), 1)}

    def row(path: str, **facts: Any) -> TreeRow:
        return TreeRow(
            path, order=places.get(path), dim=lit is not None and path not in places, **facts
        )

    rows = []
    for part in found:
        rows.append(
            row(
                part.path,
                level=part.level,
                name=part.name or title,
                kind=part.kind if part.path else "",
                words=part.words,
                count=count(part.params) if part.params else "",
                colour=colour_of(part),
            )
        )
        held = {
            **(part.parameters if "parameter" in leaves else {}),
            **(part.buffers if "buffer" in leaves else {}),
        }
        rows += [
            row(
                f"{part.path}.{name}".lstrip("."),
                level=part.level + 1,
                name=name,
                kind=shape_text(tensor),
                count=count(tensor.numel()),
                colour=colour_of(part),
                leaf=True,
            )
            for name, tensor in held.items()
        ]
    return rows


def colour_of(part: Part) -> str:
    """Return the colour that a module of this class has everywhere."""
    row = CATALOG.get(f"nn.{part.kind}")
    return group_colour(row.group if row else "Block")


def shape_text(tensor: Tensor) -> str:
    """Return a shape as people say it: 16 × 3 × 3 × 3."""
    return " × ".join(map(str, tensor.shape)) or "one number"


def _picked(found: Collection[Part]) -> str:
    """Return the path of the module that is looked at: the model itself until one is picked."""
    picked = state.get(_PICKED, "")
    return picked if any(part.path == picked for part in found) else ""


def _pick(intent: Intent) -> None:
    state.put(_PICKED, intent["id"])


def _fitting(text: str) -> int | str:
    return _HEIGHT - 80 if text.count("\n") > 20 else "content"


def _under(here: Subject, path: str) -> None:
    """Draw what `vars()` of a module holds."""
    module = here.model.get_submodule(path)
    title = f"model.{path}" if path else "model"
    st.markdown(f"**Under `{title}`**: what `nn.Module.__init__` made, as it is there now")
    kept, own = st.columns([7, 4])
    with kept:
        _table(inspection.dictionaries(module), KEPT)
    with own:
        added = inspection.own_attributes(module)
        kind = type(module).__name__
        if added:
            st.caption(f"What {kind} adds to them")
            _table(added)
        else:
            st.caption(f"{kind} adds nothing to them.")


def _table(held: Mapping[str, Any], help: Mapping[str, str] | None = None) -> None:
    rows = pd.DataFrame(
        {
            "attribute": [f"`{name}`" for name in held],
            "holds": [f"`{inspection.told(value)}`" for value in held.values()],
        }
    )
    if help is not None:
        rows["what it is"] = [help[name] for name in held]
    st.table(rows, border="horizontal", hide_index=True)
