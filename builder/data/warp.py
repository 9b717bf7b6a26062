"""The arithmetic of augmentation: a batch in, a batch out, each picture by a draw of its own.

Every function takes a batch (n, C, H, W) with values from 0 to 1 and the arguments of the
transform of `torchvision.transforms.v2` that it stands for, and does to each picture what that
transform's own function does with the same numbers; a test holds them together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Args: TypeAlias = Mapping[str, Any]

# How many rectangles are drawn before none is erased, or the middle is cropped, as in v2.
_TRIES = 10
# ITU-R BT.601, as v2 has them.
_GREY = (0.2989, 0.587, 0.114)


def _drawn(x: Tensor, low: float, high: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return a number for each picture, drawn evenly; on the CPU, so that devices agree."""
    return torch.empty(len(x), dtype=dtype).uniform_(low, high).to(x.device)


def _some(x: Tensor, p: float, changed: Callable[[Tensor], Tensor]) -> Tensor:
    """Return a copy in which a share of the pictures is changed."""
    rows = (torch.rand(len(x)) < p).nonzero()[:, 0].to(x.device)
    if not len(rows):
        return x
    return x.index_copy(0, rows, changed(x.index_select(0, rows)))


def flip(axis: int) -> Callable[[Tensor, Args], Tensor]:
    """Return what mirrors some pictures along an axis of the batch."""
    return lambda x, args: _some(x, args["p"], lambda some: some.flip(axis))


def rotate(x: Tensor, args: Args) -> Tensor:
    """Turn about the middle, by up to `degrees` either way."""
    return turned(x, _drawn(x, -args["degrees"], args["degrees"]))


def turned(x: Tensor, degrees: Tensor) -> Tensor:
    """Turn each picture by its degrees, anticlockwise; what comes free is black."""
    angle = torch.deg2rad(degrees)
    cos, sin = angle.cos(), angle.sin()
    height, width = x.shape[2:]
    nought = torch.zeros_like(cos)
    # The grid counts each axis from -1 to 1, so a turn has to know how long they are.
    rows = (cos, -sin * height / width, nought, sin * width / height, cos, nought)
    return _sampled(x, torch.stack(rows, 1).view(-1, 2, 3))


def affine(x: Tensor, args: Args) -> Tensor:
    """Shift by up to a share of the size, in whole pixels, and scale."""
    height, width = x.shape[2:]
    across, down = args["translate"]
    dx = _drawn(x, -across * width, across * width).round()
    dy = _drawn(x, -down * height, down * height).round()
    return shifted(x, dx, dy, _drawn(x, *args["scale"]))


def shifted(x: Tensor, dx: Tensor, dy: Tensor, scale: Tensor) -> Tensor:
    """Scale each picture about its middle, then move it by pixels to the right and down."""
    height, width = x.shape[2:]
    nought = torch.zeros_like(scale)
    rows = (1 / scale, nought, -2 * dx / width / scale, nought, 1 / scale, -2 * dy / height / scale)
    return _sampled(x, torch.stack(rows, 1).view(-1, 2, 3))


