"""The open model on a picture: fitting, every layer's maps, filters, predictions, explanations."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from builder import TEMPLATES, Block, BuilderError, ModelSpec, Node, build, resolve
from builder.data import load
from builder.labs import attribution, batches
from builder.labs.attribution import METHODS, explain
from builder.labs.feature_maps import filters_of, look, output_of
from builder.labs.framing import FITS, Frame, as_picture, fit
from builder.labs.map_sheet import TILE, colour_tiles, sheet, shrink, span, strip, tiles
from builder.labs.predictions import next_mistake, predictions
from builder.labs.tones import to_pixels
from builder.labs.walking import modules_of, out_of_place
from builder.resolve import Step
from builder.spec import Input

PICTURED = [
    name
    for name, spec in TEMPLATES.items()
    if resolve(spec).runs and spec.inputs[0].dtype == "float32" and len(spec.inputs[0].shape) > 1
] + ["MyNet"]
CLASSIFIERS = [name for name in PICTURED if name != "ConvAutoencoder"]


def chain(*nodes: Node, shape: tuple[int, ...] = (1, 8, 8), **facts: object) -> ModelSpec:
    return ModelSpec("Chain", (Input("x", shape),), "sequential", nodes, **facts)


def built(spec: ModelSpec) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return build(spec).eval(), torch.rand(1, *spec.inputs[0].shape)


def hooked(model: nn.Module, x: Tensor) -> list[Tensor]:
    """What every module below a model gives, in torch's own run, told by hooks."""
    found: list[Tensor] = []

    def keep(module: nn.Module, given: object, value: object) -> None:
        values = value if isinstance(value, tuple) else (value,)
        flat = [t for v in values for t in (v if isinstance(v, tuple) else (v,))]
        found.extend(tensor.detach().clone() for tensor in flat)

    for module in model.modules():
        if module is not model and not isinstance(module, nn.ModuleList):
            module.register_forward_hook(keep)
    with torch.no_grad():
        model(x)
    return found


# looking


@pytest.mark.parametrize("name", PICTURED)
def test_every_module_gives_what_a_hook_finds_in_torchs_own_run(name: str) -> None:
    spec = TEMPLATES[name]
    model, x = built(spec)
    layers = look(model, spec, x)
    modules = {*modules_of(model, spec), *_blocks(spec, resolve(spec).steps)}
    of_modules = [layer.value for layer in layers if layer.name.partition("[")[0] in modules]
    expected = hooked(model, x)
    assert len(of_modules) == len(expected)
    assert all(map(torch.equal, of_modules, expected))


def _blocks(spec: ModelSpec, steps: tuple[Step, ...]) -> list[str]:
    return [step.name for step in steps if step.op in spec.blocks]


@pytest.mark.parametrize("name", PICTURED)
def test_every_layer_stands_there_in_order_with_the_shape_it_was_said_to_have(name: str) -> None:
    spec = TEMPLATES[name]
    model, x = built(spec)
    layers = look(model, spec, x)
    order = dict.fromkeys(layer.name.partition("[")[0].partition(".")[0] for layer in layers)
    assert list(order) == [node.name for node in spec.nodes]
    for step in resolve(spec).steps:
        shapes = [
            layer.shape for layer in layers if layer.name == step.name or _part(layer.name, step)
        ]
        assert shapes == [
            tuple(d if isinstance(d, int) else d.at(1) for d in s) for s in step.shapes
        ]


def _part(name: str, step: Step) -> bool:
    return name.startswith(f"{step.name}[")


@pytest.mark.parametrize("name", PICTURED)
def test_the_output_is_the_models_own(name: str) -> None:
    spec = TEMPLATES[name]
    model, x = built(spec)
    found = output_of(look(model, spec, x), spec)
    assert found is not None
    with torch.no_grad():
        assert torch.equal(found.value, model(x))


@pytest.mark.parametrize("container", ["sequential", "modulelist"])
def test_a_layer_in_place_does_not_write_over_what_the_one_before_it_gave(container: str) -> None:
    spec = chain(
        Node("0", "nn.Conv2d", {"out_channels": 3, "kernel_size": 3}),
        Node("1", "nn.ReLU", {"inplace": True}),
        Node("2", "nn.ReLU6" if container == "sequential" else "F.relu6", {"inplace": True}),
    )
    spec = replace(spec, container=container)
    model, x = built(spec)
    before = x.clone()
    first, second, third = look(model, spec, x)
    assert torch.equal(x, before)
    assert (first.value < 0).any()
    assert torch.equal(second.value, first.value.relu())
    assert torch.equal(third.value, second.value.clamp(max=6))


