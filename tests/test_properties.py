"""Random layers and random stacks: resolve never raises, and what it says runs does run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder import CATALOG, Block, BuilderError, ModelSpec, Node, build, edit, resolve
from builder.catalog import Field, Layer
from builder.resolve import TensorType
from builder.resolve.scene import with_inferred
from builder.resolve.types import N
from builder.spec import CONTAINERS, Input
from tests.fresh import Case, failures, make_case, random_inputs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

# Indices into numbers that are not there cannot be told by shapes: those of a MaxUnpool are drawn
# by a MaxPool, and have tests of their own.
ROWS = [row for row in CATALOG.values() if "unpool" not in row.op.lower() and row.op != "item"]
STACKED = [row for row in ROWS if row.inputs[0] == 1]
JOINING = [row for row in ROWS if row.inputs[0] == 2]
SIZES = st.sampled_from([1, 2, 3, 4, 6, 8])


def numbers(field: Field) -> st.SearchStrategy[Any]:
    """Values of a single number, in the range of a field where it has one."""
    whole = field.kind not in ("float", "scale", "floats")
    values = [0, 1, 2, 3, 4, 6, 8, -1, -2] if whole else [0.5, 1.0, 2.0, 0.1, 1.5, -1.0, 3]
    allowed = [value for value in values if field._in_range(value)]
    if field.name == "num_embeddings":  # the indices drawn here are 0 and 1
        allowed = [value for value in allowed if value > 1]
    return st.sampled_from(allowed) if allowed else st.just(field.initial)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Any value that the field itself does not refuse."""
    if field.kind == "bool":
        found: st.SearchStrategy[Any] = st.booleans()
    elif field.kind == "choice":
        found = st.sampled_from(field.choices)
    else:
        one = numbers(field)
        many = st.lists(one, min_size=field.length or 1, max_size=field.length or 3).map(tuple)
        found = {"int": one, "float": one, "ints": many, "floats": many}.get(field.kind, one | many)
        if field.choices:
            found |= st.sampled_from(field.choices)
    return (found | st.none()) if field.optional else found


@st.composite
def arguments(draw: st.DrawFn, row: Layer) -> dict[str, Any]:
    """Arguments of a layer: mostly those of a fresh one, some others, sometimes a wrong size."""
    args = row.initial_args()
    for name, field in row.fields.items():
        if draw(st.integers(0, 3 if name not in row.infer else 12)) == 0:
            args[name] = draw(values(field))
    return args


@st.composite
def single(draw: st.DrawFn) -> tuple[Layer, ModelSpec]:
    """A model of one layer, on its example or on another shape."""
    row = draw(st.sampled_from(ROWS))
    shapes = list(row.examples)
    if draw(st.booleans()):
        count = draw(st.sampled_from(row.ndims)) if row.ndims else draw(st.integers(1, 5))
        one = st.tuples(*[SIZES] * (count - 1))
        first = draw(one)
        shapes = [first if draw(st.booleans()) else draw(one) for _ in shapes]
    inputs = tuple(
        Input(f"x{i}", shape, row.dtype_of(i) or draw(st.sampled_from(["float32", "int64"])))
        for i, shape in enumerate(shapes)
    )
    node = Node("a", row.op, draw(arguments(row)), tuple(entry.name for entry in inputs))
    return row, ModelSpec("Model", inputs, "graph", (node,))


def small(spec: ModelSpec, batch: int) -> tuple[torch.Tensor, ...]:
    """Inputs whose whole numbers are indices that any Embedding here has."""
    inputs = random_inputs(spec, batch)
    return tuple(value % 2 if value.dtype == torch.int64 else value for value in inputs)


def form(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), str(value.dtype).removeprefix("torch.")
    return () if value is None else tuple(map(form, value))


def told(kind: Any, batch: int) -> Any:
    if isinstance(kind, TensorType):
        return kind.at(batch), kind.dtype
    return tuple(told(item, batch) for item in kind)


def by_torch(row: Layer, spec: ModelSpec) -> bool:
    """Whether torch runs the only layer of a model on the CPU."""
    kinds = tuple(TensorType((N, *entry.shape), entry.dtype) for entry in spec.inputs)
    args, _ = with_inferred(row, spec.nodes[0].args, kinds)
    try:
        made = row.make(args)
        for batch in (2, 5):
            given = small(spec, batch) * (row.repeat if len(kinds) == 1 else 1)
            made(*given) if row.is_module else made(*given, training=True)
    except Exception:
        return False
    return True


@settings(max_examples=300)
@given(single())
def test_a_layer_resolves_if_and_only_if_torch_runs_it(drawn: tuple[Layer, ModelSpec]) -> None:
    row, spec = drawn
    resolution = resolve(spec)
    if not resolution.runs:
        if "cannot take" in resolution.faults[0].message:  # these are torch's words on `meta`
            assert not by_torch(row, spec), resolution.faults[0].message
        return
    model = build(spec)
    for batch in (2, 5):
        for training in (True, False):
            output = model.train(training)(*small(spec, batch))
            assert form(output) == told(resolution.outputs[0], batch)
    if spec.nodes[0].args.get("track_running_stats") is not False:  # these want two samples
        output = model.eval()(*small(spec, 1))
        assert form(output) == told(resolution.outputs[0], 1)