def _sampled(x: Tensor, theta: Tensor, padding: str = "zeros") -> Tensor:
    grid = F.affine_grid(theta.to(x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)


def crop(x: Tensor, args: Args) -> Tensor:
    """Move by whole pixels, up to `padding` each way."""
    (n, _, height, width), padding = x.shape, args["padding"]
    corners = torch.randint(0, 2 * padding + 1, (2, n)).to(x.device)
    rows = corners[0, :, None] + torch.arange(height, device=x.device)
    columns = corners[1, :, None] + torch.arange(width, device=x.device)
    padded = F.pad(x, [padding] * 4).movedim(1, 3)
    batch = torch.arange(n, device=x.device)[:, None, None]
    return padded[batch, rows[:, :, None], columns[:, None, :]].movedim(3, 1).contiguous()


def resized_crop(x: Tensor, args: Args) -> Tensor:
    """Cut out a part of its own from each picture and bring it to the first size."""
    height, width = x.shape[2:]
    h, w, found = _rectangles(len(x), height, width, args["scale"], args["ratio"], whole=True)
    h, w = torch.where(found, h, float(height)), torch.where(found, w, float(width))
    top = (torch.rand(len(x)) * (height - h + 1)).floor()
    left = (torch.rand(len(x)) * (width - w + 1)).floor()
    return zoomed(x, *(edge.to(x.device) for edge in (top, left, h, w)))


def zoomed(x: Tensor, top: Tensor, left: Tensor, h: Tensor, w: Tensor) -> Tensor:
    """Bring each picture's own rectangle to the size of the picture."""
    height, width = x.shape[2:]
    nought = torch.zeros_like(h)
    across, down = (2 * left + w) / width - 1, (2 * top + h) / height - 1
    rows = (w / width, nought, across, nought, h / height, down)
    grid = F.affine_grid(
        torch.stack(rows, 1).view(-1, 2, 3).to(x.dtype), list(x.shape), align_corners=False
    )
    # A pixel at the rim of the part mixes with none beyond it.
    low = torch.stack([(2 * left + 1) / width, (2 * top + 1) / height], 1) - 1
    high = torch.stack([(2 * (left + w) - 1) / width, (2 * (top + h) - 1) / height], 1) - 1
    grid = grid.clamp(low[:, None, None], high[:, None, None])
    return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _rectangles(
    n: int,
    height: int,
    width: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    *,
    whole: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw the height and width of n rectangles, and whether one was found that has room.

    Args:
        scale: of the area, between these shares.
        ratio: of the logarithm of its sides, evenly between these.
        whole: whether a rectangle may be as large as the picture.
    """
    area = torch.empty(n, _TRIES).uniform_(*scale) * height * width
    stretch = torch.empty(n, _TRIES).uniform_(*map(math.log, sorted(ratio))).exp()
    across, down = (area * stretch).sqrt(), (area / stretch).sqrt()
    # v2 divides height by width for one transform and width by height for the other.
    w, h = (across.round(), down.round()) if whole else (down.round(), across.round())
    room = (w <= width) & (h <= height) if whole else (w < width) & (h < height)
    room &= (w > 0) & (h > 0)
    first = room.int().argmax(1, keepdim=True)
    return h.gather(1, first)[:, 0], w.gather(1, first)[:, 0], room.any(1)


def erase(x: Tensor, args: Args) -> Tensor:
    """Lay a black rectangle over some pictures."""
    n, (height, width) = len(x), x.shape[2:]
    h, w, found = _rectangles(n, height, width, args["scale"], (0.3, 3.3), whole=False)
    top = (torch.rand(n) * (height - h + 1)).floor()
    left = (torch.rand(n) * (width - w + 1)).floor()
    chosen = found & (torch.rand(n) < args["p"])
    rows, columns = torch.arange(height), torch.arange(width)
    within = (rows >= top[:, None]) & (rows < (top + h)[:, None]) & chosen[:, None]
    beside = (columns >= left[:, None]) & (columns < (left + w)[:, None])
    black = within[:, None, :, None] & beside[:, None, None, :]
    return x.masked_fill(black.to(x.device), 0.0)


def _grey(x: Tensor) -> Tensor:
    weights = torch.tensor(_GREY, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)


def jitter(x: Tensor, args: Args) -> Tensor:
    """Change brightness, contrast, saturation and hue, in this order; v2 draws an order too."""
    for name, other in _OTHERS.items():
        if args[name]:
            factor = _drawn(x, max(0.0, 1 - args[name]), 1 + args[name])
            x = mixed(x, other(x), factor)
    if not args["hue"]:
        return x
    from torchvision.transforms.v2 import functional  # type: ignore[import-untyped]

    turns = _drawn(x, -args["hue"], args["hue"]).tolist()
    return torch.stack(
        [functional.adjust_hue(one, turn) for one, turn in zip(x, turns, strict=True)]
    )


def mixed(x: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """Go from another picture (at 0) through each picture (at 1) and beyond."""
    return torch.lerp(other.expand_as(x), x, factor.view(-1, 1, 1, 1)).clamp(0, 1)


_OTHERS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "brightness": torch.zeros_like,
    "contrast": lambda x: _grey(x).mean((1, 2, 3), keepdim=True),
    "saturation": _grey,
}


def greyscale(x: Tensor, args: Args) -> Tensor:
    """Take the colour from some pictures."""
    return _some(x, args["p"], lambda some: _grey(some).expand_as(some))


def invert(x: Tensor, args: Args) -> Tensor:
    """Turn light into dark in some pictures."""
    return _some(x, args["p"], lambda some: 1 - some)


def blur(x: Tensor, args: Args) -> Tensor:
    """Average each picture with a bell of its own width."""
    return blurred(x, args["kernel_size"], _drawn(x, *args["sigma"]))


def blurred(x: Tensor, size: int, sigma: Tensor) -> Tensor:
    """Average by a bell of `size` pixels each way, mirrored at the rim."""
    n, channels, height, width = x.shape
    along = torch.arange(size, dtype=x.dtype, device=x.device) - size // 2
    bell = torch.softmax(-0.5 * (along / sigma[:, None].to(x.dtype)).square(), 1)
    bell = bell.repeat_interleave(channels, 0)
    flat = F.pad(x, [size // 2] * 4, mode="reflect").view(1, n * channels, height + size - 1, -1)
    flat = F.conv2d(flat, bell[:, None, None, :], groups=n * channels)
    flat = F.conv2d(flat, bell[:, None, :, None], groups=n * channels)
    return flat.view(n, channels, height, width)


def noise(x: Tensor, args: Args) -> Tensor:
    """Add a number of its own to every pixel."""
    grain: Tensor = args["sigma"] * torch.randn(x.shape).to(x)
    return (x + grain).clamp(0, 1)
