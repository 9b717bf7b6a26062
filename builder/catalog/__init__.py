"""What a person can put in a model: one row a layer.

Forms, checks, building, code, docs and tests are loops over these rows. A row of
`torch.nn` lives with its kin in `linear`, `spatial` or `sequences` (`modules` puts them together),
one of a function in `functions`; what is true of an argument wherever it occurs is in `fields`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from builder.catalog.fields import Field
from builder.catalog.functions import Function, function_rows
from builder.catalog.layer import Layer, Wire
from builder.catalog.modules import module_rows


def _collect() -> Mapping[str, Layer]:
    modules = {row.op: row for row in module_rows()}
    functions = {row.op: row for row in function_rows(modules)}
    return MappingProxyType({**modules, **functions})


CATALOG: Mapping[str, Layer] = _collect()
_LONGEST = 100  # comparing words takes a time that grows with their length
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(row.group for row in CATALOG.values()))


def did_you_mean(op: str) -> str:
    """Return a question that names the ops nearest to `op`, empty if none is near."""
    near = similar(op)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def similar(op: str) -> list[str]:
    """Return the ops whose names come nearest to `op`, the nearest first."""
    title = op[:_LONGEST].rpartition(".")[2].lower()
    titles = {row.title.lower() for row in CATALOG.values()}
    near = difflib.get_close_matches(title, titles, n=3, cutoff=0.7)
    ops = [row.op for name in near for row in CATALOG.values() if row.title.lower() == name]
    home = op.rpartition(".")[0]
    return sorted(ops, key=lambda found: found.rpartition(".")[0] != home)[:3]


__all__ = ["CATALOG", "GROUPS", "Field", "Function", "Layer", "Wire", "did_you_mean", "similar"]
