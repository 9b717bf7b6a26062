"""Layers of one's own: as a document, built, written, resolved, trained, edited."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES, Block, ModelSpec, Node, build, edit, resolve, write_source
from builder.build import assemble
from builder.data.adapt import Needs, outputs
from builder.errors import EditError, SpecError
from builder.own import edits
from builder.own.examples import EXAMPLES
from builder.own.layer import OwnLayer, OwnParameter, Setting
from builder.resolve.formula import follow
from builder.resolve.types import N, TensorType
from builder.rows import row_of, rows_of
from builder.spec import Init, Input
from builder.train.data import Data
from builder.train.loop import train
from builder.train.recipe import Recipe
from tests.fresh import failures, make_case

LINEAR = EXAMPLES["Linear"]
PERCEPTRON = TEMPLATES["Perceptron"]
SHAPES = {"Attention": (5, 8)}


def alone(
    layer: OwnLayer, shape: tuple[int, ...] = (4,), name: str = "Own", **args: Any
) -> ModelSpec:
    """A model of one layer, with its first settings where none are given."""
    spec = ModelSpec("Model", (Input("x", shape),), "graph", layers={name: layer})
    row = row_of(spec, name)
    assert row is not None
    node = Node("own", name, {**row.initial_args(), **args})
    return replace(spec, nodes=(node,))


def formula(forward: str, **shapes: str) -> OwnLayer:
    """A layer of parameters with these shapes and a setting h of 3."""
    held = tuple(OwnParameter(name, shape) for name, shape in shapes.items())
    return OwnLayer((Setting("h", default=3),), held, forward)


# --- the notes' own ------------------------------------------------------------------------------


class SeedLinear(nn.Module):
    """The class of the notes, letter by letter but for its imports."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(in_features, out_features))
        self.b = nn.Parameter(torch.randn(out_features))

    def forward(self, x: Tensor) -> Tensor:
        x = x.mm(self.w)
        return x + self.b.expand_as(x)


def test_the_linear_of_the_notes_has_its_names_its_numbers_and_its_output() -> None:
    torch.manual_seed(0)
    theirs = SeedLinear(4, 3)
    torch.manual_seed(0)
    model = build(TEMPLATES["Linear"])
    mine = model.get_submodule("layer")
    assert [(n, tuple(p.shape)) for n, p in mine.named_parameters()] == [("w", (4, 3)), ("b", (3,))]
    x = torch.randn(2, 4)
    assert torch.equal(mine(x), theirs(x))
    assert str(mine) == "Linear()"


def test_the_perceptron_of_the_notes_prints_what_they_print() -> None:
    model = build(PERCEPTRON)
    assert "\n".join(f"{name} {p.size()}" for name, p in model.named_parameters()) == (
        "layer1.w torch.Size([3, 4])\n"
        "layer1.b torch.Size([4])\n"
        "layer2.w torch.Size([4, 1])\n"
        "layer2.b torch.Size([1])"
    )
    x, held = torch.randn(5, 3), dict(model.named_parameters())
    hidden = torch.sigmoid(x @ held["layer1.w"] + held["layer1.b"])
    assert torch.allclose(model(x), hidden @ held["layer2.w"] + held["layer2.b"])


def test_its_parameters_and_products_are_counted() -> None:
    resolution = resolve(PERCEPTRON)
    assert (resolution.params, resolution.macs) == (21, 3 * 4 + 4 * 1)
    first = resolution.steps[0]
    assert (first.args, first.inferred) == (
        {"in_features": 3, "out_features": 4},
        frozenset({"in_features"}),
    )


# --- built, written, kept ------------------------------------------------------------------------

