"""How weights and gradients are spread, and how many units are dead, time after time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor

from builder.train.looks.given import Activations, Given, evaluating

BINS = 64
# Of the logarithm of the gradients' sizes: 4 bins a factor of ten.
LOWEST, HIGHEST, A_TENTH = -10, 2, 4
SAMPLES = 128
_PARAMETERS, _NUMBERS = 40, 20_000
_LEAST = -20  # the power of 2 that is the smallest reach
_FLAT = frozenset({"relu", "relu6", "hardswish", "hardsigmoid"})  # exactly 0 where they are dead

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How weights and gradients were spread at each of T steps.

    Args:
        steps: (T,) int64.
        weights: by parameter, (T, BINS): the share of its numbers in each bin, the bins from
            minus its reach to its reach.
        reach: by parameter, a power of 2.
        gradients: by parameter, (T, bins): the share of its gradient's numbers by the logarithm
            to base 10 of their sizes, from `LOWEST` to `HIGHEST`; the end bins hold all beyond.
        dead: by activation, (T,): the share of its units, the entries of one sample, that are
            exactly 0 for every one of the samples looked at.
    """

    steps: NDArray[np.int64]
    weights: Mapping[str, Counts]
    reach: Mapping[str, float]
    gradients: Mapping[str, Counts]
    dead: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, history: Iterable[tuple[int, bytes]]) -> Spread:
        """Put together what `spread` returned at each step."""
        rows = [(step, load(data)) for step, data in history]
        held = [row for _, row in rows]
        reach = {
            name: max(float(row[f"reach/{name}"]) for row in held if f"reach/{name}" in row)
            for name in _names(held, "reach")
        }
        return cls(
            np.array([step for step, _ in rows], np.int64),
            {
                _shown(name): _stacked([_widened(row, name, reach[name]) for row in held], BINS)
                for name in _names(held, "weights")
            },
            {_shown(name): 2.0**power for name, power in reach.items()},
            {
                _shown(name): _stacked([row.get(f"gradients/{name}") for row in held], _LOG_BINS)
                for name in _names(held, "gradients")
            },
            {
                _shown(name): np.array([float(row.get(f"dead/{name}", math.nan)) for row in held])
                for name in _names(held, "dead")
            },
        )


_LOG_BINS = (HIGHEST - LOWEST) * A_TENTH


def _names(rows: Sequence[Mapping[str, Tensor]], part: str) -> list[str]:
    found = {key.partition("/")[2] for row in rows for key in row if key.startswith(f"{part}/")}
    return sorted(found)


def _shown(numbered: str) -> str:
    return numbered.partition(" ")[2]


def _stacked(rows: Sequence[Tensor | None], bins: int) -> Counts:
    """Return the share in each bin; a row that is not there has none."""
    counts = np.array([row.numpy() if row is not None else np.zeros(bins) for row in rows])
    shares: Counts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _widened(row: Mapping[str, Tensor], name: str, power: float) -> Tensor | None:
    """Return the counts of a histogram over the widest of the reaches; bins fall together."""
    counts = row.get(f"weights/{name}")
    if counts is None:
        return None
    factor = 2 ** int(power - float(row[f"reach/{name}"]))
    left, right = counts[: BINS // 2].flip(0), counts[BINS // 2 :]
    return torch.cat([_merged(left, factor).flip(0), _merged(right, factor)])


def _merged(half: Tensor, factor: int) -> Tensor:
    """Put `factor` bins together to one, from the middle outwards."""
    factor = min(factor, len(half))
    merged = half.reshape(-1, factor).sum(dim=1)
    return torch.nn.functional.pad(merged, (0, len(half) - len(merged)))


def learns(given: Given) -> bool:
    """Whether the model has parameters at all."""
    return any(True for _ in given.model.parameters())


def spread(given: Given) -> bytes:
    """Return histograms of weights and gradients, and the shares of dead units, as they are now.

    The gradients are those of the mean loss of the first `SAMPLES` training samples, evaluating.
    """
    found: dict[str, Tensor] = {}
    dead: dict[str, float] = {}

    def note(name: str, called: str, out: Tensor) -> None:
        if called in _FLAT:
            dead[name] = float((out.flatten(1) == 0).all(dim=0).float().mean())

    held = list(given.model.named_parameters())[:_PARAMETERS]
    trained = [(name, value) for name, value in held if value.requires_grad]
    x, y = given.data.x[:SAMPLES], given.data.y[:SAMPLES]
    with (
        evaluating(given.model, backward=True),
        torch.enable_grad(),
        Activations(given.model, note),
    ):
        loss = given.loss(x, y)
    if trained and loss.requires_grad:
        slopes = torch.autograd.grad(loss, [value for _, value in trained], allow_unused=True)
        sizes = {name: slope for (name, _), slope in zip(trained, slopes, strict=True)}
        found |= _numbered("gradients", held, sizes.get, _by_size)
    found |= _numbered("weights", held, dict(held).get, _by_value)
    found |= _numbered("reach", held, dict(held).get, _power)
    found |= {
        f"dead/{number:02d} {name}": torch.tensor(share)
        for number, (name, share) in enumerate(dead.items())
    }
    return save(found)


def _numbered(
    part: str,
    held: Sequence[tuple[str, Tensor]],
    values: Callable[[str], Tensor | None],
    count: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """Count the numbers of each parameter; names begin with a number, which keeps their order."""

    def each() -> Iterator[tuple[str, Tensor]]:
        for number, (name, _) in enumerate(held):
            value = values(name)
            if value is not None:
                yield f"{part}/{number:02d} {name}", count(value)

    return dict(each())


def _some(value: Tensor) -> Tensor:
    """Return finite numbers of a tensor, as many as are counted quickly, spread over all."""
    flat = value.detach().flatten().float()
    flat = flat[:: max(1, flat.numel() // _NUMBERS)]
    return flat[flat.isfinite()].cpu()


def _power(value: Tensor) -> Tensor:
    """Return the power of 2 that no weight is beyond."""
    some = _some(value)
    largest = float(some.abs().max()) if len(some) else 0.0
    return torch.tensor(math.ceil(math.log2(largest)) if largest > 2.0**_LEAST else _LEAST)


def _by_value(value: Tensor) -> Tensor:
    edge = 2.0 ** int(_power(value))
    return torch.histc(_some(value), BINS, -edge, edge).int()


def _by_size(slope: Tensor) -> Tensor:
    powers = _some(slope).abs().log10().clamp(LOWEST, HIGHEST)
    return torch.histc(powers, _LOG_BINS, LOWEST, HIGHEST).int()
