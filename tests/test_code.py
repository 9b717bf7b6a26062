"""Written code: golden files, formatting, imports, and the same model in a fresh process."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from builder import TEMPLATES, Block, BuilderError, ModelSpec, Node, build, write_source
from builder.code import STYLES
from builder.code.layout import WIDTH, Call, Infix, assignment, lines, returned, statement
from builder.errors import EditError, ModelError
from builder.names import MAX_LENGTH
from builder.spec import Input
from tests.fresh import failures, make_case, random_inputs

GOLDEN = Path(__file__).parent / "golden"
X = (Input("x", (8,)),)


def graph(*nodes: Node, shape: tuple[int, ...] = (8,), **more: Any) -> ModelSpec:
    more.setdefault("inputs", (Input("x", shape),))
    return ModelSpec("M", container="graph", nodes=nodes, **more)


def fc(name: str, *inputs: str, out: int = 8, **more: Any) -> Node:
    return Node(name, "nn.Linear", {"out_features": out, **more}, inputs)


def wrote(spec: ModelSpec, style: str | None = None) -> str:
    """The source without its docstring."""
    source = write_source(spec, style)
    return "\n".join(line for line in source.splitlines() if '"""' not in line)


# --- golden files ------------------------------------------------------------------------------


def styled() -> Iterator[tuple[str, ModelSpec, str | None]]:
    for title, spec in TEMPLATES.items():
        if "broken" in title:
            continue
        stem = title.replace(" ", "_").replace("(", "").replace(")", "")
        for style in (None, *STYLES):
            if style is None:
                yield stem, spec, None
                continue
            try:
                styled = STYLES[style](spec)
            except EditError:
                assert style == "sequential"
                continue
            as_it_is = {spec, STYLES["module"](spec)} if style == "functional" else {spec}
            if styled not in as_it_is:
                yield f"{stem}-{style}", spec, style


SOURCES = list(styled())


@pytest.mark.parametrize(("stem", "spec", "style"), SOURCES, ids=[stem for stem, *_ in SOURCES])
def test_every_template_is_written_as_its_golden_file(
    stem: str, spec: ModelSpec, style: str | None, request: pytest.FixtureRequest
) -> None:
    file = GOLDEN / f"{stem}.py"
    if request.config.getoption("refresh_golden"):
        file.write_text(write_source(spec, style), encoding="utf-8")
    assert write_source(spec, style) == file.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.glob("*.py")} == {stem for stem, *_ in SOURCES}


def test_the_style_of_a_spec_is_its_own_container() -> None:
    for style, restyled in STYLES.items():
        spec = restyled(TEMPLATES["LeNet5"])
        assert write_source(spec) == write_source(spec, style)
        assert write_source(TEMPLATES["LeNet5"], style) == write_source(spec)


# --- what is hard to write ---------------------------------------------------------------------

LONG = "l" * (MAX_LENGTH - 1)
NUMBERS = Block("graph", (fc("fc"), Node("act", "F.relu")))
LISTED = Block("modulelist", (fc("0"), Node("1", "nn.ReLU"), Node("2", "*", {}, ("1", "0"))))
CHAIN = Block("sequential", (fc("0"), Node("1", "nn.ReLU")))
TWO = Block("graph", (Node("sum", "+", {}, ("a", "b")), fc("fc")), ("a", "b"), ("fc", "sum"))
LSTM = Node("lstm", "nn.LSTM", {"hidden_size": 4, "batch_first": True})
ATTENTION = Node("attention", "nn.MultiheadAttention", {"num_heads": 2, "batch_first": True})


def item(name: str, source: str, index: int) -> Node:
    return Node(name, "item", {"index": index}, (source,))


