"""Activations as the lab measures them: curves, facts, numbers, code, what in place does."""

from __future__ import annotations

import contextlib
import io
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from builder.catalog import CATALOG
from builder.errors import BuilderError, LabError
from builder.labs import inplace, joint
from builder.labs.activation import (
    ACTIVATIONS,
    SATURATED,
    activation_of,
    cost,
    curve,
    curved,
    facts,
    make,
    sentence,
    trace,
    view,
)
from builder.labs.activation_code import MOST_WRITTEN, write_numbers
from builder.labs.numbers import (
    MOST,
    Numbers,
    apply,
    draw,
    read_file,
    read_list,
    read_shape,
    read_text,
)

CURVED = [op for op in ACTIVATIONS if view(op) == "curve"]
SCORES = [op for op in ACTIVATIONS if view(op) == "scores"]
X = torch.linspace(-5.03, 5.07, 101, dtype=torch.float64)


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def phi(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


# Written out from the papers, not from torch: function and derivative.
CLOSED: Mapping[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "nn.ReLU": (lambda x: x * (x > 0), lambda x: (x > 0).double()),
    "nn.LeakyReLU": (
        lambda x: torch.where(x > 0, x, 0.01 * x),
        lambda x: torch.where(x > 0, 1.0, 0.01).double(),
    ),
    "nn.ReLU6": (lambda x: x.clamp(0, 6), lambda x: ((x > 0) & (x < 6)).double()),
    "nn.ELU": (
        lambda x: torch.where(x > 0, x, torch.exp(x) - 1),
        lambda x: torch.where(x > 0, torch.ones_like(x), torch.exp(x)),
    ),
    "nn.Sigmoid": (sigmoid, lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "nn.Tanh": (
        lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
        lambda x: 1 - torch.tanh(x) ** 2,
    ),
    "nn.SiLU": (
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    ),
    "nn.GELU": (
        lambda x: x * phi(x),
        lambda x: phi(x) + x * torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "nn.Softplus": (lambda x: torch.log(1 + torch.exp(x)), sigmoid),
    "nn.Softsign": (lambda x: x / (1 + x.abs()), lambda x: 1 / (1 + x.abs()) ** 2),
    "nn.LogSigmoid": (lambda x: torch.log(sigmoid(x)), lambda x: 1 - sigmoid(x)),
    "nn.Tanhshrink": (lambda x: x - torch.tanh(x), lambda x: torch.tanh(x) ** 2),
    "nn.Hardtanh": (lambda x: x.clamp(-1, 1), lambda x: (x.abs() < 1).double()),
    "nn.Hardsigmoid": (
        lambda x: (x / 6 + 0.5).clamp(0, 1),
        lambda x: (x.abs() < 3).double() / 6,
    ),
    "nn.Hardshrink": (lambda x: x * (x.abs() > 0.5), lambda x: (x.abs() > 0.5).double()),
    "nn.Softshrink": (
        lambda x: torch.sign(x) * (x.abs() - 0.5).clamp(min=0),
        lambda x: (x.abs() > 0.5).double(),
    ),
}


@pytest.mark.parametrize("op", CLOSED)
def test_an_activation_and_its_slope_are_those_of_the_paper(op: str) -> None:
    found = curve(op, {}, float(X[0]), float(X[-1]), 101)
    known = ~np.isnan(found.slope)
    x = torch.from_numpy(found.x[known])
    value, slope = (function(x).numpy() for function in CLOSED[op])
    # The two sides of a kink are the same number to 1e-15, and belong to different pieces.
    sides = np.isin(found.x, (*found.kinks, *found.jumps))[known]
    near = sides | np.append(np.diff(found.x[known]) < 1e-9, False)
    near |= np.insert(np.diff(found.x[known]) < 1e-9, 0, False)
    np.testing.assert_allclose(found.y[known][~near], value[~near], atol=1e-9)
    np.testing.assert_allclose(found.slope[known][~near], slope[~near], atol=1e-9)


@pytest.mark.parametrize("op", CURVED)
def test_every_slope_is_what_finite_differences_say(op: str) -> None:
    found = curve(op, {}, -5.03, 5.07, 101)
    breaks = np.array([*found.jumps, *found.kinks, np.inf])
    away = np.abs(found.x[:, None] - breaks).min(1) > 1e-3
    x = torch.from_numpy(found.x[away])
    function = make(op).double()
    with torch.no_grad():
        step = 1e-6
        difference = (function(x + step) - function(x - step)) / (2 * step)
    np.testing.assert_allclose(found.slope[away], difference.numpy(), atol=1e-7)


def test_every_activation_of_the_catalog_is_here_once_and_functions_lead_to_their_layer() -> None:
    assert set(ACTIVATIONS) == {op for op, row in CATALOG.items() if row.group == "Activation"}
    assert activation_of("F.relu") == activation_of("nn.ReLU") == "nn.ReLU"
    assert activation_of("torch.tanh") == "nn.Tanh"
    assert activation_of("F.log_softmax") == "nn.LogSoftmax"
    assert activation_of("nn.Linear") is None
    assert activation_of("no.such") is None
    functions = [op for op, row in CATALOG.items() if row.group == "Function activation"]
    assert all(activation_of(op) in ACTIVATIONS for op in functions)


def test_what_is_no_curve_is_not_drawn_as_one() -> None:
    assert {op: view(op) for op in ACTIVATIONS if view(op) != "curve"} == {
        "nn.RReLU": "random",
        "nn.GLU": "gate",
        "nn.Softmax": "scores",
        "nn.LogSoftmax": "scores",
        "nn.Softmin": "scores",
        "nn.Softmax2d": "scores",
    }
    assert view("nn.PReLU", {"num_parameters": 3}) == "channels"
    assert curved(nn.PReLU())
    assert not curved(nn.PReLU(3))
    assert not curved(nn.Softmax(1))
    assert not curved(nn.Linear(2, 2))
    for op, args in (("nn.Softmax", {}), ("nn.GLU", {}), ("nn.PReLU", {"num_parameters": 2})):
        with pytest.raises(LabError, match="no single curve"):
            curve(op, args)


@pytest.mark.parametrize(
    ("op", "args", "jumps", "kinks"),
    [
        ("nn.Threshold", {"threshold": 1.0, "value": -2.0}, [1.0], []),
        ("nn.Threshold", {"threshold": 1.0, "value": 1.0}, [], [1.0]),
        ("nn.Hardshrink", {"lambd": 0.7}, [-0.7, 0.7], []),
        ("nn.ReLU6", {}, [], [0.0, 6.0]),
        ("nn.Hardtanh", {"min_val": -2.5, "max_val": 0.5}, [], [-2.5, 0.5]),
        ("nn.ELU", {"alpha": 1.0}, [], []),
        ("nn.ELU", {"alpha": 2.0}, [], [0.0]),
        ("nn.CELU", {"alpha": 2.0}, [], []),
        ("nn.Softplus", {"beta": 2.0, "threshold": 3.0}, [1.5], []),
        ("nn.Tanh", {}, [], []),
    ],
)
def test_jumps_and_kinks_are_found_where_the_arguments_put_them(
    op: str, args: dict[str, float], jumps: list[float], kinks: list[float]
) -> None:
    found = curve(op, args, -7.0, 7.0, 200)
    assert found.jumps == pytest.approx(jumps, abs=1e-9)
    assert found.kinks == pytest.approx(kinks, abs=1e-9)


def test_no_line_is_drawn_through_a_jump_and_none_is_broken_at_a_kink() -> None:
    jumping = curve("nn.Threshold", {"threshold": 1.0, "value": -2.0}, -3.0, 3.0, 50)
    [gap] = np.flatnonzero(np.isnan(jumping.y))
    assert jumping.x[gap - 1 : gap + 2] == pytest.approx([1.0] * 3)
    assert jumping.y[gap - 1] == -2.0
    assert jumping.y[gap + 1] == pytest.approx(1.0)
    bent = curve("nn.ReLU", {}, -3.0, 3.0, 50)
    assert not np.isnan(bent.y).any()
    [gap] = np.flatnonzero(np.isnan(bent.slope))
    assert bent.slope[[gap - 1, gap + 1]].tolist() == [0.0, 1.0]
    for found in (jumping, bent):
        assert (np.diff(found.x) >= 0).all()


@settings(max_examples=25)
@given(
    slope=st.floats(0, 1),
    low=st.floats(-20, -0.5),
    high=st.floats(0.5, 20),
    points=st.integers(2, 300),
)
def test_a_curve_follows_its_argument_over_any_range(
    slope: float, low: float, high: float, points: int
) -> None:
    found = curve("nn.LeakyReLU", {"negative_slope": slope}, low, high, points)
    assert found.x[0] == low
    assert found.x[-1] == high
    known = ~np.isnan(found.slope)
    expected = np.where(found.x > 0, found.x, slope * found.x)
    np.testing.assert_allclose(found.y, expected, atol=1e-9)
    outside = known & (np.abs(found.x) > 1e-9)
    np.testing.assert_allclose(found.slope[outside], np.where(found.x > 0, 1, slope)[outside])


@pytest.mark.parametrize(
    ("op", "dead", "saturated"),
    [
        ("nn.ReLU", [(-1e6, 0)], []),
        ("nn.ReLU6", [(-1e6, 0), (6, 1e6)], []),
        ("nn.Hardshrink", [(-0.5, 0.5)], []),
        ("nn.LeakyReLU", [], []),
        # |tanh'| < 0.01 where |x| > arcosh(10)
        ("nn.Tanh", [], [(-1e6, -math.acosh(10)), (math.acosh(10), 1e6)]),
        ("nn.Sigmoid", [], [(-1e6, -4.5951), (4.5951, 1e6)]),
        ("nn.ELU", [], [(-1e6, math.log(0.01))]),
        ("nn.SiLU", [], [(-1e6, -6.277)]),
    ],
)
def test_dead_and_saturated_zones_are_where_the_slope_is_nothing_or_little(
    op: str, dead: list[tuple[float, float]], saturated: list[tuple[float, float]]
) -> None:
    zones = facts(op).zones
    for kind, wanted in (("dead", dead), ("saturated", saturated)):
        found = [(zone.low, zone.high) for zone in zones if zone.kind == kind]
        assert len(found) == len(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert ours == pytest.approx(theirs, abs=0.02)


@pytest.mark.parametrize("op", CURVED)
def test_facts_agree_with_the_function_itself(op: str) -> None:
    known = facts(op)
    function = make(op)
    with torch.no_grad():
        y = function(torch.randn(200_000, generator=torch.Generator().manual_seed(0)))
    assert known.mean == pytest.approx(float(y.mean()), abs=0.01)
    assert known.spread == pytest.approx(float(y.std()), abs=0.01)
    assert known.lowest <= float(y.min()) + 1e-6
    assert known.highest >= float(y.max()) - 1e-6
    for zone in known.zones:
        middle = torch.tensor([(zone.low + zone.high) / 2], requires_grad=True)
        (slope,) = torch.autograd.grad(function(middle).sum(), middle)
        assert abs(float(slope)) < SATURATED


def test_facts_say_what_the_textbooks_say() -> None:
    known = {ACTIVATIONS[op].title: facts(op) for op in CURVED}
    bounded = {title for title, fact in known.items() if fact.bounded}
    assert bounded == {"ReLU6", "Sigmoid", "Hardsigmoid", "Tanh", "Hardtanh", "Softsign"}
    bent = {title for title, fact in known.items() if not fact.rising}
    assert bent == {"GELU", "SiLU", "Mish", "Hardswish"}
    centred = {title for title, fact in known.items() if fact.zero_centred}
    assert centred >= {"Tanh", "Hardtanh", "Softsign", "Softshrink", "Hardshrink", "Tanhshrink"}
    assert not centred & {"ReLU", "Sigmoid", "GELU", "Softplus"}
    # SELU is made so that it keeps mean 0 and variance 1 (Klambauer et al., 2017).
    assert known["SELU"].mean == pytest.approx(0, abs=1e-6)
    assert known["SELU"].spread == pytest.approx(1, abs=1e-6)
    assert (known["Sigmoid"].lowest, known["Sigmoid"].highest) == pytest.approx((0, 1))
    assert not facts("nn.Threshold", {"threshold": 1.0, "value": 5.0}).rising


@pytest.mark.parametrize(
    ("op", "args", "word"),
    [
        ("nn.Hardtanh", {"min_val": 1.0, "max_val": -1.0}, "max_val"),
        ("nn.RReLU", {"lower": 0.9, "upper": 0.1}, "lower"),
        ("nn.CELU", {"alpha": 0.0}, "alpha"),
        ("nn.Softplus", {"beta": 0.0}, "beta"),
        ("nn.LeakyReLU", {"negative_slope": math.nan}, "negative_slope"),
        ("nn.GELU", {"approximate": "cubic"}, "approximate"),
    ],
)
def test_an_argument_that_torch_refuses_is_answered_in_words(
    op: str, args: dict[str, Any], word: str
) -> None:
    with pytest.raises(BuilderError, match=word):
        make(op, args)


def test_a_range_that_is_none_is_refused() -> None:
    for low, high, points in ((1.0, 1.0, 10), (2.0, 1.0, 10), (0.0, math.inf, 10), (0.0, 1.0, 1)):
        with pytest.raises(LabError):
            trace(torch.tanh, low, high, points)


def test_cost_is_measured_and_the_way_back_costs_more() -> None:
    for op in ACTIVATIONS:
        found = cost(op, elements=4000, repeats=5)
        assert 0 < found.forward < found.both


@pytest.mark.parametrize("op", ACTIVATIONS)
def test_torchs_own_sentence_is_one_sentence_without_markup(op: str) -> None:
    text = sentence(op)
    assert text.endswith(".")
    assert 20 < len(text) < 200
    assert not {":math:", ":class:", "::", "\n", "``"} & set(text.split())
    assert ":" not in text


# what no curve shows


@pytest.mark.parametrize("op", SCORES)
def test_scores_share_one_whole_and_their_slopes_are_differences(op: str) -> None:
    found = joint.scores(op, (2.0, 1.0, 0.0, -1.0), -4.0, 4.0, 801)
    shares = np.exp(found.y) if op == "nn.LogSoftmax" else found.y
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-12)
    rows = torch.tensor([[float(found.x[600]), 1.0, 0.0, -1.0]], dtype=torch.float64)
    expected = {
        "nn.LogSoftmax": F.log_softmax(rows, 1),
        "nn.Softmin": F.softmax(-rows, 1),
    }.get(op, F.softmax(rows, 1))
    np.testing.assert_allclose(found.y[600], expected[0].numpy(), atol=1e-12)
    between = np.diff(found.y, axis=0) / np.diff(found.x)[:, None]
    np.testing.assert_allclose((found.slope[1:] + found.slope[:-1]) / 2, between, atol=1e-4)


def test_a_single_score_is_none_and_too_many_cannot_be_told_apart() -> None:
    for count in (0, 1, joint.MOST_SCORES + 1):
        with pytest.raises(LabError, match="scores"):
            joint.scores("nn.Softmax", [0.0] * count)


def test_a_gate_is_the_value_times_the_sigmoid_of_the_gate() -> None:
    found = joint.gate("nn.GLU", -3.0, 3.0, 7)
    opened = 1 / (1 + np.exp(-found.b))
    np.testing.assert_allclose(found.y, found.a[None, :] * opened[:, None], atol=1e-12)
    np.testing.assert_allclose(found.open, opened, atol=1e-12)


def test_what_chance_draws_while_training_lies_between_the_two_edges() -> None:
    args = {"lower": 0.1, "upper": 0.5}
    low, high = joint.band("nn.RReLU", args, -4.0, 4.0, 41)
    drawn = nn.RReLU(**args).train()(torch.from_numpy(low.x)).numpy()
    assert (drawn <= np.maximum(low.y, high.y) + 1e-12).all()
    assert (drawn >= np.minimum(low.y, high.y) - 1e-12).all()
    middle = curve("nn.RReLU", args, -4.0, 4.0, 41)
    np.testing.assert_allclose(middle.y, (low.y + high.y) / 2, atol=1e-12)


def test_each_channel_of_a_prelu_has_the_curve_of_its_slope() -> None:
    slopes = joint.spread_of({"num_parameters": 3, "init": 0.25})
    module = nn.PReLU(3).double()
    module.weight.data = torch.tensor(slopes, dtype=torch.float64)
    for channel, line in enumerate(joint.channels("nn.PReLU", slopes, -2.0, 2.0, 9)):
        x = torch.from_numpy(line.x)[:, None].expand(-1, 3)
        np.testing.assert_allclose(line.y, module(x)[:, channel].detach().numpy(), atol=1e-6)


# numbers that people bring


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1, 2, 3", [[1, 2, 3]]),
        ("1 2\n3;4\n\n", [[1, 2], [3, 4]]),
        ("-1e3\t.5", [[-1000, 0.5]]),
        ("[1, 2]", [1, 2]),
        ("[[1, 2],\n [3, 4]]", [[1, 2], [3, 4]]),
        ("tensor([[0.5, -1.0000],\n        [2., 3.]])", [[0.5, -1], [2, 3]]),
        ("tensor([1., 2.], grad_fn=<ReluBackward0>)", [1, 2]),
        ("array([[1., 2.]], dtype=float32)", [[1, 2]]),
        ("torch.tensor([[[1]], [[2]]])", [[[1]], [[2]]]),
        ("[[0.1 0.2]\n [0.3 0.4]]", [[0.1, 0.2], [0.3, 0.4]]),
        ("(1, 2)", [[1, 2]]),
    ],
)
def test_numbers_are_read_as_people_and_programs_write_them(text: str, values: list[Any]) -> None:
    found = read_text(text)
    assert found.seed is None
    torch.testing.assert_close(found.values, torch.tensor(values, dtype=torch.float32))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no number"),
        (" \n ", "no number"),
        ("[]", "no number"),
        ("[[], []]", "no number"),
        ("one, two", "one"),
        ("1, nan", "nan"),
        ("inf", "inf"),
        ("1e39", "float32"),
        ("1 2\n3", "rows of one length"),
        ("[[1, 2], [3]]", "rows of one length"),
        ("[[1, 2], 3]", "rows of one length"),
        ("[1, 2", "not closed"),
        ("[1]]", "not opened"),
        ("[[[[[1]]]]]", "axes"),
        ("tensor([1., ..., 2.])", "'...'"),
        ("1,\n" * (MOST + 1), "100,000"),
        ("__import__('os')", "__import__"),
        ("[__import__('os').system('true')]", "__import__"),
        ("9" * (40 * MOST + 1), "letters"),
    ],
)
def test_what_is_no_tensor_is_answered_in_a_sentence(text: str, word: str) -> None:
    with pytest.raises(LabError) as caught:
        read_text(text)
    assert word in caught.value.message
    assert len(caught.value.message) < 200


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 2**31 - 1),
)
def test_a_tensor_survives_being_printed_and_read_again(shape: list[int], seed: int) -> None:
    values = draw(shape, seed).values
    assert torch.equal(read_text(str(values.tolist())).values, values)
    file = io.BytesIO()
    np.save(file, values.numpy())
    assert torch.equal(read_file("x.npy", file.getvalue()).values, values)
    if len(shape) == 2:
        table = io.StringIO()
        np.savetxt(table, values.numpy(), delimiter=",", fmt="%.9g", header="a,b", comments="")
        assert torch.equal(read_file("x.csv", table.getvalue().encode()).values, values)


