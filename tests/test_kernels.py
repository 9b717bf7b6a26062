"""Kernels: the presets are what they are called, and what people type is read or refused."""

import contextlib
import math

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from builder.errors import KernelError
from builder.labs import kernels
from builder.labs.kernels import KERNELS, Preset, check_kernel, facts, parse_kernel

ANY = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-100, 100, width=32, allow_subnormal=False),
)


def made(name: str, size: int | None = None, **settings: float) -> np.ndarray:
    preset = KERNELS[name]
    args = {row.name: row.initial for row in preset.params} | settings
    return preset.make(size or preset.sizes[0], **args)[0]


@pytest.mark.parametrize(
    ("preset", "size"),
    [
        pytest.param(preset, size, id=f"{name}-{size}")
        for name, preset in KERNELS.items()
        for size in {preset.sizes[0], preset.sizes[len(preset.sizes) // 2], preset.sizes[-1]}
    ],
)
def test_every_preset_has_the_size_asked_for_at_both_ends_of_every_slider(
    preset: Preset, size: int
) -> None:
    for end in ("low", "initial", "high"):
        for kernel in preset.make(size, **{row.name: getattr(row, end) for row in preset.params}):
            assert kernel.shape == (size, size)
            assert kernel.dtype == np.float32
            assert np.isfinite(kernel).all()
            assert np.abs(kernel).max() > 0
    assert preset.help.endswith(".")


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("identity", 1), ("sharpen_notes", 1 / 9), ("sharpen_whole", 1), ("sharpen", 1),
        ("unsharp", 1), ("box", 1), ("gaussian", 1), ("sobel_x", 0), ("sobel_y", 0),
        ("prewitt_x", 0), ("scharr_y", 0), ("laplacian_4", 0), ("laplacian_8", 0),
        ("laplacian_gaussian", 0), ("emboss", 1), ("outline", 0), ("motion", 1),
    ],
)  # fmt: skip
def test_flat_areas_become_what_is_said(name: str, total: float) -> None:
    sizes = KERNELS[name].sizes
    sums = [made(name, size).sum() for size in sizes if name != "sharpen_notes"] or [
        made(name, 3).sum()
    ]
    assert sums == pytest.approx([total] * len(sums), abs=1e-4)


def test_the_sharpening_filters_of_the_notes_are_the_numbers_given() -> None:
    expected = np.full((3, 3), -1 / 9, np.float32)
    expected[1, 1] = 1
    assert np.array_equal(made("sharpen_notes", 3), expected)
    expected[1, 1] = 17 / 9
    assert np.allclose(made("sharpen_whole", 3), expected)


def test_sobel_is_opencvs_and_its_magnitude_is_both() -> None:
    image = np.random.default_rng(0).random((20, 20), dtype=np.float32)
    for size in (3, 5, 7):
        for name, order in (("sobel_x", (1, 0)), ("sobel_y", (0, 1))):
            ours = cv2.filter2D(image, cv2.CV_32F, made(name, size))
            assert np.allclose(ours, cv2.Sobel(image, cv2.CV_32F, *order, ksize=size), atol=1e-3)
    both = KERNELS["sobel"].make(3)
    assert np.array_equal(both[0], made("sobel_x", 3))
    assert np.array_equal(both[1], made("sobel_y", 3))


def test_a_gaussian_blurs_as_opencv_does() -> None:
    image = np.random.default_rng(0).random((30, 30), dtype=np.float32)
    ours = cv2.filter2D(image, cv2.CV_32F, made("gaussian", 7, sigma=1.5))
    assert np.allclose(ours, cv2.GaussianBlur(image, (7, 7), 1.5), atol=1e-5)


def test_scharr_is_opencvs() -> None:
    image = np.random.default_rng(0).random((20, 20), dtype=np.float32)
    ours = cv2.filter2D(image, cv2.CV_32F, made("scharr_x"))
    assert np.allclose(ours, cv2.Scharr(image, cv2.CV_32F, 1, 0), atol=1e-3)