def test_a_layer_called_again_stands_there_again() -> None:
    spec = ModelSpec(
        "Again",
        (Input("x", (2, 6, 6)),),
        "graph",
        (
            Node("conv", "nn.Conv2d", {"out_channels": 2, "kernel_size": 3, "padding": 1}),
            Node("act", "torch.tanh"),
            Node("again", "conv"),
            Node("both", "+", inputs=("again", "x")),
        ),
    )
    model, x = built(spec)
    layers = {layer.name: layer.value for layer in look(model, spec, x)}
    assert list(layers) == ["conv", "act", "again", "both"]
    conv = model.get_submodule("conv")
    with torch.no_grad():
        assert torch.equal(layers["again"], conv(conv(x).tanh()))
        assert torch.equal(layers["both"], layers["again"] + x)
    assert modules_of(model, spec)["again"] is conv
    assert list(filters_of(model, spec)) == ["conv"]


def test_a_block_called_again_runs_with_the_same_weights() -> None:
    inner = Block("modulelist", (Node("0", "nn.Conv2d", {"out_channels": 2, "kernel_size": 1}),))
    spec = ModelSpec(
        "Twice",
        (Input("x", (2, 4, 4)),),
        "graph",
        (Node("first", "Inner"), Node("second", "first")),
        blocks={"Inner": inner},
    )
    model, x = built(spec)
    layers = look(model, spec, x)
    assert [layer.name for layer in layers] == ["first.0", "first", "second.0", "second"]
    with torch.no_grad():
        assert torch.equal(layers[-1].value, model(x))


def test_what_is_switched_off_hands_on_what_it_gets() -> None:
    inner = Block("modulelist", (Node("0", "nn.Conv2d", {"out_channels": 2, "kernel_size": 1}),))
    spec = ModelSpec(
        "Off",
        (Input("x", (2, 4, 4)),),
        "graph",
        (
            Node("block", "Inner", enabled=False),
            Node("conv", "nn.Conv2d", {"out_channels": 2, "kernel_size": 1}, enabled=False),
            Node("act", "F.relu", enabled=False),
        ),
        blocks={"Inner": inner},
    )
    model, x = built(spec)
    assert all(torch.equal(layer.value, x) for layer in look(model, spec, x))
    assert modules_of(model, spec) == {}


def test_several_tensors_of_a_layer_each_have_a_name() -> None:
    spec = TEMPLATES["LSTMClassifier"]
    names = [layer.name for layer in look(*_of(spec))]
    assert names == ["rows", "lstm[0]", "lstm[1][0]", "lstm[1][1]", "out", "last", "fc"]


def _of(spec: ModelSpec) -> tuple[nn.Module, ModelSpec, Tensor]:
    model, x = built(spec)
    return model, spec, x


def test_dropout_and_batch_norm_are_looked_at_in_evaluation() -> None:
    spec = TEMPLATES["SmallVGG"]
    model, x = built(spec)
    model.train()
    first = look(model, spec, x)
    second = look(model, spec, x)
    assert all(torch.equal(a.value, b.value) for a, b in zip(first, second, strict=True))


def test_maps_are_pictures_and_rows_are_rows() -> None:
    layers = {layer.name: layer for layer in look(*_of(TEMPLATES["LeNet5"]))}
    assert layers["0"].maps is not None
    assert layers["0"].maps.shape == (6, 28, 28)
    assert layers["0"].row is None
    assert layers["6"].maps is None
    assert layers["6"].row is not None
    assert layers["6"].row.shape == (400,)
    steps = {layer.name: layer for layer in look(*_of(TEMPLATES["LSTMClassifier"]))}
    assert steps["lstm[0]"].maps is not None
    assert steps["lstm[0]"].maps.shape == (1, 28, 64)
    assert steps["lstm[1][0]"].row is not None
    pooled = chain(Node("0", "nn.AdaptiveAvgPool2d", {"output_size": 1}), shape=(5, 8, 8))
    (layer,) = look(*_of(pooled))
    assert layer.maps is None
    assert layer.row is not None
    assert layer.row.shape == (5,)


