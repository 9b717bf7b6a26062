"""The small language of one's own layers: what it reads, computes, refuses and writes."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from builder.code.own import own_class
from builder.errors import FormulaError
from builder.own.functions import FUNCTIONS, HOMES, Function
from builder.own.layer import OwnLayer, OwnParameter, Setting
from builder.own.parts import Run
from builder.own.plan import size_of
from builder.own.reading import (
    MAX_DEPTH,
    MAX_LETTERS,
    MAX_PARTS,
    read_formula,
    read_sizes,
    renamed,
)
from builder.own.row import own_row

X, W, V = (torch.rand(rows, 4) * 0.8 + 0.1 for rows in (2, 4, 2))
IMAGE, SERIES, COUNTS = torch.rand(2, 4, 6, 6), torch.rand(2, 4, 6), torch.tensor([[0, 1], [2, 3]])
VALUES: dict[str, Any] = {"x": X, "w": W, "v": V, "image": IMAGE, "series": SERIES, "k": 2}
VALUES |= {"counts": COUNTS, "kernel": torch.rand(3, 4, 3, 3), "kernel1": torch.rand(3, 4, 3)}
VALUES |= {"cube": torch.rand(3, 4, 4), "p": 0.5, "on": True, "training": True}


def follow(text: str, values: dict[str, Any] = VALUES) -> Any:
    torch.manual_seed(0)
    held = [name for name in values if name not in ("x", "training")]
    return read_formula(text, inputs=("x",), held=held).follow(Run(dict(values)))


def refusal(text: str) -> FormulaError:
    with pytest.raises(FormulaError) as caught:
        follow(text)
    return caught.value


# --- every function ------------------------------------------------------------------------------

# What each is called with where that is not one tensor of numbers: what follows the first tensor.
GIVEN: dict[str, str] = {
    "pow": "3",
    "maximum": "v",
    "minimum": "v",
    "lerp": "v, 0.5",
    "atan2": "v",
    "hypot": "v",
    "masked_fill": "x > 0.5, 0.0",
    "clamp": "0.2, 0.8",
    "matmul": "w",
    "mm": "w",
    "mv": "x[0]",
    "addmm": "x, w",
    "linear": "w",
    "bilinear": "v, cube",
    "prod": "1",
    "logsumexp": "1",
    "cumsum": "1",
    "cumprod": "1",
    "softmax": "1",
    "log_softmax": "1",
    "layer_norm": "(4,)",
    "cosine_similarity": "v",
    "transpose": "0, 1",
    "unflatten": "1, (2, 2)",
    "squeeze": "0",
    "unsqueeze": "1",
    "flip": "(0, 1)",
    "roll": "1, 0",
    "chunk": "2, 1",
    "split": "2, 1",
    "narrow": "1, 0, 2",
    "repeat_interleave": "2, 1",
    "expand_as": "v",
    "view_as": "v",
    "pad": "(1, 1)",
    "new_zeros": "2, 3",
    "new_ones": "2, 3",
    "max_pool1d": "2",
    "avg_pool1d": "2",
    "adaptive_avg_pool1d": "2",
    "max_pool2d": "2",
    "avg_pool2d": "2",
    "adaptive_avg_pool2d": "2",
    "pixel_shuffle": "2",
    "conv1d": "kernel1",
    "conv2d": "kernel",
    "embedding": "w",
    "bmm": "series.mT",
    "scaled_dot_product_attention": "series, series",
    "view": "4, 2",
    "reshape": "4, 2",
    "permute": "1, 0",
    "expand": "2, 2, 4",
    "repeat": "2, 1",
}
FIRST = {"mv": "w", "addmm": "v", "embedding": "counts", "bmm": "series", "where": "x > 0.5, x, v"}
FIRST |= {"einsum": "'bi,ij->bj', x, w", "cat": "[x, v]", "stack": "[x, v]"}
FIRST |= dict.fromkeys(("scaled_dot_product_attention", "dropout1d"), "series")
FIRST |= dict.fromkeys(("max_pool1d", "avg_pool1d", "adaptive_avg_pool1d", "conv1d"), "series")
FIRST |= dict.fromkeys(("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "conv2d"), "image")
FIRST |= {"pixel_shuffle": "image", "dropout2d": "image"}
ROWS = pytest.mark.parametrize("row", FUNCTIONS.values(), ids=[r.usage for r in FUNCTIONS.values()])


def arguments(row: Function) -> list[str]:
    """What stands between the parentheses, the first tensor of a method included."""
    rest = GIVEN.get(row.name, "")
    if (row.home, row.name) in (("torch", "reshape"), ("torch", "permute")):
        rest = f"({rest})"  # torch.reshape takes a row, x.reshape the numbers themselves
    return [part for part in (FIRST.get(row.name, "x"), rest) if part]


def called(row: Function, *more: str) -> str:
    first, *rest = [*arguments(row), *more]
    if row.home == "Tensor":
        return f"{first}.{row.name}({', '.join(rest)})"
    return f"{row.called}({', '.join([first, *rest])})"


def by_python(text: str) -> Any:
    """The same text as Python, for those that are written here."""
    torch.manual_seed(0)
    return eval(text, {"torch": torch, "F": F}, dict(VALUES))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


@ROWS
def test_every_function_is_torchs_and_gives_what_torch_gives(row: Function) -> None:
    assert hasattr(HOMES[row.home], row.name)
    text = called(row)
    if row.name in ("size", "dim"):
        text = f"x * {text}[0]" if row.name == "size" else f"x * {text}"
    assert same(follow(text), by_python(text))


@ROWS
def test_names_and_defaults_of_arguments_are_torchs(row: Function) -> None:
    plain = called(row)
    for name, one in list(row.signature.parameters.items())[1:]:
        if one.default is one.empty or (row.name, name) in (("clamp", "min"), ("clamp", "max")):
            continue
        if name in ("dim", "start_dim") and GIVEN.get(row.name, "").count(","):
            continue  # it has been given by place
        if row.name == "size" or (row.name, name) == ("alpha_dropout", "training"):
            continue
        first = ("dim=None",) if name == "keepdim" and "dim=None" in row.usage else ()
        stated = called(row, *first, f"{name}={one.default!r}")
        assert same(by_python(stated), by_python(plain)), stated


def test_nothing_that_a_formula_may_call_writes_or_reads_anything() -> None:
    for row in FUNCTIONS.values():
        assert not row.name.startswith("_")
        assert not row.name.endswith("_"), "it would write over its input"
        assert row.name not in {"save", "load", "item", "tolist", "numpy", "apply", "backward"}


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "return x",
        "x @ w + v",
        "-x ** 2",
        "(-x) ** 2",
        "x - (v - x) - x * (v + 1) / 2 // 1 % 3",
        "x[:, 1:3]",
        "x[..., -1]",
        "x[0:k, None, ::2]",
        "x.shape[0] * x",
        "x.view(x.shape[0], 2, -1)",
        "x.mT.T",
        "w[counts]",
        "x if on else v",
        "x if k > 1 else v",
        "x if x.shape[-1] == 4 else v",
        "torch.where(x > p, x, 0.0)",
        "(x >= v) * x + (x != v) * 1e-3",
        "torch.cat([x, v], dim=1)",
        "x.sum((0, 1), keepdim=True)",
        "F.gelu(x, approximate='tanh')",
        'torch.einsum("bi,bj->bij", x, v)',
        "x.pow(k).sum(-1).unsqueeze(-1).expand(2, 4)",
        "a, b = x.chunk(2, dim=1)\nreturn a * b",
        "a = x\n\n# a comment, 3x\nb = a + 1\na = b * a\nreturn a, b",
        "x * 2**k / k**-1",
        "F.dropout(x, p=0.5, training=training)",
        "x + std if False else x",
    ],
)
def test_a_formula_gives_what_the_same_python_gives(text: str) -> None:
    values = {**VALUES, "std": 1.0}
    names: dict[str, Any] = dict(values)
    *lines, last = text.replace("return ", "").split("\n")
    torch.manual_seed(0)
    exec("\n".join([*lines, f"result = {last}"]), {"torch": torch, "F": F}, names)
    assert same(follow(text, values), names["result"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The formula is empty"),
        ("import os", "`import os` is not allowed"),
        ("os.system('rm')", "`os` is not known here; known are"),
        ("__import__('os')", "`__import__` is no function here"),
        ("x.__class__", "a tensor has .shape, .ndim, .T, .mT"),
        ("x.data", "`x.data` is not allowed"),
        ("x.item()", "`x.item` is not allowed"),
        ("x.add_(1)", "`x.add_` is not allowed"),
        ("torch.save(x, 'f')", "`torch.save` is not allowed"),
        ("torch.load('f')", "`torch.load` is not allowed"),
        ("torch.softmx(x, 1)", "did you mean torch.softmax or torch.log_softmax?"),
        ("torch.silu(x)", "did you mean F.silu?"),
        ("relu(x)", "torch.relu(x) or x.relu() or F.relu(x)"),
        ("torch.softmax(x)", "does not fit torch.softmax(x, dim): missing a required argument"),
        ("torch.exp(x, x)", "too many positional arguments"),
        ("x.sum(axis=1)", "unexpected keyword argument 'axis'"),
        ("torch.exp", "is a function, and is called: torch.exp(x)"),
        ("x.sum", "is a method, and is called: x.sum(dim=None, keepdim=False)"),
        ("torch", "`torch` is called: torch."),
        ("self.w @ x", "`self.w` is written `w` here, without self"),
        ("x @ q", "`q` is not known here; known are"),
        ("lambda: x", "`lambda: x` is not allowed"),
        ("[y for y in x]", "is not allowed"),
        ("(y := x)", "is not allowed"),
        ("f'{x}'", "is not allowed"),
        ("x < v < x", "is not allowed"),
        ("not x", "is not allowed"),
        ("x.view(*x.shape)", "spreads a row with *"),
        ("x.sum(**{})", "spreads arguments with **"),
        ("'a' * 10**9", "`'a'` is a word; `*` takes tensors and numbers"),
        ("(1,) * 10**9", "is a row of 1; `*` takes tensors and numbers"),
        ("10**10**10 * x", "the exponent is 64 at most"),
        ("x * 9999999**9", "what is raised 1,000,000 at most"),
        ("x * 10**60", "is beyond 1e+15"),
        ("x * (-1)**0.5", "is no real number"),
        ("x * 1 / 0 * (1 / 0)", "divides by zero"),
        ("x * 1e999", "is too large"),
        ("1 @ 2 * x", "both sides are numbers"),
        ("x[x > 0]", "the size would depend on the numbers"),
        ("x if x > 0 else v", "torch.where chooses"),
        ("x.shape", "gives a row of 2; a layer gives a tensor"),
        ("2", "gives a number; a layer gives a tensor"),
        ("None", "gives None"),
        ("x.shape[x]", "`x` is a tensor; a row of 2 is counted through"),
        ("k[0]", "`k` is a number, which has no items"),
        ("k.sum()", "`k` is a number; .sum is of a tensor"),
        ("k.shape", "`k` is a number; .shape is of a tensor"),
        ("x.unsqueeze(0).T", "this has 3 axes. .mT turns the last two"),
        ("x[0.5:1]", "cuts from and to whole numbers"),
        ("w = x\nreturn w", "`w` is a parameter or a setting"),
        ("F = x\nreturn F", "`F` is needed by the code"),
        ("training = x\nreturn x", "`training` is needed by the code"),
        ("y += x\nreturn y", "`y = y + ...` makes a new one"),
        ("x[0] = 1\nreturn x", "`x[0]` cannot be given a value"),
        ("a = b = x\nreturn a", "a line is `name = ...`"),
        ("a, a = x\nreturn a", "each result has a name of its own"),
        ("a, b, c = x.chunk(2, 1)\nreturn a", "gives a row of 2; 3 names wait for it"),
        ("a, b = k\nreturn a", "gives a number; 2 names wait for it"),
        ("match = x\nreturn match", "is no name for it"),
        ("y = x", "what the layer gives is missing"),
        ("return x\nreturn x", "only the last line returns"),
        ("return", "the last line is `return ...`"),
        ("x; x", "a line is `name = ...`"),
        ("while True:\n    x = x", "is not allowed"),
        ("x +", "This cannot be read: invalid syntax"),
        ("x.mm(w", "'(' was never closed"),
        ("x\\\n+ 1", "'\\\\' is not allowed"),
        ("x + é", "'é' is not allowed"),
        ("x\x00", "'\\x00' is not allowed"),
        ("0x1f * x", "`0x1f` is no number"),
        ("1_000 * x", "`1_000` is no number"),
        ("1if on else x", "`1if` is no number"),
        ("2j * x", "`2j` is no number"),
        ("torch.einsum('i,j,k->ijk', x, x, x)", "two at a time are allowed"),
        ("F.gelu(x, approximate='t\"; import os')", "a word of 40 plain letters"),
        (f"({'x, ' * 17}x)", "has 18 items; 16 at most"),
        (f"x.view({'1, ' * 17}1)", "has over 16 arguments"),
        ("x" * (MAX_LETTERS + 1), f"{MAX_LETTERS:,} at most are allowed"),
        (f"{'-' * (MAX_DEPTH + 1)}x", f"nested more than {MAX_DEPTH} deep"),
        ("-" * 1900 + "x", "nested"),
        ("(" * 900 + "x" + ")" * 900, "too many nested parentheses"),
        ("\n".join(["x = x"] * (MAX_PARTS // 3 + 1) + ["x"]), f"more than {MAX_PARTS} parts"),
        ("x.mm(v)", "shapes cannot be multiplied"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(text: str, words: str) -> None:
    assert words in refusal(text).message


def test_a_fault_knows_its_line_and_place() -> None:
    fault = refusal("y = x + 1\nreturn y @ missing")
    assert (fault.line, fault.part.place.start, fault.part.place.end) == (2, 11, 18)
    assert fault.located == f"line 2: {fault.message}"
    assert refusal("a = x\nimport os\nreturn a").line == 2
    assert refusal("y = x +\nreturn y").line == 1


def test_no_tensor_on_the_way_takes_all_memory() -> None:
    values = {"x": torch.empty(2, 4, device="meta"), "training": True}
    doubled = "\n".join(["x = torch.cat([x, x], dim=1)"] * 40)
    for text in (f"{doubled}\nreturn x", "x.repeat(1, 10**9)", "x.new_zeros(10**5, 10**5)"):
        with pytest.raises(FormulaError, match="at most are allowed, so that no formula takes all"):
            follow(text, values)


@pytest.mark.parametrize(
    ("text", "settings", "shape"),
    [
        ("(in_features, out_features)", {"in_features": 3, "out_features": 4}, (3, 4)),
        ("(h,)", {"h": 5}, (5,)),
        ("h", {"h": 5}, (5,)),
        ("()", {}, ()),
        ("(4 * h, h // 2, 2 * (h - 1), 3)", {"h": 6}, (24, 3, 10, 3)),
    ],
)
def test_a_shape_is_written_in_settings(
    text: str, settings: dict[str, int], shape: tuple[int, ...]
) -> None:
    sizes = read_sizes(text, list(settings))
    assert tuple(size_of(size, settings) for size in sizes) == shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(h, q)", "`q` is not known here; known are h"),
        ("(h / 2,)", "is no size; + - * // give one"),
        ("(0.5,)", "is no size; a whole number is"),
        ("(h.x,)", "is not allowed"),
        ("(h, 2))", "unmatched"),
        ("h = 2", "is no shape; (in_features, out_features) is"),
        ("", "is no shape"),
        ("(h - 9,)", "`h - 9` is -6; a size is a whole number from 1"),
        ("(h // 0,)", "divides by zero"),
        ("(10**9,)", "+ - * // give one"),
        ("(999999999,)", "a size is a whole number from 1 to 100,000,000"),
    ],
)
def test_what_is_no_shape_is_said(text: str, words: str) -> None:
    with pytest.raises(FormulaError, match=re.escape(words)):
        [size_of(size, {"h": 3}) for size in read_sizes(text, ["h"])]


def test_a_new_name_goes_to_names_only() -> None:
    text = "dim = x.sum(dim=w)\n# w stays here\nreturn torch.einsum('w->w', w.mT) + w * dim"
    assert renamed(text, "w", "weight") == (
        "dim = x.sum(dim=weight)\n# w stays here\n"
        "return torch.einsum('w->w', weight.mT) + weight * dim"
    )
    assert renamed("x +", "x", "y") == "x +"


# --- random ones ---------------------------------------------------------------------------------

ATOMS = st.sampled_from(["x", "w", "v", "k", "p", "on", "2", "0.5", "-1", "None", "x.shape[0]"])
CALLS = st.sampled_from(
    [
        "torch.exp({})", "F.relu({})", "{}.sum(-1, keepdim=True)", "{}.mT", "torch.cat([{}, {}])",
        "{}.softmax(dim={})", "({})[..., {}]", "({}) if on else ({})", "({}, {})", "({})[{}:{}]",
        "torch.where({} > {}, {}, {})", "({}).view({}, -1)", "torch.einsum('bi,ij->bj', {}, {})",
        "({})[{}]", "{}.expand_as({})", "F.linear({}, {}, {})", "({}).chunk({}, {})",
    ]
)  # fmt: skip
SIGNS = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "@", "<", "=="])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.tuples(inner, SIGNS, inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})")
    bare = st.tuples(inner, SIGNS, inner).map(" ".join)
    filled = st.tuples(CALLS, inner, inner, inner, inner).map(
        lambda p: p[0].format(*p[1 : 1 + p[0].count("{}")])
    )
    return binary | bare | filled | inner.map("-({})".format)


FORMULAS = st.recursive(ATOMS, _grown, max_leaves=6)
LAYER = OwnLayer(
    (Setting("k", "int", 2), Setting("p", "float", 0.5), Setting("on", "bool", True)),
    (OwnParameter("w", "(4, 4)"), OwnParameter("v", "(2, 4)")),
)


@settings(max_examples=400)
@given(FORMULAS)
def test_a_random_formula_is_refused_in_words_or_gives_what_python_gives(text: str) -> None:
    try:
        found = follow(text)
    except FormulaError as error:
        said(error)
        return
    expected = by_python(text)
    if isinstance(found, Tensor):
        assert found.dtype == expected.dtype
        assert torch.equal(found.nan_to_num(), expected.nan_to_num())


@settings(max_examples=200)
@given(FORMULAS)
def test_what_is_written_is_the_same_formula_and_is_written_the_same_again(text: str) -> None:
    try:
        read_formula(text, inputs=("x",), held=("w", "v", "k", "p", "on"))
    except FormulaError:
        return
    written = _written(text)
    bare = written.replace("self.", "")
    assert _written(bare) == written
    try:
        found = follow(text)
    except FormulaError:
        refusal(bare)
        return
    again = follow(bare)
    if isinstance(found, Tensor):
        assert torch.equal(found.nan_to_num(), again.nan_to_num())


def _written(text: str) -> str:
    layer = OwnLayer(LAYER.settings, LAYER.parameters, f"return {text}")
    lines = own_class(own_row("Own", layer))
    body = lines[next(i for i, line in enumerate(lines) if "def forward" in line) + 1 :]
    return " ".join(line.strip() for line in body).removeprefix("return ")


def said(error: FormulaError) -> None:
    assert 0 < len(error.message) < 600


LETTERS = "xwv()[]{}.,:=+-*/@ \n0123456789'\"#_ifelsntorchFu"


@settings(max_examples=400)
@given(st.text(max_size=60) | st.text(LETTERS, max_size=60))
def test_any_text_at_all_is_a_formula_or_refused_in_words(text: str) -> None:
    values = {"x": torch.empty(2, 4, device="meta"), "training": True}
    try:
        read_formula(text, inputs=("x",), held=()).follow(Run(dict(values)))
    except FormulaError as error:
        said(error)
    try:
        read_sizes(text, ("x", "w"))
    except FormulaError as error:
        said(error)


# --- how it is written ---------------------------------------------------------------------------

LONG = "value_of_some_length"
STYLED = {
    "precedence": "return -x**2 + (x + w) * v - (x - (v - x)) / (k * p)",
    "powers": "return x.pow(2) ** p + x**-k + (x + 1) ** 2 + x.mT.mT**2",
    "choices": "y = x if on else v\nreturn (y if k > 1 else x) * (x < v)",
    "indices": "return x[:, 0:2, None, ..., k - 1 : k] + x[k:] + x[: k + 1] + v[-1]",
    "words": "return F.gelu(x, approximate='tanh') + torch.einsum('bi,ij->bj', x, w)",
    "rows": "a, b = x.chunk(2, dim=1)\nreturn torch.cat([a, b, a * (b,)[0]], dim=1).sum((0, 1))",
    "a long sum": f"{LONG} = x\nreturn " + " + ".join([LONG] * 8),
    "a long call": f"{LONG} = x\nreturn torch.cat([{LONG}, {LONG}, {LONG}], dim={LONG}.ndim - 2)",
    "both ways": "return F.dropout(x, p, training) if training else x",
}


def test_written_classes_please_ruff_as_they_come(tmp_path: Path) -> None:
    for name, forward in STYLED.items():
        layer = OwnLayer(LAYER.settings, LAYER.parameters, forward, help="Some layer.")
        body = "\n".join(own_class(own_row("Own", layer)))
        source = (
            f"import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n{body}\n"
        )
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(source)
    ruff = [sys.executable, "-m", "ruff"]
    more = ["--isolated", "--no-cache", str(tmp_path)]
    for command in (["check", "--ignore=F401"], ["format", "--diff"]):
        done = subprocess.run([*ruff, *command, *more], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
