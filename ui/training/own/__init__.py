"""Data of the user's own on the page: a form for each kind of file, and how files come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from builder.data.own import Own, Shelf
from builder.errors import DataError
from ui.training.own import array, pictures, points, table, text
from ui.training.own.bring import PANEL, bring_panel

# By the kind of a file: what draws its settings while the recipe trains on it.
FORMS: Mapping[str, Callable[[Own], None]] = MappingProxyType(
    {
        "table": table.form,
        "pictures": pictures.form,
        "array": array.form,
        "points": points.form,
        "text": text.form,
    }
)


def own_form(name: str) -> None:
    """Draw the settings of a file that the recipe trains on; nothing for other data."""
    try:
        own = Shelf().about(name)
    except DataError:
        return
    if own.kind in FORMS:
        FORMS[own.kind](own)


__all__ = ["FORMS", "PANEL", "bring_panel", "own_form"]
