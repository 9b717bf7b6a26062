"""Kernels for pictures: presets, what can be done to one, and what can be said of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from builder.errors import KernelError, shown

Kernel: TypeAlias = NDArray[np.float32]

MAX_SIDE = 31
_MOST_TEXT = 40_000
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
    """

    title: str
    help: str
    make: Callable[..., tuple[Kernel, ...]]
    sizes: tuple[int, ...] = (3,)
    params: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class KernelFacts:
    """What can be said of a kernel.

    Args:
        sum: of its values: what becomes of a flat area of 1.
        rank: of the matrix; 1 means separable.
        column, row: for a separable kernel vectors whose outer product it is, else `None`.
        effect: what the sum means, in words.
    """

    sum: float
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
    total = float(kernel.astype(np.float64).sum())
    return KernelFacts(total, rank, column, row, _effect(kernel, total))


def _effect(kernel: Kernel, total: float) -> str:
    reach = float(np.abs(kernel).sum())
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


# changes


def normalise(kernel: Kernel) -> Kernel:
    """Return the kernel with sum 1; one whose sum is 0 with absolute values that sum to 1.

    Raises:
        KernelError: all its values are 0.
    """
    total = float(kernel.astype(np.float64).sum())
    reach = float(np.abs(kernel.astype(np.float64)).sum())
    if not reach:
        raise KernelError("All values of the kernel are 0, so nothing makes its sum 1.")
    return _kernel(kernel / (total if abs(total) > 1e-6 * reach else reach))


def flip(kernel: Kernel, axis: int) -> Kernel:
    """Return the kernel mirrored: axis 0 swaps top and bottom, axis 1 left and right."""
    return _kernel(np.flip(kernel, axis))


def rotate(kernel: Kernel) -> Kernel:
    """Return the kernel turned a quarter clockwise."""
    return _kernel(np.rot90(kernel, -1))


def transpose(kernel: Kernel) -> Kernel:
    """Return the kernel with rows for columns."""
    return _kernel(kernel.T)


