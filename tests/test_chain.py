"""The chain of the Convolution page: a model whose convolutions start with given kernels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from builder import TEMPLATES, ModelSpec, build, edit, resolve, write_source
from builder.labs import chain

KERNEL = np.arange(9, dtype=np.float32).reshape(3, 3) / 7


def colour(spec: ModelSpec | None = None) -> ModelSpec:
    return chain.for_picture(spec or chain.first_chain(), 12, 10, chain.COLOUR)


def test_the_first_chain_is_the_sharpening_filter_of_the_notes() -> None:
    spec = chain.first_chain()
    expected = torch.full((3, 3), -1 / 9)
    expected[1, 1] = 1
    assert torch.equal(build(spec).get_parameter("conv.weight"), expected.view(1, 1, 3, 3))
    assert resolve(spec).trainable == 0


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        elements=st.floats(-1e3, 1e3, width=32, allow_subnormal=False),
    )
)
def test_a_kernel_comes_back_to_the_bit_from_the_document_and_the_module(
    kernel: chain.Kernel,
) -> None:
    spec = chain.with_kernel(chain.first_chain(), "conv", kernel)
    again = ModelSpec.from_json(spec.to_json())
    found = chain.kernel_of(again.main.node("conv"))
    assert found is not None
    assert np.array_equal(found, kernel)
    weight = build(again).get_parameter("conv.weight")
    assert np.array_equal(weight.numpy()[0, 0], kernel)


def test_in_colour_a_convolution_keeps_the_channels_apart_or_sums_them() -> None:
    spec = chain.with_kernel(colour(), "conv", KERNEL)
    x = torch.rand(1, 3, 12, 10)
    apart = build(spec)(x)
    summed = build(chain.with_mixing(spec, "conv", "across"))(x)
    assert apart.shape == (1, 3, 12, 10)
    assert torch.allclose(summed, apart.sum(dim=1, keepdim=True), atol=1e-5)
    assert chain.mixing_of(spec.main.node("conv")) == "each"
    back = chain.with_mixing(chain.with_mixing(spec, "conv", "across"), "conv", "each")
    assert back == spec


def test_the_chain_follows_the_picture_through_every_step() -> None:
    spec = chain.add_step(chain.first_chain(), 1, "nn.Conv2d")
    spec = chain.add_step(spec, 2, "nn.MaxPool2d")
    spec = chain.add_step(spec, 3, "nn.ConvTranspose2d")
    for channels in (3, 1, 3):
        spec = chain.for_picture(spec, 20, 30, channels)
        resolution = resolve(spec)
        assert resolution.runs, resolution.faults
        assert resolution.by_name["conv1"].shapes[0][1:] == (channels, 20, 30)


def test_a_new_convolution_hands_its_input_on() -> None:
    spec = chain.add_step(colour(), 1, "nn.Conv2d")
    model = build(edit.remove(spec, "conv"))
    x = torch.rand(2, 3, 12, 10)
    assert torch.equal(model(x), x)


@pytest.mark.parametrize("op", chain.offered())
def test_every_layer_on_offer_can_be_added_and_makes_a_picture_or_says_what_it_needs(
    op: str,
) -> None:
    spec = chain.add_step(colour(), 1, op)
    resolution = resolve(spec)
    if resolution.runs:
        assert resolution.output is not None
        assert len(resolution.output.shape) == 4
        assert build(spec).eval()(torch.rand(1, 3, 12, 10)).dim() == 4
    else:
        assert resolution.faults[0].node == spec.nodes[1].name


def test_a_gradient_is_two_convolutions_and_the_length_of_what_they_find() -> None:
    across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
    spec = chain.with_gradient(colour(), "conv", (across, across.T.copy()))
    x = torch.rand(1, 3, 12, 10)
    model = build(spec)
    first, second = (model.get_submodule(name)(x) for name in ("conv", "conv1"))
    assert torch.allclose(model(x), torch.hypot(first, second))
    assert "torch.hypot(" in write_source(spec)


def test_a_bias_is_one_number_for_all_channels() -> None:
    spec = chain.with_bias(colour(), "conv", 0.25)
    assert build(spec).get_parameter("conv.bias").tolist() == [0.25] * 3
    assert chain.bias_of(spec.main.node("conv")) == 0.25
    assert chain.with_bias(spec, "conv", None).main.node("conv").args["bias"] is False


@pytest.mark.parametrize("mixing", ["each", "across"])
@pytest.mark.parametrize("place", [0, 2])
def test_a_kernel_used_as_a_layer_filters_what_another_model_finds_there(
    mixing: chain.Mixing, place: int
) -> None:
    source = chain.with_mixing(chain.with_kernel(colour(), "conv", KERNEL), "conv", mixing)
    model = chain.as_layer(source, "conv", TEMPLATES["LeNet5"], place)
    node = model.nodes[place]
    assert np.array_equal(chain.kernel_of(node), KERNEL)
    assert node.frozen
    resolution = resolve(model)
    if not resolution.runs:  # fewer channels: the layer after it says so, and how to mend it
        assert mixing == "across"
        model = resolution.faults[0].fixes[0].apply(model)
    weights = build(model).state_dict()
    assert torch.equal(weights[f"{node.name}.weight"][0, 0], torch.from_numpy(KERNEL))
