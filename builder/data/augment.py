"""Pictures changed at random while they are learned from: one row a transform of torchvision.

Each row stands for the transform of `torchvision.transforms.v2` whose name it has, and draws from
the same ranges. A v2 transform draws once a call, which would change all pictures of a batch
alike; calling it picture by picture takes 20 times as long. Here every picture of a batch draws
for itself, at the price of a call for the batch; the arithmetic is in `builder.data.warp`.

What is drawn comes from torch's global generator on the CPU, so that a run which goes on after a
stop goes on with the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import torch
from torch import Tensor

from builder.catalog.fields import Field
from builder.data import warp
from builder.errors import RecipeError, shown

Args: TypeAlias = Mapping[str, Any]
Apply: TypeAlias = Callable[[Tensor, Args], Tensor]


@dataclass(frozen=True)
class Augmentation:
    """A way to change pictures at random.

    Args:
        name: of the transform in `torchvision.transforms.v2`.
        title: for people.
        help: what it does, and where it does harm.
        fields: its arguments; the default of each is what a fresh one has.
        apply: changes a batch (n, C, H, W) with values from 0 to 1, and keeps its shape.
        colour: whether it needs pictures of three channels.
        first: arguments of v2 that are not asked for, as they stand in its call.
        last: the same, of keywords; `{size}` is that of the picture.
    """

    name: str
    title: str
    help: str
    fields: Mapping[str, Field]
    apply: Apply
    colour: bool = False
    first: str = ""
    last: str = ""

    def problem(self, args: Args, shape: tuple[int, ...]) -> str | None:
        """Return what is wrong with arguments for pictures of a shape, `None` if nothing is."""
        for name, value in args.items():
            if name not in self.fields:
                return f"has no argument {shown(name)}; it has {', '.join(self.fields)}."
            wrong = self.fields[name].problem(value)
            if wrong is not None:
                return wrong
        given = self.given(args)
        for name in ("scale", "sigma"):
            span = given.get(name)
            if isinstance(span, tuple) and span[0] > span[1]:
                return f"{name} is {shown(span)}; the lower number comes first."
        size, side = given.get("kernel_size", 1), min(shape[1:])
        if size % 2 == 0:
            return f"kernel_size is {size}; an odd number has a pixel in its middle, such as 3."
        if size // 2 >= side:
            return f"kernel_size is {size}; at most {2 * side - 1} works with {side} pixels."
        if self.colour and shape[0] != 3:
            return f"needs pictures in colour; these have {shape[0]} channel, and would stay."
        return None

    def given(self, args: Args) -> dict[str, Any]:
        """Return all arguments, those left out at their defaults."""
        return {name: args.get(name, field.default) for name, field in self.fields.items()}


def _share(name: str, default: float, help: str, *, high: float = 1.0) -> Field:
    return Field(name, "float", default=default, low=0, high=high, slider=(0, high), help=help)


def _span(
    name: str,
    default: tuple[float, float],
    slider: tuple[float, float],
    high: float,
    help: str,
) -> Field:
    return Field(
        name, "floats", default=default, low=1e-3, high=high, slider=slider, length=2, help=help
    )


def _row(
    name: str, title: str, help: str, apply: Apply, *fields: Field, **facts: Any
) -> Augmentation:
    named = MappingProxyType({field.name: field for field in fields})
    return Augmentation(name, title, help, named, apply, **facts)


_P = "Share of the pictures that are changed."
_BILINEAR = "interpolation=v2.InterpolationMode.BILINEAR"
# In the order in which they are applied: first what moves pixels, then what changes their values.
_ROWS = (
    _row(
        "RandomHorizontalFlip",
        "Flip left and right",
        "Mirrors. Fine for animals and things; wrong for digits and letters.",
        warp.flip(3),
        _share("p", 0.5, _P),
    ),
    _row(
        "RandomVerticalFlip",
        "Flip upside down",
        "For pictures without an up and a down, such as those from above or under a microscope.",
        warp.flip(2),
        _share("p", 0.5, _P),
    ),
    _row(
        "RandomRotation",
        "Turn",
        "Turns about the middle; corners that come free are black.",
        warp.rotate,
        Field(
            "degrees",
            "float",
            default=10.0,
            low=0,
            high=180,
            slider=(0, 180),
            help="At most this far, either way. A 6 turned by 180° is a 9.",
        ),
        last=_BILINEAR,
    ),
    _row(
        "RandomAffine",
        "Shift and scale",
        "Moves by a share of width and height and scales; what comes free is black.",
        warp.affine,
        Field(
            "translate",
            "floats",
            default=(0.1, 0.1),
            low=0,
            high=1,
            slider=(0, 0.5),
            length=2,
            help="At most this share of the width, and of the height, either way.",
        ),
        _span("scale", (0.9, 1.1), (0.5, 2), 10, "Between these factors; above 1 is larger."),
        first="0",
        last=_BILINEAR,
    ),
    _row(
        "RandomCrop",
        "Crop after padding",
        "Lays a black rim around and cuts the first size out again, somewhere: a shift by whole "
        "pixels, as is usual for CIFAR.",
        warp.crop,
        Field(
            "padding",
            "int",
            default=2,
            low=0,
            high=64,
            slider=(0, 16),
            help="Pixels of the rim on each side.",
        ),
        first="{size}",
    ),
    _row(
        "RandomResizedCrop",
        "Zoom into a part",
        "Cuts out a part and brings it to the first size. What matters may be cut away.",
        warp.resized_crop,
        _span(
            "scale", (0.6, 1.0), (0.05, 1), 1, "The share of the area that is kept, between these."
        ),
        _span("ratio", (0.75, 1.333), (0.5, 2), 10, "Width to height of the part, between these."),
        first="{size}",
    ),
    _row(
        "ColorJitter",
        "Jitter brightness and colour",
        "Other light and another camera. Each number is how far the factor may be from 1.",
        warp.jitter,
        _share("brightness", 0.2, "Darker or brighter."),
        _share("contrast", 0.2, "Nearer to its mean grey, or farther."),
        _share("saturation", 0.2, "Paler or stronger colours."),
        _share("hue", 0.0, "A turn of the colour circle; slow.", high=0.5),
        colour=True,
    ),
    _row(
        "RandomGrayscale",
        "Take the colour away",
        "For what is not told by its colour.",
        warp.greyscale,
        _share("p", 0.1, _P),
        colour=True,
    ),
    _row(
        "RandomInvert",
        "Turn light into dark",
        "Dark on light where it was light on dark, in colour too.",
        warp.invert,
        _share("p", 0.5, _P),
    ),
    _row(
        "GaussianBlur",
        "Blur",
        "Out of focus, a little more or less.",
        warp.blur,
        Field(
            "kernel_size",
            "int",
            default=3,
            low=1,
            high=31,
            slider=(1, 31),
            help="Pixels that are averaged each way; odd.",
        ),
        _span("sigma", (0.1, 2.0), (0.05, 5), 20, "Width of the bell in pixels, between these."),
    ),
    _row(
        "GaussianNoise",
        "Noise",
        "A grain on every pixel, another one each time.",
        warp.noise,
        _share("sigma", 0.05, "Standard deviation; black to white is 1."),
    ),
    _row(
        "RandomErasing",
        "Erase a rectangle",
        "Black over a part, so that no single part is relied on. Zhong et al., 2017.",
        warp.erase,
        _share("p", 0.5, _P),
        _span("scale", (0.02, 0.2), (0.01, 1), 1, "Share of the area that goes, between these."),
    ),
)
AUGMENTATIONS: Mapping[str, Augmentation] = MappingProxyType({row.name: row for row in _ROWS})


def check(augment: Mapping[str, Args], shape: tuple[int, ...]) -> None:
    """Check augmentations for samples of a shape.

    Raises:
        RecipeError: one is not known, has an argument that does not work, or the samples are no
            pictures (C, H, W).
    """
    if not augment:
        return
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise RecipeError(
            f"Augmentation is for pictures, (1, H, W) or (3, H, W); these samples are {shape}. "
            "Choose none, or choose data of pictures."
        )
    for name, args in augment.items():
        if name not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise RecipeError(f"There is no augmentation {shown(name)}; there are {known}.")
        wrong = AUGMENTATIONS[name].problem(args, shape)
        if wrong is not None:
            raise RecipeError(f"{name}: {wrong}")


def make(augment: Mapping[str, Args], shape: tuple[int, ...]) -> Callable[[Tensor], Tensor] | None:
    """Return what changes a batch (n, *shape) with values from 0 to 1; `None` for nothing to do.

    The batch that is given stays as it is.

    Raises:
        RecipeError: as `check`.
    """
    check(augment, shape)
    chosen = [
        (row.apply, row.given(augment[name]))
        for name, row in AUGMENTATIONS.items()
        if name in augment
    ]
    if not chosen:
        return None

    def change(x: Tensor) -> Tensor:
        with torch.no_grad():
            for apply, args in chosen:
                x = apply(x, args)
        return x

    return change


def code(augment: Mapping[str, Args], shape: tuple[int, ...]) -> str:
    """Return the Python expression of the same in torchvision, with `v2` imported, or `""`.

    As a `transform` of a data set it is called picture by picture, so that each draws for itself.
    """
    lines = [
        f"    v2.{_call(row, augment[name], shape)},"
        for name, row in AUGMENTATIONS.items()
        if name in augment
    ]
    return "\n".join(["v2.Compose([", *lines, "])"]) if lines else ""


def _call(row: Augmentation, args: Args, shape: tuple[int, ...]) -> str:
    size = f"({shape[1]}, {shape[2]})"
    given = [f"{name}={value!r}" for name, value in row.given(args).items()]
    parts = [row.first.format(size=size), *given, row.last]
    return f"{row.name}({', '.join(part for part in parts if part)})"