def test_a_model_that_cannot_run_says_so_as_its_fault_does() -> None:
    spec = TEMPLATES["MyNet with SubNet (broken)"]
    with pytest.raises(BuilderError, match=resolve(spec).faults[0].node):
        look(nn.Identity(), spec, torch.rand(1, 3, 16, 16))


def test_too_large_a_run_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_MACS", 1000)
    with pytest.raises(BuilderError, match="smaller input"):
        look(*_of(TEMPLATES["LeNet5"]))


def test_a_layer_that_a_single_picture_does_not_suit_is_named() -> None:
    nodes = (
        Node("less", "torch.squeeze", {"dim": 0}),
        Node("flat", "nn.Flatten"),
        Node("fc", "nn.Linear", {"out_features": 2}),
    )
    spec = ModelSpec("Squeezed", (Input("x", (8, 8)),), "graph", nodes)
    model, x = built(spec)
    with pytest.raises(BuilderError, match=r"fc \(nn.Linear\) does not run on this input"):
        look(model, spec, x)


@pytest.mark.parametrize("name", PICTURED)
def test_a_model_out_of_place_gives_the_same_numbers(name: str) -> None:
    spec = TEMPLATES[name]
    placed = replace(spec, nodes=tuple(_in_place(node) for node in spec.nodes))
    other = out_of_place(placed)
    assert not any(node.args.get("inplace") for node in other.nodes)
    model, x = built(placed)
    again = build(other).eval()
    again.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(model(x.clone()), again(x))


def _in_place(node: Node) -> Node:
    if node.op not in ("nn.ReLU", "F.relu"):
        return node
    return replace(node, args={**node.args, "inplace": True})


# fitting


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 28, 28), (1, 28, 28)),
        ((3, 20, 30), (3, 20, 30)),
        ((4, 6, 6), (4, 6, 6)),
        ((28, 28), (1, 28, 28)),
        ((784,), (1, 28, 28)),
        ((64,), (1, 8, 8)),
        ((3072,), (3, 32, 32)),
    ],
)
def test_an_input_that_holds_a_picture_says_how(
    shape: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    frame = Frame.of(chain(Node("0", "nn.Flatten"), shape=shape))
    assert (frame.channels, frame.height, frame.width) == expected
    x = fit(np.random.default_rng(0).random((50, 40, 3), np.float32), frame)
    assert x.shape == (1, *shape)
    assert as_picture(x, frame).shape[:2] == expected[1:]


@pytest.mark.parametrize("name", ["MLP", "MyModel", "Perceptron", "TextClassifier"])
def test_an_input_that_holds_none_says_which_would(name: str) -> None:
    with pytest.raises(BuilderError, match=r"\(1, 28, 28\)"):
        Frame.of(TEMPLATES[name])


@pytest.mark.parametrize("shape", [(), (2, 3, 4, 5), (785,), (1, 10**5, 10**5)])
def test_an_input_of_another_form_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BuilderError, match="takes"):
        Frame.of(chain(Node("0", "nn.ReLU"), shape=shape))


def test_two_inputs_are_refused() -> None:
    inputs = (Input("a", (1, 8, 8)), Input("b", (1, 8, 8)))
    spec = ModelSpec("Two", inputs, "graph", (Node("sum", "+", inputs=("a", "b")),))
    with pytest.raises(BuilderError, match="2 inputs"):
        Frame.of(spec)


@settings(max_examples=40)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    target=st.tuples(st.sampled_from([1, 3]), st.integers(1, 40), st.integers(1, 40)),
    how=st.sampled_from(list(FITS)),
    channels=st.sampled_from([1, 3]),
    invert=st.booleans(),
)
def test_a_picture_of_any_size_fits_any_input(
    height: int,
    width: int,
    target: tuple[int, int, int],
    how: str,
    channels: int,
    invert: bool,
) -> None:
    values = np.random.default_rng(1).random((height, width, channels), np.float32)
    x = fit(values, Frame(*target, target), how, invert=invert)  # type: ignore[arg-type]
    assert x.shape == (1, *target)
    assert x.isfinite().all()
    assert 0 <= x.min() <= x.max() <= 1


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1)])
@pytest.mark.parametrize("how", list(FITS))
def test_a_strip_fits_without_taking_memory_for_millions_of_pixels(
    size: tuple[int, int], how: str
) -> None:
    x = fit(np.full((*size, 1), 0.5, np.float32), Frame(1, 28, 28, (1, 28, 28)), how)  # type: ignore[arg-type]
    assert x.shape == (1, 1, 28, 28)
    assert x.max() == pytest.approx(0.5, abs=1e-5)


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    values = np.random.default_rng(0).random((9, 7, 3), np.float32)
    for how in FITS:
        x = fit(values, Frame(3, 9, 7, (3, 9, 7)), how)
        assert np.array_equal(as_picture(x, Frame(3, 9, 7, (3, 9, 7))), values)


