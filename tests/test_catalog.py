"""Every row of the catalog keeps the same contract; torch is the oracle."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from builder import CATALOG, ModelSpec, Node, build, resolve, write_source
from builder.catalog import GROUPS, Layer
from builder.catalog.fields import ARGUMENTS
from builder.catalog.functions import TWINS
from builder.catalog.layer import Wire, layer
from builder.catalog.sequences import Stack
from builder.resolve import TensorType
from builder.spec import Input
from tests.fresh import SEED, failures, make_case, random_inputs

ROWS = pytest.mark.parametrize("row", CATALOG.values(), ids=list(CATALOG))
# `item` takes a tuple apart, and a model's input is a tensor: it has tests of its own.
ALONE = {op: row for op, row in CATALOG.items() if op != "item"}
ROWS_ALONE = pytest.mark.parametrize("row", ALONE.values(), ids=list(ALONE))
MODULES = [row for row in CATALOG.values() if row.is_module]
FUNCTIONS = [row for row in CATALOG.values() if not row.is_module]
TWIN_ROWS = [
    (CATALOG[f"nn.{module}"], next(r for r in FUNCTIONS if r.title == function))
    for module, function in TWINS.items()
]


def spec_of(row: Layer, args: dict[str, Any] | None = None) -> ModelSpec:
    """A model of this layer alone, on the row's example."""
    kinds = dict(enumerate(row.example_dtypes))
    inputs = tuple(
        Input(f"x{i}" if i else "x", shape, kinds.get(i, "float32"))
        for i, shape in enumerate(row.examples)
    )
    names = [entry.name for entry in inputs]
    node = Node("layer", row.op, row.initial_args() if args is None else args, names)
    return ModelSpec("Example", inputs, "graph", (node,))


def item_of_gru(index: int) -> ModelSpec:
    gru = Node("gru", "nn.GRU", {"hidden_size": 3, "batch_first": True})
    nodes = (gru, Node("layer", "item", {"index": index}))
    return ModelSpec("Example", (Input("x", (7, 8)),), "graph", nodes)


def by_hand(row: Layer, args: dict[str, Any]) -> Callable[..., Any]:
    """The layer as a person would call torch for it, without the row's help."""
    if isinstance(row, Stack):
        own = {"num_layers", "enable_nested_tensor", "mask_check"}
        inner = {name: value for name, value in args.items() if name not in own}
        single = getattr(nn, f"{row.title}Layer")(**inner)
        return getattr(nn, row.title)(single, **{k: v for k, v in args.items() if k in own})
    if row.is_module:
        made = getattr(nn, row.title)(**args)
        return (lambda x: made(x, x, x)) if row.op == "nn.MultiheadAttention" else made
    if row.op in _OPERATORS:
        return lambda *xs: reduce(_OPERATORS[row.op], xs)
    if row.op == "last_step":
        return lambda x: x.select(args["dim"], x.shape[args["dim"]] - 1)
    if row.op in ("torch.cat", "torch.stack"):
        return lambda *xs: getattr(torch, row.title)(xs, **args)
    home = {"F": F, "torch": torch, "Tensor": torch.Tensor}[row.op.partition(".")[0]]
    names = {"view": "shape", "reshape": "shape", "permute": "dims"}
    if row.title in names:
        return lambda x: getattr(x, row.title)(args[names[row.title]])
    return lambda *xs: getattr(home, row.title)(*xs, **args)


_OPERATORS = {"+": torch.add, "-": torch.sub, "*": torch.mul}
_LAST = ("in_features", "in1_features", "input_size", "embed_dim", "d_model", "normalized_shape")


def told_by_hand(row: Layer) -> dict[str, int]:
    """Sizes read off the example: the last axis, or the channels."""
    told = {}
    for name in row.infer:
        shape = row.examples[1 if name == "in2_features" else 0]
        told[name] = shape[-1] if name in (*_LAST, "in2_features") else shape[0]
    return told


