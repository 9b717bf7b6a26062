"""A sheet of small pictures, side by side, each pixel a square."""

from __future__ import annotations

from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

_WIDTH = 1100  # pixels of a sheet, at least nearly
_RIM = 90 / 255


def across(shape: tuple[int, ...], most: int) -> int:
    """Return how many pictures (C, H, W) stand side by side, `most` of them if they are small."""
    return max(2, min(most, 2 * _WIDTH // shape[2]))


def sheet(pictures: Tensor) -> Image.Image:
    """Return pictures (rows, columns, C, H, W), values from 0 to 1 and C of 1 or 3, as a sheet."""
    rows, columns, channels, height, width = pictures.shape
    framed = pad(pictures.clamp(0, 1), (1, 1, 1, 1), value=_RIM)
    laid = framed.permute(0, 3, 1, 4, 2).reshape(
        rows * (height + 2), columns * (width + 2), channels
    )
    values = (laid * 255).round().byte().numpy()
    image = Image.fromarray(values if channels == 3 else values[:, :, 0])
    scale = max(1, _WIDTH // image.width)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
