"""The document: what it holds, what it refuses and how it says so."""

import copy
import json
import pickle
import time
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from builder import CATALOG, TEMPLATES, Block, ModelSpec, Node
from builder.errors import SpecError
from builder.names import MAX_LENGTH
from builder.spec import MAX_NODES, Input

X = (Input("x", (10,)),)


def document(**parts: Any) -> dict[str, Any]:
    """A sound document, some of its parts replaced."""
    return {
        "format": 1,
        "name": "MyModel",
        "inputs": [{"name": "x", "shape": [10], "dtype": "float32"}],
        "container": "sequential",
        "nodes": [{"name": "0", "op": "nn.Linear", "args": {"out_features": 20}}],
        **parts,
    }


def node(**parts: Any) -> dict[str, Any]:
    return document(nodes=[{"name": "0", "op": "nn.ReLU", **parts}])


def refusal(found: object) -> str:
    """What is said about a document that is no model."""
    text = found if isinstance(found, str | bytes) else json.dumps(found)
    with pytest.raises(SpecError) as caught:
        ModelSpec.from_json(text)
    assert str(caught.value) == caught.value.message
    assert len(caught.value.message) < 500
    return caught.value.message


# --- what it holds -----------------------------------------------------------------------------


@pytest.mark.parametrize("spec", TEMPLATES.values(), ids=list(TEMPLATES))
def test_a_template_survives_json_pickle_and_copies(spec: ModelSpec) -> None:
    for again in (
        ModelSpec.from_json(spec.to_json()),
        ModelSpec.from_json(spec.to_json().encode()),
        pickle.loads(pickle.dumps(spec)),
        copy.deepcopy(spec),
        copy.copy(spec),
        replace(spec),
    ):
        assert again == spec
        assert hash(again) == hash(spec)
        assert again.to_json() == spec.to_json()


def test_json_leaves_out_what_is_empty_and_reads_what_is_left_out() -> None:
    spec = ModelSpec.from_json(json.dumps(document()))
    assert json.loads(spec.to_json()) == document()
    short = {"format": 1, "name": "M", "inputs": [{"name": "x", "shape": []}]}
    assert ModelSpec.from_json(json.dumps(short)) == ModelSpec("M", (Input("x", ()),))


def test_every_part_of_a_document_comes_back() -> None:
    block = Block(
        "graph",
        (Node("fc", "nn.Linear", {"out_features": 3}), Node("again", "fc", {}, ("a",))),
        ("a", "b"),
        ("again", "b"),
    )
    spec = ModelSpec(
        "M",
        (Input("x", (3, 4)), Input("y", (), "int64")),
        "modulelist",
        (
            Node("0", "nn.Conv2d", {"padding": (1, 2), "bias": False, "padding_mode": "zeros"}),
            Node("1", "Sub", {}, ("0", "y"), enabled=False),
            Node("2", "nn.ELU", {"alpha": 0.1, "inplace": None}),
        ),
        ("2", "x"),
        {"Sub": block},
    )
    again = ModelSpec.from_json(spec.to_json())
    assert again == spec
    assert again.blocks["Sub"] == block
    assert again.nodes[0].args["padding"] == (1, 2)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e99, max_value=1e99)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
).filter(lambda value: _depth(value) <= 3)
IDENTIFIERS = st.from_regex(r"[a-w][a-z0-9_]{0,9}", fullmatch=True).map("n_".__add__)
SHAPES = st.lists(st.integers(1, 10**12), max_size=8)
ARGS = st.dictionaries(st.text(max_size=6), VALUES, max_size=3)


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, tuple) else 0


@st.composite
def specs(draw: st.DrawFn) -> ModelSpec:
    """Any document, whether or not the model runs."""
    container = draw(st.sampled_from(["sequential", "modulelist", "graph"]))
    names = draw(st.lists(IDENTIFIERS, unique=True, max_size=5))
    inputs = draw(st.lists(IDENTIFIERS, unique=True, min_size=1, max_size=2))
    names = [name for name in names if name not in inputs]
    known = [*CATALOG, *names]
    nodes = [
        Node(
            name,
            draw(st.sampled_from(known)),
            draw(ARGS),
            draw(st.lists(st.sampled_from([*inputs, *names]), max_size=2)),
            draw(st.booleans()),
        )
        for name in names
    ]
    entries = [Input(n, draw(SHAPES), draw(st.sampled_from(["float32", "int64"]))) for n in inputs]
    return ModelSpec("Model", tuple(entries), container, tuple(nodes))


@given(specs())
def test_any_document_survives_json(spec: ModelSpec) -> None:
    again = ModelSpec.from_json(spec.to_json())
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.to_json() == spec.to_json()


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_other_json_is_refused_in_words(value: object) -> None:
    refusal(json.dumps(value))


