"""Learning a kernel: a Conv2d is trained to turn one picture into another.

It is plain training: random first weights, the mean squared error between what the layer gives and
what it should, an optimizer of torch. One thing helps: neighbouring pixels are nearly equal, so
pictures themselves hardly tell one cell of a kernel from the next, and training would crawl. The
layer therefore learns from the differences between neighbours. A convolution of differences is the
difference of the convolution, so the kernel that is right for one is right for the other. (A bias
is the same everywhere, so it drops out, and does not get in the way.)

What a picture does not show cannot be learned from it. Over a flat area every kernel of the same
sum gives the same, over level stripes every kernel whose rows have the same sums. In numbers: the
products of all pairs of cells under the window, averaged over the picture, make a matrix, which is
half the loss's second derivative. Along a direction in which it is 0 kernels cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from builder.errors import LabError

Grey: TypeAlias = NDArray[np.float32]

LARGEST = 15
_CROP, _CROPS = 96, 6
_FLAT = 1e-4
# Below this share of the largest curvature the smallest is rounding: some change of the kernel
# changes nothing that can be seen.
_BLIND = 1e-7
_UNTOLD = (
    "This picture does not tell all kernels apart: several give the same result on it, and which "
    "of them is found is chance. A photograph does."
)
_ROUNDING = 1e-5
_PATIENCE, _GAIN = 60, 0.99

_MOMENTUM = 0.9

# By name: the optimizer for a layer whose loss has this largest curvature (second derivative).
OPTIMIZERS: Mapping[str, Callable[[nn.Module, float], Optimizer]] = MappingProxyType(
    {
        "Adam": lambda layer, curvature: torch.optim.Adam(layer.parameters(), lr=0.05),
        # Beyond 2 (1 + momentum) / curvature it would swing ever wider; half of that is safe.
        "SGD": lambda layer, curvature: torch.optim.SGD(
            layer.parameters(), lr=(1 + _MOMENTUM) / curvature, momentum=_MOMENTUM
        ),
        "LBFGS": lambda layer, curvature: torch.optim.LBFGS(
            layer.parameters(), max_iter=5, history_size=20, line_search_fn="strong_wolfe"
        ),
    }
)


class KernelLearner:
    """The training of one kernel, a step at a time.

    Args:
        before, after: grey pictures, (H, W). `after` may be smaller by what a kernel without
            padding takes away.
        kernel_size: side of the kernel to find, 1 to 15.
        seed: of the first weights and of the parts of the picture that are looked at.
        optimizer: one of `OPTIMIZERS`.

    Attributes:
        losses: the mean squared error before each step, as a share of the variance of what is to
            be learned: at 1 nothing is known.
        warning: why the kernel found may be another than the one used; "" where it cannot.

    Raises:
        LabError: the sizes do not go together, a value is no number, or the picture is flat and
            tells nothing.
    """

    def __init__(
        self,
        before: Grey,
        after: Grey,
        kernel_size: int,
        *,
        seed: int = 0,
        optimizer: str = "LBFGS",
    ) -> None:
        if not 1 <= kernel_size <= LARGEST:
            raise LabError(f"A kernel of 1 to {LARGEST} a side can be learned, not {kernel_size}.")
        for name, picture in (("before", before), ("after", after)):
            if not np.isfinite(picture).all():
                raise LabError(
                    f"The picture {name} holds values that are no finite numbers; nothing can be "
                    "learned from those."
                )
        draw = torch.Generator().manual_seed(seed)
        x, y = _aligned(before, after, kernel_size)
        self._x, self._y = _differences(x, y, kernel_size, draw)
        spread = float(self._x.std())
        if not spread > _FLAT:
            raise LabError(
                "The picture before is flat: every kernel of the same sum makes the same of it. "
                "A photograph tells kernels apart."
            )
        wanted = float(self._y.std())
        if wanted < _ROUNDING * spread:  # nothing changes in it: the kernel to find is flat
            wanted = spread
        self._x, self._y = self._x / spread, self._y / wanted
        self._scale = wanted / spread
        self._layer = nn.Conv2d(1, 1, kernel_size, bias=False)
        with torch.no_grad():
            bound = 1 / kernel_size
            self._layer.weight.uniform_(-bound, bound, generator=draw)
        least, most = _curvatures(self._x, kernel_size)
        self._optimizer = OPTIMIZERS[optimizer](self._layer, most)
        self.losses: list[float] = []
        self.warning = "" if least > _BLIND * most else _UNTOLD

    def step(self) -> float:
        """Take one step of the optimizer and return the loss before it."""

        def closure() -> float:
            self._optimizer.zero_grad()
            loss = F.mse_loss(self._layer(self._x), self._y)
            torch.autograd.backward(loss)
            return float(loss.detach())

        loss = float(self._optimizer.step(closure) or 0.0)
        self.losses.append(loss)
        return loss

    @property
    def kernel(self) -> Grey:
        """The kernel as it is now, (kernel_size, kernel_size)."""
        found: Any = self._layer.weight.detach()[0, 0].clone().numpy()
        return np.asarray(found * self._scale, dtype=np.float32)

    def done(self, tolerance: float = 3e-5) -> bool:
        """Whether there is nothing left to learn, or nothing more is being learned.

        Args:
            tolerance: of the root of the loss.
        """
        if not self.losses:
            return False
        if self.losses[-1] < tolerance**2:
            return True
        old = self.losses[:-_PATIENCE]
        return bool(old) and min(self.losses[-_PATIENCE:]) > _GAIN * min(old)


def _aligned(before: Grey, after: Grey, size: int) -> tuple[Tensor, Tensor]:
    """Return the two so that pixel (i, j) of `after` comes from the window that starts there."""
    spare = [b - a for b, a in zip(before.shape, after.shape, strict=True)]
    if any(n < 0 or n >= LARGEST for n in spare):
        raise LabError(
            f"Before is {before.shape[0]} × {before.shape[1]}, after {after.shape[0]} × "
            f"{after.shape[1]}. The two have the same size, or after lacks the few pixels at the "
            "sides that a kernel without padding takes away; a stride of 2 or more leaves nothing "
            "to compare."
        )
    # The window around a pixel reaches this far up and left, and that far down and right; of an
    # even size as with padding="same".
    low = (size - 1) // 2
    high = size - 1 - low
    first = [max(low, n // 2) for n in spare]
    last = [n - max(high, s // 2) for n, s in zip(before.shape, spare, strict=True)]
    if any(end - start < 2 for start, end in zip(first, last, strict=True)):
        raise LabError(
            f"A kernel of {size} a side is too large for a picture of {before.shape[0]} × "
            f"{before.shape[1]}."
        )
    x = before[first[0] - low : last[0] + high, first[1] - low : last[1] + high]
    offset = [s // 2 for s in spare]
    y = after[
        first[0] - offset[0] : last[0] - offset[0], first[1] - offset[1] : last[1] - offset[1]
    ]
    return torch.from_numpy(x.copy()), torch.from_numpy(y.copy())


def _differences(x: Tensor, y: Tensor, size: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return differences between neighbours, down and across, of some parts of the pictures."""
    height, width = (min(_CROP, n) for n in y.shape)
    given, wanted = [], []
    for _ in range(_CROPS):
        top, left = (
            int(torch.randint(n - side + 1, (1,), generator=draw))
            for n, side in zip(y.shape, (height, width), strict=True)
        )
        part_x = x[top : top + height + size - 1, left : left + width + size - 1]
        part_y = y[top : top + height, left : left + width]
        for axis in (0, 1):
            given.append(_difference(part_x, axis))
            wanted.append(_difference(part_y, axis))
    return torch.stack(given).unsqueeze(1), torch.stack(wanted).unsqueeze(1)


def _difference(part: Tensor, axis: int) -> Tensor:
    """Return the differences along an axis, cut to the size that both axes have."""
    return torch.diff(part, dim=axis)[: part.shape[0] - 1, : part.shape[1] - 1]


def _curvatures(x: Tensor, size: int) -> tuple[float, float]:
    """Return the least and the largest curvature that the loss has in any direction."""
    products = torch.zeros(size**2, size**2, dtype=torch.float64)
    patches = 0
    for part in x:  # one by one: all patches at once take hundreds of megabytes
        columns = F.unfold(part.unsqueeze(0), size)[0].double()
        products += columns @ columns.T
        patches += columns.shape[1]
    strengths = torch.linalg.eigvalsh(2 * products / patches)
    return float(strengths[0]), float(strengths[-1])
