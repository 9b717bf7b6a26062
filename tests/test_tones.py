"""What is shown of values: nothing wraps unless asked to, and nothing is too odd to show."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from torchvision.transforms import ToPILImage

from builder.errors import LabError
from builder.labs.tones import TONES, encode_png, histogram, outside, to_pixels

values = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3])),
    elements=st.floats(-3, 3, width=32),
)


@settings(max_examples=40, deadline=None)
@given(values)
def test_clip_cuts_off_and_never_wraps(x: np.ndarray) -> None:
    shown = to_pixels(x, "clip").astype(float) / 255
    assert np.abs(shown - np.clip(x, 0, 1)).max() <= 0.5 / 255 + 1e-6


@settings(max_examples=40, deadline=None)
@given(values)
def test_wrapped_is_what_to_pil_image_makes_to_the_byte(x: np.ndarray) -> None:
    picture = ToPILImage()(torch.from_numpy(x).permute(2, 0, 1))
    expected = np.asarray(picture).reshape(x.shape)
    assert np.array_equal(to_pixels(x, "wrapped"), np.broadcast_to(expected, (*x.shape[:2], 3)))


def test_the_lesson_shows_a_small_negative_as_nearly_white() -> None:
    x = np.full((1, 1), -0.01, np.float32)
    assert to_pixels(x, "wrapped")[0, 0, 0] == 254
    assert to_pixels(x, "clip")[0, 0, 0] == 0


def test_rescale_spans_black_to_white() -> None:
    shown = to_pixels(np.array([[-2.0, 0.0, 6.0]], np.float32), "rescale")
    assert shown[0, :, 0].tolist() == [0, 64, 255]


def test_a_flat_picture_can_be_rescaled() -> None:
    assert to_pixels(np.full((2, 2), 0.5, np.float32), "rescale")[0, 0, 0] == 128


def test_absolute_shows_both_signs_alike() -> None:
    shown = to_pixels(np.array([[-0.5, 0.5]], np.float32), "absolute")
    assert shown[0, 0].tolist() == shown[0, 1].tolist() == [128] * 3


def test_signed_is_blue_below_white_at_and_red_above_zero() -> None:
    low, middle, high = to_pixels(np.array([[-0.2, 0.0, 0.2]], np.float32), "signed")[0].tolist()
    assert low == [5, 48, 97]
    assert high == [103, 0, 31]
    assert middle == [255, 255, 255]


def test_signed_grows_fuller_from_zero_to_either_side() -> None:
    shown = to_pixels(np.linspace(-1, 1, 101, dtype=np.float32)[None], "signed")[0]
    light = shown.astype(int).sum(axis=1)
    assert np.all(np.diff(light[:51]) >= 0)
    assert np.all(np.diff(light[50:]) <= 0)


def test_signed_shows_the_mean_of_three_channels() -> None:
    x = np.array([[[0.9, -0.9, 0.0], [0.3, 0.3, 0.3]]], np.float32)
    assert to_pixels(x, "signed")[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(to_pixels(x, "signed"), to_pixels(x.mean(axis=2), "signed"))


@pytest.mark.parametrize("tone", TONES)
def test_what_is_no_number_is_magenta_in_every_tone(tone: str) -> None:
    x = np.array([[[np.nan] * 3, [np.inf, 0, 0], [0.5] * 3]], np.float32)
    shown = to_pixels(x, tone)
    assert shown[0, 0].tolist() == shown[0, 1].tolist() == [255, 0, 255]
    assert shown[0, 2].tolist() != [255, 0, 255]


@pytest.mark.parametrize("tone", TONES)
def test_what_is_no_number_changes_nothing_of_the_rest(tone: str) -> None:
    x = np.linspace(5, 10, 12, dtype=np.float32).reshape(3, 4)
    x.setflags(write=False)
    spoilt = np.vstack([x, np.full((1, 4), -np.inf, np.float32)])
    before = spoilt.copy()
    assert np.array_equal(to_pixels(spoilt, tone)[:3], to_pixels(x, tone))
    assert np.array_equal(spoilt, before)


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("x", [[3e38, -3e38, 0], [1e-44, -1e-44, 0], [7, 7, 7], [np.nan] * 3])
def test_no_numbers_are_too_odd_to_be_shown(tone: str, x: list[float]) -> None:
    table = np.array([[x]], np.float32)
    assert to_pixels(table, tone).shape == (1, 1, 3)
    assert to_pixels(table[0], tone).shape == (1, 3, 3)
    assert histogram(table)[0].sum() == np.isfinite(table).sum()
    assert histogram(table[0])[0].sum() == np.isfinite(table).sum()


@pytest.mark.parametrize("tone", TONES)
def test_a_view_of_a_tensor_is_shown_as_its_copy_is(tone: str) -> None:
    x = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).permute(1, 2, 0)
    assert np.array_equal(to_pixels(x.numpy(), tone), to_pixels(x.contiguous().numpy(), tone))


def test_an_unknown_tone_is_said() -> None:
    with pytest.raises(LabError, match="clip"):
        to_pixels(np.zeros((1, 1), np.float32), "sepia")


@settings(max_examples=30, deadline=None)
@given(values)
def test_every_value_is_counted_once_in_its_channel(x: np.ndarray) -> None:
    counts, edges = histogram(x, 8)
    assert counts.sum(axis=1).tolist() == [x.shape[0] * x.shape[1]] * x.shape[2]
    assert edges[0] <= x.min()
    assert edges[-1] >= x.max()


def test_a_histogram_counts_as_numpy_does() -> None:
    x = np.random.default_rng(0).normal(size=(40, 50, 3)).astype(np.float32)
    counts, edges = histogram(x, 16)
    for channel in range(3):
        assert np.array_equal(counts[channel], np.histogram(x[:, :, channel], edges)[0])


def test_a_histogram_leaves_out_what_is_no_number() -> None:
    counts, _ = histogram(np.array([[np.nan, 1.0, np.inf]], np.float32), 4)
    assert counts.sum() == 1
    assert histogram(np.full((1, 2), np.nan, np.float32))[0].sum() == 0


def test_the_shares_outside_are_those_below_0_and_above_1() -> None:
    assert outside(np.array([[-1, 0, 0.5, 1, 2, 3]], np.float32)) == (1 / 6, 2 / 6)


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_png_loses_nothing(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)
