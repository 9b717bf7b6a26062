"""The model that is looked into: whose weights, from where, and what two sessions may share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from builder import TEMPLATES, build
from builder.errors import LabError
from builder.files import kept
from builder.labs.subject import fresh, loaded, twin


def test_a_run_keeps_the_last_weights_the_best_and_those_of_epochs_in_their_order(
    tmp_path: Path,
) -> None:
    assert kept(tmp_path) == {}
    for name in ("epoch-10.pt", "weights.pt", "epoch-2.pt", "best.pt", "epoch-x.pt", "log.txt"):
        (tmp_path / name).touch()
    assert list(kept(tmp_path)) == ["last", "best", "epoch 2", "epoch 10"]
    assert kept(tmp_path)["epoch 10"] == tmp_path / "epoch-10.pt"


def test_fresh_weights_are_those_of_the_seed_and_torchs_own_state_stays() -> None:
    spec = TEMPLATES["SmallVGG"]
    before = torch.random.get_rng_state()
    one, other = fresh(spec, 3).state_dict(), fresh(spec, 4).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(3)
    for name, value in build(spec).state_dict().items():
        assert torch.equal(one[name], value)
    assert not torch.equal(one["0.weight"], other["0.weight"])


def test_weights_of_another_model_are_refused_with_what_to_do() -> None:
    weights = fresh(TEMPLATES["MLP"], 0).state_dict()
    assert torch.equal(loaded(TEMPLATES["MLP"], weights).state_dict()["0.bias"], weights["0.bias"])
    with pytest.raises(LabError, match="do not fit"):
        loaded(TEMPLATES["LeNet5"], weights)


def test_a_twin_shares_numbers_and_nothing_else() -> None:
    model = fresh(TEMPLATES["SmallVGG"], 0).eval()
    model.get_parameter("0.weight").requires_grad_(False)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    own = twin(model)
    assert str(own) == str(model)
    assert [p.requires_grad for p in own.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]
    pairs = list(zip(own.parameters(), model.parameters(), strict=True))
    assert all(ours.data_ptr() == theirs.data_ptr() for ours, theirs in pairs)
    own.register_forward_hook(lambda *_: None)
    own.train()(torch.randn(4, 3, 32, 32)).sum().backward()
    assert all(p.grad is None for p in model.parameters())
    assert not model._forward_hooks
    assert not model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not torch.equal(own.get_buffer("1.running_mean"), state["1.running_mean"])


def test_a_twin_of_tied_weights_is_tied() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    own = twin(model)
    assert own[0].weight is own[1].weight
    assert own[0].weight is not model[0].weight
