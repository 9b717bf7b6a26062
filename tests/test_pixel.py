"""One pixel, spelled out cell by cell, is what torch computes there."""

import math
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from builder.errors import LabError
from builder.labs import pixel

SIZES = st.tuples(st.integers(3, 9), st.integers(3, 9))
SPOT = st.tuples(st.floats(0, 0.999), st.floats(0, 0.999), st.floats(0, 0.999))
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


def spot(output: torch.Tensor, share: tuple[float, float, float]) -> tuple[int, int, int]:
    channel, row, column = (int(s * n) for s, n in zip(share, output.shape, strict=True))
    return channel, row, column


def check(module: nn.Module, size: tuple[int, int], channels: int, share: Any) -> None:
    torch.manual_seed(sum(size))
    x = torch.randn(channels, *size)
    try:
        with torch.no_grad():
            output = module(x.unsqueeze(0)).squeeze(0)
    except RuntimeError:
        assume(False)
    place = spot(output, share)
    found = pixel.look(module, x, *place)
    assert found.result == pytest.approx(float(output[place]), rel=1e-5, abs=1e-5, nan_ok=True)


@settings(max_examples=80, deadline=None)
@given(
    SIZES,
    SPOT,
    PAIR,
    PAIR,
    PAIR,
    st.sampled_from([(0, 0), (1, 2), (2, 0), "valid"]),
    st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
    st.sampled_from([(1, 2, 1), (4, 2, 2), (3, 3, 3), (2, 4, 1)]),
    st.booleans(),
)
def test_a_convolution(
    size: Any, share: Any, kernel: Any, stride: Any, dilation: Any, padding: Any, mode: str,
    channels: tuple[int, int, int], bias: bool,
) -> None:  # fmt: skip
    given, made, groups = channels
    module = nn.Conv2d(given, made, kernel, stride, padding, dilation, groups, bias, mode)
    check(module, size, given, share)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=20, deadline=None)
@given(SIZES, SPOT, PAIR, PAIR)
def test_a_convolution_that_keeps_the_size(
    size: Any, share: Any, kernel: Any, dilation: Any
) -> None:
    check(nn.Conv2d(2, 2, kernel, padding="same", dilation=dilation), size, 2, share)


@settings(max_examples=40, deadline=None)
@given(SIZES, SPOT, PAIR, PAIR, PAIR, st.integers(0, 1), st.booleans())
def test_the_largest_of_a_window(
    size: Any, share: Any, kernel: Any, stride: Any, dilation: Any, padding: int, ceil: bool
) -> None:
    assume(padding <= min(kernel) // 2)
    check(nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil), size, 2, share)


@settings(max_examples=60, deadline=None)
@given(
    SIZES, SPOT, PAIR, PAIR, st.integers(0, 1), st.booleans(), st.booleans(),
    st.sampled_from([None, 5]),
)  # fmt: skip
def test_the_mean_of_a_window(
    size: Any, share: Any, kernel: Any, stride: Any, padding: int, ceil: bool, counts: bool,
    divisor: int | None,
) -> None:  # fmt: skip
    assume(padding <= min(kernel) // 2)
    check(nn.AvgPool2d(kernel, stride, padding, ceil, counts, divisor), size, 2, share)


@settings(max_examples=20, deadline=None)
@given(SIZES, SPOT, PAIR, PAIR, st.booleans(), st.sampled_from([1.0, 2.0, 3.0]))
def test_the_norm_of_a_window(
    size: Any, share: Any, kernel: Any, stride: Any, ceil: bool, power: float
) -> None:
    check(nn.LPPool2d(power, kernel, stride, ceil), size, 2, share)


@settings(max_examples=20, deadline=None)
@given(SIZES, SPOT, st.sampled_from([1, (2, 3), (None, 4), (5, 5)]), st.booleans())
def test_a_window_that_fits_the_result(size: Any, share: Any, wanted: Any, largest: bool) -> None:
    kind = nn.AdaptiveMaxPool2d if largest else nn.AdaptiveAvgPool2d
    check(kind(wanted), size, 2, share)


@settings(max_examples=40, deadline=None)
@given(
    SIZES, SPOT, PAIR, PAIR, PAIR, st.integers(0, 1), st.booleans(),
    st.sampled_from([(1, 2, 1), (4, 2, 2)]),
)  # fmt: skip
def test_what_inputs_lay_down(
    size: Any, share: Any, kernel: Any, stride: Any, dilation: Any, padding: int, more: bool,
    channels: tuple[int, int, int],
) -> None:  # fmt: skip
    given, made, groups = channels
    beyond = tuple(n - 1 for n in stride) if more else 0
    module = nn.ConvTranspose2d(
        given, made, kernel, stride, padding, beyond, groups=groups, dilation=dilation
    )
    check(module, size, given, share)


def test_every_cell_says_where_it_is_and_what_it_gives() -> None:
    module = nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate")
    x = torch.arange(12.0).reshape(1, 3, 4)
    found = pixel.look(module, x, 0, 0, 3)
    assert [(cell.row, cell.column) for cell in found.cells] == [
        (row, column) for row in (-1, 0, 1) for column in (2, 3, 4)
    ]
    assert [cell.padded for cell in found.cells] == [True] * 3 + [False, False, True] * 2
    assert [cell.value for cell in found.cells] == [2, 3, 3, 2, 3, 3, 6, 7, 7]
    assert [cell.weight for cell in found.cells] == module.weight.flatten().tolist()
    total = sum(cell.product for cell in found.cells)
    assert found.result == pytest.approx(total + found.bias)


def test_a_window_wholly_in_the_padding_has_no_largest() -> None:
    module, x = nn.MaxPool2d(2, stride=1, padding=1, dilation=5), torch.zeros(1, 4, 4)
    assert pixel.look(module, x, 0, 0, 0).result == module(x).item() == -math.inf


@pytest.mark.parametrize("module", [nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2)])
def test_what_is_no_number_is_the_largest(module: nn.Module) -> None:
    x = torch.zeros(1, 4, 4)
    x[0, 0, 1] = math.nan
    assert math.isnan(module(x)[0, 0, 0])
    assert math.isnan(pixel.look(module, x, 0, 0, 0).result)


