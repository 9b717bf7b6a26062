"""What each hidden unit of a model makes of the plane of a 2-D data set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from safetensors.torch import load, save
from torch import Tensor

from builder.train.live import grid
from builder.train.looks.given import Activations, Given, evaluating

CELLS = 30
_UNITS, _LAYERS = 16, 8


@dataclass(frozen=True)
class Units:
    """The first units of each hidden layer over a grid of the plane.

    Args:
        maps: by layer, (units, CELLS, CELLS) float16, rows from low to high second coordinate.
        x, y: coordinates of the columns and rows.
    """

    maps: dict[str, Tensor]
    x: Tensor
    y: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Units:
        """Read what `units` returned."""
        held = load(data)
        x, y = held.pop("x"), held.pop("y")
        # A file of tensors keeps no order, so the names begin with a number.
        return cls({name.partition(" ")[2]: held[name] for name in sorted(held)}, x, y)


def is_of_a_plane(given: Given) -> bool:
    """Whether the samples are points of a plane."""
    return given.data.x.dim() == 2 and given.data.x.shape[1] == 2


def units(given: Given) -> bytes | None:
    """Return the maps of the hidden units, `None` if no activation gives units of a layer."""
    x, y, points = grid(given.data, CELLS)
    maps: dict[str, Tensor] = {}

    def note(name: str, _: str, out: Tensor) -> None:
        if out.dim() == 2 and len(out) == len(points) and len(maps) < _LAYERS:
            first = out[:, :_UNITS].T.reshape(-1, CELLS, CELLS)
            maps[f"{len(maps):02d} {name}"] = first.half().cpu().contiguous()

    with evaluating(given.model), torch.no_grad(), Activations(given.model, note):
        given.model(points)
    return save({**maps, "x": x.cpu(), "y": y.cpu()}) if maps else None