def test_unsharp_adds_what_a_blur_takes_away() -> None:
    expected = 2.5 * made("identity", 5) - 1.5 * made("gaussian", 5, sigma=2.0)
    assert np.allclose(made("unsharp", 5, sigma=2.0, amount=1.5), expected, atol=1e-6)


def test_motion_lies_along_its_angle() -> None:
    level = np.zeros((9, 9), np.float32)
    level[4] = 1 / 9
    assert np.allclose(made("motion", 9, angle=0.0), level)
    assert np.allclose(made("motion", 9, angle=90.0), level.T)
    rising = made("motion", 9, angle=45.0)
    assert np.fliplr(rising).trace() > 3 * rising.trace()
    assert np.allclose(rising, rising.T)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KERNELS["motion"].sizes), st.floats(0, 180))
def test_motion_moves_nothing_to_a_side(size: int, angle: float) -> None:
    kernel = made("motion", size, angle=angle)
    assert np.allclose(kernel, kernel[::-1, ::-1], atol=2e-3)
    assert kernel.sum() == pytest.approx(1)
    assert kernel.min() >= 0


def test_the_laplacian_of_a_gaussian_is_its_formula() -> None:
    sigma, size = 1.4, 11
    expected = [
        [(i * i + j * j - 2 * sigma**2) / sigma**4 * math.exp(-(i * i + j * j) / 2 / sigma**2)
         for j in range(-5, 6)] for i in range(-5, 6)
    ]  # fmt: skip
    kernel = made("laplacian_gaussian", size, sigma=sigma) * (2 * math.pi * sigma**2)
    assert np.allclose(kernel, expected, atol=2e-3)


