"""Activations that no single curve can show: of several numbers, of channels, of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from builder.catalog.layer import Args
from builder.errors import LabError
from builder.labs.activation import Array, Curve, curve, make

MOST_SCORES = 12


@dataclass(frozen=True)
class Scores:
    """What becomes of several scores while the first of them moves.

    Args:
        x: values of the first score, float64 (points,).
        y: every output, (points, scores).
        slope: the derivative of every output with respect to the first score, (points, scores).
    """

    x: Array
    y: Array
    slope: Array


def scores(
    op: str, given: Sequence[float], low: float = -6.0, high: float = 6.0, points: int = 601
) -> Scores:
    """Return the outputs of a softmax and its kin while the first score moves over a range.

    Args:
        given: the scores along the axis; the first is replaced by each value of the range.

    Raises:
        LabError: fewer than 2 scores or more than `MOST_SCORES`.
    """
    if not 2 <= len(given) <= MOST_SCORES:
        raise LabError(f"There are {len(given)} scores; from 2 to {MOST_SCORES} can be told apart.")
    x = torch.linspace(low, high, points, dtype=torch.float64)

    def outputs(first: torch.Tensor) -> torch.Tensor:
        rest = torch.tensor(given[1:], dtype=torch.float64).expand(len(first), -1)
        rows = torch.cat([first[:, None], rest], dim=1)
        return along(op, rows)

    moving = x.clone().requires_grad_()
    y = outputs(moving)
    slopes = [
        torch.autograd.grad(column.sum(), moving, retain_graph=True)[0] for column in y.unbind(1)
    ]
    return Scores(x.numpy(), y.detach().numpy(), torch.stack(slopes, dim=1).numpy())


def along(op: str, rows: torch.Tensor) -> torch.Tensor:
    """Return an activation of several scores applied to each row of (rows, scores)."""
    module = make(op, {} if op == "nn.Softmax2d" else {"dim": 1})
    if op == "nn.Softmax2d":  # its scores are the channels of a pixel
        return module(rows[:, :, None, None])[:, :, 0, 0]  # type: ignore[no-any-return]
    return module(rows)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Gate:
    """A gated output over the plane of the value `a` and the gate `b`.

    Args:
        a, b: the two axes, float64 (points,).
        y: what comes out, (gates, values).
        open: its derivative with respect to the value: how far the gate is open, (points,).
    """

    a: Array
    b: Array
    y: Array
    open: Array


def gate(op: str = "nn.GLU", low: float = -6.0, high: float = 6.0, points: int = 81) -> Gate:
    """Return what an activation that halves its axis makes of each pair of value and gate."""
    axis = torch.linspace(low, high, points, dtype=torch.float64)
    b, a = torch.meshgrid(axis, axis, indexing="ij")
    pairs = torch.stack([a, b], dim=-1).requires_grad_()
    y = make(op, {"dim": -1})(pairs)[..., 0]
    (slope,) = torch.autograd.grad(y.sum(), pairs)
    return Gate(axis.numpy(), axis.numpy(), y.detach().numpy(), slope[:, 0, 0].numpy())


def band(
    op: str, args: Args, low: float = -6.0, high: float = 6.0, points: int = 601
) -> tuple[Curve, Curve]:
    """Return the two curves between which a `random` activation draws while it trains."""
    ends = [{**args, "lower": args[end], "upper": args[end]} for end in ("lower", "upper")]
    return curve(op, ends[0], low, high, points), curve(op, ends[1], low, high, points)


def channels(
    op: str, slopes: Sequence[float], low: float = -6.0, high: float = 6.0, points: int = 601
) -> tuple[Curve, ...]:
    """Return the curve of each channel of a `PReLU` that has learned these slopes."""
    return tuple(
        curve(op, {"num_parameters": 1, "init": float(slope)}, low, high, points)
        for slope in slopes
    )


def spread_of(args: Mapping[str, Any]) -> tuple[float, ...]:
    """Return slopes that the channels of a `PReLU` might have learned from its first value."""
    count, first = int(args["num_parameters"]), float(args["init"])
    return tuple(float(value) for value in np.round(np.linspace(0, 2 * first, count), 3))
