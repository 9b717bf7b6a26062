"""What travels along a wire: the type of a tensor, its batch axis left open."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch

DTYPES = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


@dataclass(frozen=True)
class BatchDim:
    """A size that depends on the batch: `factor * N + offset`."""

    factor: int = 1
    offset: int = 0

    def at(self, batch: int) -> int:
        """Return the size for a batch of `batch`."""
        return self.factor * batch + self.offset

    def __str__(self) -> str:
        text = "N" if self.factor == 1 else f"{self.factor}N"
        return text if not self.offset else f"{text}{self.offset:+d}"


N = BatchDim()
Dim: TypeAlias = int | BatchDim


@dataclass(frozen=True)
class TensorType:
    """Shape and dtype of a tensor; `str()` gives what people read: `(N, 16, 32, 32)`."""

    shape: tuple[Dim, ...]
    dtype: str = "float32"

    @property
    def batched(self) -> bool:
        """Whether axis 0 is the batch, one entry per sample."""
        return bool(self.shape) and self.shape[0] == N

    @property
    def sample(self) -> tuple[int, ...]:
        """The sizes without the batch axis; those that depend on the batch count for one sample."""
        rest = self.shape[1:] if self.batched else self.shape
        return tuple(dim if isinstance(dim, int) else dim.at(1) for dim in rest)

    @property
    def features(self) -> int:
        """Number of values of one sample."""
        return math.prod(self.sample)

    @property
    def bytes(self) -> int:
        """Memory of one sample's values."""
        return self.features * DTYPES[self.dtype].itemsize

    def at(self, batch: int) -> tuple[int, ...]:
        """Return the shape for a batch of `batch`."""
        return tuple(dim if isinstance(dim, int) else dim.at(batch) for dim in self.shape)

    def __str__(self) -> str:
        inner = ", ".join(str(dim) for dim in self.shape)
        return f"({inner},)" if len(self.shape) == 1 else f"({inner})"


Type: TypeAlias = "TensorType | tuple[Type, ...]"


def tensors(value: Type) -> Iterator[TensorType]:
    """Yield every tensor type in a value, in order."""
    if isinstance(value, TensorType):
        yield value
    else:
        for item in value:
            yield from tensors(item)


def describe(value: Type) -> str:
    """Return a value's type as people read it; several in parentheses with semicolons."""
    if isinstance(value, TensorType):
        return str(value)
    return "[" + "; ".join(describe(item) for item in value) + "]"