def npy(array: object, **how: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array), **how)
    return file.getvalue()


def announced(shape: tuple[int, ...]) -> bytes:
    """A file that announces more numbers than it holds."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + b"\0" * 64


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("x.npy", b"", "no .npy"),
        ("x.npy", b"\x93NUMPY\x01\x00", "no .npy"),
        ("x.npy", npy([1.0, 2.0])[:-3], "damaged"),
        ("x.npy", npy([{"a": 1}], allow_pickle=True), "real numbers"),
        ("x.npy", npy(["a", "b"]), "real numbers"),
        ("x.npy", npy([1j]), "real numbers"),
        ("x.npy", npy([1.0, np.nan]), "not finite"),
        ("x.npy", npy([1e200]), "not finite"),
        ("x.npy", npy(np.zeros((0, 3))), "0 numbers"),
        ("x.npy", npy(np.zeros((1, 1, 1, 1, 1))), "axes"),
        ("x.npy", announced((10**12,)), "1,000,000,000,000"),
        ("x.csv", b"\xff\xfe\x00", "no text"),
        ("x.csv", b"a,b\n1,x\n", "'x'"),
        ("x.txt", b"", "no number"),
    ],
)
def test_a_file_that_is_no_tensor_is_answered_in_a_sentence(
    name: str, data: bytes, word: str
) -> None:
    with pytest.raises(LabError) as caught:
        read_file(name, data)
    assert word in caught.value.message


def test_tables_with_names_and_arrays_of_every_real_kind_are_read() -> None:
    assert read_file("x.csv", b"\xef\xbb\xbfa,b\n1,2\n").values.tolist() == [[1, 2]]
    assert read_file("X.TXT", b"[1, 2]").values.tolist() == [1, 2]
    for kind in (np.float64, np.float16, np.int64, np.uint8, np.bool_):
        found = read_file("x.npy", npy(np.ones((2, 3), kind))).values
        assert (found.dtype, found.shape) == (torch.float32, (2, 3))
    assert read_file("x.npy", npy(3.0)).values.tolist() == [3.0]


def test_drawing_is_what_torch_draws_after_the_seed_and_leaves_its_state_alone() -> None:
    before = torch.get_rng_state()
    found = draw((2, 3), 7)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        assert torch.equal(found.values, torch.randn(2, 3))


@pytest.mark.parametrize("text", ["", "a", "0", "-1, 3", "1.5", "1,2,3,4,5", "999, 999", "9" * 99])
def test_a_shape_that_is_none_is_answered_in_words(text: str) -> None:
    with pytest.raises(LabError):
        read_shape(text)


def test_shapes_and_lists_are_read_as_people_write_them() -> None:
    assert read_shape(" (2, 3) ") == (2, 3)
    assert read_shape("4") == (4,)
    assert read_list("(1; 2.5 -3e-1)") == (1.0, 2.5, -0.3)


@pytest.mark.parametrize(
    ("op", "args", "shape", "word"),
    [
        ("nn.Softmax", {"dim": 2}, (1, 10), "axes 0 to 1"),
        ("nn.Softmax", {"dim": -3}, (1, 10), "axes 0 to 1"),
        ("nn.GLU", {"dim": 1}, (2, 3), "must be even"),
        ("nn.Softmax2d", {}, (1, 10), "takes 4 axes"),
        ("nn.PReLU", {"num_parameters": 3}, (2, 4), "3 slopes"),
        ("nn.PReLU", {"num_parameters": 3}, (3,), "3 slopes"),
    ],
)
def test_a_tensor_that_does_not_fit_is_answered_with_what_would(
    op: str, args: dict[str, Any], shape: tuple[int, ...], word: str
) -> None:
    with pytest.raises(LabError, match=word):
        apply(op, args, torch.zeros(shape))


@settings(max_examples=30)
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_softmax_sums_to_one_along_any_axis(data: st.DataObject, shape: list[int]) -> None:
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = draw(shape, 3).values
    for op in ("nn.Softmax", "nn.Softmin"):
        total = apply(op, {"dim": dim}, x).sum(dim)
        torch.testing.assert_close(total, torch.ones_like(total))
    total = apply("nn.LogSoftmax", {"dim": dim}, x).exp().sum(dim)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_applying_leaves_the_tensor_as_it_is() -> None:
    for op in inplace.IN_PLACE:
        x = draw((1, 10)).values
        kept = x.clone()
        apply(op, {"inplace": True}, x)
        assert torch.equal(x, kept), op


# The five of the notes that LayerLab grew from, with the numbers that they print.
FIVE = [
    ("nn.Sigmoid", {}),
    ("nn.Tanh", {}),
    ("nn.ReLU", {}),
    ("nn.LeakyReLU", {"negative_slope": 0.01}),
    ("nn.Softmax", {"dim": 1}),
]
PRINTED = {
    "nn.Sigmoid": "0.6914 0.3946 0.2316 0.3845 0.6496 0.7061 0.3284 0.4206 0.8200 0.6755",
    "nn.Tanh": "0.6678 -0.4035 -0.8334 -0.4386 0.5492 0.7046 -0.6141 -0.3099 0.9080 0.6250",
    "nn.ReLU": "0.8068 0 0 0 0.6172 0.8765 0 0 1.5163 0.7332",
    "nn.LeakyReLU": "0.8068 -0.0043 -0.0120 -0.0047 0.6172 0.8765 -0.0072 -0.0032 1.5163 0.7332",
    "nn.Softmax": "0.1407 0.0409 0.0189 0.0392 0.1164 0.1508 0.0307 0.0456 0.2860 0.1307",
}


def test_the_five_of_the_notes_give_the_numbers_that_the_notes_print() -> None:
    x = torch.atanh(read_text(PRINTED["nn.Tanh"]).values)
    for op, args in FIVE:
        torch.testing.assert_close(
            apply(op, args, x), read_text(PRINTED[op]).values, atol=5e-4, rtol=0
        )


# the code that does it


def test_the_code_of_the_five_reads_as_the_notes_do() -> None:
    text = write_numbers(draw((1, 10), 0), FIVE, "module")
    for line in (
        "torch.manual_seed(0)",
        "x = torch.randn(1, 10)",
        "sigmoid = nn.Sigmoid()",
        "leaky_relu = nn.LeakyReLU(negative_slope=0.01)",
        "softmax = nn.Softmax(dim=1)",
        'print("Softmax:", softmax(x))',
    ):
        assert line in text.splitlines()
    functional = write_numbers(draw((1, 10), 0), FIVE, "functional")
    assert 'print("LeakyReLU:", F.leaky_relu(x, negative_slope=0.01))' in functional.splitlines()


_RUN = """
import builtins, sys
import torch

