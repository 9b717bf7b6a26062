"""Samples in memory: what every data set becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from torch import Tensor

from builder.errors import DataError

# A series is one sequence cut into windows, each with the value that comes next, in order of time.
Kind: TypeAlias = Literal["picture", "table", "points", "sequence", "series", "text"]
Task: TypeAlias = Literal["classification", "regression"]


_UNSEEN = MappingProxyType({"": "padding", " ": "space", "\n": "new line", "\t": "tab"})


def token_name(token: str) -> str:
    """Return what people call a token: itself, or the name of one that cannot be seen."""
    return _UNSEEN.get(token, token)


@dataclass(frozen=True)
class Samples:
    """A data set in memory; read only.

    Args:
        x: inputs (n, *shape), float32; of a text int64, the numbers of its tokens. A gap in a
            table is NaN until the split fills it from the training rows.
        y: class numbers, int64 (n,), or values, float32 (n, 1).
        classes: names of the classes; empty for regression.
        features: names of the columns of a table, or of what each step of a sequence holds.
        options: the settings it was loaded with, the defaults among them.
        vocabulary: of a text, what each number stands for.
        scaling: how the split scales each column of a table by its training rows, or the steps of
            a series all alike: `standard`, `minmax` or `none`; one for all, or one a column.
        gaps: how the split fills NaN from the training rows: `mean`, `median` or `zero`.
    """

    name: str
    x: Tensor
    y: Tensor
    classes: tuple[str, ...]
    features: tuple[str, ...]
    task: Task
    kind: Kind
    options: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: tuple[str, ...] = ()
    scaling: str | tuple[str, ...] = "standard"
    gaps: str = "mean"

    @property
    def called(self) -> str:
        """What messages call it: its name, or the name of the file it was read from."""
        from builder.data.own.shelf import PREFIX, Shelf

        if not self.name.startswith(PREFIX):
            return self.name
        try:
            return Shelf().about(self.name).title
        except DataError:  # it was taken off the shelf
            return self.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def by_time(self) -> bool:
        """Whether the samples follow one another in time, so that a split may not mix them."""
        return self.kind == "series" or self.continues

    @property
    def continues(self) -> bool:
        """Whether the target is the token that comes next, so that a model can write on."""
        return self.kind == "text" and self.classes == tuple(map(token_name, self.vocabulary))

    @property
    def outputs(self) -> int:
        """How many outputs a model of it has: one for each class, or one value."""
        return len(self.classes) or 1
