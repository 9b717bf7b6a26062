"""What a model can be made of: the catalog, and the layers of its own."""

from __future__ import annotations

from collections.abc import Iterator

from builder.catalog import CATALOG, Layer
from builder.own.row import own_row
from builder.spec import ModelSpec


def row_of(spec: ModelSpec, op: str) -> Layer | None:
    """Return the row of an op in a model, `None` for a block, an earlier layer or a stranger."""
    own = spec.layers.get(op)
    return CATALOG.get(op) if own is None else own_row(op, own)


def rows_of(spec: ModelSpec) -> Iterator[Layer]:
    """Yield the rows of a model's own layers, then those of the catalog."""
    for name, own in spec.layers.items():
        yield own_row(name, own)
    yield from CATALOG.values()
