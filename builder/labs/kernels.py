"""Kernels for pictures: those that have a name, and what can be said of any."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from builder.labs.kernel_edits import (
    MAX_SIDE,
    Kernel,
    as_kernel,
    check_kernel,
    flip,
    normalise,
    parse_kernel,
    resize,
    rotate,
    transpose,
)

__all__ = [
    "KERNELS",
    "MAX_SIDE",
    "Kernel",
    "KernelFacts",
    "Parameter",
    "Preset",
    "check_kernel",
    "facts",
    "flip",
    "normalise",
    "parse_kernel",
    "resize",
    "rotate",
    "transpose",
]

# Singular values below this share of the largest are rounding, not structure.
_TOLERANCE = 1e-5
_ODD = tuple(range(1, MAX_SIDE + 1, 2))
_ODD_FROM_3 = _ODD[1:]


@dataclass(frozen=True)
class Parameter:
    """A slider of a preset."""

    name: str
    low: float
    high: float
    initial: float
    step: float
    help: str


@dataclass(frozen=True)
class Preset:
    """A kernel that people know by name.

    Args:
        help: what it does and why, in a sentence or two.
        make: size and settings to one kernel, or two whose lengths make a magnitude.
        sizes: the sides it can have.
        formula: in LaTeX, with row i and column j counted from the middle; "" where the numbers
            say it all.
    """

    title: str
    help: str
    make: Callable[..., tuple[Kernel, ...]]
    sizes: tuple[int, ...] = (3,)
    params: tuple[Parameter, ...] = ()
    formula: str = ""


@dataclass(frozen=True)
class KernelFacts:
    """What can be said of a kernel.

    Args:
        sum: of its values: what becomes of a flat area of 1.
        abs_sum: of its values without their signs: the farthest that pixels from 0 to 1 can go.
        symmetric: whether it is the same turned by 180°, so that cross-correlation and
            mathematical convolution agree.
        rank: of the matrix; 1 means separable.
        column, row: for a separable kernel vectors whose outer product it is, else `None`.
        effect: what the sum means, in words.
    """

    sum: float
    abs_sum: float
    symmetric: bool
    rank: int
    column: NDArray[np.float64] | None
    row: NDArray[np.float64] | None
    effect: str

    @property
    def separable(self) -> bool:
        """Whether it is a column times a row."""
        return self.column is not None


def facts(kernel: Kernel) -> KernelFacts:
    """Return what can be said of a kernel, (kH, kW).

    The rank is the number of singular values above a hundred-thousandth of the largest.
    """
    left, strengths, right = np.linalg.svd(kernel.astype(np.float64))
    rank = int((strengths > _TOLERANCE * strengths[0]).sum()) if strengths[0] else 0
    column = row = None
    if rank == 1:
        root = math.sqrt(strengths[0])
        column, row = left[:, 0] * root, right[0] * root
        if column[np.argmax(np.abs(column))] < 0:  # of the two signs the one people write
            column, row = -column, -row
    values = kernel.astype(np.float64)
    total, reach = float(values.sum()), float(np.abs(values).sum())
    symmetric = np.allclose(values, values[::-1, ::-1], rtol=0, atol=1e-6 * np.abs(values).max())
    return KernelFacts(total, reach, symmetric, rank, column, row, _effect(total, reach))


def _effect(total: float, reach: float) -> str:
    if not reach:
        return "everything becomes 0"
    if abs(total) < 1e-5 * reach:
        return "a flat area becomes 0; only changes are left"
    if abs(total - 1) < 1e-5:
        return "a flat area keeps its brightness"
    if total < 0:
        return "a flat area becomes negative"
    return (
        f"a flat area becomes {'darker' if total < 1 else 'brighter'}, {total:.0%} of what it was"
    )


# presets


def _fixed(*rows: Sequence[float]) -> Callable[..., tuple[Kernel, ...]]:
    return lambda size: (as_kernel(rows),)


def _impulse(size: int) -> NDArray[np.float64]:
    made = np.zeros((size, size))
    made[size // 2, size // 2] = 1
    return made


def _identity(size: int) -> tuple[Kernel, ...]:
    return (as_kernel(_impulse(size)),)


def _box(size: int) -> tuple[Kernel, ...]:
    return (as_kernel(np.full((size, size), 1 / size**2)),)


def _gaussian_weights(size: int, sigma: float) -> NDArray[np.float64]:
    line = cv2.getGaussianKernel(size, sigma, cv2.CV_64F)
    return np.asarray(line @ line.T, dtype=np.float64)


def _gaussian(size: int, sigma: float) -> tuple[Kernel, ...]:
    return (as_kernel(_gaussian_weights(size, sigma)),)


def _unsharp(size: int, sigma: float, amount: float) -> tuple[Kernel, ...]:
    """Return the picture plus `amount` times what a blur takes away."""
    blur = _gaussian_weights(size, sigma)
    return (as_kernel((1 + amount) * _impulse(size) - amount * blur),)


def _sharpen_box(centre: Callable[[int], float]) -> Callable[..., tuple[Kernel, ...]]:
    def make(size: int) -> tuple[Kernel, ...]:
        made = np.full((size, size), -1 / size**2)
        made[size // 2, size // 2] = centre(size)
        return (as_kernel(made),)

    return make


def _sobel_weights(size: int) -> NDArray[np.float64]:
    """Return Sobel's kernel for changes from left to right, by `cv2.getDerivKernels`."""
    across, smooth = cv2.getDerivKernels(1, 0, size, ktype=cv2.CV_64F)
    return np.asarray(smooth @ across.T, dtype=np.float64)


