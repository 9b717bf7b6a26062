"""A chain over a picture: OpenCV and torch say the same, to 1e-5 and to the pixel."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from builder import ModelSpec, Node, build, edit, resolve
from builder.errors import LabError
from builder.labs import chain
from builder.labs.filtering import Stage, filter_picture, run
from builder.spec import Input

SETTINGS = settings(max_examples=150, deadline=None)


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    channels = draw(st.sampled_from([1, 3]))
    groups = draw(st.sampled_from([1, channels]))
    pair = st.tuples(st.integers(1, 5), st.integers(1, 5))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding: Any = draw(st.sampled_from(["number", "same", "valid"]))
    if padding == "number":
        padding = draw(st.tuples(st.integers(0, 4), st.integers(0, 4)))
    if padding == "same":
        stride = (1, 1)
    return {
        "in_channels": channels,
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(pair),
        "stride": stride,
        "padding": padding,
        "dilation": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "groups": groups,
        "bias": draw(st.booleans()),
        "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
    }


def picture(height: int, width: int, channels: int) -> np.ndarray:
    draw = np.random.default_rng(height * 100 + width)
    return draw.random((height, width, channels), dtype=np.float32)


def by_torch(module: nn.Module, values: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        found = module(torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0))
    return found.squeeze(0).permute(1, 2, 0).numpy()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@SETTINGS
@given(convolutions(), st.integers(1, 20), st.integers(1, 20), st.booleans())
def test_opencv_says_what_torch_says_for_every_setting(
    args: dict[str, Any], height: int, width: int, alike: bool
) -> None:
    torch.manual_seed(0)
    module = nn.Conv2d(**args)
    if alike:
        module.weight.data.copy_(module.weight.data[:1, :1].clone())
    values = picture(height, width, args["in_channels"])
    try:
        expected = by_torch(module, values)
    except RuntimeError:
        assume(False)
    found, engine = filter_picture(module, values)
    assert engine == "OpenCV"
    assert found.shape == expected.shape
    scale = float(module.weight.detach().abs().sum()) or 1.0
    assert np.abs(found - expected).max() <= 1e-5 * scale


@pytest.mark.parametrize("size", [9, 11, 13, 21, 31])
@pytest.mark.parametrize("channels", [1, 3])
def test_large_kernels_which_opencv_takes_through_fourier_stay_as_exact(
    size: int, channels: int
) -> None:
    torch.manual_seed(size)
    module = nn.Conv2d(
        channels, channels, size, padding="same", groups=channels, padding_mode="reflect"
    )
    values = picture(70, 90, channels)
    found, _ = filter_picture(module, values)
    scale = float(module.weight.detach()[0].abs().sum())
    assert np.abs(found - by_torch(module, values)).max() <= 1e-5 * scale


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [0, 2, "same", "valid"])
def test_many_channels_go_through_torch_in_bands_that_meet(
    mode: str, padding: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.labs.bands._BAND_NUMBERS", 20 * 30 * 3)
    stride = 1 if padding == "same" else 2
    module = nn.Conv2d(3, 20, 3, stride, padding, padding_mode=mode)
    values = picture(33, 30, 3)
    found, engine = filter_picture(module, values)
    assert engine == "torch"
    assert np.allclose(found, by_torch(module, values), atol=1e-5)


@st.composite
def pools(draw: st.DrawFn) -> nn.Module:
    sizes = st.tuples(st.integers(1, 5), st.integers(1, 5))
    size = draw(sizes)
    settings_of_both = {
        "kernel_size": size,
        "stride": draw(sizes),
        "padding": tuple(draw(st.integers(0, side // 2)) for side in size),
        "ceil_mode": draw(st.booleans()),
    }
    if draw(st.booleans()):
        return nn.MaxPool2d(**settings_of_both, dilation=draw(st.integers(1, 2)))
    return nn.AvgPool2d(
        **settings_of_both,
        count_include_pad=draw(st.booleans()),
        divisor_override=draw(st.sampled_from([None, 3])),
    )


@SETTINGS
@given(pools(), st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 60]))
def test_a_pool_gives_what_torch_gives_for_every_setting(
    module: nn.Module, height: int, width: int, channels: int
) -> None:
    values = picture(height, width, channels)
    try:
        expected = by_torch(module, values)
    except RuntimeError:
        assume(False)
    found, _ = filter_picture(module, values)
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, 2, 1, 2), nn.AvgPool2d(4, 3, 2, True, False)])
def test_the_bands_of_a_pool_meet(layer: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.labs.bands._BAND_NUMBERS", 30 * 3 * 4)
    values = picture(33, 30, 3)
    found, engine = filter_picture(layer, values)
    assert engine == "torch"
    assert np.allclose(found, by_torch(layer, values), atol=1e-6)


@pytest.mark.parametrize("numbers", [30, 400, 10**6])
@pytest.mark.parametrize(
    "settings_of_one",
    [
        {"kernel_size": 3},
        {"kernel_size": 4, "stride": 3, "padding": 2, "output_padding": 1},
        {"kernel_size": 2, "stride": 5},
        {"kernel_size": 3, "stride": 2, "dilation": 3, "padding": 1, "groups": 3, "bias": False},
    ],
    ids=str,
)
def test_the_bands_of_a_transposed_convolution_meet(
    settings_of_one: dict[str, Any], numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.labs.bands._BAND_NUMBERS", numbers)
    torch.manual_seed(0)
    module = nn.ConvTranspose2d(3, 6, **settings_of_one)
    values = picture(9, 7, 3)
    found, _ = filter_picture(module, values)
    assert np.allclose(found, by_torch(module, values), atol=1e-5)


def test_padding_that_would_take_too_much_memory_is_refused_before_it_does() -> None:
    with pytest.raises(LabError, match="with its padding the picture would be"):
        filter_picture(nn.Conv2d(1, 1, 1, stride=9_000, padding=20_000), picture(8, 8, 1))


@pytest.mark.parametrize("size", [3, 13])
def test_one_cell_that_is_no_number_spoils_the_windows_over_it_only(size: int) -> None:
    values = picture(40, 40, 1)
    values[20, 20, 0] = np.nan
    module = nn.Conv2d(1, 1, size, padding="same")
    found, _ = filter_picture(module, values)
    assert (np.isnan(found) == np.isnan(by_torch(module, values))).all()


def test_a_filter_is_the_naive_sum_over_each_window() -> None:
    values = picture(6, 7, 1)
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    module = nn.Conv2d(1, 1, (2, 3), bias=False)
    module.weight.data = torch.from_numpy(kernel)[None, None]
    found, _ = filter_picture(module, values)
    for row in range(5):
        for column in range(5):
            patch = values[row : row + 2, column : column + 3, 0]
            assert found[row, column, 0] == pytest.approx(float((patch * kernel).sum()), rel=1e-5)


def work(spec: ModelSpec, values: np.ndarray, **options: Any) -> list[Stage]:
    return run(build(spec).eval(), resolve(spec).steps, values, **options)


def long_chain() -> ModelSpec:
    spec = chain.for_picture(chain.first_chain(), 40, 30, 3)
    for index, op in enumerate(("nn.MaxPool2d", "nn.ReLU", "nn.Upsample", "nn.Conv2d"), start=1):
        spec = chain.add_step(spec, index, op)
    return spec


def test_every_stage_is_what_the_built_model_gives_there() -> None:
    spec, values = long_chain(), picture(40, 30, 3)
    stages = work(spec, values)
    assert [stage.op for stage in stages] == [node.op for node in spec.nodes]
    model = build(spec).eval()
    assert np.allclose(stages[-1].values, by_torch(model, values), atol=1e-5)
    for stage, step in zip(stages, resolve(spec).steps, strict=True):
        height, width, channels = stage.values.shape
        assert step.shapes[0][1:] == (channels, height, width)


def test_a_gradient_reads_two_stages() -> None:
    across = np.array([[-1, 0, 1]] * 3, np.float32)
    spec = chain.for_picture(chain.first_chain(), 40, 30, 3)
    spec = chain.with_gradient(spec, "conv", (across, across.T.copy()))
    values = picture(40, 30, 3)
    x, y, length = work(spec, values)
    assert np.allclose(length.values, np.hypot(x.values, y.values), atol=1e-5)


def test_without_keeping_the_last_stage_is_the_same_and_the_only_one() -> None:
    spec, values = long_chain(), picture(40, 30, 3)
    (last,) = work(spec, values, keep=False)
    assert np.array_equal(last.values, work(spec, values)[-1].values)


def test_a_layer_that_overwrites_its_input_leaves_the_stage_before_alone() -> None:
    nodes = (
        Node("conv", "nn.Conv2d", {"out_channels": 1, "kernel_size": 3}),
        Node("relu", "nn.ReLU", {"inplace": True}),
    )
    spec = ModelSpec("Two", (Input("x", (1, 12, 12)),), "graph", nodes)
    torch.manual_seed(1)
    conv, relu = work(spec, picture(12, 12, 1) - 0.5)
    assert conv.values.min() < 0 <= relu.values.min()


def test_a_layer_switched_off_hands_its_input_on() -> None:
    spec = edit.switch(chain.for_picture(chain.first_chain(), 9, 9, 1), "conv", False)
    values = picture(9, 9, 1)
    assert work(spec, values)[0].values is values


def test_what_gives_no_picture_is_refused_by_name() -> None:
    nodes = (Node("flat", "nn.Flatten"),)
    spec = ModelSpec("Flat", (Input("x", (1, 9, 9)),), "graph", nodes)
    with pytest.raises(LabError, match="flat gives"):
        work(spec, picture(9, 9, 1))


def test_what_would_take_too_much_memory_is_refused_before_it_does() -> None:
    nodes = (Node("up", "nn.Upsample", {"scale_factor": 1000}),)
    spec = ModelSpec("Up", (Input("x", (3, 90, 90)),), "graph", nodes)
    with pytest.raises(LabError, match="24,300 million numbers"):
        work(spec, picture(90, 90, 3))
