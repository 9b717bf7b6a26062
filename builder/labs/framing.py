"""A picture as a model's input: which inputs hold one, and how a picture is fitted to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from builder.errors import ModelError
from builder.spec import ModelSpec

Fit: TypeAlias = Literal["crop", "squeeze", "pad"]
Values: TypeAlias = NDArray[np.float32]

FITS: Mapping[Fit, str] = MappingProxyType(
    {
        "crop": "Cut the middle out, in the proportions of the input.",
        "squeeze": "Keep everything, in other proportions.",
        "pad": "Keep everything and its proportions; black fills what is left.",
    }
)
# ITU-R BT.601, as Pillow and OpenCV weigh colours.
_GREY = (0.299, 0.587, 0.114)
_LEAST_SIDE, _MOST_VALUES = 4, 4096 * 4096


@dataclass(frozen=True)
class Frame:
    """How a model's input holds a picture.

    Args:
        channels, height, width: of the picture as the model sees it.
        shape: of the input itself, without the batch: (C, H, W), (H, W) or (C*H*W,).
        note: what a person should know of it; empty for a plain picture.
    """

    channels: int
    height: int
    width: int
    shape: tuple[int, ...]
    note: str = ""

    @classmethod
    def of(cls, spec: ModelSpec) -> Frame:
        """Return how the input of a model holds a picture.

        Raises:
            ModelError: it cannot; the message says which input could.
        """
        if len(spec.inputs) != 1:
            names = ", ".join(entry.name for entry in spec.inputs)
            raise ModelError(
                f"{spec.name} has {len(spec.inputs)} inputs ({names}), and a picture is one; "
                "a model with a single input of shape (3, 64, 64) can look at pictures."
            )
        shape, dtype = spec.inputs[0].shape, spec.inputs[0].dtype
        if dtype != "float32":
            raise ModelError(
                f"{spec.name} reads whole numbers, {shape} of {dtype}, such as the word indices "
                "that an Embedding takes. A picture is float32: an input of shape (1, 28, 28) "
                "holds a grey one."
            )
        frame = _frame(shape)
        if frame is None:
            raise ModelError(
                f"{spec.name} takes {shape}, which holds no picture. These do: (1, 28, 28) grey, "
                "(3, 64, 64) colour, or (784,), a grey one of 28 by 28 in a row."
            )
        if frame.channels * frame.height * frame.width > _MOST_VALUES:
            raise ModelError(
                f"{spec.name} takes {shape}, more than the {_MOST_VALUES:,} values that fit here."
            )
        return frame


def _frame(shape: tuple[int, ...]) -> Frame | None:
    if len(shape) == 3:
        channels = shape[0]
        odd = f"Its {channels} channels all get the same grey picture."
        return Frame(*shape, shape, "" if channels in (1, 3) else odd)
    if len(shape) == 2:
        note = f"It takes the picture as {shape[0]} rows of {shape[1]} numbers."
        return Frame(1, *shape, shape, note)
    if len(shape) != 1:
        return None
    for channels in (1, 3):
        side = math.isqrt(shape[0] // channels)
        if side >= _LEAST_SIDE and channels * side * side == shape[0]:
            kind = "grey" if channels == 1 else "colour"
            note = (
                f"It takes a {kind} picture of {side} by {side} as one row of {shape[0]} numbers."
            )
            return Frame(channels, side, side, shape, note)
    return None


def fit(values: Values, frame: Frame, how: Fit = "crop", *, invert: bool = False) -> Tensor:
    """Return a picture as a model takes it, (1, *frame.shape), from 0 to 1.

    Args:
        values: (H, W) or (H, W, C) from 0 to 1, C being 1 or 3.
        frame: of the model.
        how: what to do where the proportions differ.
        invert: turn light and dark around, before black is added.
    """
    picture = _in_channels(torch.from_numpy(np.ascontiguousarray(values, np.float32)), frame)
    if invert:
        picture = 1.0 - picture
    height, width = picture.shape[-2:]
    size = frame.height, frame.width
    if how == "crop":
        # Cut before scaling: a strip of 1 by 10,000 would grow to millions of pixels.
        cut_height = max(1, min(height, round(width * frame.height / frame.width)))
        cut_width = max(1, min(width, round(height * frame.width / frame.height)))
        top, left = (height - cut_height) // 2, (width - cut_width) // 2
        picture = picture[..., top : top + cut_height, left : left + cut_width]
    elif how == "pad":
        scale = min(frame.height / height, frame.width / width)
        size = max(1, round(height * scale)), max(1, round(width * scale))
    if picture.shape[-2:] != size:
        picture = F.interpolate(picture, size, mode="bilinear", antialias=True)
    if size != (frame.height, frame.width):
        over, beside = frame.height - size[0], frame.width - size[1]
        picture = F.pad(picture, (beside // 2, beside - beside // 2, over // 2, over - over // 2))
    return picture.clamp(0.0, 1.0).reshape(1, *frame.shape)


def _in_channels(picture: Tensor, frame: Frame) -> Tensor:
    """Return (H, W) or (H, W, C) as (1, C, H, W) with the channels that the frame has."""
    if picture.dim() == 2:
        picture = picture.unsqueeze(-1)
    picture = picture.permute(2, 0, 1).unsqueeze(0)
    if picture.shape[1] == 3 and frame.channels != 3:
        picture = (picture * torch.tensor(_GREY).reshape(1, 3, 1, 1)).sum(1, keepdim=True)
    return picture.expand(1, frame.channels, -1, -1) if picture.shape[1] == 1 else picture


def as_picture(x: Tensor, frame: Frame) -> Values:
    """Return an input, (1, *frame.shape), as (H, W, C) with 1 or 3 channels."""
    picture = x.reshape(frame.channels, frame.height, frame.width)
    picture = picture if frame.channels in (1, 3) else picture[:1]
    return np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
