"""Hooks on a model: order, counts and numbers against hooks put on by hand, and nothing left."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES, ModelSpec, Node, build, write_source
from builder.errors import LabError, ModelError
from builder.labs import inspection_hooks
from builder.labs.batches import random_inputs
from builder.labs.inspection_hooks import KINDS, Hook, Observed, observe
from builder.labs.inspection_hooks_code import write_hooks
from builder.resolve import resolve
from builder.spec import Input

RUNNING = [title for title, spec in TEMPLATES.items() if resolve(spec).runs]


def everywhere(model: nn.Module, *kinds: str) -> list[Hook]:
    names = [name for name, _ in model.named_modules()]
    return [(name, kind) for name in names for kind in kinds or KINDS]


def opened(spec: ModelSpec, batch: int = 3) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    return build(spec).eval(), random_inputs(spec, batch, 0)


def by_hand(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[tuple[str, str, list[Tensor]]]:
    """What hooks on every module are called with, put on as torch's own pages do."""
    calls: list[tuple[str, str, list[Tensor]]] = []

    def keep(kind: str, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, *given: Any) -> None:
            calls.append((name, kind, flat(given)))

        return hook

    def flat(value: Any) -> list[Tensor]:
        if isinstance(value, Tensor):
            return [value.detach().clone()]
        return [tensor for item in value or () for tensor in flat(item)]

    for name, module in model.named_modules():
        module.register_forward_pre_hook(keep("pre", name))
        module.register_forward_hook(keep("forward", name))
        module.register_full_backward_hook(keep("backward", name))
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    output = model(*leaves)
    draw = torch.Generator().manual_seed(0)
    output.backward(torch.randn(output.shape, generator=draw))
    return calls


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("title", RUNNING)
def test_hooks_fire_in_torchs_order_with_torchs_numbers(title: str) -> None:
    model, inputs = opened(TEMPLATES[title])
    seen = observe(model, TEMPLATES[title], inputs, everywhere(model))
    expected = by_hand(build_like(model, title), inputs)
    assert [(one.path, one.kind) for one in seen.firings] == [call[:2] for call in expected]
    for one, (_, _, tensors) in zip(seen.firings, expected, strict=True):
        given = [entry for entry in one.given if entry.shape is not None]
        assert [entry.shape for entry in given] == [tuple(tensor.shape) for tensor in tensors]
        for entry, tensor in zip(given, tensors, strict=True):
            assert entry.facts is not None
            assert entry.facts.norm == pytest.approx(tensor.float().norm().item(), rel=1e-3)
            assert entry.over is None


def build_like(model: nn.Module, title: str) -> nn.Module:
    other = build(TEMPLATES[title]).eval()
    other.load_state_dict(model.state_dict())
    return other


@pytest.mark.parametrize("title", RUNNING)
def test_taken_off_again_nothing_is_left_and_the_outputs_are_the_same(title: str) -> None:
    spec = TEMPLATES[title]
    model, inputs = opened(spec)
    with torch.no_grad():
        before = model(*inputs)
    seen = observe(model, spec, inputs, everywhere(model))
    modules = len(list(model.modules()))
    assert set(seen.on.values()) == {modules}
    assert set(seen.left.values()) == {0}
    # The fused step of a Transformer, which hooks do without, adds in another order.
    assert seen.difference <= (1e-6 if "Transformer" in title else 0.0)
    with torch.no_grad():
        assert torch.equal(model(*inputs), before)
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_parts_are_called_as_the_arguments_of_a_hook_are() -> None:
    spec = TEMPLATES["LSTMClassifier"]
    model, inputs = opened(spec)
    seen = observe(model, spec, inputs, [("lstm", kind) for kind in KINDS])
    parts = {one.kind: [entry.part for entry in one.given] for one in seen.firings}
    assert parts["pre"] == ["args[0]"]
    assert parts["forward"] == ["args[0]", "output[0]", "output[1][0]", "output[1][1]"]
    assert parts["backward"][0] == "grad_input[0]"
    assert "grad_output[0]" in parts["backward"]


def test_what_is_never_called_is_said() -> None:
    model, inputs = opened(TEMPLATES["MyModel (ModuleList)"])
    seen = observe(model, TEMPLATES["MyModel (ModuleList)"], inputs, everywhere(model, "forward"))
    assert seen.silent == (("layers", "forward"),)


def test_an_input_of_indices_has_no_gradient_and_that_is_no_number() -> None:
    spec = TEMPLATES["CharLSTM"]
    model, inputs = opened(spec)
    [firing] = observe(model, spec, inputs, [("embedding", "backward")]).firings
    first = firing.given[0]
    assert (first.part, first.shape, first.facts) == ("grad_input[0]", None, None)