def test_the_box_moves_with_stride_and_grows_with_dilation() -> None:
    x = torch.zeros(1, 20, 20)
    assert pixel.look(nn.Conv2d(1, 1, 3), x, 0, 4, 5).box == (4, 5, 3, 3)
    assert pixel.look(nn.Conv2d(1, 1, 3, stride=2), x, 0, 4, 5).box == (8, 10, 3, 3)
    assert pixel.look(nn.Conv2d(1, 1, 3, dilation=3), x, 0, 4, 5).box == (4, 5, 7, 7)
    assert pixel.look(nn.Conv2d(1, 1, 3, padding=1), x, 0, 0, 0).box == (-1, -1, 3, 3)


@settings(max_examples=40, deadline=None)
@given(
    SIZES, SPOT, PAIR, PAIR, PAIR, st.integers(0, 2),
    st.sampled_from(["zeros", "reflect", "replicate", "circular"]),
)  # fmt: skip
def test_the_way_of_a_window_gives_torchs_numbers_at_every_stop(
    size: Any, share: Any, kernel: Any, stride: Any, dilation: Any, padding: int, mode: str
) -> None:
    module = nn.Conv2d(1, 1, kernel, stride, padding, dilation, padding_mode=mode)
    x = torch.randn(1, *size)
    try:
        with torch.no_grad():
            output = module(x.unsqueeze(0)).squeeze(0)
    except RuntimeError:
        assume(False)
    _, row, column = spot(output, share)
    found = pixel.way(module, x, output, 0, row, column)
    assert found.output[found.at[0]][found.at[1]] == float(output[0, row, column])
    for i, top in enumerate(found.tops):
        for j, left in enumerate(found.lefts):
            total = found.bias + sum(
                found.input[top + down][left + across] * found.kernel[a][b]
                for a, down in enumerate(found.down)
                for b, across in enumerate(found.across)
            )
            assert total == pytest.approx(found.output[i][j], abs=1e-4)
    assert max(len(found.input), len(found.input[0])) <= pixel.WIDEST


def test_what_cannot_be_drawn_is_said() -> None:
    x = torch.zeros(3, 40, 40)
    for module, words in (
        (nn.Conv2d(3, 1, 3), "3 channels"),
        (nn.Conv2d(3, 3, 31, groups=3), "31 × 31"),
        (nn.Upsample(scale_factor=2), "Upsample"),
    ):
        with pytest.raises(LabError, match=words):
            pixel.way(module, x, module(x.unsqueeze(0)).squeeze(0), 0, 0, 0)
    with pytest.raises(LabError, match="ReLU"):
        pixel.look(nn.ReLU(), x, 0, 0, 0)
