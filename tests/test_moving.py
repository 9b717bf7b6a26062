"""A model moved to another dtype or device: what moves, what it takes, what changes."""

import pytest
import torch
from torch import nn

from builder import TEMPLATES, build, edit
from builder.labs.batches import random_inputs
from builder.labs.moving import DTYPES, devices, move

MLP = TEMPLATES["MLP"]


@pytest.mark.parametrize("call", DTYPES)
@pytest.mark.parametrize("name", ["MLP", "SmallVGG", "LSTMClassifier", "TextClassifier"])
def test_a_copy_moves_as_torch_moves_it_and_the_model_stays(name: str, call: str) -> None:
    spec = TEMPLATES[name]
    torch.manual_seed(0)
    model = build(spec).eval()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    inputs = random_inputs(spec, 4, seed=0)
    found = move(model, inputs, DTYPES[call], "cpu")
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    torch.manual_seed(0)
    oracle = getattr(build(spec).eval(), call.removesuffix("()"))()
    for one, (key, tensor) in zip(found.tensors, oracle.state_dict().items(), strict=True):
        assert one.name == key
        assert one.is_now == f"{str(tensor.dtype)[6:]} · cpu"
        assert one.after == tensor.numel() * tensor.element_size()
    assert found.outputs is not None
    assert found.outputs.dtype == DTYPES[call]
    with torch.no_grad():
        here = model(*inputs)
        there = oracle(*(x.to(DTYPES[call]) if x.is_floating_point() else x for x in inputs))
    assert found.outputs.largest == pytest.approx(float((there.double() - here).abs().max()))
    assert (found.outputs.largest == 0) == (call == "float()")
    assert found.outputs.before > 0


def test_a_batch_left_behind_is_refused_in_torchs_own_words() -> None:
    model, inputs = build(MLP), random_inputs(MLP, 4, seed=0)
    assert "dtype" in move(model, inputs, torch.float16, "cpu").unmoved
    assert move(model, inputs, torch.float32, "cpu").unmoved == ""


def test_batch_norms_count_in_whole_numbers_in_every_dtype() -> None:
    spec = edit.insert(MLP, 1, "nn.BatchNorm1d", {})
    found = move(build(spec), random_inputs(spec, 4, seed=0), torch.float16, "cpu")
    (still,) = [one for one in found.tensors if one.was == one.is_now]
    assert (still.name, still.after) == ("1.num_batches_tracked", 8)
    assert found.after - 8 == (found.before - 8) / 2


def test_what_is_too_large_for_half_is_counted() -> None:
    model = build(MLP)
    nn.init.constant_(model.get_parameter("4.bias"), 1e6)
    outputs = move(model, random_inputs(MLP, 4, seed=0), torch.float16, "cpu").outputs
    assert outputs is not None
    assert outputs.lost == 8
    assert outputs.largest == 0


def test_nothing_is_left_of_the_numbers_on_meta() -> None:
    found = move(build(MLP), random_inputs(MLP, 4, seed=0), torch.float32, "meta")
    assert (found.after, found.outputs, found.refused) == (0, None, "")
    assert found.before == 4 * 354
    assert devices()[0] == "cpu"