def in_place(spec: ModelSpec) -> ModelSpec:
    nodes = tuple(
        replace(node, args={"inplace": True}) if node.op == "nn.ReLU" else node
        for node in spec.nodes
    )
    return replace(spec, nodes=nodes)


def test_layers_in_place_run_out_of_place_where_torch_refuses_them_and_it_is_said() -> None:
    spec = in_place(TEMPLATES["LeNet5"])
    model, inputs = opened(spec)
    seen = observe(model, spec, inputs, everywhere(model))
    assert "inplace" in seen.refusal
    assert seen.difference == 0.0
    plain = observe(opened(TEMPLATES["LeNet5"])[0], TEMPLATES["LeNet5"], inputs, everywhere(model))
    assert seen.firings == plain.firings
    assert not plain.refusal
    # Without a way back torch has nothing against them, and the numbers are those before.
    seen = observe(model, spec, inputs, everywhere(model, "forward"))
    assert not seen.refusal
    first = next(one for one in seen.firings if one.path == "0")
    output = next(entry for entry in first.given if entry.part == "output")
    assert output.facts is not None
    assert output.facts.low < 0


def test_figures_of_a_large_tensor_are_over_its_first_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inspection_hooks, "_NUMBERS", 3 * 784)
    model, inputs = opened(TEMPLATES["LeNet5"], 8)
    [firing] = observe(model, TEMPLATES["LeNet5"], inputs, [("0", "pre")]).firings
    [entry] = firing.given
    assert entry.shape == (8, 1, 28, 28)
    assert entry.over == 3
    assert entry.facts is not None
    assert entry.facts.mean == pytest.approx(inputs[0][:3].mean().item(), abs=1e-6)


def test_what_cannot_be_done_is_said_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = TEMPLATES["MyNet with SubNet (broken)"]
    with pytest.raises(ModelError, match="view"):
        observe(nn.Identity(), broken, (torch.zeros(2, 3, 16, 16),), [("", "forward")])
    spec = TEMPLATES["LeNet5"]
    model, inputs = opened(spec)
    with pytest.raises(ModelError, match="does not run on these numbers"):
        observe(model, spec, (torch.zeros(2, 3, 16, 16),), [("", "forward")])
    chain = ModelSpec(
        "Kept", (Input("x", (4,), "int64"),), "sequential", (Node("0", "nn.Identity"),)
    )
    with pytest.raises(LabError, match="no way back"):
        observe(build(chain), chain, random_inputs(chain, 2, 0), [("0", "backward")])
    monkeypatch.setattr(inspection_hooks, "MOST_BYTES", 150_000)
    assert observe(model, spec, inputs, [("0", "forward")]).firings
    with pytest.raises(LabError, match="Fewer samples"):
        observe(model, spec, inputs, [("0", "backward")])
    assert not any(module._forward_hooks for module in model.modules())


# --- the code ------------------------------------------------------------------------------------


def ran(source: str, folder: Path) -> list[str]:
    """What a program prints in a process that knows nothing of LayerLab."""
    file = folder / "hooks.py"
    file.write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", str(file)], capture_output=True, text=True, cwd=folder, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def told(seen: Observed) -> list[tuple[str, str]]:
    return [(one.kind, one.path) for one in seen.firings]


def test_the_code_fires_the_same_hooks_in_the_same_order_in_a_fresh_process(
    tmp_path: Path,
) -> None:
    specs = [in_place(TEMPLATES["LeNet5"]), TEMPLATES["MyNet with SubNet"], TEMPLATES["CharLSTM"]]
    program, expected = "", []
    for spec in specs:
        model, inputs = opened(spec, 2)
        hooks = everywhere(model)
        expected += told(observe(model, spec, inputs, hooks))
        program += write_source(spec) + "\n\n" + write_hooks(spec, inputs, hooks)
    lines = [line.split(" ") for line in ran(program, tmp_path)]
    assert [(kind, name) for kind, name, *_ in lines] == expected


def test_the_code_of_a_pass_forward_asks_for_no_gradients() -> None:
    _, inputs = opened(TEMPLATES["LeNet5"])
    source = write_hooks(TEMPLATES["LeNet5"], inputs, [("0", "forward")])
    assert "with torch.no_grad():" in source
    assert "requires_grad" not in source
    compile(source, "hooks", "exec")
    assert max(map(len, source.splitlines())) <= 100
