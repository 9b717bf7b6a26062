"""Building: the module itself, within its budget, and ordinary to torch."""

import copy
import gc
import os

import psutil
import pytest
import torch
from torch import nn

from builder import TEMPLATES, Block, ModelSpec, Node, build, edit, resolve
from builder.build import DEFAULT_BUDGET, check, outline
from builder.errors import BudgetError, ModelError
from builder.spec import Input
from tests.fresh import random_inputs

RUNNING = [title for title, spec in TEMPLATES.items() if resolve(spec).runs]


def graph(*nodes: Node, shape: tuple[int, ...] = (6,), **more: object) -> ModelSpec:
    return ModelSpec("M", (Input("x", shape),), "graph", nodes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("title", RUNNING)
def test_a_built_template_is_an_ordinary_module(title: str) -> None:
    spec = TEMPLATES[title]
    model = build(spec)
    resolution = resolve(spec)
    assert type(model).__name__ == spec.name
    assert sum(p.numel() for p in model.parameters()) == resolution.params
    assert sum(b.numel() for b in model.buffers()) == resolution.buffers
    keys = [
        f"{step.key}.{parameter.name}" for step in resolution.steps for parameter in step.parameters
    ]
    if not spec.blocks:
        assert [name for name, _ in model.named_parameters()] == keys
    inputs = random_inputs(spec, 4)
    twin = copy.deepcopy(model)
    out, same = model.eval()(*inputs), twin.eval()(*inputs)
    assert torch.equal(out, same)
    assert all(a is not b for a, b in zip(model.modules(), twin.modules(), strict=True))
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert all(p.grad is None for p in twin.parameters())
    other = build(spec)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(*inputs), out)


def test_the_tree_is_printed_without_memory_for_weights() -> None:
    spec = graph(Node("fc", "nn.Linear", {"out_features": 10**8}), shape=(10**8,))
    assert "Linear(in_features=100000000, out_features=100000000, bias=True)" in outline(spec)
    assert outline(TEMPLATES["LeNet5"]) == str(build(TEMPLATES["LeNet5"]))


def test_a_budget_is_refused_before_memory_is_taken() -> None:
    spec = graph(
        Node("small", "nn.Linear", {"out_features": 10}),
        Node("large", "nn.Linear", {"out_features": 10**8}),
        Node("huge", "nn.Linear", {"out_features": 10**8}),
    )
    process = psutil.Process(os.getpid())
    resolve(spec)
    gc.collect()
    before = process.memory_info().rss
    for make in (build, check):
        with pytest.raises(BudgetError) as caught:
            make(spec)
        assert caught.value.node == "huge"
        assert caught.value.message == (
            "M has 10,000,001,200,000,070 parameters, 40,000,004.8 GB; the budget is 100,000,000. "
            "The largest layer is huge (nn.Linear) with 10,000,000,100,000,000."
        )
    assert process.memory_info().rss - before < 50_000_000


def test_the_budget_is_a_choice() -> None:
    spec = TEMPLATES["LeNet5"]
    params = resolve(spec).params
    assert build(spec, budget=params)
    with pytest.raises(BudgetError, match="The largest layer is 7"):
        build(spec, budget=params - 1)
    assert DEFAULT_BUDGET == 100_000_000


def test_a_block_called_many_times_counts_once_and_used_many_times_counts_each_time() -> None:
    block = Block("graph", (Node("fc", "nn.Linear", {"out_features": 6}),))
    twice = graph(Node("a", "Sub"), Node("b", "Sub"), blocks={"Sub": block})
    shared = graph(Node("a", "Sub"), Node("b", "a"), blocks={"Sub": block})
    assert len(list(build(twice).parameters())) == 4
    assert len(list(build(shared).parameters())) == 2
    assert (resolve(twice).params, resolve(shared).params) == (84, 42)


def test_a_model_that_cannot_run_is_refused_with_its_fault() -> None:
    spec = graph(Node("fc", "nn.Linear", {"in_features": 5, "out_features": 2}))
    with pytest.raises(ModelError) as caught:
        build(spec)
    assert caught.value.node == "fc"
    assert caught.value.message == (
        "fc: nn.Linear has in_features=5; it receives 6 in the last axis of (N, 6)."
    )
    nested = ModelSpec("M", spec.inputs, "graph", (Node("b", "Sub"),), (), {"Sub": spec.main})
    with pytest.raises(ModelError, match=r"^b\.fc: nn\.Linear has in_features=5"):
        build(nested)


def test_functions_follow_the_mode_of_the_model() -> None:
    spec = graph(Node("drop", "F.dropout", {"p": 0.5}), shape=(1000,))
    for model in (build(spec), build(edit.set_container(spec, "sequential"))):
        ones = torch.ones(2, 1000)
        assert (model.train()(ones) == 0).any()
        assert torch.equal(model.eval()(ones), ones)


@pytest.mark.parametrize(
    "name", ["_plan", "_inputs", "_results", "plan", "keys", "inputs", "values", "y", "z", "weight"]
)
def test_a_layer_may_have_any_name_that_the_document_takes(name: str) -> None:
    model = build(graph(Node(name, "nn.Linear", {"out_features": 2}), Node("again", "nn.ReLU")))
    assert list(model.state_dict()) == [f"{name}.weight", f"{name}.bias"]
    assert model(torch.ones(3, 6)).shape == (3, 2)


def test_a_layer_that_is_switched_off_holds_its_place_and_hands_on_its_input() -> None:
    block = Block("graph", (Node("fc", "nn.Linear", {"out_features": 2}),))
    nodes = (
        Node("a", "nn.Linear", {"out_features": 2}, enabled=False),
        Node("b", "F.relu", enabled=False),
        Node("c", "Sub", enabled=False),
        Node("d", "a"),
        Node("e", "nn.Bilinear", {"out_features": 3}, ("d", "x"), enabled=False),
        Node("f", "+", {}, ("e", "x"), enabled=False),
    )
    model = build(graph(*nodes, blocks={"Sub": block}))
    x = torch.randn(3, 6)
    assert torch.equal(model(x), x)
    kinds = {name: type(module) for name, module in model.named_children()}
    assert kinds == {"a": nn.Identity, "c": nn.Identity, "e": nn.Identity}
    for container in ("modulelist", "graph"):
        other = build(edit.set_container(graph(*nodes, blocks={"Sub": block}), container))
        assert torch.equal(other(x), x)


def test_several_inputs_and_outputs_go_in_and_come_out_in_order() -> None:
    inputs = (Input("a", (4,)), Input("b", (4,)), Input("i", (3,), "int64"))
    nodes = (
        Node("embed", "nn.Embedding", {"num_embeddings": 9, "embedding_dim": 4}, ("i",)),
        Node("difference", "-", {}, ("a", "b")),
    )
    spec = ModelSpec("M", inputs, "graph", nodes, ("difference", "a", "embed"))
    a, b, i = random_inputs(spec, 2)
    model = build(spec)
    difference, same, embedded = model(a, b, i)
    assert torch.equal(difference, a - b)
    assert same is a
    assert torch.equal(embedded, model.embed(i))
    with pytest.raises(ValueError, match="argument"):
        model(a, b)


def test_an_empty_model_hands_its_input_on() -> None:
    x = torch.randn(2, 6)
    for container in ("sequential", "modulelist", "graph"):
        model = build(ModelSpec("M", (Input("x", (6,)),), container))
        assert torch.equal(model(x), x)
        assert not list(model.parameters())
