"""What a model answers over a plane, and its forecast of a series."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from builder.train.data import Data
from builder.train.measure import predict

CELLS = 60
STEPS = 300  # a forecast of more would take its time from the training
_MARGIN = 0.15


@dataclass(frozen=True)
class Boundary:
    """A model's answer on a grid of `CELLS` by `CELLS` points.

    Args:
        answer: (CELLS, CELLS), rows from low to high second coordinate: the class for several
            outputs, the probability of the second class for two outputs or one.
        x, y: coordinates of the columns and rows.
    """

    answer: Tensor
    x: Tensor
    y: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Boundary:
        """Read what `boundary` returned."""
        return cls(**load(data))


def boundary(model: nn.Module, data: Data) -> bytes | None:
    """Return the boundary of a model as bytes, `None` if its input is not a point of a plane."""
    if data.x.dim() != 2 or data.x.shape[1] != 2:
        return None
    x, y, points = grid(data, CELLS)
    was = model.training
    model.eval()
    out = predict(model, points)
    model.train(was)
    answer = _answer(out).reshape(CELLS, CELLS)
    return save({"answer": answer.cpu().contiguous(), "x": x.cpu(), "y": y.cpu()})


def grid(data: Data, cells: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the points of a grid over 2-D samples and a margin around them.

    Returns:
        coordinates of the columns and of the rows, (cells,), and the points row by row,
        (cells * cells, 2).
    """
    low, high = data.x.amin(dim=0), data.x.amax(dim=0)
    edge = (high - low) * _MARGIN
    steps = torch.linspace(0, 1, cells, device=data.x.device)
    x = low[0] - edge[0] + steps * (high[0] - low[0] + 2 * edge[0])
    y = low[1] - edge[1] + steps * (high[1] - low[1] + 2 * edge[1])
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return x, y, torch.stack([columns.flatten(), rows.flatten()], dim=1)


@dataclass(frozen=True)
class Forecast:
    """A model's forecasts of the validation part of a series, its first `STEPS` at most.

    Args:
        values: (n,) float32, in the order of time, in the scale that training sees.
    """

    values: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Forecast:
        """Read what `forecast` returned."""
        return cls(**load(data))


def forecast(model: nn.Module, data: Data) -> bytes | None:
    """Return a model's forecasts as bytes, `None` if it does not forecast one value."""
    if data.y_validation.dim() != 2 or data.y_validation.shape[1] != 1:
        return None
    was = model.training
    model.eval()
    out = predict(model, data.x_validation[:STEPS])
    model.train(was)
    return save({"values": out.squeeze(1).cpu().contiguous()})


def _answer(out: Tensor) -> Tensor:
    if out.shape[1] == 1:
        return out.squeeze(1).sigmoid()
    if out.shape[1] == 2:
        return out.softmax(dim=1)[:, 1]
    return out.argmax(dim=1).float()
