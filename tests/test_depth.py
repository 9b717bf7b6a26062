"""Spreads through depth against theory, and what the activations of a model are given."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES, ModelSpec, Node, build
from builder.data import DATASETS, load
from builder.errors import BuilderError, LabError, ModelError
from builder.labs import batches, preactivations
from builder.labs.activation import ACTIVATIONS, SATURATED
from builder.labs.depth import INITIAL, MOST_VALUES, Spread, places, spread, stack
from builder.labs.numbers import draw
from builder.labs.subject import fresh
from builder.spec import Init, Input
from builder.train import Recipe

RUNNING = {name: spec for name, spec in TEMPLATES.items() if "broken" not in name}


def through(
    op: str, initial: str, *, width: int = 256, seed: int = 0, std: float = 0.05, **how: object
) -> list[Spread]:
    start = Init("normal_", {"std": std}) if initial == "normal" else INITIAL[initial].weight
    tower = stack(op, start=start, width=width, seed=seed, **how)  # type: ignore[arg-type]
    return list(spread(tower, draw((256, width), seed + 1).values, places(tower)))


def second_moment(entry: Spread) -> float:
    return entry.std**2 + entry.mean**2


@pytest.mark.parametrize("initial", ["kaiming normal", "kaiming uniform"])
def test_relu_with_kaiming_keeps_the_second_moment_of_values_and_gradients(initial: str) -> None:
    """He et al., 2015: weights of variance 2 / in make up for the half that ReLU takes away.

    From one layer to the next the second moment stays on average; a single step of 256 units
    strays by 0.14, so the mean of 6 x 19 of them by 0.013.
    """
    runs = [through("nn.ReLU", initial, layers=20, seed=seed) for seed in range(6)]
    values = [second_moment(b) / second_moment(a) for run in runs for a, b in pairwise(run)]
    gradients = [(a.gradient / b.gradient) ** 2 for run in runs for a, b in pairwise(run)]
    assert np.mean(values) == pytest.approx(1, abs=0.05)
    assert np.mean(gradients) == pytest.approx(1, abs=0.05)


def test_weights_half_as_strong_halve_the_second_moment() -> None:
    runs = [through("nn.ReLU", "xavier normal", layers=10, seed=seed) for seed in range(6)]
    values = [second_moment(b) / second_moment(a) for run in runs for a, b in pairwise(run)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("initial", ["xavier normal", "xavier uniform"])
def test_tanh_with_xavier_takes_from_gradients_what_its_slope_does(initial: str) -> None:
    """Glorot and Bengio, 2010: a layer multiplies their variance by the mean of tanh' squared."""
    run = through("nn.Tanh", initial, layers=20)
    for before, after in pairwise(run):
        slope = 1 - after.values.double() ** 2
        expected = float((slope**2).mean())
        assert (before.gradient / after.gradient) ** 2 == pytest.approx(expected, rel=0.2)
    assert 0.1 < run[0].gradient / run[-1].gradient < 10
    assert all(entry.dead == 0 for entry in run)


def test_the_first_layer_is_what_a_normal_variable_becomes() -> None:
    """Rotated standard normal numbers are standard normal: their mean and spread are integrals."""
    run = through("nn.ReLU", "orthogonal", layers=1)
    assert run[0].mean == pytest.approx(1 / math.sqrt(2 * math.pi), abs=0.01)
    assert run[0].std == pytest.approx(math.sqrt(0.5 - 0.5 / math.pi), abs=0.01)
    assert run[0].flat == pytest.approx(0.5, abs=0.01)
    assert run[0].gradient == pytest.approx(1, abs=0.01)
    run = through("nn.Tanh", "orthogonal", layers=1)
    closed = math.erfc(math.acosh(1 / math.sqrt(SATURATED)) / math.sqrt(2))
    assert run[0].flat == pytest.approx(closed, abs=0.001)


def test_selu_with_lecun_keeps_mean_and_variance() -> None:
    """Klambauer et al., 2017: weights of variance 1 / in lead to mean 0 and variance 1."""
    run = through("nn.SELU", "normal", layers=30, std=256**-0.5)
    assert run[-1].mean == pytest.approx(0, abs=0.1)
    assert run[-1].std == pytest.approx(1, abs=0.1)


def test_sigmoid_makes_gradients_vanish_and_large_weights_make_them_explode() -> None:
    vanishing = through("nn.Sigmoid", "xavier normal", layers=20)
    # The slope of a sigmoid is at most 1/4, so each layer takes at least three quarters away.
    assert vanishing[0].gradient < 4.0**-19 * 2
    exploding = through("nn.LeakyReLU", "normal", layers=20, std=0.5)
    assert exploding[0].gradient / exploding[-1].gradient > 1e6


def test_nothing_gets_through_weights_of_zero() -> None:
    run = through("nn.ReLU", "zeros", layers=5)
    assert [entry.std for entry in run] == [0] * 5
    assert [entry.gradient for entry in run[:-1]] == [0] * 4
    assert [entry.dead for entry in run] == [1] * 5


