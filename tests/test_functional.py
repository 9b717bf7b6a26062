"""Functional against Module: who holds the state, what dropout does, code side by side."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from builder import TEMPLATES, write_source
from builder.labs.functional import CALLS, HOLDERS, dropped, dropping, held, side_by_side


def test_the_same_numbers_are_seen_by_torch_or_not_and_give_the_same() -> None:
    module, parameters, tensors = held(seed=3)
    assert module.keys == ("fc.weight", "fc.bias")
    assert parameters.keys == ("weight", "bias")
    assert tensors.keys == ()
    assert [one.parameters for one in (module, parameters, tensors)] == [15, 15, 0]
    assert torch.equal(module.output, parameters.output)
    assert torch.equal(module.output, tensors.output)
    assert not torch.equal(module.output, held(seed=4)[0].output)


@pytest.mark.parametrize("way", HOLDERS, ids=lambda way: way.title)
def test_the_code_shown_is_the_layer_that_is_run(way: object) -> None:
    way = next(one for one in HOLDERS if one is way)
    lines = ["class Shown(nn.Module):", *(f"    {line}" for line in way.code.splitlines())]
    made = nn.Linear(4, 3)
    names = {"nn": nn, "F": F, "weight": made.weight.detach(), "bias": made.bias.detach()}
    exec("\n".join(lines), names)
    shown, run = names["Shown"](), way.make()
    assert list(shown.state_dict()) == list(run.state_dict())
    values = shown.fc if hasattr(shown, "fc") else shown
    x = torch.randn(2, 4)
    assert torch.allclose(shown(x), F.linear(x, values.weight, values.bias))


def test_dropout_that_is_not_told_goes_on_in_eval() -> None:
    module, told, forgetful = dropped(0.5, 64, training=False, seed=0)
    assert (module.steady, told.steady, forgetful.steady) == (True, True, False)
    assert torch.equal(module.outputs[0], torch.ones(64))
    assert len(forgetful.outputs) == CALLS
    for one in dropped(0.5, 64, training=True, seed=0):
        assert not one.steady
        assert set(one.outputs[0].unique().tolist()) == {0.0, 2.0}
    assert [way.code for way in dropping(0.3)] == [
        "self.drop = nn.Dropout(0.3)\n...\nself.drop(x)",
        "F.dropout(x, 0.3, training=self.training)",
        "F.dropout(x, 0.3)",
    ]


def test_the_labs_leave_torchs_own_random_state_alone() -> None:
    before = torch.random.get_rng_state()
    held(0)
    dropped(0.5, 8, training=True, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_equal_lines_stand_at_equal_heights_and_others_are_marked() -> None:
    texts = [write_source(TEMPLATES["LeNet5"], style) for style in ("module", "functional")]
    left, right = (side.splitlines() for side in side_by_side(*texts))
    assert len(left) == len(right)
    for ours, theirs in zip(left, right, strict=True):
        assert ours == theirs or {ours[:2], theirs[:2]} <= {"- ", "+ ", "-", "+", ""}
    for side, mark, text in ((left, "-", texts[0]), (right, "+", texts[1])):
        kept = [line for line in side if line]
        plain = [line.removeprefix(mark) if line.startswith(mark) else line for line in kept]
        assert [line.strip() for line in plain] == [
            line.strip() for line in text.splitlines() if line.strip()
        ]
    assert side_by_side("a\nb", "a\nb") == ("  a\n  b", "  a\n  b")