def _both(
    make: Callable[[int], NDArray[np.float64]],
) -> dict[str, Callable[..., tuple[Kernel, ...]]]:
    return {
        "x": lambda size: (as_kernel(make(size)),),
        "y": lambda size: (as_kernel(make(size).T),),
        "magnitude": lambda size: (as_kernel(make(size)), as_kernel(make(size).T)),
    }


def _laplacian_of_gaussian(size: int, sigma: float) -> tuple[Kernel, ...]:
    """Return (r² - 2σ²) / σ⁴ · exp(-r² / 2σ²), shifted so that it sums to 0 exactly enough."""
    place = np.arange(size) - size // 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    weight = np.exp(-square / (2 * sigma**2))
    weight /= weight.sum()
    made = (square - 2 * sigma**2) / sigma**4 * weight
    return (as_kernel(made - made.mean()),)


def _outline(size: int) -> tuple[Kernel, ...]:
    made = np.full((size, size), -1.0)
    made[size // 2, size // 2] = size**2 - 1
    return (as_kernel(made),)


def _motion(size: int, angle: float) -> tuple[Kernel, ...]:
    """Return a line of length `size` and width 1: the share of each cell that it covers, sum 1."""
    fine = 16  # points a side of a cell that are looked at
    place = (np.arange(size * fine) + 0.5) / fine - size / 2
    right, up = place[None, :], -place[:, None]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    covered = np.abs(right * cosine + up * sine) <= size / 2
    covered &= np.abs(up * cosine - right * sine) <= 0.5
    made = covered.reshape(size, fine, size, fine).mean(axis=(1, 3))
    return (as_kernel(made / made.sum()),)


def _gabor(
    size: int, sigma: float, theta: float, wavelength: float, gamma: float, psi: float
) -> tuple[Kernel, ...]:
    """Return `cv2.getGaborKernel`, scaled so that the absolute values sum to 1."""
    made = np.asarray(
        cv2.getGaborKernel(
            (size, size),
            sigma,
            math.radians(theta),
            wavelength,
            gamma,
            math.radians(psi),
            cv2.CV_64F,
        )
    )
    return (as_kernel(made / np.abs(made).sum()),)


_SIGMA = Parameter("sigma", 0.3, 8.0, 1.0, 0.1, "Width of the bell, in pixels.")
_DERIVATIVE_SIZES = (3, 5, 7)
_SOBEL = _both(_sobel_weights)
_PREWITT = _both(lambda _: np.array([[-1.0, 0, 1]] * 3))
_SCHARR = _both(lambda _: np.array([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]))

KERNELS: Mapping[str, Preset] = MappingProxyType(
    {
        "identity": Preset("Identity", "Hands the picture on.", _identity, _ODD),
        "sharpen_notes": Preset(
            "Sharpen of the notes",
            "-1/9 all around and 1 in the middle. It sums to 1/9, so it darkens: of a flat "
            "area's brightness a ninth is left, and edges stand out of the dark. With 17/9 in the "
            "middle it would sum to 1. Of n cells, each around the middle is -1/n.",
            _sharpen_box(lambda size: 1.0),
            _ODD_FROM_3,
        ),
        "sharpen_whole": Preset(
            "Sharpen, sum 1",
            "-1/9 all around and 17/9 in the middle: twice the picture less its blur. It sums to "
            "1, so flat areas keep their brightness. Of n cells, the middle is 2 - 1/n.",
            _sharpen_box(lambda size: 2 - 1 / size**2),
            _ODD_FROM_3,
            formula=r"2\,\delta_{ij} - \frac{1}{n}",
        ),
        "sharpen": Preset(
            "Sharpen",
            "The usual one: 5 in the middle, -1 at the four neighbours.",
            _fixed((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
        ),
        "unsharp": Preset(
            "Unsharp mask",
            "Adds `amount` times what a Gaussian blur takes away.",
            _unsharp,
            _ODD_FROM_3,
            (_SIGMA, Parameter("amount", 0.0, 5.0, 1.0, 0.1, "How strongly details are raised.")),
            r"\delta_{ij} + \text{amount}\,(\delta_{ij} - G_\sigma(i, j))",
        ),
        "box": Preset(
            "Box blur", "The plain mean of all cells.", _box, _ODD, formula=r"\frac{1}{n}"
        ),
        "gaussian": Preset(
            "Gaussian blur",
            "A mean in which near pixels count more, by a bell of width sigma.",
            _gaussian,
            _ODD,
            (_SIGMA,),
            r"G_\sigma(i, j) \propto e^{-(i^2 + j^2) / 2\sigma^2}",
        ),
        "sobel_x": Preset(
            "Sobel x", "Changes from left to right: vertical edges.", _SOBEL["x"], _DERIVATIVE_SIZES
        ),
        "sobel_y": Preset(
            "Sobel y", "Changes from top to bottom: level edges.", _SOBEL["y"], _DERIVATIVE_SIZES
        ),
        "sobel": Preset(
            "Sobel magnitude",
            "Strength of change in any direction: two kernels, and the length of what they find.",
            _SOBEL["magnitude"],
            _DERIVATIVE_SIZES,
            formula=r"\sqrt{s_x^2 + s_y^2}",
        ),
        "prewitt_x": Preset("Prewitt x", "As Sobel x, every row counting alike.", _PREWITT["x"]),
        "prewitt_y": Preset("Prewitt y", "As Sobel y, every column counting alike.", _PREWITT["y"]),
        "scharr_x": Preset("Scharr x", "As Sobel x, truer for slanted edges.", _SCHARR["x"]),
        "scharr_y": Preset("Scharr y", "As Sobel y, truer for slanted edges.", _SCHARR["y"]),
        "laplacian_4": Preset(
            "Laplacian, 4 neighbours",
            "Second derivative, across plus down: bends of brightness.",
            _fixed((0, 1, 0), (1, -4, 1), (0, 1, 0)),
        ),
        "laplacian_8": Preset(
            "Laplacian, 8 neighbours",
            "Second derivative in all directions.",
            _fixed((1, 1, 1), (1, -8, 1), (1, 1, 1)),
        ),
        "laplacian_gaussian": Preset(
            "Laplacian of Gaussian",
            "Blurs first, so that noise does not count as an edge. Also called Mexican hat, turned "
            "over.",
            _laplacian_of_gaussian,
            _ODD_FROM_3[1:],
            (
                Parameter(
                    "sigma", 0.5, 5.0, 1.0, 0.1, "Size of the blobs it answers to, in pixels."
                ),
            ),
            r"\nabla^2 G_\sigma(i, j) = \frac{i^2 + j^2 - 2\sigma^2}{\sigma^4}\,G_\sigma(i, j)",
        ),
        "emboss": Preset(
            "Emboss",
            "Light from the upper left: not symmetric, so it shows which way round a kernel lies.",
            _fixed((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
        ),
        "outline": Preset(
            "Outline", "The middle against all around it; flat areas are 0.", _outline, _ODD_FROM_3
        ),
        "motion": Preset(
            "Motion blur",
            "The mean along a line, as when the camera moves.",
            _motion,
            _ODD_FROM_3,
            (Parameter("angle", 0.0, 180.0, 0.0, 5.0, "Degrees from level, counter-clockwise."),),
        ),
        "gabor": Preset(
            "Gabor",
            "A wave under a bell: answers to stripes of one width and direction, as cells early in "
            "the eye's cortex do, and as first layers of trained networks.",
            _gabor,
            _ODD[3:],
            (
                Parameter("sigma", 0.5, 10.0, 3.0, 0.1, "Width of the bell, in pixels."),
                Parameter("theta", 0.0, 180.0, 0.0, 5.0, "Direction of the wave, in degrees."),
                Parameter("wavelength", 2.0, 20.0, 6.0, 0.5, "Pixels from crest to crest."),
                Parameter("gamma", 0.2, 2.0, 1.0, 0.1, "How long the bell is against its width."),
                Parameter("psi", 0.0, 360.0, 0.0, 15.0, "Where the wave starts, in degrees."),
            ),
            r"e^{-(x^2 + \gamma^2 y^2) / 2\sigma^2} \cos(2\pi x / \lambda - \psi), \quad "
            r"x = j \cos\theta + i \sin\theta, \; y = i \cos\theta - j \sin\theta",
        ),
    }
)