def test_gabor_is_its_formula() -> None:
    sigma, theta, wavelength, gamma, psi = 2.0, 30.0, 5.0, 0.5, 45.0
    turn, start = math.radians(theta), math.radians(psi)
    expected = np.zeros((9, 9))
    for i in range(-4, 5):
        for j in range(-4, 5):
            x = j * math.cos(turn) + i * math.sin(turn)
            y = i * math.cos(turn) - j * math.sin(turn)
            bell = math.exp(-(x**2 + gamma**2 * y**2) / (2 * sigma**2))
            expected[i + 4, j + 4] = bell * math.cos(2 * math.pi * x / wavelength - start)
    kernel = made("gabor", 9, sigma=sigma, theta=theta, wavelength=wavelength, gamma=gamma, psi=psi)
    assert np.allclose(kernel, expected / np.abs(expected).sum(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("identity", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("sobel_x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("sobel_y", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
        ("prewitt_x", [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
        ("prewitt_y", [[-1, -1, -1], [0, 0, 0], [1, 1, 1]]),
        ("scharr_y", [[-3, -10, -3], [0, 0, 0], [3, 10, 3]]),
        ("laplacian_4", [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ("laplacian_8", [[1, 1, 1], [1, -8, 1], [1, 1, 1]]),
        ("emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        ("outline", [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
        ("box", [[1 / 9] * 3] * 3),
    ],
)
def test_known_kernels_are_the_numbers_in_the_books(name: str, rows: list[list[float]]) -> None:
    assert np.allclose(made(name, 3), rows)


def test_conv2d_lays_a_kernel_down_as_it_stands() -> None:
    picture = np.random.default_rng(0).random((8, 9), dtype=np.float32)
    kernel = made("emboss")
    expected = [
        [
            sum(picture[i + a, j + b] * kernel[a, b] for a in range(3) for b in range(3))
            for j in range(7)
        ]
        for i in range(6)
    ]
    x, weight = (torch.from_numpy(values)[None, None] for values in (picture, kernel))
    assert np.allclose(F.conv2d(x, weight)[0, 0], expected, atol=1e-6)
    turned = torch.from_numpy(kernels.rotate(kernels.rotate(kernel)))[None, None]
    assert not np.allclose(F.conv2d(x, turned)[0, 0], expected, atol=0.1)


def test_gabor_answers_to_stripes_of_its_own_width_and_direction() -> None:
    place = np.arange(60)
    stripes = np.cos(2 * np.pi * place / 6).astype(np.float32)
    upright, level = np.tile(stripes, (60, 1)), np.tile(stripes, (60, 1)).T.copy()
    kernel = made("gabor", 15, theta=0.0, wavelength=6.0)

    def strength(picture: np.ndarray) -> float:
        return float(np.abs(cv2.filter2D(picture, cv2.CV_32F, kernel))[20:40, 20:40].mean())

    assert strength(upright) > 5 * strength(level)


@settings(max_examples=50, deadline=None)
@given(ANY)
def test_turns_and_mirrors_undo_themselves_and_keep_the_sum(kernel: np.ndarray) -> None:
    turned = kernel
    for _ in range(4):
        turned = kernels.rotate(turned)
    assert np.array_equal(turned, kernel)
    assert np.array_equal(kernels.transpose(kernels.transpose(kernel)), kernel)
    for axis in (0, 1):
        assert np.array_equal(kernels.flip(kernels.flip(kernel, axis), axis), kernel)
    assert np.array_equal(
        kernels.rotate(kernels.rotate(kernel)), kernels.flip(kernels.flip(kernel, 0), 1)
    )


def test_a_quarter_turn_is_clockwise() -> None:
    assert kernels.rotate(np.array([[1, 2], [3, 4]], np.float32)).tolist() == [[3, 1], [4, 2]]


@settings(max_examples=50, deadline=None)
@given(ANY)
def test_normalised_the_sum_is_1_or_that_of_the_strengths_is(kernel: np.ndarray) -> None:
    if not np.abs(kernel).sum():
        with pytest.raises(KernelError, match="0"):
            kernels.normalise(kernel)
        return
    done = kernels.normalise(kernel).astype(np.float64)
    scale = np.abs(done).sum()
    assert math.isclose(done.sum(), 1, abs_tol=1e-4 * scale) or math.isclose(scale, 1, abs_tol=1e-4)


@settings(max_examples=50, deadline=None)
@given(ANY, st.integers(1, 12), st.integers(1, 12))
def test_another_size_keeps_the_middle(kernel: np.ndarray, height: int, width: int) -> None:
    other = kernels.resize(kernel, height, width)
    assert other.shape == (height, width)
    if height >= kernel.shape[0] and width >= kernel.shape[1]:
        assert np.array_equal(kernels.resize(other, *kernel.shape), kernel)


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float64, 4, elements=st.floats(-5, 5)),
       arrays.arrays(np.float64, 3, elements=st.floats(-5, 5)))  # fmt: skip
def test_a_column_times_a_row_is_found_to_be_separable(column: np.ndarray, row: np.ndarray) -> None:
    kernel = np.outer(column, row).astype(np.float32)
    found = facts(kernel)
    if found.separable:
        assert found.column is not None
        assert found.row is not None
        assert np.allclose(np.outer(found.column, found.row), kernel, atol=1e-4)
    else:
        assert found.rank == 0 or np.abs(kernel).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "rank"),
    [("gaussian", 1), ("sobel_x", 1), ("box", 1), ("laplacian_4", 2), ("sharpen_notes", 2)],
)
def test_known_ranks(name: str, rank: int) -> None:
    found = facts(made(name, 3))
    assert (found.rank, found.separable) == (rank, rank == 1)


def test_strength_and_symmetry_are_told() -> None:
    assert facts(made("sobel_x", 3)).abs_sum == 8
    assert facts(made("gaussian", 5)).symmetric
    assert not facts(made("sobel_x", 3)).symmetric
    assert not facts(made("emboss")).symmetric


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[0.0]], "everything becomes 0"),
        ([[1.0, -1.0]], "only changes"),
        ([[0.5, 0.5]], "keeps its brightness"),
        ([[0.25]], "darker, 25%"),
        ([[2.0]], "brighter, 200%"),
        ([[-1.0]], "negative"),
    ],
)
def test_what_the_sum_means_is_said(values: list[list[float]], words: str) -> None:
    assert words in facts(np.array(values, np.float32)).effect


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 4",
        "1, 2; 3, 4",
        "1\t2\r\n3\t4\n",
        "[[1, 2],\n [3, 4]]",
        "[[1. 2.]\n [3. 4.]]",
        "tensor([[1., 2.],\n        [3., 4.]])",
        "torch.tensor([[1, 2], [3, 4]])",
        "array([[1., 2.],\n       [3., 4.]], dtype=float32)",
        "2/2 8/4\n3e0 +4",
        "1 / 1, 4 / 2\n6/2 4",
        "[1 2; 3 4]",
        "[1 2\n 3 4]",
        "[1, 2]\n[3, 4]",
        "[[1.,\n  2.],\n [3.,\n  4.]]",
        "1, 2,\n3, 4,\n",
        "Parameter containing:\ntensor([[[[1., 2.],\n          [3., 4.]]]], requires_grad=True)",
        "tensor([[1., 2.],\n        [3., 4.]], device='cuda:0', dtype=torch.float64,\n"
        "       grad_fn=<ViewBackward0>)",
        "np.array([[1, 2], [3, 4]])",
    ],
)
def test_what_people_paste_is_read(text: str) -> None:
    assert parse_kernel(text).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("text", ["-1/9", "-1 / 9", "−1/9", "-0.5/4.5"])
