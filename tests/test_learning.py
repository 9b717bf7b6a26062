"""A kernel is learned from a picture before and after."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from builder.errors import LabError
from builder.labs.kernels import KERNELS
from builder.labs.learning import OPTIMIZERS, KernelLearner
from builder.labs.pictures import SAMPLES


def photograph() -> np.ndarray:
    return SAMPLES["cat"].load().values(1)[:, :, 0]


def after(before: np.ndarray, kernel: np.ndarray, padding: str | int = "same") -> np.ndarray:
    x = torch.from_numpy(before)[None, None]
    return F.conv2d(x, torch.from_numpy(kernel)[None, None], padding=padding)[0, 0].numpy()


def kernel(name: str, size: int) -> np.ndarray:
    preset = KERNELS[name]
    return preset.make(size, **{row.name: row.initial for row in preset.params})[0]


def learned(learner: KernelLearner, most: int = 3000) -> np.ndarray:
    for _ in range(most):
        learner.step()
        if learner.done():
            break
    return learner.kernel


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_finds_sobel_to_a_thousandth(optimizer: str) -> None:
    before, sobel = photograph(), kernel("sobel_x", 3)
    learner = KernelLearner(before, after(before, sobel), 3, optimizer=optimizer)
    assert np.abs(learned(learner) - sobel).max() < 1e-3
    assert learner.losses[-1] < learner.losses[0]
    assert learner.warning == ""


@pytest.mark.parametrize(
    ("name", "size"), [("gaussian", 5), ("sharpen_notes", 3), ("emboss", 3), ("motion", 7)]
)
def test_other_kernels_are_found_too(name: str, size: int) -> None:
    before, wanted = photograph(), kernel(name, size)
    learner = KernelLearner(before, after(before, wanted), size)
    assert np.abs(learned(learner) - wanted).max() < 1e-3


@pytest.mark.parametrize("padding", ["same", 0])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_padding_or_none_the_pictures_are_aligned(size: int, padding: str | int) -> None:
    before = photograph()
    wanted = np.random.default_rng(size).standard_normal((size, size)).astype(np.float32)
    learner = KernelLearner(before, after(before, wanted, padding), size)
    assert np.abs(learned(learner) - wanted).max() < 1e-3


def test_a_bias_does_not_get_in_the_way() -> None:
    before, wanted = photograph(), kernel("emboss", 3)
    learner = KernelLearner(before, after(before, wanted) + np.float32(0.7), 3)
    assert np.abs(learned(learner) - wanted).max() < 1e-3


def test_a_kernel_of_large_numbers_is_found_as_well() -> None:
    before, wanted = photograph(), 1000 * kernel("outline", 5)
    learner = KernelLearner(before, after(before, wanted), 5)
    assert np.abs(learned(learner) - wanted).max() < 1e-3 * wanted.max()


def test_where_nothing_is_left_the_kernel_adds_up_to_nothing() -> None:
    ramp = SAMPLES["ramp"].load().values(1)[:, :, 0]
    found = learned(KernelLearner(ramp, np.zeros_like(ramp), 3))
    assert abs(found.sum()) < 1e-3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_picture_makes_training_swing_ever_wider(optimizer: str) -> None:
    ramp = SAMPLES["ramp"].load().values(1)[:, :, 0]
    learner = KernelLearner(ramp, after(ramp, kernel("gaussian", 5)), 5, optimizer=optimizer)
    learned(learner)
    assert learner.losses[-1] < learner.losses[0]
    assert np.isfinite(learner.kernel).all()


def test_a_larger_kernel_than_needed_is_zero_at_its_rim() -> None:
    before, wanted = photograph(), kernel("sobel_x", 3)
    found = learned(KernelLearner(before, after(before, wanted), 5))
    assert np.abs(found[1:4, 1:4] - wanted).max() < 1e-3
    assert np.abs(found).sum() == pytest.approx(np.abs(wanted).sum(), abs=0.02)


def test_the_same_seed_learns_the_same() -> None:
    before, wanted = photograph(), kernel("sobel_x", 3)
    runs = [KernelLearner(before, after(before, wanted), 3, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        run.step()
    assert np.array_equal(runs[0].kernel, runs[1].kernel)
    assert not np.array_equal(runs[0].kernel, runs[2].kernel)


def test_training_ends_where_no_kernel_fits() -> None:
    before = photograph()
    noise = np.random.default_rng(0).random(before.shape, dtype=np.float32)
    learner = KernelLearner(before, noise, 3)
    learned(learner)
    assert learner.done()


@pytest.mark.parametrize("which", ["before", "after"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(which: str, value: float) -> None:
    pictures = {name: np.random.default_rng(0).random((30, 30)) for name in ("before", "after")}
    pictures[which][3, 4] = value
    with pytest.raises(LabError, match=f"picture {which}"):
        KernelLearner(**{k: v.astype(np.float32) for k, v in pictures.items()}, kernel_size=3)


def test_a_flat_picture_teaches_nothing_and_it_is_said() -> None:
    flat = np.full((40, 40), 0.5, np.float32)
    with pytest.raises(LabError, match="flat"):
        KernelLearner(flat, flat, 3)


def test_a_picture_of_stripes_warns_that_it_does_not_tell_kernels_apart() -> None:
    stripes = np.tile(np.arange(40, dtype=np.float32) % 8 / 8, (40, 1))
    assert "several" in KernelLearner(stripes, stripes, 3).warning


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [
        ((20, 20), 3, "stride"),
        ((41, 40), 3, "same size"),
        ((8, 8), 3, "stride"),
        ((40, 40), 17, "1 to 15"),
    ],
)
def test_what_does_not_go_together_is_said(shape: tuple[int, int], size: int, words: str) -> None:
    draw = np.random.default_rng(0)
    before = draw.random((40, 40), dtype=np.float32)
    with pytest.raises(LabError, match=words):
        KernelLearner(before, draw.random(shape, dtype=np.float32), size)


def test_a_picture_smaller_than_the_kernel_is_said() -> None:
    small = np.random.default_rng(0).random((6, 6), dtype=np.float32)
    with pytest.raises(LabError, match="too large"):
        KernelLearner(small, small, 7)