@pytest.mark.parametrize("initial", INITIAL)
def test_weights_have_the_variance_that_their_start_says(initial: str) -> None:
    width = 256
    tower = stack("nn.ReLU", layers=4, width=width, start=INITIAL[initial].weight)
    wanted = {
        "torch default": 1 / (3 * width),
        "xavier uniform": 1 / width,
        "xavier normal": 1 / width,
        "kaiming uniform": 2 / width,
        "kaiming normal": 2 / width,
        "orthogonal": 1 / width,
        "normal": 0.05**2,
        "zeros": 0.0,
    }
    linears = [module for module in tower if isinstance(module, nn.Linear)]
    weights = torch.stack([linear.weight.detach() for linear in linears])
    assert float(weights.var()) == pytest.approx(wanted[initial], rel=0.02)
    drawn = initial == "torch default"
    assert all(bool(linear.bias.any()) == drawn for linear in linears)


def test_the_default_start_is_the_one_that_torch_has() -> None:
    ours = stack("nn.ReLU", layers=1, width=512, seed=3)
    torch.manual_seed(3)
    theirs = nn.Linear(512, 512)
    assert isinstance(ours[0], nn.Linear)
    assert torch.equal(ours[0].weight, theirs.weight)
    assert torch.equal(ours[0].bias, theirs.bias)


def test_a_seed_draws_the_same_tower_and_torchs_own_state_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = (
        through("nn.Tanh", "xavier normal", layers=3, width=32, seed=seed) for seed in (4, 4, 5)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert [entry.std for entry in first] == [entry.std for entry in again]
    assert [entry.std for entry in first] != [entry.std for entry in other]


@pytest.mark.parametrize("op", ACTIVATIONS)
def test_every_activation_that_keeps_its_shape_can_stand_in_a_tower(op: str) -> None:
    if op in ("nn.GLU", "nn.Softmax2d"):
        with pytest.raises(LabError, match=op.removeprefix("nn.")):
            through(op, "orthogonal", layers=2, width=8)
        return
    run = through(op, "orthogonal", layers=2, width=8)
    assert all(math.isfinite(entry.std) and math.isfinite(entry.gradient) for entry in run)
    assert (run[0].dead is None) == (op in ("nn.Softmax", "nn.LogSoftmax", "nn.Softmin"))


@pytest.mark.parametrize(
    "how",
    [
        {"layers": 0},
        {"layers": 101},
        {"width": 1},
        {"width": 10**6},
        {"start": Init("best")},
        {"start": Init("normal_", {"std": -1.0})},
        {"start": Init("dirac_")},
        {"args": {"negative_slope": math.inf}, "op": "nn.LeakyReLU"},
    ],
)
def test_a_tower_that_is_none_is_refused_in_words(how: dict[str, object]) -> None:
    with pytest.raises(BuilderError):
        stack(**{"op": "nn.ReLU", **how})  # type: ignore[arg-type]


def test_any_model_can_be_looked_at_by_the_names_of_its_modules() -> None:
    spec = TEMPLATES["ResidualNet"]
    model = build(spec)
    names = ("conv1", "block1.relu1", "block2")
    names = tuple(name for name in names if name in dict(model.named_modules()))
    x = torch.randn(4, *spec.inputs[0].shape)
    run = spread(model, x, names)
    assert [entry.name for entry in run] == list(names)
    assert all(entry.gradient > 0 and len(entry.values) == MOST_VALUES for entry in run)
    assert all(parameter.grad is None for parameter in model.parameters())
    with pytest.raises(LabError, match="nowhere"):
        spread(model, x, ["nowhere"])


def test_layers_in_place_are_looked_at_as_if_they_were_not_and_stay_as_they_are() -> None:
    plain = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh())
    eager = nn.Sequential(plain[0], nn.ReLU(inplace=True), plain[2], plain[3])
    x = torch.randn(16, 8)
    ours, theirs = (spread(model, x, ["0", "1", "3"]) for model in (plain, eager))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.mean, one.std, one.gradient, one.dead, one.flat) == (
            other.mean, other.std, other.gradient, other.dead, other.flat,
        )  # fmt: skip
    assert eager[1].inplace is True


def test_a_module_that_gives_no_tensor_says_so() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    model.idle = nn.ReLU()
    with pytest.raises(LabError, match="idle gave no tensor"):
        spread(nn.Sequential(model[0]).append(_Skip(model.idle)), torch.randn(2, 4), ["1.idle"])


class _Skip(nn.Module):
    def __init__(self, idle: nn.Module) -> None:
        super().__init__()
        self.idle = idle

    def forward(self, x: Tensor) -> Tensor:
        return x


# in the user's model


def looked(spec: ModelSpec, batch: int = 8) -> preactivations.Looked:
    weights = fresh(spec, 0).state_dict()
    return preactivations.look(spec, weights, batches.random_inputs(spec, batch, 0))


@pytest.mark.parametrize("name", RUNNING)
def test_every_template_can_be_looked_at(name: str) -> None:
    found = looked(RUNNING[name])
    for one in found.given:
        assert 0 <= one.dead_units <= 1
        assert one.saturated + one.dead <= 1
        assert 0.99 < one.density.sum() <= 1 + 1e-9
        assert one.curve.x[0] == one.edges[0]


