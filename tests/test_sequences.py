"""Data sets of sequences, the split by time and the forecast: promises of builder.data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from builder import TEMPLATES, build
from builder.data import DATASETS, Samples, Split, load, mismatches, split
from builder.train.data import Data
from builder.train.live import STEPS, Forecast, boundary, forecast
from builder.train.loop import train
from builder.train.measure import predict, r_squared
from builder.train.recipe import Recipe

SERIES = ("sine", "sines")
MADE = (*SERIES, "adding", "parity")
READ = ("sequential_digits", "sequential_mnist")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("length", [6, 13])
def test_sequences_have_the_number_and_the_length_that_were_asked_for(
    name: str, length: int
) -> None:
    samples = load(name, samples=50, length=length)
    assert samples.x.shape == (50, length, DATASETS[name].shape[1])
    assert len(samples.y) == 50


@pytest.mark.parametrize("name", MADE)
def test_the_seed_decides_the_sequences(name: str) -> None:
    samples = load(name, samples=60, seed=5)
    (x, y), _, _ = DATASETS[name].read(**samples.options)  # not from the cache
    assert np.array_equal(x.astype(np.float32), samples.x.numpy())
    assert np.array_equal(y.astype(np.float32), samples.y.flatten().float().numpy())
    assert not torch.equal(samples.x, load(name, samples=60, seed=6).x)


@pytest.mark.parametrize("name", SERIES)
def test_each_target_of_a_series_is_the_value_after_its_window(name: str) -> None:
    samples = load(name, samples=80, length=9, noise=0.2)
    assert torch.equal(samples.y[:-1, 0], samples.x[1:, -1, 0])
    assert torch.equal(samples.x[1:, :-1], samples.x[:-1, 1:])


def test_a_sine_without_noise_comes_back_after_its_25_steps() -> None:
    y = load("sine", noise=0.0).y
    assert torch.allclose(y[25:], y[:-25], atol=1e-5)
    assert y.abs().max().item() == pytest.approx(1, abs=0.01)


def test_the_target_of_the_adding_problem_is_the_sum_of_the_two_marked_numbers() -> None:
    samples = load("adding", samples=100, length=11)
    for sequence, target in zip(samples.x.tolist(), samples.y.tolist(), strict=True):
        marked = [step for step, (_, mark) in enumerate(sequence) if mark == 1]
        assert len(marked) == sum(mark for _, mark in sequence) == 2
        assert marked[0] < 11 // 2 <= marked[1]
        assert target[0] == pytest.approx(sum(sequence[step][0] for step in marked), abs=1e-6)


@pytest.mark.parametrize("length", [6, 10, 32])
def test_parity_is_whether_the_ones_are_odd_and_no_string_comes_twice(length: int) -> None:
    samples = load("parity", length=length)
    for bits, target in zip(samples.x.tolist(), samples.y.tolist(), strict=True):
        odd = False
        for [bit] in bits:
            assert bit in (0, 1)
            odd ^= bit == 1
        assert target == odd
    assert len(samples.x.flatten(1).unique(dim=0)) == len(samples.x) == min(1000, 2**length)


@pytest.mark.parametrize("name", READ)
def test_the_rows_of_a_picture_are_the_steps_of_its_sequence(name: str) -> None:
    pictures = load(name.removeprefix("sequential_"))
    whole, top = load(name), load(name, length=3)
    assert torch.equal(whole.x, pictures.x[:, 0])
    assert torch.equal(top.x, pictures.x[:, 0, :3])
    assert torch.equal(top.y, pictures.y)


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_series_is_split_by_time_whatever_the_seed(name: str, share: float) -> None:
    samples = load(name)
    parts, other = (split(samples, validation=share, seed=seed) for seed in (0, 1))
    assert torch.equal(parts.train, torch.arange(len(parts.train)))
    assert torch.equal(parts.validation, torch.arange(len(parts.train), len(samples.x)))
    assert torch.equal(parts.train, other.train)


def test_nothing_of_the_last_part_of_a_series_is_seen_in_training() -> None:
    samples = load("sine")
    count = len(samples.x)
    # The series as places in time, so that what was seen can be looked up.
    steps = torch.arange(count + 20, dtype=torch.float32)
    placed = replace(samples, x=steps.unfold(0, 20, 1)[:count, :, None], y=steps[20:, None])
    parts = split(placed, validation=0.2, seed=0)
    seen = torch.cat([placed.x[parts.train].flatten(), placed.y[parts.train].flatten()])
    assert seen.max() < placed.y[parts.validation].min()
    spoilt = samples.y.clone()
    spoilt[parts.validation] = 1e6
    again = split(replace(samples, y=spoilt), validation=0.2, seed=0)
    assert torch.equal(again.scaled_target(samples.y), parts_of(samples).scaled_target(samples.y))


def parts_of(samples: Samples) -> Split:
    return split(samples, validation=0.2, seed=0)


def test_targets_come_back_from_the_scale_of_training() -> None:
    for name in ("sine", "parity"):
        samples = load(name)
        parts = parts_of(samples)
        back = parts.unscaled_target(parts.scaled_target(samples.y))
        assert torch.allclose(back, samples.y, atol=1e-5)


@pytest.mark.parametrize("template", ["MyRNN", "LSTMClassifier", "GRUClassifier"])
@pytest.mark.parametrize("name", [*MADE, *READ])
def test_a_recurrent_template_fits_every_sequence_with_one_click(template: str, name: str) -> None:
    samples = load(name, length=6)
    (mismatch,) = mismatches(TEMPLATES[template], samples)
    fitting = mismatch.fixes[0].apply(TEMPLATES[template])
    assert mismatches(fitting, samples) == ()
    assert fitting.inputs[0].shape == samples.shape
    assert len(fitting.nodes) <= len(TEMPLATES[template].nodes)
    assert build(fitting)(samples.x[:3]).shape == (3, samples.outputs)


def _data(name: str) -> Data:
    samples = load(name)
    parts = parts_of(samples)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    return Data(x[parts.train], y[parts.train], x[parts.validation], y[parts.validation])


def test_my_rnn_learns_to_forecast_the_sine_far_better_than_its_mean() -> None:
    (mismatch,) = mismatches(TEMPLATES["MyRNN"], load("sine"))
    torch.manual_seed(0)
    model = build(mismatch.fixes[0].apply(TEMPLATES["MyRNN"]))
    data = _data("sine")
    recipe = Recipe("sine", loss="MSELoss", epochs=8)
    train(model, data, recipe, task="regression", on_tick=lambda progress: True)
    assert r_squared(predict(model.eval(), data.x_validation), data.y_validation) > 0.9


def test_a_forecast_is_the_models_answer_on_the_validation_part_in_order() -> None:
    class Last(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, -1]

    data, model = _data("sines"), Last()
    found = forecast(model, data)
    assert found is not None
    assert torch.equal(Forecast.from_bytes(found).values, data.x_validation[:, -1, 0])
    assert model.training
    many = replace(data, x_validation=data.x_validation.repeat(4, 1, 1))
    assert len(Forecast.from_bytes(forecast(model, many) or b"").values) == STEPS
    assert boundary(model, data) is None
    assert forecast(model, _data("sequential_digits")) is None
