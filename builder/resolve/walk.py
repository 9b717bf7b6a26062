"""From a spec to its resolution: one pass over the nodes, each asked of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from builder import edit
from builder.errors import BuilderError
from builder.resolve import faults, fixes, refusals, starts
from builder.resolve.probe import Call, probe
from builder.resolve.resolution import Fault, Fix, Note, Resolution, Step
from builder.resolve.scene import Problem, Scene, with_inferred
from builder.resolve.types import N, TensorType, Type, tensors
from builder.rows import row_of
from builder.spec import Block, ModelSpec, Node

MAX_DEPTH = 12
MAX_LAYERS = 20_000  # ten blocks, each of ten of the next, would be ten thousand million layers
_MAX_REPAIRS = 40
_CACHED_SPECS = 128


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
class _Pass:
    """What one pass over a spec has worked out of its named blocks, and where it stands."""

    spec: ModelSpec
    known: dict[tuple[Any, ...], _Walk]
    stack: tuple[str, ...] = ()

    def inside(self, block: str) -> _Pass:
        return replace(self, stack=(*self.stack, block))


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
    results = {spec}
    for fix in found.problem.fixes:
        try:
            mended = fix.apply(spec)
        except BuilderError:
            continue
        if mended in results:  # two ways to say the same
            continue
        results.add(mended)
        after = _resolve(mended)
        if after.problem is None:
            runs.append(fix)
        elif _left(mended, after.path) < _left(spec, found.path):
            helps.append(fix)
    return tuple(runs + helps)


def _left(spec: ModelSpec, path: tuple[str, ...]) -> tuple[int, ...]:
    """Return how many layers are not reached, in each block on the way to a fault."""
    left = []
    block: Block | None = spec.main
    for name in path:
        if block is None or name not in block:
            break
        position = block.positions[name]
        left.append(len(block.nodes) - position)
        block = spec.blocks.get(Scene(spec, None, block, position, {}, {}).called.op)
    return tuple(left)


@lru_cache(maxsize=_CACHED_SPECS)
def _resolve(spec: ModelSpec) -> _Walk:
    given = {entry.name: TensorType((N, *entry.shape), entry.dtype) for entry in spec.inputs}
    walk = _walk(_Pass(spec, {}), None, given)
    if walk.problem is not None:
        return walk
    lost = _batch_lost(spec, walk)
    if lost is None:
        return replace(walk, notes=_notes(spec, walk))
    path, problem = lost
    position = spec.main.positions[path[0]]
    return replace(
        walk,
        steps=walk.steps[:position],
        outputs=(),
        problem=problem,
        path=path,
        unreached=tuple(step.name for step in walk.steps[position + 1 :]),
    )


def _walk(
    now: _Pass, block: str | None, given: Mapping[str, Type], built: tuple[Step, ...] = ()
) -> _Walk:
    """Work out one block.

    Args:
        given: types of its inputs.
        built: its steps where it was first used, if this is another call of the same weights.
    """
    target = now.spec.block(block)
    wires: dict[str, Type] = dict(given)
    known = {step.name: step for step in built}
    steps: list[Step] = []
    modules = layers = 0
    for position, node in enumerate(target.nodes):
        scene = Scene(now.spec, block, target, position, wires, known)
        outcome = _step(scene, now, _prefix(target, node, modules))
        if isinstance(outcome, Step) and layers + outcome.layers > MAX_LAYERS:
            outcome = _stopped(faults.too_many(scene, MAX_LAYERS))
        if isinstance(outcome, _Walk):
            rest = tuple(entry.name for entry in target.nodes[position + 1 :])
            return replace(outcome, steps=tuple(steps), unreached=rest)
        modules += _holds_module(now.spec, outcome)
        layers += outcome.layers
        steps.append(outcome)
        wires[node.name] = outcome.output
        known.setdefault(node.name, outcome)
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
    row = row_of(spec, step.op)
    return step.shared is None and (step.op in spec.blocks or (row is not None and row.is_module))


def _stopped(problem: Problem) -> _Walk:
    return _Walk((), problem=problem, path=(problem.node,))


def _step(scene: Scene, now: _Pass, prefix: str) -> Step | _Walk:
    node = scene.node
    sources = scene.block_of.sources(scene.position)
    problem = faults.structure(scene, sources)
    if problem is not None:
        return _stopped(problem)
    inputs = tuple(scene.wires[name] for name in sources)
    called = scene.called
    if not node.enabled or not called.enabled:
        key = prefix if scene.holds_module else ""
        return Step(
            node.name, node.op, key, node.args, frozenset(), sources, inputs[:1], inputs[0],
            enabled=False,
        )  # fmt: skip
    if called.op in now.spec.blocks:
        return _nested(scene, now, called.op, sources, inputs, prefix)
    row = scene.row(called.op)
    assert row is not None
    built = scene.built
    if built is not None:
        args, inferred = built.args, built.inferred
    else:
        args, inferred = with_inferred(row, called.args, inputs)
    problem = faults.before_torch(scene, row, called, args, inputs)
    if problem is None:
        answer = probe(Call(row.identity, repr(args), inputs, args, row))
        if answer.refusal is not None:
            problem = refusals.after_torch(scene, row, called, args, inputs, answer.refusal)
        else:
            problem = refusals.unfit(scene, row, answer.output)
    if problem is None:
        problem = starts.check(scene, answer.parameters)
    if problem is not None:
        return _stopped(problem)
    own = built is None
    return Step(
        name=node.name,
        op=row.op,
        key=prefix if row.is_module and own else "",
        args=args,
        inferred=inferred,
        sources=sources,
        inputs=inputs,
        output=answer.output,
        parameters=answer.parameters,
        params=answer.params if own else 0,
        buffers=answer.buffers if own else 0,
        macs=answer.macs,
        shared=scene.shared,
        frozen=node.frozen,
        notes=answer.notes,
    )


def _nested(
    scene: Scene,
    now: _Pass,
    name: str,
    sources: tuple[str, ...],
    inputs: tuple[Type, ...],
    prefix: str,
) -> Step | _Walk:
    problem = faults.nesting(scene, name, len(inputs), now.stack, MAX_DEPTH)
    if problem is not None:
        return _stopped(problem)
    built = scene.built
    walk = _block_walk(now.inside(name), name, inputs, built)
    if walk.problem is not None:
        problem = replace(walk.problem, fixes=(*scene.own_weights, *walk.problem.fixes))
        return replace(walk, problem=problem, path=(scene.node.name, *walk.path))
    own = built is None
    return Step(
        name=scene.node.name,
        op=name,
        key=prefix if own else "",
        args={},
        inferred=frozenset(),
        sources=sources,
        inputs=inputs,
        output=walk.outputs[0] if len(walk.outputs) == 1 else walk.outputs,
        params=sum(step.params for step in walk.steps) if own else 0,
        buffers=sum(step.buffers for step in walk.steps) if own else 0,
        macs=sum(step.macs for step in walk.steps),
        shared=scene.shared,
        frozen=scene.node.frozen,
        steps=walk.steps,
    )


def _block_walk(now: _Pass, name: str, inputs: tuple[Type, ...], built: Step | None) -> _Walk:
    """Work out a named block; the same block on the same inputs is worked out once."""
    given = dict(zip(now.spec.blocks[name].inputs, inputs, strict=True))
    if built is not None:
        return _walk(now, name, given, built.steps)
    question = (name, inputs, len(now.stack))
    if question not in now.known:
        now.known[question] = _walk(now, name, given)
    return now.known[question]


def _batch_lost(spec: ModelSpec, walk: _Walk) -> tuple[tuple[str, ...], Problem] | None:
    """Return the first layer that changes the batch, if the model's output shows that one did."""
    first = [next(tensors(output), None) for output in walk.outputs]
    if all(entry is None or entry.batched for entry in first):
        return None
    return _culprit(spec, None, walk.steps)


def _culprit(
    spec: ModelSpec, block: str | None, steps: tuple[Step, ...]
) -> tuple[tuple[str, ...], Problem] | None:
    for position, step in enumerate(steps):
        got = next(tensors(step.output), None)
        came = next((t for value in step.inputs for t in tensors(value)), None)
        if got is None or came is None or got.batched or not came.batched:
            continue
        inside = _culprit(spec, step.op, step.steps) if step.steps else None
        if inside is not None:
            return (step.name, *inside[0]), inside[1]
        scene = Scene(spec, block, spec.block(block), position, {}, {})
        return (step.name,), refusals.batch(scene, step, came, got)
    return None


def _notes(spec: ModelSpec, walk: _Walk) -> tuple[Note, ...]:
    found = []
    for step in walk.steps:
        found += [Note(step.name, text) for text in step.notes]
        row = row_of(spec, step.op)
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