HARD: dict[str, ModelSpec] = {
    "nothing": graph(),
    "nothing sequential": ModelSpec("M", X),
    "nothing listed": ModelSpec("M", X, "modulelist"),
    "only functions": graph(Node("a", "F.relu"), Node("b", "torch.sigmoid")),
    "only functions listed": ModelSpec("M", X, "modulelist", (Node("0", "F.relu"),)),
    "shared": graph(fc("a"), Node("r", "F.relu"), Node("b", "a"), Node("c", "b"), fc("d")),
    "shared listed": ModelSpec(
        "M", X, "modulelist", (fc("0"), Node("1", "nn.ReLU"), Node("2", "0"), fc("3"))
    ),
    "shared block": graph(Node("a", "Sub"), Node("b", "a"), blocks={"Sub": NUMBERS}),
    "shared function": graph(Node("a", "F.relu"), fc("b"), Node("c", "a")),
    "off": graph(
        fc("a"),
        Node("b", "nn.ReLU", enabled=False),
        Node("c", "F.relu", enabled=False),
        Node("d", "Sub", enabled=False),
        Node("e", "b"),
        Node("f", "+", {}, ("e", "x"), enabled=False),
        Node("g", "nn.Bilinear", {"out_features": 3}, ("f", "x"), enabled=False),
        Node("h", "a", enabled=False),
        fc("i", "h"),
        blocks={"Sub": NUMBERS},
    ),
    "off sequential": ModelSpec(
        "M", X, "sequential", (replace(fc("0"), enabled=False), Node("act", "nn.ReLU"), fc("2"))
    ),
    "off listed": ModelSpec(
        "M",
        X,
        "modulelist",
        (
            replace(fc("0"), enabled=False),
            replace(fc("1"), enabled=False),
            Node("2", "F.relu", enabled=False),
            fc("3"),
        ),
    ),
    "off attention": graph(replace(ATTENTION, enabled=False), fc("fc"), shape=(5, 8)),
    "off at the end": graph(fc("a"), Node("b", "F.relu", enabled=False)),
    "off branch": graph(
        fc("a"),
        Node("b", "F.relu", enabled=False),
        Node("c", "torch.tanh"),
        Node("d", "+", {}, ("c", "b")),
    ),
    "sizes of a block": graph(
        Node("a", "Sub"),
        fc("b", out=3),
        Node("c", "Sub"),
        Node("d", "Sub"),
        Node("e", "Sub2"),
        blocks={"Sub": NUMBERS, "Sub2": CHAIN},
    ),
    "blocks in blocks": graph(
        Node("a", "Outer"),
        fc("b", out=4),
        Node("c", "Outer"),
        blocks={
            "Outer": Block(
                "graph", (Node("p", "Inner"), Node("q", "Chain"), Node("r", "p", {}, ("x",)))
            ),
            "Inner": LISTED,
            "Chain": CHAIN,
        },
    ),
    "block in a sequential": ModelSpec(
        "M",
        X,
        "sequential",
        (Node("0", "Sub"), Node("1", "Sub"), Node("2", "Other")),
        (),
        {"Sub": CHAIN, "Other": LISTED},
    ),
    "block with two": graph(
        Node("two", "Two", {}, ("x", "x")),
        item("first", "two", 0),
        item("second", "two", 1),
        Node("sum", "+", {}, ("first", "second")),
        blocks={"Two": TWO},
    ),
    "several": graph(
        fc("f", "a"),
        Node("g", "*", {}, ("f", "b")),
        Node("e", "nn.Embedding", {"num_embeddings": 9, "embedding_dim": 8}, ("i",)),
        inputs=(Input("a", (8,)), Input("b", (8,)), Input("i", (), "int64")),
        outputs=("g", "e", "a"),
    ),
    "same output twice": graph(fc("a"), fc("b"), outputs=("a", "b", "a", "x")),
    "tuple out": graph(LSTM, shape=(5, 8)),
    "tuple apart": graph(
        LSTM,
        item("state", "lstm", 1),
        item("h", "state", 0),
        Node("h2", "torch.transpose", {"dim0": 0, "dim1": 1}),
        item("out", "lstm", 0),
        Node("last", "last_step"),
        fc("fc"),
        outputs=("fc", "out", "h2"),
        shape=(5, 8),
    ),
    "tuple unread": graph(
        LSTM,
        item("state", "lstm", 1),
        item("h", "state", 0),
        item("out", "lstm", 0),
        Node("none", "+", {}, ("out", "out")),
        fc("none_too", "out"),
        Node("off", "+", {}, ("out", "none_too"), enabled=False),
        shape=(5, 8),
    ),
    "tuple out of": graph(LSTM, item("out", "lstm", 0), fc("fc"), shape=(5, 8)),
    "tuple from behind": graph(LSTM, item("out", "lstm", -2), fc("fc"), shape=(5, 8)),
    "tuple used whole": graph(
        LSTM,
        item("out", "lstm", 0),
        item("state", "lstm", 1),
        Node("again", "lstm", {}, ("x", "state")),
        item("out2", "again", 0),
        Node("sum", "+", {}, ("out", "out2")),
        shape=(5, 8),
    ),
    "tuple taken twice": graph(
        LSTM,
        item("a", "lstm", 0),
        item("b", "lstm", 0),
        Node("sum", "+", {}, ("a", "b")),
        shape=(5, 8),
    ),
    "attention": graph(
        ATTENTION,
        item("out", "attention", 0),
        Node("sum", "+", {}, ("out", "x")),
        Node("norm", "nn.LayerNorm"),
        Node("again", "attention"),
        item("w", "again", 1),
        outputs=("norm", "w"),
        shape=(5, 8),
    ),
    "attention listed": ModelSpec(
        "M",
        (Input("x", (5, 8)),),
        "modulelist",
        (
            Node("0", "nn.MultiheadAttention", {"num_heads": 2, "batch_first": True}),
            item("1", "0", 0),
        ),
    ),
    "unread": graph(
        fc("a"), Node("b", "F.relu"), fc("c", "a"), Node("d", "torch.sigmoid", {}, ("c",))
    ),
    "branches": graph(
        fc("a"),
        fc("b", "x"),
        fc("c", "x"),
        fc("d", "x"),
        Node("cat", "torch.cat", {"dim": 1}, ("a", "b", "c", "d", "x")),
        Node("view", "Tensor.view", {"shape": (-1, 5, 8)}),
        Node("mean", "Tensor.mean", {"dim": (1,)}),
        Node("stack", "torch.stack", {"dim": 1}, ("mean",)),
        Node("join", "torch.cat", {}, ("stack",)),
    ),
    "reused later": graph(
        fc("a"),
        Node("r", "F.relu"),
        fc("b", "r"),
        Node("s", "+", {}, ("b", "a")),
        fc("c"),
        Node("t", "-", {}, ("c", "r")),
        Node("u", "*", {}, ("t", "s", "x")),
    ),
    "nested calls": graph(
        Node("conv", "nn.Conv2d", {"out_channels": 4, "kernel_size": 3}),
        Node("relu", "F.relu"),
        Node("pool", "F.max_pool2d", {"kernel_size": 2}),
        Node("drop", "F.dropout", {"p": 0.2, "inplace": True}),
        Node("flat", "torch.flatten", {"start_dim": 1}),
        Node("soft", "F.log_softmax", {"dim": -1}),
        shape=(1, 12, 12),
    ),
    "long arguments": graph(
        Node(
            "conv",
            "nn.Conv2d",
            {
                "out_channels": 16,
                "kernel_size": (3, 5),
                "stride": (2, 2),
                "padding": (10, 20),
                "dilation": (1, 2),
                "groups": 2,
                "bias": False,
                "padding_mode": "replicate",
            },
        ),
        Node("pad", "nn.ConstantPad3d", {"padding": (1, 2, 3, 4, 5, 6), "value": 0.5}, ("y",)),
        Node(
            "encoder",
            "nn.TransformerEncoder",
            {
                "nhead": 4,
                "dim_feedforward": 16,
                "num_layers": 2,
                "batch_first": True,
                "activation": "gelu",
                "norm_first": True,
                "dropout": 0.25,
                "enable_nested_tensor": False,
            },
            ("t",),
        ),
        Node(
            "up",
            "F.interpolate",
            {
                "scale_factor": (2.0, 3.0),
                "mode": "bilinear",
                "align_corners": False,
                "recompute_scale_factor": True,
            },
            ("conv",),
        ),
        Node("view", "Tensor.view", {"shape": (-1, 2, 2, 2, 2, 2, 2, 2)}, ("v",)),
        inputs=(
            Input("x", (4, 20, 20)),
            Input("y", (1, 2, 2, 2)),
            Input("t", (3, 8)),
            Input("v", (128,)),
        ),
        outputs=("up", "pad", "encoder", "view"),
    ),
    "long names": graph(
        fc(LONG + "a"),
        fc(LONG + "b", "x"),
        Node(LONG + "c", "+", {}, (LONG + "a", LONG + "b", "x")),
        Node(LONG + "d", "torch.cat", {"dim": 1}, (LONG + "a", LONG + "b")),
        Node(LONG + "e", "F.relu", {}, (LONG + "c",)),
        Node(LONG + "f", "torch.stack", {"dim": 1}, (LONG + "a",)),
        Node(LONG + "g", "last_step", {}, (LONG + "f",)),
        Node(LONG + "h", "Tensor.view", {"shape": (-1, 2, 2, 2)}, (LONG + "g",)),
        Node(LONG + "i", "last_step", {"dim": 3}, (LONG + "h",)),
        Node(LONG + "j", "Sub", {}, (LONG + "a", LONG + "b")),
        item(LONG + "k", LONG + "j", 0),
        item(LONG + "l", LONG + "j", 1),
        replace(fc(LONG + "m", LONG + "l"), enabled=False),
        Node(LONG + "n", "nn.Bilinear", {"out_features": 2}, (LONG + "l", LONG + "k")),
        inputs=(Input("x", (8,)), Input(LONG + "o", (8,))),
        outputs=tuple(LONG + letter for letter in "abcdefghijn"),
        blocks={"Sub": TWO},
    ),
    "long names of classes": replace(
        graph(
            Node(LONG, "B" * MAX_LENGTH),
            fc("fc", out=3),
            Node("second", "B" * MAX_LENGTH),
            Node("third", "B" * MAX_LENGTH, enabled=False),
            blocks={"B" * MAX_LENGTH: NUMBERS},
        ),
        name="M" * MAX_LENGTH,
    ),
    "long names sequential": ModelSpec(
        "M", X, "sequential", (fc(LONG + "a"), replace(fc("ab" * 18), enabled=False), fc("c" * 29))
    ),
    "names of variables": graph(
        fc("y"),
        fc("z", "x"),
        fc("layer", "x"),
        fc("x1", "x"),
        fc("outF", "x"),
        fc("mytorch", "x"),
        Node("w", "*", {}, ("y", "z", "layer", "x1", "outF", "mytorch", "x")),
        Node("v", "Tensor.view", {"shape": (-1, 8)}, ("outF",)),
        outputs=("w", "y", "z", "v", "mytorch"),
    ),
    "variables of inputs": graph(
        fc("a", "y"),
        fc("b", "z"),
        fc("x", "layers"),
        Node("c", "+", {}, ("a", "b", "x", "y", "z")),
        inputs=tuple(Input(name, (8,)) for name in ("y", "z", "layers", "layer")),
    ),
    "layer as input": ModelSpec(
        "M", (Input("layer", (8,)),), "modulelist", (fc("0"), Node("1", "nn.ReLU"), fc("2"))
    ),
    "layers as input": ModelSpec("M", (Input("layers", (8,)),), "modulelist", (fc("0"), fc("1"))),
    "listed branches": ModelSpec(
        "M",
        X,
        "modulelist",
        (
            fc("0"),
            fc("1", "x"),
            fc("2", "x"),
            fc("3", "x"),
            Node("4", "+", {}, ("0", "1", "2", "3", "x")),
            Node("5", "-", {}, ("4", "1")),
            Node("6", "*", {}, ("5", "2", "3")),
        ),
    ),
    "mean": graph(
        Node("a", "Tensor.mean", {"dim": (1, 2), "keepdim": True}),
        Node("b", "torch.squeeze", {"dim": 2}),
        Node("c", "torch.amax", {"dim": 1}),
        shape=(3, 4),
    ),
    "names of functions": graph(
        fc("torch_"), fc("nn_"), fc("F_"), fc("Linear"), fc("M"), fc("forward_")
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every source there is, each in a file of its own."""
    folder = tmp_path_factory.mktemp("sources")
    for name, spec in HARD.items():
        (folder / f"{name.replace(' ', '_')}.py").write_text(write_source(spec), encoding="utf-8")
    for stem, spec, style in SOURCES:
        (folder / f"{stem}.py").write_text(write_source(spec, style), encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", [["check"], ["format", "--diff"]], ids=["check", "format"])
def test_written_code_pleases_ruff_as_it_comes(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_written_code_imports_torch_and_nothing_of_ours(folder: Path) -> None:
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"torch", "torch.nn.functional"}
            if isinstance(node, ast.ImportFrom):
                assert node.module in ("torch", "collections")


def test_lines_are_broken_at_the_width_of_the_formatter(folder: Path) -> None:
    for file in folder.glob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            comment = "#" in line or '"""' in line
            assert len(line) <= WIDTH or comment or LONG in line or "M" * 60 in line, line


def test_written_code_is_the_built_module_in_a_fresh_process(tmp_path: Path) -> None:
    specs = dict(HARD)
    for stem, spec, style in SOURCES:
        specs[stem] = STYLES[style](spec) if style else spec
    assert failures({name: make_case(spec) for name, spec in specs.items()}, tmp_path) == {}


@pytest.mark.parametrize("title", [t for t in TEMPLATES if "broken" not in t])
def test_the_functional_style_has_the_keys_and_the_outputs_of_the_module_style(title: str) -> None:
    spec = TEMPLATES[title]
    torch.manual_seed(0)
    module, functional = (build(STYLES[style](spec)) for style in ("module", "functional"))
    assert list(functional.state_dict()) == list(module.state_dict())
    functional.load_state_dict(module.state_dict())
    inputs = random_inputs(spec, 3)
    for training in (True, False):
        outputs = []
        for model in (module, functional):
            torch.manual_seed(1)
            outputs.append(model.train(training)(*inputs))
        assert torch.equal(*outputs)


def test_the_functional_style_calls_what_holds_no_weights() -> None:
    chain = ModelSpec(
        "MyNet",
        (Input("x", (1, 12, 12)),),
        "sequential",
        (
            Node("0", "nn.Conv2d", {"out_channels": 4, "kernel_size": 3}),
            Node("1", "nn.BatchNorm2d"),
            Node("2", "nn.LeakyReLU", {"negative_slope": 0.2}),
            Node("3", "nn.MaxPool2d", {"kernel_size": 2}, frozen=True),
            Node("4", "nn.Flatten"),
            Node("5", "nn.Dropout", {"p": 0.25}),
            fc("6"),
            Node("7", "nn.Tanh"),
            Node("8", "nn.Identity"),
            replace(Node("9", "nn.ReLU"), enabled=False),
        ),
    )
    assert wrote(chain, "functional").split("super().__init__()")[1].splitlines()[1:] == [
        "        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)",
        "        self.bn1 = nn.BatchNorm2d(4)",
        "        self.fc1 = nn.Linear(100, 8)",
        "        self.identity1 = nn.Identity()",
        "",
        "    def forward(self, x):",
        "        x = self.conv1(x)",
        "        x = F.max_pool2d(F.leaky_relu(self.bn1(x), negative_slope=0.2), 2)",
        "        x = torch.flatten(x, 1)",
        "        x = F.dropout(x, 0.25, training=self.training)",
        "        x = torch.tanh(self.fc1(x))",
        "        return self.identity1(x)",
    ]


def test_blocks_whose_keys_functions_would_shift_keep_their_modules() -> None:
    source = wrote(HARD["blocks in blocks"], "functional")
    assert "nn.ReLU()" in source.split("class Chain")[1].split("class ")[0]
    assert "return F.relu(self.fc(x))" in wrote(HARD["shared block"], "functional")


# --- how it reads ------------------------------------------------------------------------------


def test_a_chain_stays_in_one_variable_and_branches_get_their_own() -> None:
    assert "y" not in wrote(graph(fc("a"), fc("b"), fc("c"))).split("forward")[1]
    assert wrote(HARD["reused later"]).split("forward(self, x):\n")[1].splitlines() == [
        "        y = self.a(x)",
        "        z = F.relu(y)",
        "        b = self.b(z)",
        "        y = b + y",
        "        c = self.c(y)",
        "        z = c - z",
        "        return z * y * x",
    ]


def test_uses_of_a_block_share_its_class_where_sizes_allow() -> None:
    source = wrote(HARD["sizes of a block"])
    assert source.count("class Sub(nn.Module)") == source.count("class Sub3(nn.Module)") == 1
    assert [line.strip() for line in source.splitlines() if "self." in line and "Sub" in line] == [
        "self.a = Sub()",
        "self.c = Sub3()",
        "self.d = Sub()",
        "self.e = Sub2()",
    ]
    tree = str(build(HARD["sizes of a block"]))
    assert [f"({n}): {c}(" in tree for n, c in (("a", "Sub"), ("c", "Sub3"), ("d", "Sub"))]


def test_what_is_switched_off_says_so() -> None:
    source = wrote(HARD["off"])
    assert "self.b = nn.Identity()  # nn.ReLU, switched off" in source
    assert "self.d = nn.Identity()  # Sub, switched off" in source
    assert "class Sub" not in source
    assert "F.relu" not in source


def test_a_tuple_is_taken_apart_where_it_comes_out() -> None:
    assert "x, y = self.lstm(x)" in wrote(HARD["tuple apart"])
    assert "x, _ = self.lstm(x)" in wrote(HARD["tuple unread"])
    assert "x, _ = self.lstm(x)" in wrote(HARD["tuple out of"])
    assert "return self.lstm(x)" in wrote(HARD["tuple out"])


def test_the_docstring_tells_the_shapes() -> None:
    assert '"""(N, 8) and (N, 8) and (N,) of whole numbers -> (N, 8) and (N, 8) and (N, 8)"""' in (
        write_source(HARD["several"])
    )


def test_a_style_that_there_is_not_and_a_model_that_does_not_run_are_refused() -> None:
    with pytest.raises(BuilderError, match="no code style 'lightning'; known are 'sequential'"):
        write_source(TEMPLATES["MLP"], "lightning")
    with pytest.raises(EditError, match="a Sequential"):
        write_source(HARD["branches"], "sequential")
    with pytest.raises(ModelError, match="changes the batch"):
        write_source(TEMPLATES["MyNet with SubNet (broken)"])


def test_a_thousand_layers_are_written_in_a_moment() -> None:
    spec = ModelSpec(
        "M",
        X,
        "sequential",
        tuple(fc(str(i)) if i % 2 else Node(str(i), "nn.ReLU") for i in range(1000)),
    )
    write_source(spec)
    for style in STYLES:
        start = time.perf_counter()
        write_source(spec, style)
        assert time.perf_counter() - start < 3


# --- layout ------------------------------------------------------------------------------------


def test_an_expression_is_broken_only_where_it_must_be() -> None:
    call = Call("nn.Linear", ("10", "20"))
    assert lines(call, indent=8, lead="self.fc = ") == ["        self.fc = nn.Linear(10, 20)"]
    wide = Call("function", ("a" * 40, "b" * 40))
    assert lines(wide, indent=0) == ["function(", f"    {'a' * 40}, {'b' * 40}", ")"]
    wider = Call("f", ("a" * 40, "b" * 45))
    assert lines(wider, indent=0) == ["f(", f"    {'a' * 40},", f"    {'b' * 45},", ")"]


def test_what_cannot_be_broken_inside_goes_in_parentheses() -> None:
    total = Infix("+", ("a" * 40, "b" * 40))
    assert statement(total, indent=0, lead="result = ") == ["result = (", f"    {total}", ")"]
    longer = Infix("+", ("a" * 50, "b" * 50))
    assert statement(longer, indent=0, lead="return ") == [
        "return (",
        f"    {'a' * 50}",
        f"    + {'b' * 50}",
        ")",
    ]


def test_long_targets_and_results_stand_one_on_a_line() -> None:
    names = ["a" * 50, "b" * 50]
    assert assignment(names, Call("f", ("x",)), indent=0) == [
        "(",
        f"    {names[0]},",
        f"    {names[1]},",
        ") = f(x)",
    ]
    assert returned(names, indent=0) == ["return (", f"    {names[0]},", f"    {names[1]},", ")"]
