"""Edits: what each one does, and that references follow."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from builder import CATALOG, TEMPLATES, Block, BuilderError, ModelSpec, Node, build, edit, resolve
from builder.errors import EditError, SpecError
from builder.spec import CONTAINERS, Input
from builder.twins import as_function, as_module
from tests.fresh import random_inputs

X = (Input("x", (6,)),)


def chain(*ops: str, container: str = "sequential") -> ModelSpec:
    rows = [CATALOG[op] for op in ops]
    nodes = [Node(str(i), row.op, row.initial_args()) for i, row in enumerate(rows)]
    return ModelSpec("M", X, container, tuple(nodes))


def graph(*nodes: Node, **more: Any) -> ModelSpec:
    return ModelSpec("M", X, "graph", nodes, **more)


def names(spec: ModelSpec, block: str | None = None) -> list[str]:
    return [node.name for node in spec.block(block).nodes]


def ops(spec: ModelSpec, block: str | None = None) -> list[str]:
    return [node.op for node in spec.block(block).nodes]


DIAMOND = graph(
    Node("a", "nn.Linear", {"out_features": 6}),
    Node("b", "nn.ReLU"),
    Node("c", "nn.Tanh", inputs=("a",)),
    Node("sum", "+", inputs=("b", "c")),
    Node("a2", "a"),
)
NESTED = TEMPLATES["MyNet with SubNet"]


# --- arguments, sources, switches --------------------------------------------------------------


def test_arguments_are_set_and_left_to_torch_again() -> None:
    spec = chain("nn.Linear")
    wider = edit.set_args(spec, "0", {"out_features": 9, "bias": False})
    assert dict(wider.nodes[0].args) == {"out_features": 9, "bias": False}
    assert dict(spec.nodes[0].args) == {"out_features": 64}
    assert dict(edit.unset_args(wider, "0", ["bias", "missing"]).nodes[0].args) == {
        "out_features": 9
    }


def test_another_layer_takes_the_place_and_the_sources() -> None:
    spec = edit.set_op(DIAMOND, "sum", "torch.cat", {"dim": 1})
    assert spec.main.node("sum") == Node("sum", "torch.cat", {"dim": 1}, ("b", "c"))
    assert edit.set_sources(DIAMOND, "sum", ("a",)).main.node("sum").inputs == ("a",)
    assert not edit.switch(DIAMOND, "b", False).main.node("b").enabled


def test_an_edit_reaches_into_a_named_block_and_nowhere_else() -> None:
    spec = edit.set_args(NESTED, "conv", {"out_channels": 8}, block="SubNet")
    assert spec.blocks["SubNet"].node("conv").args["out_channels"] == 8
    assert spec.nodes == NESTED.nodes
    for change in (
        lambda: edit.insert(NESTED, 0, "nn.ReLU", block="SubNet"),
        lambda: edit.remove(NESTED, "pool", block="SubNet"),
        lambda: edit.rename(NESTED, "pool", "shrink", block="SubNet"),
        lambda: edit.move(NESTED, "pool", 0, block="SubNet"),
        lambda: edit.duplicate(NESTED, "pool", block="SubNet"),
    ):
        assert change().nodes == NESTED.nodes
        assert change().blocks["SubNet"] != NESTED.blocks["SubNet"]


def test_the_model_is_renamed_and_its_inputs_change_shape() -> None:
    assert edit.rename_model(DIAMOND, "Other").name == "Other"
    changed = edit.set_input(DIAMOND, "x", shape=[3, 4])
    assert changed.inputs == (Input("x", (3, 4)),)
    assert edit.set_input(changed, "x", dtype="int64").inputs == (Input("x", (3, 4), "int64"),)
    assert edit.set_input(changed, "x") == changed


# --- inserting ---------------------------------------------------------------------------------


def test_a_fresh_layer_has_the_first_values_of_its_row() -> None:
    spec = edit.insert(chain(), 0, "nn.Conv2d")
    assert spec.nodes == (Node("0", "nn.Conv2d", CATALOG["nn.Conv2d"].initial_args()),)
    assert edit.insert(chain(), 0, "nn.Conv2d", {}).nodes[0].args == {}


@pytest.mark.parametrize("container", ["sequential", "modulelist"])
def test_positions_stay_positions(container: str) -> None:
    spec = chain("nn.Linear", "nn.ReLU", "nn.Tanh", container=container)
    for index in range(4):
        longer = edit.insert(spec, index, "nn.ELU")
        assert names(longer) == ["0", "1", "2", "3"]
        assert ops(longer)[index] == "nn.ELU"
        assert edit.remove(longer, str(index)) == spec


def test_a_layer_that_reads_the_one_before_by_name_reads_the_newcomer() -> None:
    spec = edit.insert(DIAMOND, 3, "nn.ELU")
    assert names(spec) == ["a", "b", "c", "elu1", "sum", "a2"]
    assert spec.main.node("sum").inputs == ("b", "elu1")
    joined = edit.insert(DIAMOND, 3, "torch.cat", inputs=("a", "b"))
    assert joined.main.node("sum").inputs == ("b", "c")


def test_numbers_in_references_follow_an_insertion() -> None:
    spec = chain("nn.Linear", "nn.ReLU", "nn.Tanh", container="modulelist")
    spec = edit.set_sources(spec, "2", ("0", "1"))
    spec = replace(spec, outputs=("1", "2"))
    spec = edit.insert(spec, 0, "nn.ELU")
    assert spec.nodes[3].inputs == ("1", "2")
    assert spec.outputs == ("2", "3")


def test_the_output_follows_what_is_put_behind_it() -> None:
    spec = replace(DIAMOND, outputs=("a2",))
    assert edit.insert(spec, 5, "nn.ReLU").outputs == ("relu1",)
    assert edit.insert(spec, 0, "nn.ReLU").outputs == ("a2",)
    both = replace(DIAMOND, outputs=("sum", "a2"))
    assert edit.insert(both, 5, "nn.ReLU").outputs == ("sum", "a2")


def test_names_in_a_graph_are_those_that_people_write() -> None:
    spec = graph()
    for op in ("nn.Conv2d", "nn.Conv2d", "nn.Linear", "nn.MaxPool2d", "+", "item", "F.relu"):
        spec = edit.insert(spec, len(spec.nodes), op)
    assert names(spec) == ["conv1", "conv2", "fc1", "pool1", "add1", "out1", "relu1"]
    again = edit.insert(spec, 3, "conv1")
    assert (again.nodes[3].name, again.nodes[3].op) == ("conv3", "conv1")
    assert names(edit.insert(spec, 0, "nn.ReLU", name="first"))[0] == "first"


# --- removing ----------------------------------------------------------------------------------


def test_what_read_a_removed_layer_reads_what_it_read() -> None:
    spec = edit.remove(DIAMOND, "a2")
    assert ops(edit.remove(spec, "c")) == ["nn.Linear", "nn.ReLU", "+"]
    assert edit.remove(spec, "c").main.node("sum").inputs == ("b", "a")
    without_a = edit.remove(spec, "a")
    assert without_a.main.sources(0) == ("x",)
    assert without_a.main.node("c").inputs == ("x",)


def test_an_output_that_is_removed_becomes_what_it_read() -> None:
    spec = replace(edit.remove(DIAMOND, "a2"), outputs=("c", "sum"))
    assert edit.remove(spec, "c").outputs == ("a", "sum")


def test_shared_weights_outlive_the_layer_they_were_made_in() -> None:
    spec = graph(
        Node("a", "nn.Linear", {"out_features": 6}), Node("b", "a"), Node("c", "a"), Node("d", "b")
    )
    spec = edit.remove(spec, "a")
    assert spec.main.node("b") == Node("b", "nn.Linear", {"out_features": 6})
    assert spec.main.node("c").op == "b"
    assert resolve(spec).params == 6 * 6 + 6
    assert build(spec)(torch.ones(2, 6)).shape == (2, 6)


# --- moving and copying ------------------------------------------------------------------------


def test_a_layer_moves_and_the_chain_follows() -> None:
    spec = chain("nn.Linear", "nn.ReLU", "nn.Tanh")
    assert ops(edit.move(spec, "0", 2)) == ["nn.ReLU", "nn.Tanh", "nn.Linear"]
    assert ops(edit.move(spec, "2", 0)) == ["nn.Tanh", "nn.Linear", "nn.ReLU"]
    assert names(edit.move(spec, "2", 0)) == ["0", "1", "2"]
    assert edit.move(spec, "1", 1) == spec
    assert edit.move(spec, "0", 99) == edit.move(spec, "0", 2)
    assert edit.move(spec, "2", -99) == edit.move(spec, "2", 0)


def test_a_copy_has_weights_of_its_own() -> None:
    spec = edit.duplicate(graph(Node("a", "nn.Linear", {"out_features": 6})), "a")
    assert ops(spec) == ["nn.Linear", "nn.Linear"]
    assert resolve(spec).params == 2 * (6 * 6 + 6)
    off = edit.duplicate(edit.switch(chain("nn.ReLU"), "0", False), "0")
    assert [node.enabled for node in off.nodes] == [False, False]
    assert edit.duplicate(DIAMOND, "sum").nodes[4].inputs == ("b", "c")
    assert edit.duplicate(DIAMOND, "a2").nodes[-1].op == "a"


# --- renaming ----------------------------------------------------------------------------------


def test_every_reference_follows_a_new_name() -> None:
    spec = edit.rename(replace(DIAMOND, outputs=("sum", "a")), "a", "first")
    assert names(spec) == ["first", "b", "c", "sum", "a2"]
    assert spec.main.node("c").inputs == ("first",)
    assert spec.main.node("a2").op == "first"
    assert spec.outputs == ("sum", "first")
    assert edit.rename(spec, "first", "first") == spec
    assert edit.rename(edit.rename(spec, "first", "a"), "a", "first") == spec


def test_a_number_is_a_name_only_at_its_position() -> None:
    spec = edit.rename(chain("nn.Linear", "nn.ReLU"), "1", "act")
    assert names(spec) == ["0", "act"]
    assert edit.rename(spec, "act", "1") == chain("nn.Linear", "nn.ReLU")
    with pytest.raises(EditError, match="the layer's position, which is 1"):
        edit.rename(spec, "act", "5")


# --- containers --------------------------------------------------------------------------------


# These branch, or call functions that have no module.
FREE = {
    *("LSTMClassifier", "GRUClassifier", "CharLSTM", "TextTransformer", "MyRNN"),
    "MyNet with SubNet",
}


@pytest.mark.parametrize("title", [t for t in TEMPLATES if "broken" not in t])
@pytest.mark.parametrize("container", CONTAINERS)
def test_another_container_computes_the_same(title: str, container: str) -> None:
    spec = TEMPLATES[title]
    if container == "sequential" and title in FREE:
        with pytest.raises(EditError) as caught:
            edit.set_container(spec, container)
        assert caught.value.node in spec.main
        return
    other = edit.set_container(spec, container)
    before, after = build(spec), build(other)
    weights = zip(after.state_dict(), before.state_dict().values(), strict=True)
    after.load_state_dict(dict(weights))
    inputs = random_inputs(spec, 3)
    assert torch.equal(before.eval()(*inputs), after.eval()(*inputs))
    if container == spec.container:
        assert other == spec
    if {container, spec.container} == {"sequential", "modulelist"}:
        keys = list((after if container == "sequential" else before).state_dict())
        listed = list((before if container == "sequential" else after).state_dict())
        assert [f"layers.{key}" for key in keys] == listed
        assert edit.set_container(other, spec.container) == spec


def test_functions_become_their_modules_in_a_sequential() -> None:
    spec = graph(
        Node("fc", "nn.Linear", {"out_features": 8}),
        Node("relu", "F.relu", {"inplace": True}),
        Node("drop", "F.dropout", {"p": 0.5}),
        Node("flat", "torch.flatten", {"start_dim": 1}),
        Node("all", "torch.flatten", {"start_dim": 0}),
        Node("sigmoid", "torch.sigmoid", inputs=("all",)),
    )
    spec = edit.set_container(spec, "sequential")
    assert [(node.op, dict(node.args)) for node in spec.nodes] == [
        ("nn.Linear", {"out_features": 8}),
        ("nn.ReLU", {"inplace": True}),
        ("nn.Dropout", {}),
        ("nn.Flatten", {}),
        ("nn.Flatten", {"start_dim": 0}),
        ("nn.Sigmoid", {}),
    ]
    assert all(node.inputs == () for node in spec.nodes)


@pytest.mark.parametrize("op", CATALOG)
def test_a_function_has_a_module_of_the_same_arguments_or_none_and_so_the_other_way(
    op: str,
) -> None:
    node = Node("a", op, CATALOG[op].complete(CATALOG[op].initial_args()))
    twin = as_function(node) if CATALOG[op].is_module else as_module(node)
    if twin is not None:
        row = CATALOG[twin.op]
        assert row.is_module != CATALOG[op].is_module
        assert row.complete(twin.args) == {
            name: value for name, value in node.args.items() if name in row.fields
        }


def test_a_thousand_layers_change_their_container_in_a_moment() -> None:
    spec = chain(*["nn.Linear", "nn.ReLU"] * 500)
    start = time.perf_counter()
    named = edit.set_container(spec, "graph")
    assert time.perf_counter() - start < 2
    assert names(named)[-2:] == ["fc500", "relu500"]


# --- what cannot be done -----------------------------------------------------------------------

SELF = replace(NESTED, blocks={"SubNet": Block("graph", (Node("a", "SubNet"),))})
PAIR = replace(
    NESTED,
    blocks={"SubNet": NESTED.blocks["SubNet"], "Outer": Block("graph", (Node("a", "SubNet"),))},
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: edit.insert(DIAMOND, 6, "nn.ReLU"), "There are 5 layers; position 6 is not one"),
        (lambda: edit.insert(DIAMOND, -1, "nn.ReLU"), "position -1"),
        (lambda: edit.insert(DIAMOND, 0, "nn.Relu"), "no layer called 'nn.Relu'. Did you mean"),
        (lambda: edit.insert(DIAMOND, 0, "o" * 10**6), "no layer called"),
        (lambda: edit.set_op(DIAMOND, "a", "nn.Liner", {}), "Did you mean nn.Linear"),
        (lambda: edit.insert(PAIR, 0, "Outer", block="SubNet"), "'SubNet' cannot contain 'Outer'"),
        (lambda: edit.insert(PAIR, 0, "SubNet", block="SubNet"), "cannot contain"),
        (lambda: edit.set_op(PAIR, "conv", "Outer", {}, block="SubNet"), "cannot contain"),
        (lambda: edit.insert(SELF, 0, "SubNet", block="SubNet"), "cannot contain"),
        (lambda: edit.remove(DIAMOND, "zz"), "no layer called 'zz'"),
        (lambda: edit.move(DIAMOND, "zz", 0), "no layer called 'zz'"),
        (lambda: edit.rename(DIAMOND, "zz", "y"), "no layer called 'zz'"),
        (lambda: edit.set_args(DIAMOND, "zz", {}), "no layer called 'zz'"),
        (lambda: edit.rename(DIAMOND, "a", "b"), "already a layer called 'b'"),
        (lambda: edit.rename(DIAMOND, "a", "x"), "already a layer called 'x'"),
        (lambda: edit.set_input(DIAMOND, "y", shape=(3,)), "no input called 'y'"),
        (lambda: edit.set_container(DIAMOND, "sequential"), "'c' reads a; in a Sequential"),
        (
            lambda: edit.set_container(graph(Node("a", "nn.ReLU"), Node("b", "a")), "sequential"),
            "calls 'a' again; a Sequential runs every layer once",
        ),
        (
            lambda: edit.set_container(graph(Node("a", "Tensor.mean", {"dim": 1})), "sequential"),
            "the function Tensor.mean; a Sequential holds modules only",
        ),
        (
            lambda: edit.set_container(
                graph(Node("a", "nn.ReLU"), Node("b", "nn.ReLU"), outputs=("a",)), "sequential"
            ),
            "ends with its last layer, not with a",
        ),
        (
            lambda: edit.set_container(
                graph(Node("a", "nn.ReLU"), outputs=("x", "a")), "sequential"
            ),
            "one input and one output",
        ),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(change: Callable[[], Any], words: str) -> None:
    with pytest.raises(EditError) as caught:
        change()
    assert words in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda: edit.rename(DIAMOND, "a", "class"),
        lambda: edit.rename(DIAMOND, "a", "0"),
        lambda: edit.rename(DIAMOND, "a", "forward"),
        lambda: edit.rename(NESTED, "fc", "SubNet"),
        lambda: edit.rename_model(NESTED, "SubNet"),
        lambda: edit.rename_model(NESTED, "1"),
        lambda: edit.insert(DIAMOND, 0, "nn.ReLU", name="a"),
        lambda: edit.insert(DIAMOND, 0, "nn.ReLU", name="item"),
        lambda: edit.set_args(DIAMOND, "a", {"p": float("nan")}),
        lambda: edit.set_input(DIAMOND, "x", shape=(0,)),
        lambda: edit.set_input(DIAMOND, "x", dtype="int8"),
        lambda: edit.set_container(DIAMOND, "list"),
        lambda: edit.remove(DIAMOND, "a", block="Other"),
    ],
)
def test_a_name_or_value_that_no_document_holds_is_refused(change: Callable[[], Any]) -> None:
    with pytest.raises(SpecError):
        change()


def test_what_reads_a_layer_that_reads_itself_reads_the_one_before_when_it_is_gone() -> None:
    looped = edit.set_sources(DIAMOND, "c", ("c",))
    spec = edit.remove(looped, "c")
    assert spec.main.node("sum").inputs == ("b", "b")


# --- any sequence of edits ---------------------------------------------------------------------

OPS = st.sampled_from([*CATALOG, "SubNet"])
INDEX = st.integers(0, 6)


@st.composite
def changes(draw: st.DrawFn) -> Callable[[ModelSpec], ModelSpec]:
    """An edit of whatever is there; one that cannot be made raises a BuilderError."""
    block = draw(st.sampled_from([None, None, "SubNet"]))
    at, to, kind = draw(INDEX), draw(INDEX), draw(st.integers(0, 9))
    op = draw(OPS)
    container = draw(st.sampled_from(CONTAINERS))
    number = draw(st.sampled_from([1, 8, 0, -1]))

    def change(spec: ModelSpec) -> ModelSpec:
        nodes = spec.block(block).nodes
        known = [*spec.block(block).inputs, *(node.name for node in nodes)]
        name = nodes[at % len(nodes)].name if nodes else "none"
        other = known[to % len(known)]
        return {
            0: lambda: edit.insert(spec, min(at, len(nodes)), op, block=block),
            1: lambda: edit.insert(spec, min(at, len(nodes)), other, block=block),
            2: lambda: edit.remove(spec, name, block=block),
            3: lambda: edit.move(spec, name, to, block=block),
            4: lambda: edit.rename(spec, name, f"name_{to}", block=block),
            5: lambda: edit.duplicate(spec, name, block=block),
            6: lambda: edit.set_container(spec, container, block=block),
            7: lambda: edit.set_sources(spec, name, (other,) * (number > 0), block=block),
            8: lambda: edit.switch(spec, name, at > to, block=block),
            9: lambda: edit.set_args(spec, name, {"out_features": number}, block=block),
        }[kind]()

    return change


@settings(max_examples=60)
@given(
    st.sampled_from([DIAMOND, NESTED, chain("nn.Linear", "nn.ReLU")]),
    st.lists(changes(), max_size=12),
)
def test_no_sequence_of_edits_breaks_the_document(
    spec: ModelSpec, steps: list[Callable[[ModelSpec], ModelSpec]]
) -> None:
    if "SubNet" not in spec.blocks:
        spec = replace(spec, blocks=NESTED.blocks)
    past: list[tuple[ModelSpec, str]] = []
    for step in steps:
        past.append((spec, spec.to_json()))
        try:
            spec = step(spec)
        except BuilderError:
            continue
        assert ModelSpec.from_json(spec.to_json()) == spec
        for block in (spec.main, *spec.blocks.values()):
            known = {*block.inputs, *block.positions}
            assert {source for node in block.nodes for source in node.inputs} <= known
            assert set(block.outputs) <= known
            for position, node in enumerate(block.nodes):
                assert not node.positional or node.name == str(position)
                assert node.op in known or node.op in CATALOG or node.op in spec.blocks
        resolve(spec)
    for spec, text in reversed(past):  # undo
        assert spec.to_json() == text