def flat(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif value is not None:
        for item in value:
            yield from flat(item)


def form(value: Any, batch: int) -> Any:
    """The shapes and dtypes of a torch value or of a resolved type, nested as it is."""
    if isinstance(value, Tensor):
        return tuple(value.shape), str(value.dtype).removeprefix("torch.")
    if isinstance(value, TensorType):
        return value.at(batch), value.dtype
    return () if value is None else tuple(form(item, batch) for item in value)


# --- the rows themselves ---------------------------------------------------------------------


@ROWS
def test_a_row_speaks_to_people(row: Layer) -> None:
    assert row.group in GROUPS
    for text in (row.help, *(field.help for field in row.fields.values())):
        assert re.fullmatch(r"[A-Z0-9x].*\.", text), f"{text!r} is no sentence"
        assert len(text) <= 160
    assert row.formula.count("{") == row.formula.count("}")
    assert re.fullmatch(r"[a-z][a-z0-9_]*", row.attribute)


@ROWS
def test_a_row_names_only_fields_it_has(row: Layer) -> None:
    assert set(row.first) <= set(row.fields)
    assert set(row.infer) <= set(row.fields)
    assert not set(row.first) & set(row.infer), "what the wire tells is not asked first"
    assert len(set(row.first)) == len(row.first)
    for wire in row.infer.values():
        assert wire.input < len(row.examples)


@ROWS
def test_first_values_are_valid_and_all_that_torch_requires_is_there(row: Layer) -> None:
    args = row.initial_args()
    for name, value in args.items():
        assert row.fields[name].problem(value) is None
    required = {name for name, field in row.fields.items() if field.required}
    assert required <= set(args) | set(row.infer)


@ROWS
def test_a_default_is_a_valid_value_and_so_are_the_ends_of_a_slider(row: Layer) -> None:
    for name, field in row.fields.items():
        if not field.required:
            assert field.problem(field.default) is None, f"{name}={field.default}"
        for end in field.slider or ():
            whole = int(end) if field.kind in ("int", "size") else end
            assert field.problem(whole) is None or (field.open_low and end == field.low)
        if field.slider:
            assert field.slider[0] < field.slider[1]


@ROWS
def test_a_field_says_what_would_work_when_a_value_does_not(row: Layer) -> None:
    for field in row.fields.values():
        for wrong in ("nonsense", (), (1,) * 13, ("a",), [1, 2]):
            message = field.problem(wrong)
            assert message is not None, f"{field.name} takes {wrong!r}"
            assert message.startswith(f"{field.name} is ")
            assert message.endswith(f"{field.wanted} works.")


# --- held to torch ---------------------------------------------------------------------------


def signature(row: Layer) -> dict[str, Any]:
    """Arguments and defaults as torch declares them: by signature, overload or docstring."""
    if row.op in ("nn.RNN", "nn.LSTM", "nn.GRU"):
        found = {n: p.default for n, p in inspect.signature(nn.RNNBase).parameters.items()}
        found.pop("mode")
        if row.title != "LSTM":
            found.pop("proj_size")  # torch: "only supported for LSTM, not RNN or GRU"
        return {**found, "nonlinearity": "tanh"} if row.title == "RNN" else found
    if isinstance(row, Stack):
        own = inspect.signature(getattr(nn, row.title)).parameters
        single = inspect.signature(getattr(nn, f"{row.title}Layer")).parameters
        return {n: p.default for n, p in {**own, **single}.items()}
    if row.is_module:
        target = getattr(nn, row.title)
    else:
        home = {"F": F, "torch": torch, "Tensor": torch.Tensor}[row.op.partition(".")[0]]
        target = getattr(home, row.title)
    try:
        found = {n: p.default for n, p in inspect.signature(target).parameters.items()}
    except ValueError:
        return _from_docstring(target)
    whatever = set(found) <= {"args", "kwargs"} and not row.is_module
    return _from_docstring(target) if whatever else found


def _from_docstring(target: Any) -> dict[str, Any]:
    doc = inspect.getdoc(target) or ""
    inside = re.search(target.__name__.replace("_", "_?") + r"\(((?:[^()]|\([^()]*\))*)\)", doc)
    assert inside, f"{target} has no signature and its docstring shows none"
    declared = ast.parse(f"def shown({inside[1]}): ...").body[0]
    assert isinstance(declared, ast.FunctionDef)
    names, given = declared.args, declared.args.defaults
    plain = [entry.arg for entry in names.posonlyargs + names.args]
    found: dict[str, Any] = dict.fromkeys(plain, inspect.Parameter.empty)
    if names.vararg:
        found[names.vararg.arg] = inspect.Parameter.empty
    found |= dict(zip(plain[len(plain) - len(given) :], map(ast.literal_eval, given), strict=True))
    only = [entry.arg for entry in names.kwonlyargs]
    return found | dict.fromkeys(only)


_SPECIAL = ("+", "-", "*", "last_step", "item")


@ROWS
def test_names_and_defaults_are_those_of_torch(row: Layer) -> None:
    if row.op in _SPECIAL:
        return
    declared = signature(row)
    for name, field in row.fields.items():
        assert name in declared, f"torch has no argument {name}"
        default = declared[name]
        if field.required:
            # torch calls some optional that a layer cannot do without: mean() over nothing
            assert default in (inspect.Parameter.empty, None)
        else:
            expected = default.__name__ if callable(default) else default
            assert field.default == expected or default is inspect.Parameter.empty, name


@ROWS
def test_no_argument_of_torch_is_left_out_in_silence(row: Layer) -> None:
    left_out = {
        # the data, and what is told by the mode of the model
        *("input", "query", "key", "value", "tensors", "self", "indices", "training", "other"),
        # where the weights are made, and of what
        *("device", "dtype", "out"),
        # modules handed to modules, and what torch keeps for old programs
        *("encoder_layer", "decoder_layer", "norm", "custom_encoder", "custom_decoder"),
        *("min_value", "max_value", "mode_", "_weight", "_freeze", "_stacklevel"),
        "_random_samples",
    }
    known = {
        "F.normalize": {"eps"},
        "F.interpolate": {"antialias"},
        **{f"F.max_unpool{n}d": {"output_size"} for n in (1, 2, 3)},
        "F.scaled_dot_product_attention": {"attn_mask", "dropout_p", "is_causal", "scale"}
        | {"enable_gqa"},
    }
    if row.op not in _SPECIAL:
        missing = set(signature(row)) - set(row.fields) - left_out - known.get(row.op, set())
        assert missing <= {"args", "kwargs"}


@ROWS
def test_inplace_is_offered_where_torch_has_it(row: Layer) -> None:
    if row.op not in _SPECIAL:
        assert ("inplace" in row.fields) == ("inplace" in signature(row))


def test_no_layer_of_torch_is_out_of_reach() -> None:
    bases = {"Module", "Container", "RNNBase", "RNNCellBase"}
    holders = {"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    # AdaptiveLogSoftmaxWithLoss gives a loss; the others need several devices, or are the old name
    # of LocalResponseNorm.
    apart = {"AdaptiveLogSoftmaxWithLoss", "DataParallel", "SyncBatchNorm", "CrossMapLRN2d"}
    layers = {
        name
        for name, value in vars(nn).items()
        if inspect.isclass(value)
        and issubclass(value, nn.Module)
        and not name.startswith("Lazy")  # the wire tells their sizes here
        and not name.endswith(("Loss", "Loss2d"))
    }
    assert layers - bases - holders - apart == {row.title for row in MODULES}


def test_every_argument_described_in_common_is_used() -> None:
    used = {name for row in CATALOG.values() for name in row.fields}
    assert set(ARGUMENTS) <= used


# --- resolved as torch runs it ---------------------------------------------------------------


@ROWS_ALONE
def test_the_example_resolves_to_what_torch_gives_on_the_cpu(row: Layer) -> None:
    spec = spec_of(row)
    resolution = resolve(spec)
    assert resolution.faults == ()
    step = resolution.by_name["layer"]
    args = {**row.initial_args(), **told_by_hand(row)}
    assert dict(step.args) == args
    assert step.inferred == set(row.infer)
    made = by_hand(row, args)
    for batch in (2, 5):
        torch.manual_seed(0)
        output = made(*random_inputs(spec, batch))
        assert form(step.output, batch) == form(output, batch)
    sample = [t.numel() * t.element_size() / 5 for t in flat(output) if t.shape[0] == 5]
    if len(sample) == len(list(flat(output))):
        assert step.activation_bytes == sum(sample)
    if isinstance(made, nn.Module):
        assert {p.name: p.shape for p in step.parameters} == {
            name: tuple(p.shape) for name, p in made.named_parameters()
        }
        assert step.params == sum(p.numel() for p in made.parameters())
        assert step.buffers == sum(b.numel() for b in made.buffers())


@ROWS_ALONE
def test_the_example_survives_json(row: Layer) -> None:
    spec = spec_of(row)
    assert ModelSpec.from_json(spec.to_json()) == spec
    full = spec_of(row, row.complete({**row.initial_args(), **told_by_hand(row)}))
    assert ModelSpec.from_json(full.to_json()) == full


@ROWS_ALONE
def test_spelling_out_every_default_changes_nothing(row: Layer) -> None:
    args = row.complete({**row.initial_args(), **told_by_hand(row)})
    said, unsaid = (resolve(spec_of(row, a)) for a in (args, row.initial_args()))
    assert said.faults == ()
    assert said.outputs == unsaid.outputs
    assert (said.params, said.buffers, said.macs) == (unsaid.params, unsaid.buffers, unsaid.macs)


# --- build = code = weights ------------------------------------------------------------------


@ROWS_ALONE
def test_the_built_module_computes_what_torch_does(row: Layer) -> None:
    case = make_case(spec_of(row))
    made = by_hand(row, {**row.initial_args(), **told_by_hand(row)})
    if row.op == "nn.MultiheadAttention" or getattr(row, "training", False):
        return  # called in another way here; those two are held in the fresh process
    if isinstance(made, nn.Module):
        mine = {name.removeprefix("layer."): v for name, v in case.model.state_dict().items()}
        made.load_state_dict(mine)
        made.eval()
    torch.manual_seed(SEED)
    with torch.no_grad():
        output = made(*[value.clone() for value in case.inputs])
    for mine, theirs in zip(flat(case.outputs["eval"]), flat(output), strict=True):
        assert torch.equal(mine, theirs)


def test_written_code_is_the_built_module_in_a_fresh_process(tmp_path: Path) -> None:
    specs = {row.op: spec_of(row) for row in ALONE.values()}
    specs |= {f"item {index}": item_of_gru(index) for index in (0, -2)}
    assert failures({name: make_case(spec) for name, spec in specs.items()}, tmp_path) == {}


@pytest.mark.parametrize("index", [0, -2])
def test_item_takes_one_of_several_outputs(index: int) -> None:
    case = make_case(item_of_gru(index))
    assert torch.equal(case.outputs["eval"], case.model.gru(*case.inputs)[0])
    assert resolve(item_of_gru(index + 1)).faults[0].kind == "batch"  # its layers come first


@pytest.mark.parametrize(("module", "function"), TWIN_ROWS, ids=list(TWINS))
def test_a_function_computes_what_its_module_does(module: Layer, function: Layer) -> None:
    assert module.fields == function.fields or function.op in ("torch.sigmoid", "torch.tanh")
    args = {**module.initial_args(), **told_by_hand(module)}
    made, called = module.make(args), function.make(args)
    assert isinstance(made, nn.Module)
    values = random_inputs(spec_of(module), 3)
    for training in (True, False):
        made.train(training)
        torch.manual_seed(0)
        theirs = made(*values)
        torch.manual_seed(0)
        ours = called(*values, training=training)
        for one, other in zip(flat(ours), flat(theirs), strict=True):
            assert torch.equal(one, other)


# --- multiply-accumulates --------------------------------------------------------------------


def cost(op: str, args: dict[str, Any], *shapes: tuple[int, ...]) -> int:
    inputs = tuple(Input(f"x{i}", shape) for i, shape in enumerate(shapes))
    names = tuple(entry.name for entry in inputs)
    resolution = resolve(ModelSpec("M", inputs, "graph", (Node("a", op, args, names),)))
    assert resolution.faults == ()
    return resolution.macs


def test_a_linear_layer_costs_inputs_times_outputs() -> None:
    assert cost("nn.Linear", {"out_features": 30}, (20,)) == 20 * 30
    assert cost("nn.Linear", {"out_features": 30}, (7, 20)) == 7 * 20 * 30


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_costs_a_window_for_each_number_it_gives(groups: int) -> None:
    args = {"out_channels": 8, "kernel_size": (3, 5), "padding": (1, 2), "groups": groups}
    assert cost("nn.Conv2d", args, (4, 10, 12)) == 8 * 10 * 12 * (4 // groups) * 3 * 5
    assert cost("nn.Conv2d", {**args, "stride": 2}, (4, 10, 12)) == 8 * 5 * 6 * 4 // groups * 15


def test_a_transposed_convolution_costs_a_window_for_each_number_it_receives() -> None:
    args = {"out_channels": 8, "kernel_size": 3, "stride": 2}
    assert cost("nn.ConvTranspose2d", args, (4, 5, 6)) == 4 * 5 * 6 * 8 * 9


@pytest.mark.parametrize(("op", "gates"), [("nn.RNN", 1), ("nn.GRU", 3), ("nn.LSTM", 4)])
@pytest.mark.parametrize("steps", [1, 2, 3, 50])
def test_a_recurrent_layer_costs_its_gates_at_every_step(op: str, gates: int, steps: int) -> None:
    size, hidden = 6, 10
    args = {"hidden_size": hidden, "batch_first": True}
    single = steps * gates * hidden * (size + hidden)
    assert cost(op, args, (steps, size)) == single
    second = steps * gates * hidden * (hidden + hidden)
    assert cost(op, {**args, "num_layers": 2}, (steps, size)) == single + second
    assert cost(op, {**args, "bidirectional": True}, (steps, size)) == 2 * single


def test_attention_costs_its_projections_and_every_pair_of_tokens() -> None:
    tokens, width = 7, 12
    pairs = 2 * tokens * tokens * width
    args = {"num_heads": 2, "batch_first": True}
    projections = 4 * tokens * width * width
    assert cost("nn.MultiheadAttention", args, (tokens, width)) == projections + pairs
    assert cost("F.scaled_dot_product_attention", {}, *[(tokens, width)] * 3) == pairs


# --- adding a layer --------------------------------------------------------------------------


class Scale(nn.Module):
    """A layer that torch does not have."""

    def __init__(self, num_features: int, init: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((num_features, 1), init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


def test_a_new_row_is_all_that_a_new_layer_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn, "Scale", Scale, raising=False)
    row = layer(
        "nn.Scale",
        "Other",
        "Multiplies each channel by a learned number.",
        first="init",
        infer={"num_features": Wire(1)},
        examples=((4, 9),),
    )
    widened = MappingProxyType({**CATALOG, row.op: row})
    for name, module in list(sys.modules.items()):
        if name.startswith("builder.") and hasattr(module, "CATALOG"):
            monkeypatch.setattr(module, "CATALOG", widened)
    spec = spec_of(row, {"init": 2.0})
    assert ModelSpec.from_json(spec.to_json()) == spec
    step = resolve(spec).by_name["layer"]
    assert (step.params, step.shape_text) == (4, "(N, 4, 9)")
    assert torch.equal(build(spec)(torch.ones(2, 4, 9)), torch.full((2, 4, 9), 2.0))
    assert "self.layer = nn.Scale(4, init=2.0)" in write_source(spec)
    fault = resolve(spec_of(row, {"num_features": 3})).faults[0]
    assert fault.message == "nn.Scale has num_features=3; it receives 4 in axis 1 of (N, 4, 9)."
    assert [fix.label for fix in fault.fixes] == ["Set num_features to 4"]


def test_a_row_that_names_an_argument_torch_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no argument called"):
        layer("nn.Linear", "Linear", "Wrong.", first="outputs")