def test_a_fraction_is_exact(text: str) -> None:
    assert parse_kernel(text)[0, 0] == np.float32(-1 / 9)


@settings(max_examples=30, deadline=None)
@given(ANY)
def test_what_numpy_prints_is_read_back(kernel: np.ndarray) -> None:
    with np.printoptions(floatmode="unique", threshold=10_000):  # long rows go over several lines
        assert np.array_equal(parse_kernel(repr(kernel)), kernel)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2\n3 abc", "Row 2, column 2 is 'abc'"),
        ("1 nan", "Row 1, column 2 is 'nan'"),
        ("inf", "Row 1, column 1 is 'inf'"),
        ("1/0", "Row 1, column 1 is '1/0'"),
        ("1e9", "a number up to a million"),
        ("1e999999999", "a number up to a million"),
        ("1/1e999999999", "a number up to a million"),
        ("1/2/3", "Row 1, column 1 is '1/2/3'"),
        ("1,,3", "Row 1, column 2 is empty"),
        ("[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]", "several kernels"),
        ("f([1 2], [3 4])", "is 'f"),
        ("1 2\n3", "Row 2 has 1 number, row 1 has 2 numbers"),
        ("", "empty"),
        ("  \n ", "empty"),
        (" ".join(["1"] * 32), "32 columns"),
        ("\n".join(["1"] * 32), "32 rows"),
        ("1" * 50_000, "letters"),
        ("__import__('os')", "is"),
    ],
)
def test_what_is_no_kernel_is_refused_by_its_cell(text: str, words: str) -> None:
    with pytest.raises(KernelError, match=words):
        parse_kernel(text)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_kernel_or_a_sentence(text: str) -> None:
    with contextlib.suppress(KernelError):
        assert np.isfinite(parse_kernel(text)).all()


def test_cells_that_are_numbers_already_are_taken() -> None:
    assert check_kernel([[1, 2.5], ["1/2", "-3"]]).tolist() == [[1, 2.5], [0.5, -3]]
    assert check_kernel(np.eye(2)).tolist() == [[1, 0], [0, 1]]
    for cell in (None, math.nan, math.inf, 1j, 10**400):
        with pytest.raises(KernelError, match="Row 1, column 1"):
            check_kernel([[cell]])