outputs = []
builtins.print = lambda title, value: outputs.append((title, value.detach().clone()))
for path in sys.argv[1:-1]:
    exec(compile(open(path).read(), path, "exec"), {})
torch.save(outputs, sys.argv[-1])
assert "builder" not in sys.modules
"""


def test_written_code_gives_the_numbers_of_the_page_in_a_fresh_process(tmp_path: Path) -> None:
    small = read_text("0.1 -2.5 3 1e-7\n4 5 -6.25 0")
    large = draw((MOST_WRITTEN, 2), 5)
    np.save(tmp_path / "x.npy", large.values.numpy())
    every = [(op, {"dim": 1} if "dim" in row.fields else {}) for op, row in ACTIVATIONS.items()]
    flat = [(op, args) for op, args in every if op != "nn.Softmax2d"]
    chosen = [
        ("nn.PReLU", {"num_parameters": 4, "init": 0.3}),
        ("nn.GELU", {"approximate": "tanh"}),
        ("nn.RReLU", {"lower": 0.2, "upper": 0.25}),
        ("nn.Softmax2d", {}),
    ]
    cases = [
        (draw((1, 10), 3), FIVE),
        (small, flat),
        (draw((2, 4, 2, 2), 1), [*every, *chosen]),
        (Numbers(large.values), FIVE),
    ]
    paths, wanted = [], []
    for number, (numbers, applied) in enumerate(cases):
        for style in ("module", "functional"):
            path = tmp_path / f"{number}_{style}.py"
            path.write_text(write_numbers(numbers, applied, style))
            paths.append(path.name)
            wanted += [
                (f"{ACTIVATIONS[op].title}:", apply(op, args, numbers.values))
                for op, args in applied
            ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN, *paths, "out.pt"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = torch.load(tmp_path / "out.pt", weights_only=True)
    assert [title for title, _ in found] == [title for title, _ in wanted]
    for (title, ours), (_, theirs) in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-7, msg=title)


# in place


@pytest.mark.parametrize("op", inplace.IN_PLACE)
def test_in_place_the_input_is_overwritten_and_the_output_has_its_memory(op: str) -> None:
    x = draw((1, 10)).values
    found = inplace.overwrite(op, {}, x)
    assert torch.equal(found.before, x)
    assert torch.equal(found.after_plain, x)
    assert torch.equal(found.after, found.result)
    assert not torch.equal(found.after, found.before)
    assert len(set(found.addresses["plain"])) == 2
    assert len(set(found.addresses["in place"])) == 1


def test_in_place_saves_memory_while_training_only_where_the_output_tells_the_slope() -> None:
    saving = set()
    for op in inplace.IN_PLACE:
        found = inplace.memory(op, {}, 1000)
        assert found.evaluating == {"plain": 8000, "in place": 4000}, op
        if found.training["in place"] < found.training["plain"]:
            saving.add(ACTIVATIONS[op].title)
    assert saving == {"ReLU", "LeakyReLU", "RReLU", "ELU", "SELU", "CELU"}


@pytest.mark.parametrize("op", inplace.IN_PLACE)
def test_autograd_refuses_leaves_and_what_a_sigmoid_needs_and_nothing_else(op: str) -> None:
    leaf, behind, harmless, skip = inplace.attempts(op, {})
    assert leaf.refusal is not None
    assert "leaf Variable" in leaf.refusal
    assert behind.refusal is not None
    assert "modified by an inplace operation" in behind.refusal
    assert harmless.refusal is None
    assert not harmless.wrong
    assert harmless.result == harmless.plain
    assert skip.refusal is None
    assert skip.wrong
    for attempt in (leaf, behind, harmless, skip):
        assert "activation(" in attempt.source
        assert attempt.source.endswith("y.sum().backward()")


def test_the_source_that_is_shown_does_what_is_told() -> None:
    for attempt in inplace.attempts("nn.ReLU", {}):
        names: dict[str, Any] = {"torch": torch, "activation": nn.ReLU(inplace=True)}
        expected: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        if attempt.refusal is not None:
            expected = pytest.raises(RuntimeError)
        with expected:
            exec(attempt.source, names)
        if attempt.result is not None:
            assert names["y"].tolist() == pytest.approx(attempt.result)
