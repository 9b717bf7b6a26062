"""Parameters that start as the document says, and stay so where it says that too."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from builder import Block, ModelSpec, Node, build, edit, resolve, write_source
from builder.errors import RunError, SpecError
from builder.spec import Init, Input
from builder.train.data import Data
from builder.train.loop import train
from builder.train.recipe import Recipe

SHARPEN = ((-1.0, -1.0, -1.0), (-1.0, 9.0, -1.0), (-1.0, -1.0, -1.0))


def conv(container: str = "graph", **facts: object) -> ModelSpec:
    name = "0" if container != "graph" else "conv"
    args = {"out_channels": 3, "kernel_size": 3, "padding": 1, "groups": 3}
    node = Node(
        name, "nn.Conv2d", args, init={"weight": Init("values", {"values": SHARPEN})}, frozen=True
    )
    return ModelSpec("Sharpen", (Input("x", (3, 8, 8)),), container, (replace(node, **facts),))


@pytest.mark.parametrize("container", ["sequential", "modulelist", "graph"])
def test_values_fill_every_channel_alike_in_the_module_and_in_the_code(container: str) -> None:
    spec = conv(container)
    weight = next(iter(build(spec).parameters()))
    assert torch.equal(weight, torch.tensor(SHARPEN).expand(3, 1, 3, 3))
    script = (
        f"{write_source(spec)}\nparameters = list(Sharpen().parameters())\n"
        "print(parameters[0].tolist(), [p.requires_grad for p in parameters])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"{weight.tolist()} [False, False]"


def test_what_is_frozen_is_counted_and_not_trained() -> None:
    spec = conv()
    resolution = resolve(spec)
    assert (resolution.params, resolution.trainable) == (30, 0)
    thawed = resolve(edit.freeze(spec, "conv", False))
    assert (thawed.params, thawed.trainable) == (30, 30)


def test_a_frozen_block_freezes_all_its_layers() -> None:
    inner = Block("graph", (Node("fc", "nn.Linear", {"out_features": 4}),))
    nodes = (Node("a", "Part", frozen=True), Node("b", "Part"))
    spec = ModelSpec("Two", (Input("x", (4,)),), "graph", nodes, blocks={"Part": inner})
    learns = {name: p.requires_grad for name, p in build(spec).named_parameters()}
    assert learns == {
        "a.fc.weight": False,
        "a.fc.bias": False,
        "b.fc.weight": True,
        "b.fc.bias": True,
    }
    assert (resolve(spec).params, resolve(spec).trainable) == (40, 20)
    assert "self.a.requires_grad_(False)" in write_source(spec)


def test_a_document_keeps_how_parameters_start() -> None:
    spec = conv()
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert ModelSpec.from_json(spec.to_json()) != edit.set_init(spec, "conv", {})


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ({"weight": 3}, "object with a scheme"),
        ({"weight": {}}, '"scheme" is missing'),
        ({"weight": {"scheme": "values", "values": {}}}, "type dict"),
    ],
)
def test_a_document_that_says_it_wrongly_is_told_where(init: object, words: str) -> None:
    document = json.loads(conv().to_json())
    document["nodes"][0]["init"] = init
    with pytest.raises(SpecError, match=words):
        ModelSpec.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("init", "words", "fix"),
    [
        ({"wait": Init("values", {"values": 0.0})}, "weight, bias", "Let torch draw wait"),
        ({"weight": Init("dreamt")}, "no scheme 'dreamt'", "Let torch draw weight"),
        ({"weight": Init("values", {"value": 0.0})}, "takes values", "Let torch draw weight"),
        (
            {"weight": Init("values", {"values": ((1.0, 2.0), (3.0,))})},
            "no table of numbers",
            "Let torch draw weight",
        ),
        (
            {"weight": Init("values", {"values": ((1.0,) * 5,) * 5})},
            r"shape \(5, 5\), the parameter has \(3, 1, 3, 3\)",
            "Set kernel_size to 5",
        ),
    ],
)
def test_values_that_do_not_fit_are_a_fault_with_a_fix(
    init: dict[str, Init], words: str, fix: str
) -> None:
    spec = conv(init=init)
    (fault,) = resolve(spec).faults
    assert re.search(words, fault.message)
    chosen = next(offered for offered in fault.fixes if offered.label == fix)
    assert resolve(chosen.apply(spec)).runs


def test_a_call_of_an_earlier_layer_cannot_start_its_weights_anew() -> None:
    spec = conv()
    again = replace(spec.nodes[0], name="again", op="conv", args={})
    spec = replace(spec, nodes=(*spec.nodes, again))
    (fault,) = resolve(spec).faults
    assert "conv says that itself" in fault.message
    mended = fault.fixes[0].apply(spec)
    assert resolve(mended).runs
    assert mended.nodes[0] == spec.nodes[0]


def test_another_layer_in_the_same_place_starts_as_torch_draws_it() -> None:
    spec = edit.set_op(conv(), "conv", "nn.MaxPool2d", {"kernel_size": 2})
    assert not spec.nodes[0].init
    assert not spec.nodes[0].frozen
    assert resolve(spec).runs


def test_a_copy_starts_and_stays_as_its_original() -> None:
    spec = edit.duplicate(conv(), "conv")
    first, second = spec.nodes
    assert (first.init, first.frozen) == (second.init, second.frozen)


def test_training_leaves_frozen_weights_alone_and_says_when_all_are_frozen() -> None:
    spec = edit.insert(conv(), 1, "nn.Flatten")
    x, y = torch.randn(16, 3, 8, 8), torch.randint(0, 2, (16,))
    data, recipe = Data(x, y, x, y), Recipe("mnist", batch_size=8, epochs=1)

    def run(spec: ModelSpec) -> torch.nn.Module:
        model = build(spec)
        train(model, data, recipe, task="classification", on_tick=lambda _: True)
        return model

    with pytest.raises(RunError, match="frozen"):
        run(spec)
    model = run(edit.insert(spec, 2, "nn.Linear", {"out_features": 2}))
    weight = model.get_parameter("conv.weight")
    assert torch.equal(weight, torch.tensor(SHARPEN).expand(3, 1, 3, 3))