def resize(kernel: Kernel, height: int, width: int) -> Kernel:
    """Return the kernel in another size: cut at its rim, or with zeros around it."""
    for axis, size in enumerate((height, width)):
        more = size - kernel.shape[axis]
        if more > 0:
            pad = [(0, 0), (0, 0)]
            pad[axis] = (more // 2, more - more // 2)
            kernel = np.pad(kernel, pad)
        elif more < 0:
            start = -more // 2
            kernel = np.take(kernel, range(start, start + size), axis)
    return _kernel(kernel)


# what people type


def parse_kernel(text: str) -> Kernel:
    """Return the kernel that a text means: a row a line, numbers apart by spaces, commas or tabs.

    Fractions such as 1/9 are numbers; brackets, as numpy and torch print them, are passed over.

    Raises:
        KernelError: a cell is no number, the rows differ in length, or it is too large.
    """
    if len(text) > _MOST_TEXT:
        raise KernelError(
            f"The text has {len(text):,} letters; a kernel has {MAX_SIDE} rows at most."
        )
    text = re.sub(r"^\s*(torch\.)?(tensor|array)\s*\(|\)\s*$|,?\s*dtype=.*$", "", text.strip())
    lines = re.split(r"\][\s,]*\[|[;\n]", text)
    rows = [re.split(r"[,\s]+", line.strip("[] ,\t\r\n()")) for line in lines]
    return check_kernel([row for row in rows if row != [""]])


def check_kernel(rows: Sequence[Sequence[object]]) -> Kernel:
    """Return a table of numbers, or of texts that are numbers, as a kernel.

    Raises:
        KernelError: a cell is no number, the rows differ in length, there are none, or more than
            31 either way.
    """
    if not rows or not rows[0]:
        raise KernelError("The kernel is empty; it has at least one row and one column.")
    if len(rows) > MAX_SIDE or max(map(len, rows)) > MAX_SIDE:
        raise KernelError(
            f"The kernel has {len(rows)} rows and {max(map(len, rows))} columns; "
            f"{MAX_SIDE} of each at most."
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise KernelError(
                f"Row {number} has {len(row)} numbers, row 1 has {len(rows[0])}; all rows are "
                "equally long."
            )
    return _kernel(
        [
            [_number(cell, row, column) for column, cell in enumerate(cells, start=1)]
            for row, cells in enumerate(rows, start=1)
        ]
    )


def _number(cell: object, row: int, column: int) -> float:
    try:
        value = float(Fraction(cell.strip())) if isinstance(cell, str) else float(cell)  # type: ignore[arg-type]
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e6:
        raise KernelError(
            f"Row {row}, column {column} is {shown(cell)}; a number up to a million, or a fraction "
            "such as 1/9, works."
        )
    return value


# presets


def _kernel(values: object) -> Kernel:
    return np.ascontiguousarray(np.asarray(values, dtype=np.float32))


def _fixed(*rows: Sequence[float], scale: float = 1.0) -> Callable[..., tuple[Kernel, ...]]:
    return lambda size: (_kernel(np.array(rows, dtype=np.float64) * scale),)


def _impulse(size: int) -> NDArray[np.float64]:
    made = np.zeros((size, size))
    made[size // 2, size // 2] = 1
    return made


def _identity(size: int) -> tuple[Kernel, ...]:
    return (_kernel(_impulse(size)),)


def _box(size: int) -> tuple[Kernel, ...]:
    return (_kernel(np.full((size, size), 1 / size**2)),)


def _gaussian_weights(size: int, sigma: float) -> NDArray[np.float64]:
    line = cv2.getGaussianKernel(size, sigma, cv2.CV_64F)
    return np.asarray(line @ line.T, dtype=np.float64)


def _gaussian(size: int, sigma: float) -> tuple[Kernel, ...]:
    return (_kernel(_gaussian_weights(size, sigma)),)


def _unsharp(size: int, sigma: float, amount: float) -> tuple[Kernel, ...]:
    """Return the picture plus `amount` times what a blur takes away."""
    blur = _gaussian_weights(size, sigma)
    return (_kernel((1 + amount) * _impulse(size) - amount * blur),)


def _sharpen_box(centre: Callable[[int], float]) -> Callable[..., tuple[Kernel, ...]]:
    def make(size: int) -> tuple[Kernel, ...]:
        made = np.full((size, size), -1 / size**2)
        made[size // 2, size // 2] = centre(size)
        return (_kernel(made),)

    return make


def _sobel_weights(size: int) -> NDArray[np.float64]:
    """Return Sobel's kernel for changes from left to right, by `cv2.getDerivKernels`."""
    across, smooth = cv2.getDerivKernels(1, 0, size, ktype=cv2.CV_64F)
    return np.asarray(smooth @ across.T, dtype=np.float64)


def _both(
    make: Callable[[int], NDArray[np.float64]],
) -> dict[str, Callable[..., tuple[Kernel, ...]]]:
    return {
        "x": lambda size: (_kernel(make(size)),),
        "y": lambda size: (_kernel(make(size).T),),
        "magnitude": lambda size: (_kernel(make(size)), _kernel(make(size).T)),
    }


def _laplacian_of_gaussian(size: int, sigma: float) -> tuple[Kernel, ...]:
    """Return (r² - 2σ²) / σ⁴ · exp(-r² / 2σ²), shifted so that it sums to 0 exactly enough."""
    place = np.arange(size) - size // 2
    square = place[:, None] ** 2 + place[None, :] ** 2
    weight = np.exp(-square / (2 * sigma**2))
    weight /= weight.sum()
    made = (square - 2 * sigma**2) / sigma**4 * weight
    return (_kernel(made - made.mean()),)


def _outline(size: int) -> tuple[Kernel, ...]:
    made = np.full((size, size), -1.0)
    made[size // 2, size // 2] = size**2 - 1
    return (_kernel(made),)


def _motion(size: int, angle: float) -> tuple[Kernel, ...]:
    """Return a line through the middle, drawn smoothly, with sum 1."""
    fine = 16  # the line is drawn this much larger and averaged, which smooths its steps
    canvas = np.zeros((size * fine, size * fine), np.uint8)
    middle = (size * fine - 1) / 2
    reach = (size - 1) / 2 * fine
    along = (math.cos(math.radians(angle)) * reach, -math.sin(math.radians(angle)) * reach)
    ends = [(round(middle + sign * along[0]), round(middle + sign * along[1])) for sign in (-1, 1)]
    cv2.line(canvas, ends[0], ends[1], (255.0,), fine)
    made = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float64)
    return (_kernel(made / made.sum()),)


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
    return (_kernel(made / np.abs(made).sum()),)


_SIGMA = Parameter("sigma", 0.3, 8.0, 1.0, 0.1, "Width of the bell, in pixels.")
_DERIVATIVE_SIZES = (3, 5, 7)
_SOBEL = _both(_sobel_weights)
_PREWITT = _both(lambda _: np.array([[-1.0, 0, 1]] * 3))
_SCHARR = _both(lambda _: np.array([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]))
_STRENGTH = "Strength of change in any direction: two kernels, and the length of what they find."

KERNELS: Mapping[str, Preset] = {
    "identity": Preset("Identity", "Hands the picture on.", _identity, _ODD),
    "sharpen_notes": Preset(
        "Sharpen of the notes",
        "-1/9 all around and 1 in the middle. It sums to 1/9, so it keeps a ninth of the "
        "brightness: edges stand out of a dark picture. The next one sums to 1.",
        _sharpen_box(lambda size: 1.0),
        _ODD_FROM_3,
    ),
    "sharpen_whole": Preset(
        "Sharpen, sum 1",
        "-1/9 all around and 17/9 in the middle: twice the picture less its blur. It sums to 1, "
        "so flat areas keep their brightness.",
        _sharpen_box(lambda size: 2 - 1 / size**2),
        _ODD_FROM_3,
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
    ),
    "box": Preset("Box blur", "The plain mean of all cells.", _box, _ODD),
    "gaussian": Preset(
        "Gaussian blur",
        "A mean in which near pixels count more, by a bell of width sigma.",
        _gaussian,
        _ODD,
        (_SIGMA,),
    ),
    "sobel_x": Preset(
        "Sobel x", "Changes from left to right: vertical edges.", _SOBEL["x"], _DERIVATIVE_SIZES
    ),
    "sobel_y": Preset(
        "Sobel y", "Changes from top to bottom: level edges.", _SOBEL["y"], _DERIVATIVE_SIZES
    ),
    "sobel": Preset("Sobel magnitude", _STRENGTH, _SOBEL["magnitude"], _DERIVATIVE_SIZES),
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
        (Parameter("sigma", 0.5, 5.0, 1.0, 0.1, "Size of the blobs it answers to, in pixels."),),
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
        _ODD_FROM_3,
        (
            Parameter("sigma", 0.5, 10.0, 3.0, 0.1, "Width of the bell, in pixels."),
            Parameter("theta", 0.0, 180.0, 0.0, 5.0, "Direction of the wave, in degrees."),
            Parameter("wavelength", 2.0, 20.0, 6.0, 0.5, "Pixels from crest to crest."),
            Parameter("gamma", 0.2, 2.0, 1.0, 0.1, "How long the bell is against its width."),
            Parameter("psi", 0.0, 360.0, 0.0, 15.0, "Where the wave starts, in degrees."),
        ),
    ),
}