def chain(*nodes: Node, shape: tuple[int, ...] = (16,), container: str = "sequential") -> ModelSpec:
    return ModelSpec("M", (Input("x", shape),), container, nodes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("op", "dead", "saturated"),
    [
        ("nn.ReLU", 0.5, 0.0),
        ("nn.LeakyReLU", 0.0, 0.0),
        ("nn.Tanh", 0.0, math.erfc(math.acosh(10) / math.sqrt(2))),
        ("nn.Hardtanh", math.erfc(1 / math.sqrt(2)), 0.0),
    ],
)
def test_shares_of_normal_numbers_are_those_of_the_normal_law(
    op: str, dead: float, saturated: float
) -> None:
    [one] = looked(chain(Node("0", op)), batch=4000).given
    assert one.count == 4000 * 16
    assert one.mean == pytest.approx(0, abs=0.02)
    assert one.std == pytest.approx(1, abs=0.02)
    assert one.dead == pytest.approx(dead, abs=0.01)
    assert one.saturated == pytest.approx(saturated, abs=0.003)
    assert one.dead_units == 0


def test_a_unit_that_no_sample_wakes_is_dead() -> None:
    spec = chain(Node("0", "nn.Linear", {"out_features": 4}), Node("1", "nn.ReLU"))
    weights = fresh(spec, 0).state_dict()
    weights["0.weight"].zero_()
    weights["0.bias"].copy_(torch.tensor([-1.0, -1.0, -1.0, 1.0]))
    [one] = preactivations.look(spec, weights, (torch.randn(32, 16),)).given
    assert (one.dead_units, one.dead) == (0.75, 0.75)


def test_functions_are_looked_at_as_their_layers_are_and_weights_find_their_place() -> None:
    layers = chain(
        Node("0", "nn.Linear", {"out_features": 8}),
        Node("1", "nn.ReLU", {"inplace": True}),
        Node("2", "nn.Linear", {"out_features": 4}),
        Node("3", "nn.Sigmoid"),
        container="modulelist",
    )
    functions = chain(
        Node("0", "nn.Linear", {"out_features": 8}),
        Node("1", "F.relu"),
        Node("2", "nn.Linear", {"out_features": 4}),
        Node("3", "torch.sigmoid"),
        container="modulelist",
    )
    ours, theirs = looked(layers), looked(functions)
    assert [one.op for one in theirs.given] == ["nn.ReLU", "nn.Sigmoid"]
    assert [one.mean for one in ours.given] == [one.mean for one in theirs.given]
    assert [one.name for one in ours.given] == ["1", "3"]


def test_an_activation_called_twice_is_told_once_with_all_it_was_given() -> None:
    spec = chain(
        Node("fc", "nn.Linear", {"out_features": 16}),
        Node("relu", "nn.ReLU"),
        Node("again", "relu"),
        container="graph",
    )
    [one] = looked(spec, batch=10).given
    assert (one.name, one.count) == ("relu", 2 * 10 * 16)


def test_what_no_curve_shows_is_named_and_a_learned_slope_is_drawn() -> None:
    spec = chain(
        Node("0", "nn.PReLU", {"init": 0.5}),
        Node("1", "nn.PReLU", {"num_parameters": 16}),
        Node("2", "nn.Softmax", {"dim": 1}),
    )
    found = looked(spec)
    assert found.others == ("1", "2")
    [one] = found.given
    assert one.curve.y[0] == pytest.approx(0.5 * one.curve.x[0])


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_real_samples_come_in_the_scale_of_training(name: str) -> None:
    samples = load(name)
    [x] = batches.real_inputs(samples, Recipe(dataset=name), 20)
    assert x.shape == (20, *samples.shape)
    spec = chain(Node("0", "nn.Flatten"), Node("1", "nn.Tanh"), shape=samples.shape)
    assert batches.fits(spec, DATASETS[name].shape, samples.kind)
    assert not batches.fits(spec, (7,), "table")
    [one] = preactivations.look(spec, {}, (x,)).given
    assert one.mean == pytest.approx(float(x.mean()), abs=1e-5)


def test_a_model_that_cannot_run_or_be_held_and_foreign_weights_are_refused() -> None:
    broken = TEMPLATES["MyNet with SubNet (broken)"]
    with pytest.raises(ModelError):
        preactivations.look(broken, {}, (torch.zeros(1, 3),))
    spec = chain(Node("0", "nn.Linear", {"out_features": 4}), Node("1", "nn.ReLU"))
    with pytest.raises(LabError, match="do not fit"):
        preactivations.look(spec, {"0.weight": torch.zeros(2, 2)}, (torch.zeros(2, 16),))
    large = chain(Node("0", "nn.ReLU"), shape=(3, 2000, 2000))
    with pytest.raises(ModelError, match="Fewer samples"):
        preactivations.look(large, {}, (torch.zeros(1).expand(256, 3, 2000, 2000),))