CASES: dict[str, ModelSpec] = {
    name: alone(layer, SHAPES.get(name, (8,)), name) for name, layer in EXAMPLES.items()
} | {
    "in a block, twice, of two sizes": ModelSpec(
        "Model",
        (Input("x", (3,)),),
        "graph",
        (Node("a", "Part"), Node("b", "Part"), Node("c", "a", {}, ("x",)), Node("d", "Linear2")),
        blocks={
            "Part": Block(
                "sequential", (Node("0", "Linear", {"out_features": 5}), Node("1", "nn.ReLU"))
            )
        },
        layers={"Linear": LINEAR, "Linear2": formula("return (x @ w) * h", w="(3 * 1 + 2, h)")},
    ),
    "two inputs and two outputs": ModelSpec(
        "Model",
        (Input("x", (4,)), Input("i", (4,), "int64")),
        "graph",
        (
            Node("own", "Pair", {}, ("x", "i")),
            Node("first", "item", {"index": 0}, ("own",)),
            Node("second", "item", {"index": 1}, ("own",)),
        ),
        ("first", "second"),
        layers={
            "Pair": OwnLayer(
                (Setting("n", axis=-1, input="i"),),
                (OwnParameter("table", "(9, n)"), OwnParameter("one", "()", Init("zeros_"))),
                "return x * one + 1, table[i].sum(-1)",
                ("x", "i"),
            )
        },
    ),
    "started otherwise": replace(
        PERCEPTRON,
        nodes=(
            replace(
                PERCEPTRON.nodes[0],
                init={"w": Init("xavier_uniform_"), "b": Init("values", {"values": 0.5})},
                frozen=True,
            ),
            *PERCEPTRON.nodes[1:],
        ),
    ),
    "every way to start": alone(
        OwnLayer(
            (Setting("h", default=4), Setting("on", "bool"), Setting("s", "float")),
            (
                OwnParameter("a", "(h, h)", Init("orthogonal_")),
                OwnParameter("b", "(h,)", Init("normal_", {"mean": 1.0, "std": 0.5})),
                OwnParameter("c", "(h,)", Init("values", {"values": (1.0, 2.0, 3.0, 4.0)})),
                OwnParameter("d", "(2 * h,)", Init("uniform_")),
                OwnParameter("e", "(1,)", Init("constant_", {"val": 0.25})),
                OwnParameter("f", "(1,)", Init("ones_")),
            ),
            "y = x @ a + b * c\nreturn (y * e + f if on else y * s) + d[0:h]",
        )
    ),
    "switched off": edit.switch(PERCEPTRON, "layer2", False),
    "listed": edit.set_container(PERCEPTRON, "modulelist"),
    "in a sequential": edit.set_container(PERCEPTRON, "sequential"),
}


def test_what_is_built_is_what_is_written_in_a_fresh_process(tmp_path: Path) -> None:
    cases = {name: make_case(spec) for name, spec in CASES.items()}
    assert failures(cases, tmp_path) == {}


@pytest.mark.parametrize("name", CASES)
def test_a_document_keeps_its_layers(name: str) -> None:
    spec = CASES[name]
    again = ModelSpec.from_json(spec.to_json())
    assert again == spec
    assert again.to_json() == spec.to_json()
    assert json.loads(spec.to_json())["format"] == 1


def test_a_model_without_layers_of_its_own_is_the_document_it_was() -> None:
    assert "layers" not in json.loads(TEMPLATES["MLP"].to_json())