@given(st.sampled_from(sorted(document())), st.integers() | st.text() | st.lists(st.integers()))
def test_a_document_with_any_part_replaced_is_read_or_refused(key: str, value: object) -> None:
    message = ""
    try:
        ModelSpec.from_json(json.dumps(document(**{key: value})))
    except SpecError as error:
        message = error.message
    assert len(message) < 500


# --- equality ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), (0.0, False)])
def test_values_that_a_layer_tells_apart_are_not_equal(one: object, other: object) -> None:
    assert one == other  # as Python sees it
    for first, second in ((one, other), ((one,), (other,))):
        a, b = (Node("a", "nn.Linear", {"bias": v}) for v in (first, second))
        assert a != b
        assert ModelSpec("M", X, "graph", (a,)) != ModelSpec("M", X, "graph", (b,))


def test_the_order_of_arguments_does_not_matter() -> None:
    a = Node("a", "nn.Linear", {"out_features": 3, "bias": True})
    b = Node("a", "nn.Linear", {"bias": True, "out_features": 3})
    assert a == b
    assert hash(a) == hash(b)
    assert a != "a"


def test_a_document_never_changes() -> None:
    args = {"out_features": 3}
    spec = ModelSpec("M", X, "graph", [Node("fc", "nn.Linear", args)], blocks={})  # type: ignore
    args["out_features"] = 4
    assert spec.nodes[0].args["out_features"] == 3
    with pytest.raises(FrozenInstanceError):
        spec.name = "N"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.nodes[0].args["out_features"] = 5  # type: ignore[index]
    with pytest.raises(TypeError):
        spec.blocks["B"] = Block("graph")  # type: ignore[index]
    assert isinstance(spec.nodes, tuple)


