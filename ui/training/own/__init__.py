"""Data of the user's own on the page: a form for each kind of file."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from builder.data.own import Own
from ui.training.own import array, pictures, points

# By the kind of a file: what draws its settings while the recipe trains on it.
FORMS: Mapping[str, Callable[[Own], None]] = MappingProxyType(
    {
        "pictures": pictures.form,
        "array": array.form,
        "points": points.form,
    }
)

__all__ = ["FORMS"]