def test_parameters_start_as_they_say_and_a_node_may_say_otherwise() -> None:
    held = dict(build(CASES["every way to start"]).named_parameters())
    assert torch.allclose(held["own.a"] @ held["own.a"].T, torch.eye(4), atol=1e-6)
    assert held["own.c"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert (held["own.e"].item(), held["own.f"].item()) == (0.25, 1.0)
    other = dict(build(CASES["started otherwise"]).named_parameters())
    assert other["layer1.b"].tolist() == [0.5] * 4
    assert [p.requires_grad for p in other.values()] == [False, False, True, True]
    source = write_source(CASES["every way to start"])
    assert "self.b = nn.Parameter(torch.empty(h))" in source
    assert "nn.init.normal_(self.b, mean=1.0, std=0.5)" in source
    assert "self.f = nn.Parameter(torch.ones(1))" in source
    assert "def __init__(self, on, s, h=4):" in source, "what has a default comes last"


def test_a_perceptron_of_ones_own_layers_learns() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    y = (x.sum(1) > 0).long()
    spec = edit.set_args(PERCEPTRON, "layer2", {"out_features": 2})
    model, data = build(spec), Data(x, y, x, y)
    before = nn.functional.cross_entropy(model(x), y).item()
    recipe = Recipe("iris", batch_size=16, epochs=30, lr=0.05)
    train(model, data, recipe, task="classification", on_tick=lambda _: True)
    assert nn.functional.cross_entropy(model(x), y).item() < before / 2


def test_the_size_of_its_output_follows_the_data() -> None:
    needs = Needs("iris", (3,), 3, (3,), "iris has 3 classes")
    (fix, *_) = outputs(PERCEPTRON, needs)
    assert fix.label == "Give 3 outputs"
    assert resolve(fix.apply(PERCEPTRON)).steps[-1].shape_text == "(N, 3)"


def test_noise_is_drawn_in_training_only() -> None:
    model = build(CASES["Noise"])
    x = torch.zeros(3, 8)
    assert model.train()(x).std() > 0
    assert torch.equal(model.eval()(x), x)


def test_layers_of_one_name_in_two_models_do_not_mix() -> None:
    once, twice = (alone(formula(f"return x * {k}", w="(h, h)")) for k in ("w[0, 0]", "2"))
    shapes = {resolve(alone(formula("return x", w=s))).params for s in ("(h,)", "(h, 2)")}
    assert shapes == {3, 6}
    assert once != twice
    assert torch.equal(build(twice)(torch.ones(1, 4)), torch.full((1, 4), 2.0))


def test_a_layer_stands_before_the_catalog_with_a_row_of_its_own() -> None:
    first, second, *_ = rows_of(PERCEPTRON)
    assert (first.op, first.group, list(first.fields)) == (
        "Linear", "Own", ["in_features", "out_features"],
    )  # fmt: skip
    assert second.op == "nn.Linear"
    spec = edit.insert(PERCEPTRON, 3, "Linear")
    assert spec.nodes[3].args == {"out_features": 16}
    assert resolve(spec).runs


# --- what is wrong -------------------------------------------------------------------------------


def change(document: dict[str, Any], where: str, value: Any) -> None:
    *path, last = where.split(".")
    at: Any = document["layers"]["Linear"]
    for key in path:
        at = at[int(key)] if key.isdigit() else at[key]
    at[last] = value


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        ("settings.0.name", "import", "layers.Linear: settings[0]: 'import' cannot be the name"),
        ("settings.0.name", "forward", "every nn.Module already has an attribute"),
        ("settings.0.name", "w", "Two parts of the layer are called 'w'"),
        ("settings.0.name", "training", "cannot be the name of a setting"),
        ("settings.0.kind", "str", "known are 'int', 'float', 'bool'"),
        ("settings.0.axis", 99, "reads axis 99"),
        ("settings.0.axis", "last", '"axis" is text; it should be a whole number'),
        ("settings.0.input", "y", "told by input 'y'; the layer has x"),
        ("settings.0.default", 3, "so it is a whole number without a default"),
        ("settings.1.default", 0.5, "a whole number works"),
        ("settings.1.default", True, "a whole number works"),
        ("settings.1.default", [1], "a whole number works"),
        ("settings.1.more", 1, "'more' is no part of a setting"),
        ("parameters.0.name", "torch", "the generated code needs it"),
        ("parameters.0.name", "x y", "'x y' cannot be the name of a parameter"),
        ("parameters.0.shape", [3, 4], '"shape" is a list; it should be text'),
        ("parameters.0.init", "normal_", "is an object with a scheme"),
        ("inputs", [], "1 to 4 inputs"),
        ("inputs", ["x", "self"], "the generated code needs it"),
        ("forward", 3, '"forward" is a whole number; it should be text'),
        ("forward", "x" * 10_001, "10,000 letters at most"),
        ("help", 'a"""b', "one line without quotes and backslashes"),
        ("help", "a\\", "one line without quotes and backslashes"),
        ("help", "a\nb", "one line without quotes and backslashes"),
        ("code", "x", "'code' is no part of a layer of one's own"),
    ],
)
def test_a_document_that_says_a_layer_wrongly_is_told_where(
    where: str, value: Any, words: str
) -> None:
    document = json.loads(PERCEPTRON.to_json())
    change(document, where, value)
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(json.dumps(document))
    assert words in caught.value.message
    assert caught.value.message.startswith("layers.Linear: ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Perceptron", "The model and a layer of one's own are both called 'Perceptron'"),
        ("layer1", "A layer and a layer of one's own are both called 'layer1'"),
        ("class", "it is a word of Python itself"),
        ("torch", "the generated code needs it"),
    ],
)
def test_a_name_stands_for_one_thing(name: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        edits.define(PERCEPTRON, name, LINEAR)


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (formula("return x @ q"), (4,), "The forward formula of Own, line 1: `q` is not known"),
        (formula("return x", w="(q,)"), (4,), "The shape of w of Own: `q` is not known"),
        (formula("return x", w="(h - 3,)"), (4,), "Own, the shape of w: `h - 3` is 0; a size is"),
        (
            formula("y = x + 1\nreturn y @ w", w="(5, h)"),
            (4,),
            "Own, line 2: `y @ w` cannot be computed of `y` (N, 4) and `w` (5, 3): the last axis "
            "of the first must be as long as the last but one of the second.",
        ),
        (
            formula("return x.mm(w)", w="(4, h)"),
            (2, 4),
            "Own: `x.mm(w)` cannot be computed of `x` (N, 2, 4) and `w` (4, 3): mm multiplies "
            "matrices, of 2 axes each; @ takes more.",
        ),
        (
            formula("return x + w", w="(h,)"),
            (4,),
            "`x + w` cannot be computed of `x` (N, 4) and `w` (3,): sizes must be equal, or 1",
        ),
        (
            formula("return torch.cat([x, w], dim=1)", w="(h,)"),
            (4,),
            "Own: `torch.cat([x, w], dim=1)`",
        ),
        (formula("return x.shape"), (4,), "gives a row of 2; a layer gives a tensor"),
        (formula("return x.sum()"), (4,), "changes the batch"),
        (formula("return x.view(4, -1)"), (4,), "changes the batch"),
        (formula("return x.view(7, -1)"), (4,), "shape '[7, -1]' is invalid"),
        (formula("return x.sum(-1) if training else x"), (4,), "another form than in train()"),
        (formula("return x.repeat(1, 10**8)"), (4,), "at most are allowed"),
        (formula("return x[:, 0:0]"), (4,), "holds no number at all"),
        (formula("return x", w="(10**9,)"), (4,), "is no size"),
        (formula("return x", w="(99999999, 99999999)"), (4,), "1,000,000,000,000 at most"),
        (
            OwnLayer((), (OwnParameter("w", "(3,)", Init("xavier_uniform_")),), "return x * w[0]"),
            (4,),
            "w cannot start as it says: xavier_uniform_ takes 2 or more axes",
        ),
        (
            OwnLayer((), (OwnParameter("w", "(3,)", Init("dreamt")),), "return x"),
            (4,),
            "there is no scheme 'dreamt'",
        ),
        (
            OwnLayer((Setting("h"),), (), "return x", ("x", "y")),
            (4,),
            "takes 2 inputs and receives",
        ),
    ],
)
def test_a_fault_of_a_layer_names_the_part_and_what_it_received(
    layer: OwnLayer, shape: tuple[int, ...], words: str
) -> None:
    spec = alone(layer, shape)
    (fault,) = resolve(spec).faults
    assert words in fault.message
    assert fault.node == "own"
    assert ModelSpec.from_json(spec.to_json()) == spec, "a model that cannot run is kept"


