"""The numbers behind the Initialisation page: laws, formulas, spreads, against torch and theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from builder import CATALOG, TEMPLATES, Block, ModelSpec, Node, build, resolve
from builder.errors import LabError, ModelError
from builder.initial import problem
from builder.labs.batches import random_inputs
from builder.labs.charts import ramp
from builder.labs.depth import INITIAL, spread, stack
from builder.labs.depth import places as tower_places
from builder.labs.initialisation import promises
from builder.labs.initialisation.drawn import drawn
from builder.labs.initialisation.formula import fans, formula, number
from builder.labs.initialisation.law import Law, law
from builder.labs.initialisation.places import places, start, weights
from builder.labs.initialisation.through import expected, through
from builder.labs.initialisation.torchs_own import torchs_own
from builder.labs.initialisation.toy import Race
from builder.labs.numbers import draw
from builder.schemes import SCHEMES, Shape
from builder.spec import Init, Input
from builder.train.trial import own_randomness

RUNNING = {name: spec for name, spec in TEMPLATES.items() if "broken" not in name}
LAWFUL: list[tuple[Init, Shape]] = [
    *((Init(f"xavier_{kind}_", {"gain": 2.0}), (60, 400)) for kind in ("uniform", "normal")),
    *((Init(f"xavier_{kind}_"), (40, 20, 5, 5)) for kind in ("uniform", "normal")),
    *(
        (Init(f"kaiming_{kind}_", args), (64, 24, 3, 3))
        for kind in ("uniform", "normal")
        for args in ({}, {"a": 0.5}, {"mode": "fan_out"}, {"nonlinearity": "tanh"})
    ),
    (Init("orthogonal_"), (120, 200)),
    (Init("orthogonal_", {"gain": 0.5}), (30, 8, 5, 5)),
    (Init("orthogonal_"), (300, 3)),
    (Init("normal_", {"mean": -1.0, "std": 0.3}), (20_000,)),
    (Init("uniform_", {"a": -0.2, "b": 0.7}), (20_000,)),
    (Init("trunc_normal_"), (20_000,)),
    (Init("trunc_normal_", {"mean": 0.5, "std": 2.0, "a": 0.0, "b": 1.5}), (20_000,)),
    (Init("sparse_", {"sparsity": 0.83, "std": 0.2}), (250, 400)),
    (Init("eye_"), (30, 70)),
    (Init("dirac_"), (6, 4, 3, 3)),
    (Init("dirac_", {"groups": 2}), (6, 2, 5)),
    (Init("zeros_"), (50,)),
    (Init("ones_"), (50,)),
    (Init("constant_", {"val": -0.3}), (50,)),
    (Init("normal_", {"std": 0.0}), (50,)),
    (Init("uniform_", {"a": 0.25, "b": 0.25}), (50,)),
    (Init("orthogonal_", {"gain": 0.0}), (5, 5)),
]


def fill(init: Init, shape: Shape, seed: int = 0) -> Tensor:
    values = torch.empty(shape)
    with own_randomness(seed):
        SCHEMES[init.scheme].fill(values, init.args)
    return values


def follows(values: Tensor, found: Law) -> None:
    """Hold numbers against a law: moments and bins within what chance allows, five deviations."""
    seen = drawn(values, found)
    count = seen.facts.count
    rounding = 1e-6 * (1 + abs(found.mean))
    by_chance = 5 * found.std / math.sqrt(count) + rounding
    assert seen.facts.mean == pytest.approx(found.mean, abs=by_chance)
    assert seen.facts.spread == pytest.approx(found.std, rel=5 / math.sqrt(count), abs=1e-6)
    assert found.low - rounding <= seen.facts.low <= seen.facts.high <= found.high + rounding
    assert seen.shares == pytest.approx(dict(found.shares), abs=1e-6)
    wide = np.diff(seen.edges)
    assert (seen.density * wide).sum() + sum(seen.shares.values()) == pytest.approx(1, abs=1e-5)
    if found.density is not None:
        fine = np.linspace(seen.edges[:-1], seen.edges[1:], 33)
        share = found.density(fine).mean(axis=0) * wide
        error = np.sqrt(share / count) + 2 / count
        assert (np.abs(seen.density * wide - share) < 5 * error).all()


@pytest.mark.parametrize(("init", "shape"), LAWFUL, ids=lambda value: str(value)[:50])
def test_what_is_drawn_follows_the_law_of_its_scheme(init: Init, shape: Shape) -> None:
    assert problem(init, shape) is None
    found = law(init, shape)
    assert found is not None
    follows(fill(init, shape), found)


def test_every_scheme_of_torch_has_a_law_and_values_of_ones_own_have_none() -> None:
    assert {init.scheme for init, _ in LAWFUL} == set(SCHEMES) - {"values"}
    assert law(Init("values", {"values": 1.0}), (3,)) is None


@pytest.mark.parametrize("op", [op for op, row in CATALOG.items() if row.is_module])
def test_what_torch_draws_when_nothing_is_said_is_heard_from_torch(op: str) -> None:
    row = CATALOG[op]
    args = row.initial_args()
    kinds = dict(enumerate(row.example_dtypes))
    inputs = tuple(
        Input(f"x{i}", shape, kinds.get(i, row.dtype_of(i) or "float32"))
        for i, shape in enumerate(row.examples)
    )
    spec = ModelSpec("One", inputs, "graph", (Node("a", op, args, [e.name for e in inputs]),))
    (step,) = resolve(spec).steps
    heard = torchs_own(row, step.args)
    with own_randomness(0):
        made = row.make(step.args)
    assert isinstance(made, nn.Module)
    held = dict(made.named_parameters())
    assert set(heard) == set(held)
    for name, init in heard.items():
        found = law(init, tuple(held[name].shape))
        assert found is not None
        if step.args.get("padding_idx") is None:
            follows(held[name].detach(), found)


def test_linear_layers_start_by_kaiming_with_the_root_of_five_and_clones_as_their_original() -> (
    None
):
    own = torchs_own(CATALOG["nn.Linear"], {"in_features": 784, "out_features": 256})
    assert own["weight"] == Init("kaiming_uniform_", {"a": math.sqrt(5)})
    assert own["bias"] == Init("uniform_", {"a": -1 / 28, "b": 1 / 28})
    encoder = next(p for p in places(TEMPLATES["TextTransformer"]) if "norm1.weight" in p.name)
    assert encoder.own == Init("ones_")


# formulas


def test_the_bound_of_xavier_comes_from_the_layers_own_n_in_and_n_out() -> None:
    first = places(TEMPLATES["MyNet with Xavier"])[0]
    assert first.init is not None
    lines = formula(first.init, first.shape)
    assert lines[1:3] == ("n_{in} = 784", "n_{out} = 256")
    bound = math.sqrt(6 / (784 + 256))
    assert any(rf"\sqrt{{\frac{{6}}{{784 + 256}}}} = {bound:.4g}" in line for line in lines)
    conv = places(TEMPLATES["LeNet5"])[2]
    assert r"n_{in} = 6 \cdot 5 \cdot 5 = 150" in formula(Init("xavier_normal_"), conv.shape)[1]
    assert fans(conv.shape) == (150, 400)


def test_the_gain_of_kaiming_is_that_of_the_activation_behind() -> None:
    lines = formula(Init("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}), (9, 2))
    assert "n = n_{out} = 9" in lines
    assert r"g_{\text{relu}} = 1.414" in lines
    assert any(rf"\sqrt{{\frac{{1}}{{9}}}} = {math.sqrt(2 / 9):.4g}" in line for line in lines)
    lines = formula(Init("kaiming_uniform_", {"a": math.sqrt(5)}), (256, 784))
    assert any(rf"\sqrt{{\frac{{3}}{{784}}}} = {1 / 28:.4g}" in line for line in lines)


@pytest.mark.parametrize(("init", "shape"), LAWFUL, ids=lambda value: str(value)[:50])
def test_every_formula_ends_in_the_spread_of_its_law(init: Init, shape: Shape) -> None:
    lines, found = formula(init, shape), law(init, shape)
    assert found is not None
    assert lines[0] == SCHEMES[init.scheme].formula
    assert len(lines) > 1 or init.scheme in ("zeros_", "ones_")
    if init.scheme not in ("sparse_", "eye_", "dirac_", "normal_") and found.std:
        assert number(found.std) in lines[-1]


def test_numbers_are_written_short() -> None:
    assert [number(x) for x in (0.05, 1234567.0, 1.2e-7, 0.0)] == [
        "0.05", r"1.235 \cdot 10^{6}", r"1.2 \cdot 10^{-7}", "0",
    ]  # fmt: skip


# the parameters of a model


@pytest.mark.parametrize("name", RUNNING)
def test_every_parameter_of_a_model_has_its_place(name: str) -> None:
    found = places(RUNNING[name])
    model = build(RUNNING[name])
    shapes = {key: tuple(value.shape) for key, value in model.named_parameters()}
    assert {key: place.shape for place in found for key in place.keys} == shapes
    assert all(place.starts_by is not None for place in found)
    with own_randomness(0):
        for place in weights(found):
            follows(model.get_parameter(place.keys[0]).detach(), law(place.starts_by, place.shape))


def twice() -> ModelSpec:
    inner = Block("sequential", (Node("0", "nn.Linear", {"out_features": 6}), Node("1", "nn.ReLU")))
    nodes = (
        Node("a", "Part"),
        Node("b", "Part"),
        Node("again", "a"),
        Node("fc", "nn.Linear", {"out_features": 3, "bias": False}),
    )
    return ModelSpec("Two", (Input("x", (6,)),), "graph", nodes, blocks={"Part": inner})


def test_a_block_that_is_used_twice_says_once_how_its_layers_start() -> None:
    found = places(twice())
    assert [place.title for place in found] == ["Part.0.weight", "Part.0.bias", "fc.weight"]
    assert found[0].keys == ("a.0.weight", "b.0.weight")
    assert {place.kind for place in weights(found)} == {"Linear weight"}
    spec = start(twice(), weights(found), Init("xavier_uniform_"))
    assert [place.init for place in places(spec)] == [
        Init("xavier_uniform_"),
        None,
        Init("xavier_uniform_"),
    ]
    assert resolve(spec).runs
    assert start(spec, places(spec), None) == twice()


def test_what_cannot_start_so_stays_as_it_is() -> None:
    spec = start(TEMPLATES["LeNet5"], places(TEMPLATES["LeNet5"]), Init("dirac_"))
    assert [place.title for place in places(spec) if place.init] == ["0.weight", "3.weight"]
    assert resolve(spec).runs


# through a model


@pytest.mark.parametrize("op", ["nn.ReLU", "nn.Tanh", "nn.Sigmoid", "nn.SELU"])
@pytest.mark.parametrize("initial", ["torch default", "xavier uniform", "kaiming normal", "normal"])
def test_spreads_agree_with_theory_within_sampling_error(op: str, initial: str) -> None:
    """The logarithm of each spread strays from seed to seed; its mean is that of the theory."""
    layers, width, seeds = 8, 256, 8
    begin = INITIAL[initial].weight
    theory = expected(op, {}, begin, layers=layers, width=width)
    assert theory is not None
    off = []
    for seed in range(seeds):
        tower = stack(op, layers=layers, width=width, start=begin, seed=seed)
        seen = spread(tower, draw((128, width), 100 + seed).values, tower_places(tower), seed=seed)
        off.append(
            [
                [math.log(one.std / said.std), math.log(one.gradient / said.gradient)]
                for one, said in zip(seen, theory, strict=True)
            ]
        )
    logs = np.array(off)  # (seeds, layers, 2)
    error = logs.std(axis=0, ddof=1) / math.sqrt(seeds)
    # Theory is that of infinitely wide layers: of width n they stray by about layers / n more.
    assert (np.abs(logs.mean(axis=0)) < 5 * error + 2 * layers / width).all()


def test_theory_knows_what_nothing_gets_through_and_is_silent_where_units_are_alike() -> None:
    dead = expected("nn.ReLU", {}, Init("zeros_"), layers=3, width=8)
    assert dead is not None
    assert [(one.std, one.gradient) for one in dead] == [(0, 0), (0, 0), (0, 1)]
    assert expected("nn.ReLU", {}, Init("ones_"), layers=3, width=8) is None
    assert expected("nn.Softmax", {}, None, layers=3, width=8) is None


@pytest.mark.parametrize("name", RUNNING)
def test_spreads_are_seen_at_every_step_of_every_template(name: str) -> None:
    spec = RUNNING[name]
    before = torch.get_rng_state()
    seen = through(spec, random_inputs(spec, 4, 0))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(math.isfinite(one.std) and math.isfinite(one.gradient) for one in seen)
    assert seen[-1].gradient > 0
    assert [one.std for one in seen] == [
        one.std for one in through(spec, random_inputs(spec, 4, 0))
    ]


def test_a_models_spreads_are_those_that_hooks_see() -> None:
    spec = TEMPLATES["MLP"]
    x = random_inputs(spec, 64, 1)
    ours = through(spec, x, seed=5)
    with own_randomness(5):
        model = build(spec)
    theirs = spread(model, *x, [str(n) for n in range(5)])
    assert [one.std for one in ours] == [one.std for one in theirs]


def test_a_model_with_nothing_to_learn_is_told_so() -> None:
    spec = ModelSpec("Still", (Input("x", (4,)),), nodes=(Node("0", "nn.ReLU"),))
    with pytest.raises(ModelError, match="nothing that learns"):
        through(spec, random_inputs(spec, 4, 0))


# what starts do to learning


def race(op: str, steps: int, **more: Any) -> Race:
    starts = {
        "default": None,
        "zeros": Init("zeros_"),
        "constant": Init("constant_", {"val": 0.1}),
        "large": Init("normal_", {"std": 5.0}),
        "filters": Init("dirac_"),
    }
    made = Race(starts, op, **more)
    made.step(steps)
    made.look()
    return made


def test_zeros_learn_nothing_constants_one_unit_and_large_weights_start_saturated() -> None:
    found = race("nn.Tanh", 600)
    assert set(found.runners) == {"default", "zeros", "constant", "large"}
    end = {name: np.mean(runner.losses[-50:]) for name, runner in found.runners.items()}
    assert end["zeros"] == pytest.approx(math.log(2), abs=0.01)
    assert found.runners["zeros"].units == found.runners["constant"].units == 1
    assert found.runners["default"].units == found.width
    assert end["default"] < end["constant"] < end["zeros"]
    assert found.runners["large"].still > 0.5 > found.runners["default"].still
    assert found.runners["default"].accuracy > 0.8


def test_a_race_is_the_same_for_the_same_seed() -> None:
    one, other = (race("nn.ReLU", 20, dataset="xor", seed=3) for _ in range(2))
    for name, runner in one.runners.items():
        assert runner.losses == other.runners[name].losses


# promises


@pytest.mark.parametrize(("rows", "columns"), [(64, 20), (20, 64), (7, 7), (1, 5)])
def test_the_columns_or_rows_of_a_rotation_are_at_right_angles(rows: int, columns: int) -> None:
    found = promises.rotation(rows, columns, gain=3.0)
    assert found.matrix.shape == (rows, columns)
    assert len(found.gram) == min(rows, columns)
    assert found.off < 1e-4
    assert found.stretch == pytest.approx((3.0, 3.0), abs=1e-4)


@pytest.mark.parametrize(("size", "groups"), [(1, 1), (3, 3), (7, 1)])
def test_a_picture_comes_out_of_dirac_as_it_goes_in(size: int, groups: int) -> None:
    values = np.repeat(ramp()[:40, :60, None] / np.float32(255), 3, axis=2)
    found = promises.picture_through(values, size, groups)
    assert found.out.shape == values.shape
    assert found.off == 0
    assert torch.equal(*promises.numbers_through(9))


def test_sparse_leaves_as_many_zeros_in_each_column_as_it_says() -> None:
    found = promises.thinned(40, 100, 0.33, std=0.5)
    assert found.promised == 14
    assert set(found.zeros.tolist()) == {14}
    assert found.std == pytest.approx(0.5, abs=0.03)
    assert promises.thinned(4, 4, 1.0).std == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: promises.rotation(0, 4),
        lambda: promises.rotation(10_000, 4),
        lambda: promises.rotation(4, 4, gain=-1.0),
        lambda: promises.thinned(4, 4, 1.5),
        lambda: promises.picture_through(np.zeros((4, 4, 3), np.float32), 2),
        lambda: promises.picture_through(np.zeros((4, 4, 3), np.float32), 3, 2),
    ],
)
def test_a_size_that_is_none_is_refused_in_words(wrong: Any) -> None:
    with pytest.raises(LabError, match="\\."):
        wrong()