def test_cropping_keeps_the_middle_and_padding_keeps_everything() -> None:
    values = np.zeros((10, 30, 1), np.float32)
    values[:, 10:20] = 1
    frame = Frame(1, 10, 10, (1, 10, 10))
    assert fit(values, frame, "crop").min() == 1
    padded = fit(values, frame, "pad")[0, 0]
    assert padded[:3].max() == padded[7:].max() == 0
    assert padded[3:6, 4:6].min() > 0.5


def test_inverting_turns_the_picture_around_and_leaves_the_padding_black() -> None:
    values = np.zeros((10, 30, 1), np.float32)
    x = fit(values, Frame(1, 10, 10, (1, 10, 10)), "pad", invert=True)[0, 0]
    assert x[:3].max() == 0
    assert x[4].min() == pytest.approx(1, abs=1e-5)


def test_colour_becomes_the_grey_that_pillow_makes() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32) / 255
    x = fit(pixels / np.float32(255), Frame(1, 12, 12, (144,)))
    assert np.abs(x.reshape(12, 12).numpy() - grey).max() < 1.01 / 255


# filters and predictions


def test_filters_are_the_weights_of_convolutions() -> None:
    model, _ = built(TEMPLATES["SmallVGG"])
    found = filters_of(model, TEMPLATES["SmallVGG"])
    assert torch.equal(found["0"], model.get_parameter("0.weight"))
    assert found["0"].shape == (32, 3, 3, 3)
    assert len(found) == 6


def test_a_linear_layer_over_the_picture_has_a_filter_as_large_as_it() -> None:
    model, _ = built(TEMPLATES["MyNet"])
    found = filters_of(model, TEMPLATES["MyNet"])
    assert list(found) == ["fc1"]
    assert found["fc1"].shape == (256, 1, 28, 28)


def test_the_likeliest_classes_come_first_with_their_names() -> None:
    scores = torch.tensor([[0.0, 2.0, 1.0]])
    found = predictions(scores, ("cat", "dog", "hat"), 2)
    assert [row.name for row in found] == ["dog", "hat"]
    assert found[0].share == pytest.approx(scores.double().softmax(1)[0, 1].item())
    assert found[0].score == 2


@pytest.mark.parametrize(
    "given_as", [lambda s: s, lambda s: s.softmax(1), lambda s: s.log_softmax(1)]
)
def test_shares_are_the_same_after_softmax_and_after_log_softmax(
    given_as: Callable[[Tensor], Tensor],
) -> None:
    scores = torch.randn(1, 7, generator=torch.Generator().manual_seed(0))
    shares = {row.index: row.share for row in predictions(given_as(scores))}
    expected = scores.softmax(1)[0].tolist()
    assert [shares[number] for number in range(7)] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3, 4), (2, 3), (3,)])
def test_what_is_no_row_of_scores_predicts_nothing(shape: tuple[int, ...]) -> None:
    assert predictions(torch.zeros(shape)) == ()


def test_names_that_do_not_match_are_left_out() -> None:
    assert {row.name for row in predictions(torch.zeros(1, 3), ("a", "b"))} == {"0", "1", "2"}


