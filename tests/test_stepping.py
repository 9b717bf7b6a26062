"""A batch step by step: promises of builder.labs.stepping and its section of the Inside page."""

from pathlib import Path

import pytest
import torch

from builder import TEMPLATES, BuilderError, ModelSpec, Node, build, resolve
from builder.labs import batches
from builder.labs.batches import random_inputs
from builder.labs.stepping import costs, step_through
from builder.spec import Input

APP = str(Path(__file__).parents[1] / "app.py")
RUNNING = [name for name, spec in TEMPLATES.items() if resolve(spec).runs]


def chain(*nodes: Node) -> ModelSpec:
    return ModelSpec("Chain", (Input("x", (4,)),), "sequential", nodes)


@pytest.mark.parametrize("title", RUNNING)
def test_what_passes_ends_in_what_the_model_gives_and_every_step_has_its_cost(title: str) -> None:
    spec = TEMPLATES[title]
    model, inputs = build(spec).eval(), random_inputs(spec, 2, 0)
    done = step_through(model, spec, inputs)
    with torch.no_grad():
        expected = model(*inputs)
    name = spec.main.results[0]
    (last,) = [one for one in done.passages if one.name == name]
    assert torch.equal(last.value, expected)
    assert done.problem == ""
    assert done.broken is None
    spent = costs(model, spec, inputs)
    assert {one.name.partition("[")[0] for one in done.passages if one.op} >= set(spent)
    assert sum(cost.macs for cost in spent.values()) == 2 * resolve(spec).macs
    assert all(cost.seconds > 0 for cost in spent.values())


def test_the_first_step_that_gives_no_number_is_found_and_the_rest_is_shown() -> None:
    spec = chain(
        Node("0", "nn.Linear", {"out_features": 3}),
        Node("1", "nn.Softplus"),
        Node("2", "nn.ReLU"),
    )
    model = build(spec)
    with torch.no_grad():
        model[0].weight[1] = torch.inf
    done = step_through(model, spec, [torch.ones(5, 4)])
    assert done.broken is not None
    assert done.broken.name == "0"
    assert done.broken.facts.lost == 5
    assert [one.name for one in done.passages] == ["x", "0", "1", "2"]


def test_a_layer_in_place_leaves_what_came_before_it_to_be_seen() -> None:
    spec = chain(Node("0", "nn.Identity"), Node("1", "nn.ReLU", {"inplace": True}))
    x = torch.tensor([[-1.0, 2.0, -3.0, 4.0]])
    done = step_through(build(spec), spec, [x])
    assert done.passages[1].value.tolist() == [[-1.0, 2.0, -3.0, 4.0]]
    assert done.passages[2].value.tolist() == [[0.0, 2.0, 0.0, 4.0]]
    assert x.tolist() == [[-1.0, 2.0, -3.0, 4.0]]


def test_a_step_that_refuses_the_batch_is_told_with_what_came_before() -> None:
    spec = chain(Node("0", "nn.Linear", {"out_features": 3}), Node("1", "nn.BatchNorm1d"))
    done = step_through(build(spec).train(), spec, [torch.ones(1, 4)], training=True)
    assert [one.name for one in done.passages] == ["x", "0"]
    assert done.problem.startswith("1 (nn.BatchNorm1d) does not run on this input")


def test_more_than_can_be_held_is_refused_before_it_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_BYTES", 100)
    spec = TEMPLATES["LeNet5"]
    with pytest.raises(BuilderError, match="Fewer samples"):
        step_through(build(spec), spec, random_inputs(spec, 4, 0))