@st.composite
def stacks(draw: st.DrawFn) -> ModelSpec:
    """A stack of random layers; most run, some have a fault at their last layer."""
    shape = tuple(draw(st.lists(SIZES, max_size=3)))
    dtype = draw(st.sampled_from(["float32", "float32", "float32", "int64"]))
    container = draw(st.sampled_from(CONTAINERS))
    spec = ModelSpec("Model", (Input("x", shape, dtype),), container)
    if draw(st.booleans()):
        inner = Block(
            "graph", (Node("act", "F.relu"), Node("fc", "nn.Linear", {"out_features": 4}))
        )
        spec = replace(spec, blocks={"Sub": inner})
    for _ in range(draw(st.integers(0, 7))):
        longer = draw(longer_than(spec))
        fault = next(iter(resolve(longer).faults), None)
        if fault is None:
            spec = longer
        elif fault.fixes and draw(st.integers(0, 3)):
            mended = fault.fixes[draw(st.integers(0, len(fault.fixes) - 1))].apply(longer)
            spec = mended if resolve(mended).runs else spec
        elif draw(st.integers(0, 5)) == 0:
            return longer
    return spec


@st.composite
def longer_than(draw: st.DrawFn, spec: ModelSpec) -> ModelSpec:
    """The stack with one more layer at its end."""
    end = len(spec.nodes)
    earlier = [*spec.main.inputs, *(node.name for node in spec.nodes)]
    kind = draw(st.integers(0, 9))
    chained = spec.container == "sequential"
    if kind == 0 and spec.blocks:
        return edit.insert(spec, end, "Sub")
    if kind == 1 and end and not chained:
        called = draw(st.sampled_from(spec.nodes)).name
        return edit.insert(spec, end, called, inputs=(draw(st.sampled_from(earlier)),))
    if kind == 2 and not chained:
        row = draw(st.sampled_from(JOINING))
        inputs = (earlier[-1], draw(st.sampled_from(earlier)))
        return edit.insert(spec, end, row.op, draw(arguments(row)), inputs=inputs)
    if kind == 3 and end:
        return edit.switch(spec, draw(st.sampled_from(spec.nodes)).name, draw(st.booleans()))
    rows = [row for row in STACKED if row.is_module] if chained else STACKED
    row = draw(st.sampled_from(rows))
    inputs = () if chained or kind > 4 else (draw(st.sampled_from(earlier)),)
    return edit.insert(spec, end, row.op, draw(arguments(row)), inputs=inputs)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(stacks())
def test_a_stack_resolves_or_has_fixes_that_apply(spec: ModelSpec) -> None:
    resolution = resolve(spec)
    reached = [step.name for step in resolution.steps]
    assert reached == [node.name for node in spec.nodes][: len(reached)]
    assert ModelSpec.from_json(spec.to_json()) == spec
    for fault in resolution.faults:
        assert fault.message
        assert fault.path[0] == spec.nodes[len(reached)].name
        for fix in fault.fixes:
            after = resolve(fix.apply(spec))
            assert after.runs or after.faults[0] != fault
    for note in resolution.notes:
        for fix in note.fixes:
            resolve(fix.apply(spec))


def collected(examples: int) -> dict[str, Case]:
    """Running stacks, built and run, by number."""
    cases: dict[str, Case] = {}

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(stacks())
    def collect(spec: ModelSpec) -> None:
        resolution = resolve(spec)
        if not resolution.runs:
            return
        case = make_case(spec, small(spec, 3))
        for output in case.outputs.values():
            outputs = (output,) if len(resolution.outputs) == 1 else output
            for value, kind in zip(outputs, resolution.outputs, strict=True):
                assert form(value) == told(kind, 3)
        cases[str(len(cases))] = case

    collect()
    return cases


def test_a_stack_that_resolves_runs_and_is_written_as_it_is_built(tmp_path: Path) -> None:
    cases = collected(120)
    assert len(cases) > 60
    assert sum(len(case.spec.nodes) for case in cases.values()) > 120
    assert failures(cases, tmp_path) == {}


@settings(max_examples=20)
@given(stacks(), st.sampled_from(CONTAINERS))
def test_another_container_gives_the_same_numbers(spec: ModelSpec, container: str) -> None:
    try:
        other = edit.set_container(spec, container)
    except BuilderError:
        return
    if not resolve(spec).runs or not resolve(other).runs:
        return
    before, after = build(spec).eval(), build(other).eval()
    weights = zip(after.state_dict(), before.state_dict().values(), strict=True)
    after.load_state_dict(dict(weights))
    outputs = []
    for model in (before, after):
        torch.manual_seed(0)
        with torch.no_grad():
            outputs.append(model(*[value.clone() for value in small(spec, 2)]))
    assert form(outputs[0]) == form(outputs[1])


@given(st.text(max_size=40) | st.sampled_from([*CATALOG, "x", "a", "nn.", "torch.", "F.relu()"]))
def test_any_op_at_all_is_resolved_or_named_in_a_fault(op: str) -> None:
    if not op:
        return
    resolve(ModelSpec("M", (Input("x", (4,)),), "graph", (Node("a", op),)))


WILD = st.none() | st.booleans() | st.integers() | st.floats(-1e99, 1e99) | st.text(max_size=5)


@settings(max_examples=200)
@given(st.sampled_from(ROWS), st.data())
def test_any_value_at_all_is_taken_or_named_in_a_fault(row: Layer, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*row.fields, "other"]), max_size=3))
    wild = {name: data.draw(WILD | st.lists(WILD, max_size=3)) for name in names}
    args = {**row.initial_args(), **wild}
    inputs = tuple(Input(f"x{i}", shape) for i, shape in enumerate(row.examples))
    node = Node("a", row.op, args, tuple(entry.name for entry in inputs))
    spec = ModelSpec("M", inputs, "graph", (node,))
    for fault in resolve(spec).faults:
        assert len(fault.message) < 600
        for fix in fault.fixes:
            resolve(fix.apply(spec))
