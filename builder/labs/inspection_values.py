"""The numbers of a tensor: how large, how spread, how many zeros, and how they lie.

All of it is torch's own work over whole tensors: 25 million numbers take a fifth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Facts:
    """What there is to say of a tensor's numbers; those that are none (NaN, infinite) stay apart.

    Args:
        count: how many numbers.
        norm: square root of the sum of their squares.
        mean, spread: the spread is the standard deviation, over `count`.
        low, high: the smallest and the largest.
        zeros: share that is exactly 0.
        lost: how many are NaN or infinite.
        edges: where the bins of the histogram begin and the last one ends.
        counts: how many numbers lie in each; no bins where none were asked for.
    """

    count: int
    norm: float
    mean: float
    spread: float
    low: float
    high: float
    zeros: float
    lost: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def facts(tensor: Tensor, bins: int = 0) -> Facts:
    """Return the facts of a tensor, with a histogram of so many bins over all its numbers."""
    values = tensor.detach().reshape(-1)
    if not values.is_floating_point() or values.element_size() < 4:
        values = values.float()
    total = values.numel()
    low, high = _ends(values)
    if not torch.tensor([low, high]).isfinite().all():
        values = values[values.isfinite()]
        low, high = _ends(values)
    count = values.numel()
    if not count:
        return Facts(total, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, total, (), ())
    edges, counts = _histogram(values, bins, low, high) if bins else ((), ())
    return Facts(
        total,
        torch.linalg.vector_norm(values).item(),
        values.mean().item(),
        values.std(correction=0).item(),
        low,
        high,
        1 - int(torch.count_nonzero(values)) / count,
        total - count,
        edges,
        counts,
    )


def _histogram(
    values: Tensor, bins: int, low: float, high: float
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    # One value alone has no range: it gets a bin in the middle of one.
    margin = 0.0 if high > low else abs(low) / 2 or 0.5
    low, high = low - margin, high + margin
    counts = torch.histc(values, bins, low, high)
    edges = torch.linspace(low, high, bins + 1)
    return tuple(edges.tolist()), tuple(counts.long().tolist())


def _ends(values: Tensor) -> tuple[float, float]:
    if not values.numel():
        return 0.0, 0.0
    low, high = torch.aminmax(values)
    return low.item(), high.item()


@dataclass(frozen=True, eq=False)
class Held:
    """A parameter or a buffer of a model.

    Args:
        name: its full name, a key of the `state_dict` if it is saved.
        tensor: itself.
        learned: whether it is a parameter.
    """

    name: str
    tensor: Tensor
    learned: bool


def held(model: nn.Module) -> Iterator[Held]:
    """Give the parameters and the buffers of a model, module by module, shared ones once."""
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                full = f"{path}.{name}" if path else name
                yield Held(full, tensor, isinstance(tensor, nn.Parameter))


def as_table(tensor: Tensor, side: int) -> tuple[Tensor, tuple[int, int]]:
    """Return a tensor as a table (rows, columns), and how many values stand in each of its cells.

    The axes behind the first are laid out in a row. A table larger than `side` each way is made
    smaller by averaging; (1, 1) is a table of the values themselves.
    """
    values = tensor.detach().float()
    rows = values.reshape(values.shape[0], -1) if values.dim() > 1 else values.reshape(1, -1)
    height, width = rows.shape
    size = min(height, side), min(width, side)
    if size == (height, width):
        return rows, (1, 1)
    small = torch.nn.functional.adaptive_avg_pool2d(rows[None], size)[0]
    return small, (-(-height // size[0]), -(-width // size[1]))