def test_the_next_mistake_is_found_round_and_round() -> None:
    samples = load("digits")
    wrong_rows = {3, 900, 1700}
    answers = torch.nn.functional.one_hot(samples.y, 10).float()
    for row in wrong_rows:
        answers[row] = answers[row].roll(1)
    number = torch.arange(len(samples.x)).reshape(-1, 1)

    class Told(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return answers[x.long().flatten()]

    model, y = Told().eval(), samples.y
    for after, found in ((0, 3), (3, 900), (900, 1700), (1700, 3)):
        assert next_mistake(model, number, y, after) == found
    assert next_mistake(model, number[:3], y[:3], 0) is None
    with pytest.raises(BuilderError, match="scores"):
        next_mistake(nn.Identity(), samples.x, y, 0)


# sheets


def read(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_sheet_holds_every_map_where_it_belongs() -> None:
    pictures = tiles(torch.rand(5, 6, 4), "rescale")
    paper = read(sheet(pictures, 3))
    assert paper.shape == (12, 12, 3)
    for number, picture in enumerate(pictures):
        top, left = number // 3 * 6, number % 3 * 4
        assert np.array_equal(paper[top : top + 6, left : left + 4], picture)
    assert (paper[6:, 8:] == 0).all()


def test_a_strip_holds_maps_side_by_side_and_is_clear_between_them() -> None:
    pictures = tiles(torch.rand(3, 6, 4), "rescale")
    paper = read(strip(pictures, 60))
    gap = (paper.shape[1] - 3 * 40) // 2
    assert paper.shape == (60, 3 * 40 + 2 * gap, 4)
    for number, picture in enumerate(pictures):
        area = paper[:, number * (40 + gap) : number * (40 + gap) + 40]
        assert (area[..., 3] == 255).all()
        assert np.array_equal(area[::10, ::10, :3], picture)
    assert (paper[:, 40 : 40 + gap] == 0).all()


@pytest.mark.parametrize("tone", ["rescale", "signed"])
def test_maps_have_a_scale_of_their_own_or_one_for_all(tone: str) -> None:
    maps = torch.stack([torch.linspace(-1, 1, 12), torch.linspace(-0.1, 0.1, 12)]).reshape(2, 3, 4)
    own = tiles(maps, tone)
    assert np.array_equal(own[0], own[1])
    shared = tiles(maps, tone, span(maps))
    assert np.array_equal(shared, to_pixels(maps.reshape(6, 4).numpy(), tone).reshape(2, 3, 4, 3))
    assert np.array_equal(tiles(maps[1:], tone, span(maps))[0], shared[1])


def test_maps_that_hold_no_number_are_drawn_all_the_same() -> None:
    maps = torch.full((2, 3, 3), torch.nan)
    assert span(maps) == (0.0, 0.0)
    assert tiles(maps, "signed").shape == tiles(maps, "rescale", span(maps)).shape


def test_large_maps_are_averaged_down_and_small_ones_left() -> None:
    maps = torch.rand(2, 480, 240)
    small = shrink(maps)
    assert small.shape == (2, TILE, TILE // 2)
    assert small.mean().item() == pytest.approx(maps.mean().item(), abs=1e-4)
    assert shrink(small) is small


def test_filters_of_colour_are_grey_where_they_are_zero() -> None:
    filters = torch.zeros(2, 3, 2, 2)
    filters[0, 0, 0, 0] = 5
    pictures = colour_tiles(filters)
    assert pictures[0, 0, 0].tolist() == [255, 128, 128]
    assert (pictures[1] == 128).all()


# explanations


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_saliency_is_the_gradient_of_the_score_by_the_picture(name: str) -> None:
    spec = TEMPLATES[name]
    model, x = built(spec)
    frame = Frame.of(spec)
    asked = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(asked)[0, 3], asked)
    expected = gradient.abs().reshape(frame.channels, frame.height, frame.width).amax(0)
    found = explain("saliency", model, spec, x, 3)
    assert found.heat == pytest.approx(expected.numpy(), abs=1e-7)
    assert not found.signed


@pytest.mark.parametrize(
    ("name", "layer"), [("LeNet5", "3"), ("ResidualNet", "block2.conv2"), ("SmallVGG", "17")]
)
def test_grad_cam_is_the_maps_weighed_by_their_mean_gradient(name: str, layer: str) -> None:
    spec = out_of_place(TEMPLATES[name])
    model, x = built(spec)
    kept: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o))
    score = model(x)[0, 5]
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    heat = (kept[0] * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu()
    size = x.shape[-2:]
    expected = torch.nn.functional.interpolate(heat, size, mode="bilinear")[0, 0].detach()
    found = explain("grad_cam", model, spec, x, 5, layer)
    assert found.heat == pytest.approx(expected.numpy(), abs=1e-7)
    assert found.heat.shape == size


def test_grad_cam_is_the_same_with_layers_in_place() -> None:
    spec = TEMPLATES["LeNet5"]
    placed = replace(spec, nodes=tuple(_in_place(node) for node in spec.nodes))
    model, x = built(placed)
    again = build(out_of_place(placed)).eval()
    again.load_state_dict(model.state_dict())
    for method in METHODS:
        one = explain(method, model, placed, x, 1, "3").heat
        assert one == pytest.approx(explain(method, again, spec, x, 1, "3").heat, abs=1e-6)


def test_integrated_gradients_add_up_to_the_difference_from_black() -> None:
    spec = TEMPLATES["LeNet5"]
    model, x = built(spec)
    found = explain("integrated", model, spec, x, 2)
    with torch.no_grad():
        difference = (model(x) - model(torch.zeros_like(x)))[0, 2].item()
    assert float(found.heat.sum()) == pytest.approx(difference, abs=2e-3)
    assert found.signed


def test_occlusion_finds_the_only_part_that_counts() -> None:
    spec = chain(
        Node("0", "nn.Flatten"), Node("1", "nn.Linear", {"out_features": 2}), shape=(1, 10, 10)
    )
    model, _ = built(spec)
    with torch.no_grad():
        model.get_parameter("1.weight").zero_()[0, 0] = 1
    heat = explain("occlusion", model, spec, torch.ones(1, 1, 10, 10), 0).heat
    assert heat.argmax() == 0
    assert (heat[2:, 2:] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_heat_for_every_pixel_whatever_the_inputs_shape(method: str) -> None:
    for name, layer in (("MyNet", ""), ("MyNet with SubNet", "subnet2.conv"), ("MyRNN", "")):
        if METHODS[method].of_layer and not layer:
            continue
        spec = TEMPLATES[name]
        model, x = built(spec)
        frame = Frame.of(spec)
        found = explain(method, model, spec, x, 1, layer)
        assert found.heat.shape == (frame.height, frame.width)
        picture = as_picture(x, frame)
        assert attribution.overlay(picture, found).shape == (frame.height, frame.width, 3)
        assert attribution.colours(found).dtype == np.uint8


def test_the_layer_for_grad_cam_is_the_last_convolution() -> None:
    for name, expected in (("LeNet5", "3"), ("ResidualNet", "block2.conv2"), ("MyNet", None)):
        model, spec, x = _of(TEMPLATES[name])
        layers = tuple(look(model, spec, x))
        names = attribution.layers_for_grad_cam(layers, modules_of(model, spec))
        assert attribution.default_layer(layers, names) == expected


def test_an_explanation_that_cannot_be_says_why() -> None:
    model, spec, x = _of(TEMPLATES["ConvAutoencoder"])
    with pytest.raises(BuilderError, match="starts from a score"):
        explain("saliency", model, spec, x, 0)
    model, spec, x = _of(TEMPLATES["LeNet5"])
    for case in (("magic", 0, ""), ("saliency", 10, ""), ("grad_cam", 0, "nowhere")):
        method, target, layer = case
        with pytest.raises(BuilderError, match="here is no"):
            explain(method, model, spec, x, target, layer)


def test_occlusion_costs_as_many_passes_as_it_was_said_to() -> None:
    spec = TEMPLATES["MyNet with SubNet"]
    model, x = built(spec)
    passes = 0

    def count(module: nn.Module, given: tuple[Tensor]) -> None:
        nonlocal passes
        passes += len(given[0])

    model.register_forward_pre_hook(count)
    explain("occlusion", model, spec, x, 0)
    assert passes == METHODS["occlusion"].passes(16, 16)


def test_an_explanation_that_would_take_too_long_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attribution, "MOST_MACS", 10 * resolve(TEMPLATES["LeNet5"]).macs)
    model, spec, x = _of(TEMPLATES["LeNet5"])
    assert explain("saliency", model, spec, x, 0).heat.shape == (28, 28)
    for method in ("integrated", "occlusion"):
        with pytest.raises(BuilderError, match="a smaller input"):
            explain(method, model, spec, x, 0)


def test_a_layer_that_the_score_does_not_pass_is_told_in_words() -> None:
    spec = ModelSpec(
        "Aside",
        (Input("x", (1, 8, 8)),),
        "graph",
        (
            Node("aside", "nn.Conv2d", {"out_channels": 2, "kernel_size": 3}),
            Node("flat", "nn.Flatten", inputs=("x",)),
            Node("fc", "nn.Linear", {"out_features": 2}),
        ),
    )
    model, x = built(spec)
    with pytest.raises(BuilderError, match="Grad-CAM cannot be worked out for Aside"):
        explain("grad_cam", model, spec, x, 0, "aside")
