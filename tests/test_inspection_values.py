"""The numbers of tensors, and what training and evaluation do to buffers and dropout."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import nn

from builder import TEMPLATES, build
from builder.labs.batches import random_inputs
from builder.labs.inspection_modes import moved, twice
from builder.labs.inspection_values import as_table, facts, held

RUNNING = [title for title in TEMPLATES if "broken" not in title]


# --- facts ------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(0, 6), st.integers(1, 7)),
        elements=st.floats(-1e3, 1e3, width=32) | st.sampled_from([0.0, math.nan, math.inf]),
    )
)
def test_the_facts_of_a_tensor_are_numpys(values: np.ndarray) -> None:
    found = facts(torch.from_numpy(values), 9)
    known = values[np.isfinite(values)].astype(np.float64)
    assert found.count == values.size
    assert found.lost == values.size - known.size
    assert sum(found.counts) == known.size
    if not known.size:
        assert found.counts == found.edges == ()
        return
    assert found.low == known.min()
    assert found.high == known.max()
    close = {"rel": 1e-4, "abs": 1e-3}
    assert found.norm == pytest.approx(np.linalg.norm(known), **close)
    assert found.mean == pytest.approx(known.mean(), **close)
    assert found.spread == pytest.approx(known.std(), **close)
    assert found.zeros == pytest.approx((known == 0).mean())
    assert len(found.edges) == 10
    assert found.edges[0] <= found.low <= found.high <= found.edges[-1]


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.bfloat16, torch.float64])
def test_every_dtype_has_facts(dtype: torch.dtype) -> None:
    found = facts(torch.tensor([0, 1, 1, 0]).to(dtype), 4)
    assert (found.count, found.low, found.high, found.zeros) == (4, 0.0, 1.0, 0.5)
    assert found.counts == (2, 0, 0, 2)


def test_a_constant_lies_in_the_middle_of_its_histogram() -> None:
    for value in (0.0, 1.0, -3.0):
        found = facts(torch.full((5,), value), 5)
        assert found.counts == (0, 0, 5, 0, 0)
        assert found.edges[0] < value < found.edges[-1]


@pytest.mark.parametrize("title", RUNNING)
def test_what_a_model_holds_is_its_parameters_and_its_buffers(title: str) -> None:
    model = build(TEMPLATES[title])
    found = {one.name: one for one in held(model)}
    assert {n for n, one in found.items() if one.learned} == dict(model.named_parameters()).keys()
    assert {n for n, one in found.items() if not one.learned} == dict(model.named_buffers()).keys()
    assert all(one.tensor is not None for one in found.values())


def test_weights_under_two_names_are_held_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    assert [one.name for one in held(model)] == ["0.weight"]


def test_a_tensor_as_a_table_holds_its_values_or_means_of_them() -> None:
    values = torch.arange(24.0).reshape(4, 3, 2)
    table, cell = as_table(values, 8)
    assert torch.equal(table, values.reshape(4, 6))
    assert cell == (1, 1)
    table, cell = as_table(values, 2)
    assert cell == (2, 3)
    assert torch.allclose(table, values.reshape(2, 2, 2, 3).mean((1, 3)))
    table, _ = as_table(torch.arange(5.0), 8)
    assert table.shape == (1, 5)


# --- train() and eval() -----------------------------------------------------------------------


def test_buffers_move_in_training_as_torch_says_and_stand_in_evaluation() -> None:
    model = build(TEMPLATES["SmallVGG"]).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    batches = [random_inputs(TEMPLATES["SmallVGG"], 4, seed) for seed in range(3)]
    found = {one.name: one for one in moved(model, batches)}
    assert list(found) == [name for name, _ in model.named_buffers()]
    for one in found.values():
        assert (one.values["eval"] == one.values["eval"][0]).all()
    # By hand: the first layer's batch norm sees what the first convolution gives.
    mean, variance = torch.zeros(32), torch.ones(32)
    for number, (x,) in enumerate(batches, 1):
        with torch.no_grad():
            out = model[0](x)
        mean = 0.9 * mean + 0.1 * out.mean((0, 2, 3))
        variance = 0.9 * variance + 0.1 * out.var((0, 2, 3), correction=1)
        assert torch.allclose(found["1.running_mean"].values["train"][number].float(), mean)
        assert torch.allclose(found["1.running_var"].values["train"][number].float(), variance)
    assert found["1.num_batches_tracked"].values["train"].flatten().tolist() == [0, 1, 2, 3]
    assert found["1.running_mean"].momentum == 0.1
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training


def test_dropout_makes_two_passes_differ_in_training_alone() -> None:
    spec = TEMPLATES["SmallVGG"]
    model = build(spec).eval()
    found = twice(model, random_inputs(spec, 4, 0), seed=1)
    assert found.difference["eval"] == 0.0
    assert found.difference["train"] > 0.0
    [layer] = found.layers
    assert (layer.name, layer.p) == ("22", 0.5)
    first, second = layer.values["train"]
    for values in (first, second):
        kept = values != 0
        assert torch.allclose(values[kept], 2 * layer.given[kept])
    assert not torch.equal(first, second)
    assert torch.equal(layer.values["eval"][0], layer.given)
    again = twice(model, random_inputs(spec, 4, 0), seed=1)
    assert torch.equal(again.layers[0].values["train"], layer.values["train"])


@pytest.mark.parametrize("title", RUNNING)
def test_every_template_can_be_passed_in_both_modes(title: str) -> None:
    spec = TEMPLATES[title]
    model = build(spec).eval()
    inputs = random_inputs(spec, 2, 0)
    assert len(moved(model, [inputs])) == len(list(model.buffers()))
    found = twice(model, inputs, 0)
    assert found.difference["eval"] < 1e-5
    assert not any(module._forward_pre_hooks for module in model.modules())
