"""The graph of a backward pass: promises of builder.labs.autograd and its section."""

from pathlib import Path

import pytest
import torch

from builder import TEMPLATES, BuilderError, ModelSpec, Node, build, resolve
from builder.labs.autograd import LOSSES, backward, gathered
from builder.labs.batches import random_inputs
from builder.labs.subject import twin
from builder.spec import Input

APP = str(Path(__file__).parents[1] / "app.py")
RUNNING = [name for name, spec in TEMPLATES.items() if resolve(spec).runs]


def chain(*nodes: Node, dtype: str = "float32") -> ModelSpec:
    return ModelSpec("Chain", (Input("x", (4,), dtype),), "sequential", nodes)


TWO = chain(
    Node("0", "nn.Linear", {"out_features": 3}),
    Node("1", "nn.Tanh"),
    Node("2", "nn.Linear", {"out_features": 2}),
)


@pytest.mark.parametrize("title", RUNNING)
def test_gradients_are_those_of_a_plain_backward_pass_and_the_graph_leads_to_each(
    title: str,
) -> None:
    spec = TEMPLATES[title]
    model, inputs = build(spec).eval(), random_inputs(spec, 2, 0)
    found = backward(twin(model), spec, inputs)
    LOSSES["output.square().mean()"](model(*inputs)).backward()
    for one, (name, parameter) in zip(found.parameters, model.named_parameters(), strict=True):
        assert one.name == name
        assert one.gradient == pytest.approx(float(parameter.grad.norm()), rel=1e-4)
    for operations in (found.operations, gathered(found.operations)):
        reached = {0}
        for place, operation in enumerate(operations):
            if place in reached:
                reached.update(operation.next)
        assert reached == set(range(len(operations)))
        ends = {operation.parameter for operation in operations if operation.parameter}
        assert ends == set(dict(model.named_parameters()))


def test_operations_have_torchs_names_and_stand_in_the_order_of_the_backward_pass() -> None:
    done = backward(build(TWO), TWO, [torch.randn(5, 4)], loss="output.sum()")
    found = [(one.layer, one.title) for one in done.operations if not one.parameter]
    assert found[0] == ("", "SumBackward0")
    assert sorted(found[1:]) == [
        ("0", "AddmmBackward0"),
        ("0", "TBackward0"),
        ("1", "TanhBackward0"),
        ("2", "AddmmBackward0"),
        ("2", "TBackward0"),
    ]
    assert found.index(("2", "AddmmBackward0")) < found.index(("1", "TanhBackward0"))
    assert found.index(("1", "TanhBackward0")) < found.index(("0", "AddmmBackward0"))


def test_what_is_frozen_or_behind_a_detach_has_no_gradient_and_says_why() -> None:
    inputs = [torch.randn(5, 4)]
    frozen = {one.name: one for one in backward(build(TWO), TWO, inputs, frozen=["0"]).parameters}
    assert frozen["0.weight"].gradient is None
    assert frozen["0.weight"].why.startswith("frozen")
    assert frozen["2.weight"].why == ""
    cut = backward(build(TWO), TWO, inputs, detached=["1"])
    parameters = {one.name: one for one in cut.parameters}
    assert parameters["0.weight"].why.startswith("not reached")
    assert parameters["2.weight"].why == ""
    assert cut.stops.keys() == {"1"}


def test_a_dead_layer_is_reached_by_zeros() -> None:
    spec = chain(Node("0", "nn.Linear", {"out_features": 3}), Node("1", "nn.ReLU"))
    model = build(spec)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(-1)
    found = backward(model, spec, [torch.randn(5, 4)])
    assert all(one.gradient == 0 and "exactly 0" in one.why for one in found.parameters)


def test_what_a_step_keeps_for_the_backward_pass_is_counted() -> None:
    spec = chain(Node("0", "nn.Tanh"))
    x = torch.randn(5, 4, requires_grad=True)
    assert backward(build(spec), spec, [x]).saved == {"0": 5 * 4 * 4}  # its output, as floats


@pytest.mark.parametrize(
    ("spec", "asked", "match"),
    [
        (TWO, {"frozen": ["0", "2"]}, "asks for a gradient"),
        (TWO, {"detached": ["2"]}, "asks for a gradient"),
        (
            chain(
                Node("0", "nn.Linear", {"out_features": 4}),
                Node("1", "nn.Sigmoid"),
                Node("2", "nn.ReLU", {"inplace": True}),
            ),
            {},
            "was refused: one of the variables needed",
        ),
    ],
)
def test_a_pass_that_cannot_be_made_is_refused_in_words(
    spec: ModelSpec, asked: dict[str, list[str]], match: str
) -> None:
    with pytest.raises(BuilderError, match=match):
        backward(build(spec), spec, [torch.randn(5, 4)], **asked)