# --- bad documents -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ("{", "not JSON"),
        ('{"format": 1,\n "name": }', "line 2"),
        (b'{"name": "\xff"}', "not text"),
        ("[]", "a JSON object; the file holds a list"),
        ("3.5", "the file holds a number"),
        ("null", "the file holds null"),
        ('"model"', "the file holds text"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": 1, "name": ' + "9" * 5000 + "}", "thousands of digits"),
        (document(format=2), "format 2; this LayerLab reads format 1"),
        (document(format="1"), "format '1'"),
        (document(format=True), "format True"),
        (document(format=None), "format None"),
        ({"name": "M"}, 'no "format" number'),
        ({"format": 1, "name": "M"}, '"inputs" is missing from the model'),
        ({**document(), "color": "red"}, "'color' is no part of the model; known are blocks,"),
        ({key: v for key, v in document().items() if key != "name"}, '"name" is missing'),
        (document(name=3), '"name" is a whole number; it should be text'),
        (document(inputs={}), '"inputs" is an object; it should be a list'),
        (document(inputs=[]), "a model needs at least one input"),
        (document(inputs=["x"]), "inputs[0]: an input is an object, not text"),
        (document(inputs=[{"shape": [1]}]), 'inputs[0]: "name" is missing from the input'),
        (document(inputs=[{"name": "x"}]), 'inputs[0]: "shape" is missing'),
        (document(inputs=[{"name": "x", "shape": 3}]), '"shape" is a whole number'),
        (document(inputs=[{"name": "x", "shape": ["3"]}]), "inputs[0]: The shape of input 'x'"),
        (document(inputs=[{"name": "x", "shape": [1.5]}]), "holds 1.5; every size is a whole"),
        (document(inputs=[{"name": "x", "shape": [True]}]), "holds True"),
        (document(inputs=[{"name": "x", "shape": [0]}]), "holds 0"),
        (document(inputs=[{"name": "x", "shape": [-3]}]), "holds -3"),
        (document(inputs=[{"name": "x", "shape": [10**12 + 1]}]), "from 1 to 10^12"),
        (document(inputs=[{"name": "x", "shape": [2] * 9}]), "has 9 axes; 8 at most"),
        (document(inputs=[{"name": "x", "shape": [2], "dtype": "int8"}]), "dtype is 'int8'; known"),
        (document(inputs=[{"name": "x", "shape": [2], "dtype": 1}]), '"dtype" is a whole number'),
        (
            document(inputs=[{"name": "x", "shape": [2], "size": 1}]),
            "'size' is no part of an input",
        ),
        (document(inputs=[*document()["inputs"]] * 2), "Two parts are called 'x'"),
        (document(container="chain"), "container is 'chain'; known are 'sequential'"),
        (document(container=None), '"container" is null'),
        (document(nodes={}), '"nodes" is an object'),
        (document(nodes=[3]), "nodes[0]: a layer is an object, not a whole number"),
        (document(nodes=[{"op": "nn.ReLU"}]), 'nodes[0]: "name" is missing from the layer'),
        (document(nodes=[{"name": "0"}]), 'nodes[0]: "op" is missing from the layer'),
        (node(op=3), '"op" is a whole number'),
        (node(op="nn.Relu"), "nodes[0]: op 'nn.Relu' is no layer"),
        (node(op="nn.Relu"), "Did you mean nn.ReLU"),
        (node(op="ReLU"), "Did you mean nn.ReLU or F.relu"),
        (node(op="nn.Liner"), "Did you mean nn.Linear"),
        (node(op="nn.Zzzz"), "no other node."),
        (node(op="x" * 1_000_000), "no other node."),
        (node(op=""), "op '' is no layer"),
        (node(name=0), '"name" is a whole number; it should be text'),
        (node(args=[]), '"args" is a list; it should be an object'),
        (node(args={"p": {}}), "argument of type dict"),
        (node(args={"p": [[[[1]]]]}), "lists within lists"),
        (node(args={"p": 1e101}), "beyond 1e+100"),
        (node(args={"p": 10**101}), "beyond 1e+100"),
        ('{"format": 1, "p": NaN}', "holds NaN"),
        ('{"format": 1, "p": -Infinity}', "holds -Infinity"),
        (json.dumps(node()).replace('"nn.ReLU"', '"nn.ReLU", "args": {"p": 1e999}'), "infinite"),
        (node(inputs="x"), '"inputs" is text; it should be a list'),
        (node(inputs=[0]), "inputs holds 0; it is a list of names"),
        (node(enabled=1), '"enabled" is a whole number; it should be true or false'),
        (node(size=1), "'size' is no part of a layer"),
        (node(**{"k" * 5000: 1}), "is no part of a layer"),
        (document(outputs="0"), '"outputs" is text'),
        (document(outputs=[None]), "outputs holds None"),
        (document(blocks=[]), '"blocks" is a list'),
        (document(blocks={"B": 1}), "blocks.B: a block is an object"),
        (document(blocks={"B": {"container": "x"}}), "blocks.B.container is 'x'"),
        (document(blocks={"B": {"nodes": [{"name": "a"}]}}), 'blocks.B.nodes[0]: "op" is missing'),
        (document(blocks={"B": {"inputs": []}}), "blocks.B: A block needs at least one input"),
        (document(blocks={"B": {"inputs": [1]}}), "blocks.B.inputs holds 1"),
        (document(blocks={"B": {"shape": 1}}), "'shape' is no part of a block"),
        (document(blocks={"import": {}}), "'import' cannot be the name of a block"),
        (document(blocks={"MyModel": {}}), "The model and a block are both called"),
        (document(container="graph"), "'0' cannot be one; a name such as 'conv1' can"),
        (document(nodes=document()["nodes"] * 2), "Two parts are called '0'"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bad_document_is_refused_with_the_place_and_what_would_work(
    found: object, words: str
) -> None:
    assert words in refusal(found)


@pytest.mark.parametrize("megabytes", [5, 50])
def test_a_file_too_large_is_refused_at_once(megabytes: int) -> None:
    text = json.dumps(document(name="x" * megabytes * 1_000_000))
    for content in (text, text.encode()):
        start = time.perf_counter()
        assert f"has {megabytes} MB" in refusal(content)
        assert time.perf_counter() - start < 0.5


def test_the_largest_file_that_is_read_is_read_in_a_moment() -> None:
    nodes = [{"name": str(i), "op": "nn.ReLU"} for i in range(MAX_NODES)]
    start = time.perf_counter()
    assert len(ModelSpec.from_json(json.dumps(document(nodes=nodes))).nodes) == MAX_NODES
    assert time.perf_counter() - start < 10
    more = [*nodes, {"name": "a", "op": "nn.ReLU"}]
    assert "holds 10001 layers; 10000 at most" in refusal(document(nodes=more))


# --- names -------------------------------------------------------------------------------------

BAD_FOR_ALL = [
    "",
    "1a",
    "a b",
    "a-b",
    "a.b",
    "é",
    "名",
    "a\n",
    "x);import os",
    "__class__",
    "_",
    "class",
    "None",
    "lambda",
    "match",
    "a" * (MAX_LENGTH + 1),
]


@pytest.mark.parametrize("name", BAD_FOR_ALL, ids=ascii)
def test_a_name_that_code_could_not_hold_is_refused_everywhere(name: str) -> None:
    made = "cannot be the name of|has 61 characters"
    for make in (
        lambda: ModelSpec(name, X),
        lambda: ModelSpec("M", (Input(name, (1,)),)),
        lambda: Node(name, "nn.ReLU"),
        lambda: Block("graph", (), (name,)),
        lambda: ModelSpec("M", X, blocks={name: Block("graph")}),
    ):
        with pytest.raises(SpecError, match=made):
            make()


@pytest.mark.parametrize("name", [3, None, b"x", ("x",)])
def test_a_name_is_text(name: Any) -> None:
    for make in (lambda: ModelSpec(name, X), lambda: Node(name, "nn.ReLU")):
        with pytest.raises(SpecError, match="must be text"):
            make()


@pytest.mark.parametrize(
    "name",
    [*sorted(set(dir(nn.Module())) - set(dir(object))), "layers", "torch", "nn", "F", "self"],
)
def test_a_layer_cannot_take_the_place_of_what_a_module_has(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be the name of a layer"):
        Node(name, "nn.ReLU")


@pytest.mark.parametrize("op", [op for op in CATALOG if op.isidentifier()])
def test_a_word_that_names_a_function_names_nothing_else(op: str) -> None:
    for make in (
        lambda: Node(op, "nn.ReLU"),
        lambda: ModelSpec("M", X, blocks={op: Block("graph")}),
    ):
        with pytest.raises(SpecError, match="a function is called so"):
            make()


@pytest.mark.parametrize("name", ["torch", "nn", "F", "OrderedDict", "super", "self"])
def test_a_class_cannot_hide_what_its_code_imports(name: str) -> None:
    with pytest.raises(SpecError, match="generated code needs it"):
        ModelSpec(name, X)


@pytest.mark.parametrize("name", ["00", "01", "1234567", "-1", "1.0", "²"])
def test_a_position_is_a_plain_number(name: str) -> None:
    with pytest.raises(SpecError):
        Node(name, "nn.ReLU")


@pytest.mark.parametrize("name", ["0", "7", "999999", "conv1", "x", "_private", "Y", "a" * 60])
def test_ordinary_names_are_taken(name: str) -> None:
    assert Node(name, "nn.ReLU").name == name


def test_a_layer_and_a_block_cannot_share_a_name() -> None:
    with pytest.raises(SpecError, match="A layer and a block are both called 'Sub'"):
        ModelSpec("M", X, "graph", (Node("Sub", "nn.ReLU"),), blocks={"Sub": Block("graph")})
    inner = Block("graph", (Node("Sub", "nn.ReLU"),))
    with pytest.raises(SpecError, match="both called 'Sub'"):
        ModelSpec("M", X, blocks={"Sub": Block("graph"), "Other": inner})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Node("a", "nn.ReLU", inputs="fc"),  # type: ignore[arg-type]
        lambda: Node("a", "nn.ReLU", inputs=[1]),  # type: ignore[arg-type,list-item]
        lambda: Node("a", "nn.ReLU", inputs=5),  # type: ignore[arg-type]
        lambda: Block("graph", (), "x"),  # type: ignore[arg-type]
        lambda: Block("graph", (), ("x",), "x"),  # type: ignore[arg-type]
        lambda: ModelSpec("M", X, outputs="x"),  # type: ignore[arg-type]
        lambda: Node("a", ""),
        lambda: Node("a", "o" * 101),
        lambda: Node("a", None),  # type: ignore[arg-type]
        lambda: Node("a", "nn.ReLU", enabled=1),  # type: ignore[arg-type]
        lambda: Node("a", "nn.ReLU", {"p": float("nan")}),
        lambda: Node("a", "nn.ReLU", {"p": float("inf")}),
        lambda: Node("a", "nn.ReLU", {"p": 10**5000}),
        lambda: Node("a", "nn.ReLU", {"p": nn.ReLU()}),
        lambda: Node("a", "nn.ReLU", {"p": b"x"}),
        lambda: Block("chain"),
        lambda: Block("graph", (Node("0", "nn.ReLU"),)),
        lambda: Input("x", (10**13,)),
        lambda: Input("x", (1,), "float16"),
    ],
)
def test_what_a_script_gets_wrong_is_refused_as_in_a_file(make: Any) -> None:
    with pytest.raises(SpecError):
        make()


# --- finding one's way -------------------------------------------------------------------------


def test_what_a_layer_reads_is_spelled_out() -> None:
    block = Block(
        "graph", (Node("a", "nn.ReLU"), Node("b", "nn.ReLU"), Node("c", "+", inputs=("a", "b")))
    )
    assert [block.sources(i) for i in range(3)] == [("x",), ("a",), ("a", "b")]
    assert block.results == ("c",)
    assert Block("graph").results == ("x",)
    assert replace(block, outputs=("a", "c")).results == ("a", "c")
    assert "a" in block
    assert "x" not in block


def test_asking_for_what_is_not_there_is_said_in_words() -> None:
    spec = TEMPLATES["MyNet with SubNet"]
    assert spec.block(None) is spec.main
    assert spec.block("SubNet").node("conv").op == "nn.Conv2d"
    with pytest.raises(SpecError, match="no block called 'Other'"):
        spec.block("Other")
    with pytest.raises(SpecError, match="no layer called 'other'"):
        spec.main.node("other")
