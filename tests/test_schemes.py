"""Every scheme of `torch.nn.init` keeps the same contract; torch is the oracle."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import ModelSpec, Node, build, edit, resolve, write_source
from builder.initial import fitting, problem
from builder.schemes import SCHEMES, Scheme, Values
from builder.spec import CONTAINERS, Init, Input
from tests.fresh import failures, make_case

ROWS = [row for row in SCHEMES.values() if not isinstance(row, Values)]
ALL = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
# What a parameter is tried on, by its number of axes.
SHAPES = {1: (6,), 2: (6, 4), 3: (6, 4, 3), 4: (6, 4, 3, 3), 5: (4, 2, 3, 3, 3)}


def given(row: Scheme) -> Iterator[dict[str, Any]]:
    """Arguments to try a scheme with: as it comes, then each at its ends or at every choice."""
    yield row.initial_args()
    for name, field in row.fields.items():
        for value in field.choices or (field.low, field.high, field.initial):
            yield {**row.initial_args(), name: value}


def linear(init: Init, parameter: str = "weight", **args: Any) -> ModelSpec:
    node = Node("fc", "nn.Linear", {"out_features": 5, **args}, init={parameter: init})
    return ModelSpec("Net", (Input("x", (6,)),), "graph", (node,))


def holding(init: Init, axes: int) -> ModelSpec:
    """A model one of whose parameters has so many axes and starts so."""
    if axes < 3:
        return linear(init, {1: "bias", 2: "weight"}[axes])
    args = {"out_channels": 4, "kernel_size": 3, "padding": 1}
    rank = axes - 2
    node = Node("0", f"nn.Conv{rank}d", args, init={"weight": init})
    return ModelSpec("Net", (Input("x", (2, *(5,) * rank)),), "sequential", (node,))


def test_all_of_torch_is_there_and_its_names_and_defaults_are_torchs_own() -> None:
    torchs = {name for name in vars(nn.init) if name.endswith("_") and not name.startswith("_")}
    assert {row.name for row in ROWS} == torchs
    assert {"xavier_uniform_", "kaiming_normal_", "orthogonal_", "dirac_"} < torchs
    for row in ROWS:
        signature = inspect.signature(getattr(nn.init, row.name)).parameters
        assert ["tensor", *row.fields] == [name for name in signature if name != "generator"]
        for name, field in row.fields.items():
            default = signature[name].default
            assert field.required == (default is inspect.Parameter.empty)
            assert field.required or (field.default == default and field.problem(default) is None)


@ALL
def test_a_row_is_explained_and_what_a_form_starts_with_works(row: Scheme) -> None:
    assert row.help.endswith(".")
    assert row.formula
    assert all(field.help.endswith(".") for field in row.fields.values())
    assert row.axes
    for axes in row.axes:
        assert problem(Init(row.name, row.initial_args()), (2,) * axes) is None
    assert all(row.name in fitting(shape) for n, shape in SHAPES.items() if n in row.axes)


@ALL
def test_what_is_let_through_is_taken_by_torch_and_gives_finite_numbers(row: Scheme) -> None:
    for axes in set(row.axes) & set(SHAPES):
        for args in given(row):
            if problem(Init(row.name, args), SHAPES[axes]) is None:
                values = torch.empty(SHAPES[axes])
                row.fill(values, args)
                assert values.isfinite().all(), args


@ALL
def test_a_parameter_that_it_cannot_fill_is_a_fault_with_fixes_that_work(row: Scheme) -> None:
    init = Init(row.name, row.initial_args())
    for axes in SHAPES:
        spec = holding(init, axes)
        found = resolve(spec)
        assert found.runs == (axes in row.axes)
        for fault in found.faults:
            assert row.name in fault.message
            assert f"the parameter has {axes}" in fault.message
            assert len(fault.fixes) >= 2
            assert all(resolve(fix.apply(spec)).runs for fix in fault.fixes[:2])


def test_the_class_draws_the_very_weights_that_build_draws(tmp_path: Path) -> None:
    """Every scheme, on a parameter of each number of axes, in a fresh process of the same seed."""
    cases = {}
    for row in ROWS:
        for axes in set(row.axes) & set(SHAPES):
            for number, args in enumerate(given(row)):
                spec = holding(Init(row.name, args), axes)
                if resolve(spec).runs:
                    cases[f"{row.name} {axes} {number}"] = make_case(spec)
    assert {key.split()[0] for key in cases} == {row.name for row in ROWS}
    assert failures(cases, tmp_path) == {}


def several() -> ModelSpec:
    """Draws in a block used twice, values among draws, two parameters of a layer."""
    normal, given = Init("normal_", {"std": 0.02}), Init("values", {"values": 0.5})
    inner = Node("fc", "nn.Linear", {"out_features": 6}, init={"weight": Init("orthogonal_")})
    last = Node("out", "nn.Linear", {"out_features": 3}, init={"bias": given, "weight": normal})
    spec = linear(Init("xavier_uniform_", {"gain": 2.0}))
    nodes = (Node("a", "Sub"), *spec.nodes, Node("off", "nn.Linear", {"out_features": 5}), last)
    spec = replace(spec, nodes=(Node("z", "Sub"), *nodes))
    block = replace(spec.main, nodes=(inner,))
    spec = replace(spec, blocks={"Sub": block})
    spec = edit.start(spec, "off", "weight", Init("eye_"))
    return edit.switch(spec, "off", False)


def test_draws_keep_their_order_through_blocks_and_given_values(tmp_path: Path) -> None:
    cases = {style: make_case(edit.set_container(several(), style)) for style in CONTAINERS[1:]}
    assert failures(cases, tmp_path) == {}


def test_the_code_reads_as_people_write_it() -> None:
    spec = several()
    starts = [line.strip() for line in write_source(spec).splitlines() if "nn.init" in line]
    assert starts == [
        "nn.init.orthogonal_(self.fc.weight)",
        "nn.init.xavier_uniform_(self.fc.weight, gain=2.0)",
        "nn.init.normal_(self.out.weight, std=0.02)",
    ]
    for init, written in [
        (Init("constant_", {"val": 0.1}), "nn.init.constant_(self.fc.weight, 0.1)"),
        (Init("sparse_", {"sparsity": 0.5}), "nn.init.sparse_(self.fc.weight, sparsity=0.5)"),
        (
            Init("kaiming_normal_", {"a": 0, "nonlinearity": "relu"}),
            'nn.init.kaiming_normal_(self.fc.weight, nonlinearity="relu")',
        ),
    ]:
        assert written in write_source(linear(init))


def test_a_seed_tells_the_weights() -> None:
    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.detach().flatten() for p in build(several()).parameters()])

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize(
    ("init", "words", "fix"),
    [
        (
            Init("xavier_uniform_", {"gian": 1.0}),
            "takes gain, and is given gian",
            "xavier_uniform_",
        ),
        (Init("sparse_"), "takes sparsity, std, and is given nothing", "sparse_(sparsity=0.9)"),
        (Init("kaiming_normal_", {"mode": "in"}), "'fan_in' or 'fan_out' works", "kaiming_normal_"),
        (Init("normal_", {"std": -0.1}), "std is -0.1; a number from 0", "normal_"),
        (Init("uniform_", {"a": 2.0}), "a, the lower end, is 2.0", "uniform_"),
        (Init("trunc_normal_", {"a": 3.0}), "a has to be below b", "trunc_normal_"),
        (Init("trunc_normal_", {"mean": 9.0}), "more than 2 std outside", "trunc_normal_"),
        (
            Init("trunc_normal_", {"mean": -1.0, "a": 0.0, "b": 1e6}),
            "takes too long",
            "trunc_normal_",
        ),
        (Init("dirac_"), "takes 3 to 5 axes, the parameter has 2", "eye_"),
        (Init("ones_", {"val": 1}), "takes no arguments", "ones_"),
    ],
)
def test_wrong_arguments_are_a_fault_whose_first_fix_keeps_the_scheme(
    init: Init, words: str, fix: str
) -> None:
    spec = linear(init)
    (fault,) = resolve(spec).faults
    assert words in fault.message
    assert fault.fixes[0].label.startswith(f"Start weight by {fix}")
    assert resolve(fault.fixes[0].apply(spec)).runs


def test_groups_of_dirac_have_to_divide_the_filters() -> None:
    (fault,) = resolve(holding(Init("dirac_", {"groups": 3}), 4)).faults
    assert "groups is 3, which does not divide 4" in fault.message


def test_a_truncated_bell_that_is_let_through_is_drawn_in_time() -> None:
    """The hardest that are allowed: torch keeps a twentieth of what it draws."""
    row = SCHEMES["trunc_normal_"]
    hard = {"mean": -1.0, "a": 0.0, "b": 13.0}
    assert row.problem((2,), {**hard, "b": 14.0}) is not None
    assert row.problem((2,), hard) is None
    values = torch.empty(100_000)
    row.fill(values, hard)
    assert values.min() >= 0
    # The mean of what lies beyond 1 of a standard bell, less 1: the inverse Mills ratio.
    assert values.mean() == pytest.approx(0.5251, abs=0.01)


def test_one_parameter_is_set_and_the_others_stay_in_their_order() -> None:
    spec = linear(Init("ones_"))
    spec = edit.start(spec, "fc", "bias", Init("zeros_"))
    spec = edit.start(spec, "fc", "weight", Init("eye_"))
    assert list(spec.nodes[0].init.items()) == [("weight", Init("eye_")), ("bias", Init("zeros_"))]
    assert edit.start(spec, "fc", "weight", None).nodes[0].init == {"bias": Init("zeros_")}
    assert ModelSpec.from_json(spec.to_json()) == spec
