"""From a spec to its resolution: one pass over the nodes, each asked of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from builder import edit
from builder.catalog import CATALOG, Layer
from builder.errors import BuilderError
from builder.resolve import faults as diagnosis
from builder.resolve import fixes
from builder.resolve.faults import Problem, Scene
from builder.resolve.probe import Call, probe
from builder.resolve.resolution import Fault, Fix, Note, Resolution, Step
from builder.resolve.types import N, TensorType, Type, tensors
from builder.spec import Block, ModelSpec, Node

MAX_DEPTH = 12
_MAX_REPAIRS = 40


def resolve(spec: ModelSpec) -> Resolution:
    """Work out shapes, parameters and costs of every layer.

    Never raises for a model that cannot run: the resolution then holds the steps up to the fault,
    the fault, and fixes that were tried.
    """
    found = _resolve(spec)
    if found.problem is None:
        return Resolution(found.steps, (), found.notes, (), found.outputs)
    problem = found.problem
    fault = Fault(
        problem.node,
        problem.message,
        _tried(spec, found),
        problem.block,
        found.path,
        problem.kind,
    )
    return Resolution(found.steps, (fault,), found.notes, found.unreached)


def settle(spec: ModelSpec) -> ModelSpec:
    """Let layers whose size contradicts the wire follow it, as far as that goes."""
    for _ in range(_MAX_REPAIRS):
        problem = _resolve(spec).problem
        if problem is None or problem.kind != "size" or not problem.fixes:
            return spec
        spec = problem.fixes[0].edit(spec)
    return spec


@dataclass(frozen=True)
class _Walk:
    """One pass over a block."""

    steps: tuple[Step, ...]
    outputs: tuple[Type, ...] = ()
    problem: Problem | None = None
    path: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


def _tried(spec: ModelSpec, found: _Walk) -> tuple[Fix, ...]:
    """Return the fixes that get the model further, those that make it run first."""
    assert found.problem is not None
    runs, helps = [], []
    for fix in found.problem.fixes:
        try:
            after = _resolve(fix.apply(spec))
        except BuilderError:
            continue
        if after.problem is None:
            runs.append(fix)
        elif len(after.steps) > len(found.steps):
            helps.append(fix)
    return tuple(runs + helps)


@lru_cache(maxsize=512)
def _resolve(spec: ModelSpec) -> _Walk:
    given = {entry.name: TensorType((N, *entry.shape), entry.dtype) for entry in spec.inputs}
    walk = _walk(spec, None, given, ())
    if walk.problem is not None:
        return walk
    lost = _batch_lost(spec, walk)
    if lost is None:
        return replace(walk, notes=_notes(spec, walk))
    position, problem = lost
    return replace(
        walk,
        steps=walk.steps[:position],
        outputs=(),
        problem=problem,
        path=(problem.node,),
        unreached=tuple(step.name for step in walk.steps[position + 1 :]),
    )


def _walk(
    spec: ModelSpec, block: str | None, given: Mapping[str, Type], stack: tuple[str, ...]
) -> _Walk:
    target = spec.block(block)
    wires: dict[str, Type] = dict(given)
    known_args: dict[str, tuple[dict[str, Any], frozenset[str]]] = {}
    steps: list[Step] = []
    modules = 0
    for position, node in enumerate(target.nodes):
        scene = Scene(spec, block, target, position, wires, known_args)
        outcome = _step(scene, stack, _prefix(target, node, modules))
        if isinstance(outcome, _Walk):
            rest = tuple(entry.name for entry in target.nodes[position + 1 :])
            return replace(outcome, steps=tuple(steps), unreached=rest)
        if _holds_module(spec, outcome):
            modules += 1
        steps.append(outcome)
        wires[node.name] = outcome.output
    missing = [name for name in target.results if name not in wires]
    if missing:
        last = target.nodes[-1].name if target.nodes else target.inputs[0]
        problem = Problem(
            last,
            f"The model's output is {missing[0]!r}, and there is no layer of that name.",
            (Fix("Give the last layer's output", partial(fixes.without_outputs, block=block)),),
            block=block,
        )
        return _Walk(tuple(steps[:-1]), problem=problem, path=(last,))
    return _Walk(tuple(steps), tuple(wires[name] for name in target.results))


def _prefix(block: Block, node: Node, modules: int) -> str:
    return f"layers.{modules}" if block.container == "modulelist" else node.name


def _holds_module(spec: ModelSpec, step: Step) -> bool:
    row = CATALOG.get(step.op)
    return step.shared is None and (step.op in spec.blocks or (row is not None and row.is_module))


def _step(scene: Scene, stack: tuple[str, ...], prefix: str) -> Step | _Walk:
    node, wires = scene.node, scene.wires
    sources = scene.block_of.sources(scene.position)
    problem = diagnosis.structure(scene, sources)
    if problem is not None:
        return _Walk((), problem=problem, path=(node.name,))
    inputs = tuple(wires[name] for name in sources)
    if not node.enabled:
        key = prefix if scene.holds_module else ""
        return Step(
            node.name, node.op, key, node.args, frozenset(), sources, inputs[:1], inputs[0],
            enabled=False,
        )  # fmt: skip
    shared = None
    called = node
    while called.op in scene.block_of:  # an earlier node, called again
        called = scene.block_of.node(called.op)
        shared = called.name
    if called.op in scene.spec.blocks:
        return _nested(scene, called, shared, sources, inputs, stack, prefix)
    row = CATALOG[called.op]
    if shared is not None:
        # Its sizes were told by the wire it was built on, not by this one.
        args, inferred = scene.known_args[shared]
    else:
        args, inferred = _with_inferred(row, called.args, inputs)
    scene.known_args[node.name] = (args, inferred)
    problem = diagnosis.before_torch(scene, row, called, args, inputs)
    if problem is None:
        answer = probe(Call(row.op, repr(args), inputs, args))
        if answer.refusal is not None:
            problem = diagnosis.after_torch(scene, row, called, args, inputs, answer.refusal)
    if problem is not None:
        return _Walk((), problem=problem, path=(node.name,))
    return Step(
        name=node.name,
        op=row.op,
        key=prefix if row.is_module and shared is None else "",
        args=args,
        inferred=inferred,
        sources=sources,
        inputs=inputs,
        output=answer.output,
        parameters=answer.parameters,
        params=0 if shared else answer.params,
        buffers=0 if shared else answer.buffers,
        macs=answer.macs,
        shared=shared,
        notes=answer.notes,
    )


def _with_inferred(
    row: Layer, args: Mapping[str, Any], inputs: tuple[Type, ...]
) -> tuple[dict[str, Any], frozenset[str]]:
    told = {}
    for name, wire in row.infer.items():
        if name not in args:
            size = diagnosis.wire_size(wire, inputs)
            if size is not None:
                told[name] = size
    ordered = {name: {**args, **told}[name] for name in row.fields if name in args or name in told}
    extra = {name: value for name, value in args.items() if name not in row.fields}
    return {**ordered, **extra}, frozenset(told)


def _nested(
    scene: Scene,
    called: Node,
    shared: str | None,
    sources: tuple[str, ...],
    inputs: tuple[Type, ...],
    stack: tuple[str, ...],
    prefix: str,
) -> Step | _Walk:
    node, name = scene.node, called.op
    inner = scene.spec.blocks[name]
    problem = diagnosis.nesting(scene, name, len(inputs), stack, MAX_DEPTH)
    if problem is not None:
        return _Walk((), problem=problem, path=(node.name,))
    walk = _walk(scene.spec, name, dict(zip(inner.inputs, inputs, strict=True)), (*stack, name))
    if walk.problem is not None:
        return replace(walk, path=(node.name, *walk.path))
    output: Type = walk.outputs[0] if len(walk.outputs) == 1 else walk.outputs
    own = shared is None
    return Step(
        name=node.name,
        op=name,
        key=prefix if own else "",
        args={},
        inferred=frozenset(),
        sources=sources,
        inputs=inputs,
        output=output,
        params=sum(step.params for step in walk.steps) if own else 0,
        buffers=sum(step.buffers for step in walk.steps) if own else 0,
        macs=sum(step.macs for step in walk.steps),
        shared=shared,
        steps=walk.steps,
    )


def _batch_lost(spec: ModelSpec, walk: _Walk) -> tuple[int, Problem] | None:
    """Return the first layer that changes the batch, if the model's output shows that one did."""
    first = [next(tensors(output), None) for output in walk.outputs]
    if all(entry is None or entry.batched for entry in first):
        return None
    for position, step in enumerate(walk.steps):
        got = next(tensors(step.output), None)
        came = next((t for value in step.inputs for t in tensors(value)), None)
        if got is not None and came is not None and came.batched and not got.batched:
            scene = Scene(spec, None, spec.main, position, {}, {})
            return position, diagnosis.batch(scene, step, came, got)
    return None


def _notes(spec: ModelSpec, walk: _Walk) -> tuple[Note, ...]:
    found = []
    for step in walk.steps:
        found += [Note(step.name, text) for text in step.notes]
        row = CATALOG.get(step.op)
        if row and "batch_first" in row.fields and not row.complete(step.args)["batch_first"]:
            message = "batch_first is off: this layer takes the batch axis for time."
            fix = Fix("Set batch_first", partial(_batch_first, name=step.name))
            found.append(Note(step.name, message, (fix,)))
    used = {source for step in walk.steps for source in step.sources} | set(spec.main.results)
    found += [
        Note(step.name, "Nothing reads what this layer gives.")
        for step in walk.steps
        if step.name not in used
    ]
    return tuple(found)


def _batch_first(spec: ModelSpec, name: str) -> ModelSpec:
    return edit.set_args(spec, name, {"batch_first": True})