def test_a_setting_is_checked_like_any_argument() -> None:
    for args, words in (
        ({"out_features": 0}, "out_features is 0; a whole number from 1"),
        ({"out_features": 2.5}, "out_features is 2.5"),
        ({"in_features": 7}, "it receives 4 in the last axis of"),
        ({"bias": True}, "has no argument 'bias'; it has in_features, out_features"),
    ):
        (fault,) = resolve(alone(LINEAR, **args)).faults
        assert words in fault.message
    missing = replace(alone(LINEAR), nodes=(Node("own", "Own"),))
    fix = resolve(missing).faults[0].fixes[0]
    assert (fix.label, resolve(fix.apply(missing)).runs) == ("Set out_features to 16", True)


def test_a_formula_is_followed_line_by_line() -> None:
    given = (TensorType((N, 5, 8)),)
    layer = EXAMPLES["SwiGLU"]
    followed = follow(layer, {"features": 8, "hidden": 6}, given)
    assert followed.fault is None
    assert followed.shapes == {"w": (8, 12), "v": (6, 8)}
    assert followed.lines == (
        ("gate, value = (x @ w).chunk(2, dim=-1)", "[(N, 5, 6); (N, 5, 6)]"),
        ("return (F.silu(gate) * value) @ v", "(N, 5, 8)"),
    )
    broken = replace(layer, forward=layer.forward.replace("@ v", "@ w"))
    followed = follow(broken, {"features": 8, "hidden": 6}, given)
    assert followed.fault is not None
    assert (followed.fault.line, len(followed.lines)) == (2, 1)
    assert "(N, 5, 6) and `w` (8, 12)" in followed.fault.message


