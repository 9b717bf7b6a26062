"""What orthogonal, eye, dirac and sparse hold: drawn by torch, and measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from builder.errors import LabError
from builder.initial import problem
from builder.labs.bands import Values, as_tensor, as_values
from builder.schemes import SCHEMES, Shape
from builder.spec import Init
from builder.train.trial import own_randomness

MOST_SIDE = 256
_VECTORS = 100


@dataclass(frozen=True, eq=False)
class Rotation:
    """A matrix drawn by `orthogonal_`.

    Args:
        matrix: (rows, columns).
        gram: the products of all pairs of its columns, or of its rows if there are fewer.
        off: how far the largest of them is from what is promised: gain^2 of each with itself, 0
            with every other.
        stretch: least and most that it multiplies the length of a vector by, of random ones; in
            the subspace of its rows, where there are fewer of them than columns.
    """

    matrix: Tensor
    gram: Tensor
    off: float
    stretch: tuple[float, float]


@dataclass(frozen=True, eq=False)
class HandedOn:
    """What a layer made of its input, and how far that is from the input where it is farthest."""

    out: Values
    off: float


@dataclass(frozen=True, eq=False)
class Thinned:
    """A matrix drawn by `sparse_`.

    Args:
        matrix: (rows, columns).
        zeros: in each column, (columns,).
        promised: in each column.
        std: of the numbers that are not zero.
    """

    matrix: Tensor
    zeros: Tensor
    promised: int
    std: float


def rotation(rows: int, columns: int, gain: float = 1.0, seed: int = 0) -> Rotation:
    """Draw a matrix by `orthogonal_` and measure it; raises `LabError` for a size that is none."""
    matrix = _drawn(Init("orthogonal_", {"gain": gain}), (rows, columns), seed)
    # The shorter side is the one whose vectors are all at right angles.
    thin = matrix if rows >= columns else matrix.T
    gram = thin.T @ thin
    off = float((gram - gain**2 * torch.eye(len(gram))).abs().max())
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(_VECTORS, len(gram), generator=generator)
    lengths = (vectors @ thin.T).norm(dim=1) / vectors.norm(dim=1)
    return Rotation(matrix, gram, off, (float(lengths.min()), float(lengths.max())))


def picture_through(values: Values, kernel_size: int = 3, groups: int = 1) -> HandedOn:
    """Send a picture, (H, W, C), through a convolution that starts by `dirac_`.

    Raises:
        LabError: the window is even and has no middle, or the groups do not divide the channels.
    """
    channels = values.shape[2]
    if kernel_size % 2 == 0 or kernel_size < 1:
        raise LabError(f"A window of {kernel_size} has no middle; an odd size has one.")
    if channels % groups:
        raise LabError(f"{groups} groups do not divide {channels} channels.")
    empty = nn.Conv2d(
        channels, channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False,
        device="meta",
    )  # fmt: skip
    layer = empty.to_empty(device="cpu")
    SCHEMES["dirac_"].fill(layer.weight, {"groups": groups})
    with torch.no_grad():
        out = as_values(layer(as_tensor(values)))
    return HandedOn(out, float(abs(out - values).max()))


def numbers_through(features: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Send standard normal numbers, (1, features), through a Linear layer that starts by `eye_`."""
    layer = nn.Linear(features, features, bias=False, device="meta").to_empty(device="cpu")
    SCHEMES["eye_"].fill(layer.weight, {})
    x = torch.randn(1, features, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return x, layer(x)


def thinned(rows: int, columns: int, sparsity: float, std: float = 0.01, seed: int = 0) -> Thinned:
    """Draw a matrix by `sparse_` and measure it; raises `LabError` for a size that is none."""
    init = Init("sparse_", {"sparsity": sparsity, "std": std})
    matrix = _drawn(init, (rows, columns), seed)
    left = matrix[matrix != 0]
    return Thinned(
        matrix,
        (matrix == 0).sum(dim=0),
        math.ceil(sparsity * rows),
        float(left.std(correction=0)) if len(left) else 0.0,
    )


def _drawn(init: Init, shape: Shape, seed: int) -> Tensor:
    if not all(1 <= size <= MOST_SIDE for size in shape):
        raise LabError(f"A side has from 1 to {MOST_SIDE} numbers here, not {max(shape)}.")
    wrong = problem(init, shape)
    if wrong:
        raise LabError(f"The matrix cannot start so: {wrong}.")
    values = torch.empty(shape)
    with own_randomness(seed):
        SCHEMES[init.scheme].fill(values, init.args)
    return values