# --- edits ---------------------------------------------------------------------------------------


def test_a_new_name_of_a_layer_goes_to_all_that_use_it() -> None:
    spec = CASES["in a block, twice, of two sizes"]
    renamed = edits.rename_layer(spec, "Linear", "Dense")
    assert list(renamed.layers) == ["Dense", "Linear2"]
    assert renamed.blocks["Part"].nodes[0].op == "Dense"
    assert resolve(renamed).params == resolve(spec).params
    for new, words in (("Linear2", "already a layer"), ("Part", "both called"), ("a b", "made of")):
        with pytest.raises((EditError, SpecError), match=words):
            edits.rename_layer(spec, "Linear", new)


def test_a_layer_is_forgotten_with_all_that_use_it() -> None:
    assert edits.uses(PERCEPTRON, "Linear") == ((None, "layer1"), (None, "layer2"))
    bare = edits.forget(PERCEPTRON, "Linear")
    assert ([node.name for node in bare.nodes], bare.layers) == (["sigmoid"], {})
    inside = edits.forget(CASES["in a block, twice, of two sizes"], "Linear")
    assert [node.op for node in inside.blocks["Part"].nodes] == ["nn.ReLU"]
    again = edit.insert(PERCEPTRON, 1, "layer1", {})
    assert [node.op for node in edits.forget(again, "Linear").nodes] == ["torch.sigmoid"]
    with pytest.raises(EditError, match="no layer of its own called 'Dense'"):
        edits.forget(PERCEPTRON, "Dense")


RENAMES: list[tuple[str, str, Callable[[ModelSpec], Any], Any]] = [
    ("out_features", "width", lambda s: s.nodes[0].args, {"width": 4}),
    ("w", "weight", lambda s: list(s.nodes[0].init), ["weight", "b"]),
    ("x", "given", lambda s: s.layers["Linear"].inputs, ("given",)),
]


@pytest.mark.parametrize(("old", "new", "see", "expected"), RENAMES, ids=[r[0] for r in RENAMES])
def test_a_new_name_of_a_part_goes_to_shapes_formula_and_uses(
    old: str, new: str, see: Callable[[ModelSpec], Any], expected: Any
) -> None:
    spec = CASES["started otherwise"]
    renamed = edits.rename_part(spec, "Linear", old, new)
    assert see(renamed) == expected
    assert old not in str(renamed.layers["Linear"].to_dict()).replace("'", " ").split()
    torch.manual_seed(0)
    before = build(spec)
    torch.manual_seed(0)
    after = build(renamed)
    x = torch.randn(2, 3)
    assert torch.equal(before(x), after(x))
    with pytest.raises(SpecError, match="Two parts"):
        edits.rename_part(spec, "Linear", old, "b")


def test_a_new_layer_gets_a_name_that_is_free() -> None:
    assert edits.new_layer_name(PERCEPTRON, "Linear") == "Linear2"
    assert edits.new_layer_name(PERCEPTRON, "Perceptron") == "Perceptron2"
    assert edits.new_layer_name(TEMPLATES["MLP"], "Linear") == "Linear"


def test_a_model_is_assembled_without_a_layer_whose_formula_cannot_be_read() -> None:
    broken = edits.define(PERCEPTRON, "Linear", replace(LINEAR, forward="return q"))
    assert list(assemble(broken).state_dict()) == []
    other = edit.insert(broken, 0, "nn.Linear", {"out_features": 3}, name="first")
    assert list(assemble(other).state_dict()) == ["first.weight", "first.bias"]
