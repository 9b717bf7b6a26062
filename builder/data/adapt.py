"""The edits that bring a model to a data set: one at its front, one at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from builder import edit
from builder.catalog import CATALOG
from builder.data.samples import Samples
from builder.resolve import Fix, TensorType, resolve
from builder.rows import row_of
from builder.spec import Block, ModelSpec, Node

_EMBEDDINGS = ("nn.Embedding", "nn.EmbeddingBag")
_EMBEDDED = 32  # numbers that stand for a token
_NARROWEST = 4  # a sequence of fewer numbers a step is no picture
_SIZES = ("out_features", "out_channels")
# What hands every feature on: the size of the output is set by a layer before it.
_PASSING = {"Activation", "Function activation", "Dropout", "Normalisation"}
_PASSING |= {"Pooling", "Function pooling"}
_PASSING_OPS = {"nn.Identity", "nn.Flatten", "torch.flatten", "F.dropout", "torch.squeeze"}


@dataclass(frozen=True)
class Needs:
    """What a data set asks of a model.

    Args:
        name: of the data set.
        shape: of one sample.
        outputs: how many outputs the model should have.
        allowed: how many it may have.
        why: where the number comes from, in words.
        dtype: of a sample.
        tokens: of a text, how many different ones there are; 0 for other data.
    """

    name: str
    shape: tuple[int, ...]
    outputs: int
    allowed: tuple[int, ...]
    why: str
    dtype: str = "float32"
    tokens: int = 0

    @classmethod
    def of(cls, samples: Samples, outputs: int | None) -> Needs:
        """Read it off the samples; `outputs` overrides the number that they suggest."""
        classes = len(samples.classes)
        allowed: tuple[int, ...]
        if outputs is not None:
            wanted, allowed, why = outputs, (outputs,), f"{outputs} are asked for"
        elif samples.task == "regression":
            wanted, allowed, why = 1, (1,), f"{samples.called} has 1 number to predict"
        else:
            # A yes or no can be told by one output as well as by two.
            wanted, allowed = classes, (2, 1) if classes == 2 else (classes,)
            why = f"{samples.called} has {classes} classes"
        return cls(
            samples.called, samples.shape, wanted, allowed, why,
            dtype="float32" if samples.x.is_floating_point() else "int64",
            tokens=len(samples.vocabulary),
        )  # fmt: skip


def inputs(spec: ModelSpec, needs: Needs) -> Iterator[Fix]:
    """Give the model the input that the data set has."""
    had, has = spec.inputs[0].shape, needs.shape
    count = has[0]
    if needs.tokens and not _embedders(spec):
        yield from _embedded(spec, needs)
        return
    if len(has) > 1 and len(had) == 1:
        front = partial(_with_front, needs=needs, op="nn.Flatten", args={})
        noun = "picture" if len(has) == 3 else "sequence"
        yield Fix(f"Flatten each {noun}: input {has}, then nn.Flatten", front)
    rows = _row_reader(spec)
    if len(has) == 2 and len(had) == 3 and rows is not None:
        front = partial(_without_front, needs=needs)
        yield Fix(f"Read the steps as they are: input {has}, without {rows}", front)
    elif len(has) == 2 and len(had) == 3 and min(has) >= _NARROWEST:
        front = partial(
            _with_front, needs=needs, op="nn.Unflatten",
            args={"dim": 1, "unflattened_size": (1, count)},
        )  # fmt: skip
        yield Fix(f"Read each sequence as a picture: input {has}, then nn.Unflatten", front)
    if len(has) == 3 and len(had) == 2:
        args: dict[str, Any] = {"start_dim": 1, "end_dim": 2}
        front = partial(_with_front, needs=needs, op="nn.Flatten", args=args)
        yield Fix(f"Read each picture row by row: input {has}, then nn.Flatten(1, 2)", front)
    if len(has) == 1 and len(had) in (2, 3):
        steps = _unrolls(spec)
        if steps or len(had) == 2:
            size = (*(1,) * (len(had) - 2), count, 1) if steps else (1, count)
            words = "one after the other" if steps else "as one channel"
            args = {"dim": 1, "unflattened_size": size}
            front = partial(_with_front, needs=needs, op="nn.Unflatten", args=args)
            yield Fix(f"Read the {count} numbers {words}: input {has}, then nn.Unflatten", front)
    of = f" of {needs.dtype}" if spec.inputs[0].dtype != needs.dtype else ""
    yield Fix(f"Set the input to {has}{of}", partial(_with_input, needs=needs))


def _embedded(spec: ModelSpec, needs: Needs) -> Iterator[Fix]:
    """Let a model of numbers look tokens up first; one that reads no steps gets their mean.

    One that sees pictures would make a picture of the table of embeddings: it gets nothing.
    """
    if len(spec.inputs[0].shape) > 2 and _row_reader(spec) is None:
        return
    told = f"Look the tokens up: input {needs.shape} of {needs.dtype}, then"
    averages = len(spec.inputs[0].shape) == 1 and not _unrolls(spec)
    for op in reversed(_EMBEDDINGS) if averages else _EMBEDDINGS[:1]:
        args = {"num_embeddings": needs.tokens, "embedding_dim": _EMBEDDED}
        yield Fix(f"{told} {op}", partial(_with_lookup, needs=needs, op=op, args=args))


def _with_lookup(spec: ModelSpec, needs: Needs, op: str, args: Mapping[str, Any]) -> ModelSpec:
    # What took the rows of a picture would take the steps apart again.
    bare = spec if _row_reader(spec) is None else _without_front(spec, needs)
    return _with_front(bare, needs, op, args)


def too_few_rows(spec: ModelSpec, needs: Needs) -> Iterator[tuple[str, int]]:
    """Return the embeddings that read the input and have fewer rows than there are tokens."""
    for node in _embedders(spec):
        rows = node.args.get("num_embeddings")
        if isinstance(rows, int) and rows < needs.tokens:
            yield node.name, rows


def rows(spec: ModelSpec, needs: Needs) -> Iterator[Fix]:
    """Give an embedding as many rows as there are tokens."""
    for name, _ in too_few_rows(spec, needs):
        change = partial(edit.set_args, name=name, args={"num_embeddings": needs.tokens})
        yield Fix(f"Give {name} {needs.tokens:,} rows", change)


def _embedders(spec: ModelSpec) -> tuple[Node, ...]:
    """Return the embeddings that look the model's input up."""
    source = spec.inputs[0].name
    return tuple(
        node
        for place, node in enumerate(spec.nodes)
        if node.op in _EMBEDDINGS and source in spec.main.sources(place)
    )


def outputs(spec: ModelSpec, needs: Needs) -> Iterator[Fix]:
    """Bring what the model gives one step nearer to (N, outputs)."""
    resolution = resolve(spec)
    if len(resolution.outputs) > 1:
        for name in spec.main.results:
            yield Fix(f"Give only what {name} gives", partial(_with_result, name=name))
        return
    given = resolution.outputs[0]
    if not isinstance(given, TensorType):
        yield Fix("Take its first output", partial(_with_end, op="item", args={"index": 0}))
        return
    count = needs.outputs
    rank = len(given.shape)
    if rank == 1:
        yield Fix("Add an axis", partial(_with_end, op="torch.unsqueeze", args={"dim": 1}))
    elif rank > 2:
        if rank == 3 and _unrolls(spec):
            yield Fix("Take the last time step", partial(_with_end, op="last_step", args={}))
        yield Fix("Add a Flatten", partial(_with_end, op="nn.Flatten", args={}))
    else:
        sized = _last_sized(spec)
        if sized is not None:
            block, node, size = sized
            change = partial(edit.set_args, name=node, args={size: count}, block=block)
            fix = Fix(f"Give {_outputs(count)}", change)
            # A Flatten in between may make many features of each channel.
            if _features(fix.apply(spec)) == count:
                yield fix
        linear = partial(_with_end, op="nn.Linear", args={"out_features": count})
        yield Fix(f"Add a Linear layer with {_outputs(count)}", linear)


def _features(spec: ModelSpec) -> int | None:
    out = resolve(spec).output
    return out.features if out is not None else None


def _outputs(count: int) -> str:
    return f"{count:,} output{'s' * (count != 1)}"


def _unrolls(spec: ModelSpec) -> bool:
    return any(node.op in CATALOG and CATALOG[node.op].unrolls for node in spec.nodes)


def _with_input(spec: ModelSpec, needs: Needs) -> ModelSpec:
    return edit.set_input(spec, spec.inputs[0].name, shape=needs.shape, dtype=needs.dtype)


def _with_front(spec: ModelSpec, needs: Needs, op: str, args: Mapping[str, Any]) -> ModelSpec:
    """Set the input, and put a layer between it and all that read it."""
    source = spec.inputs[0].name
    spec = edit.insert(_with_input(spec, needs), 0, op, args)
    first = spec.nodes[0].name
    for node in spec.nodes[1:]:
        if source in node.inputs:
            names = [first if name == source else name for name in node.inputs]
            spec = edit.set_sources(spec, node.name, names)
    if source in spec.outputs:
        spec = replace(spec, outputs=tuple(first if n == source else n for n in spec.outputs))
    return spec


def _row_reader(spec: ModelSpec) -> str | None:
    """Return the name of the first layer if all it does is to take the rows of a picture."""
    first = spec.nodes[0] if spec.nodes else None
    rows = {"start_dim": 1, "end_dim": 2}
    if first is None or (first.op, dict(first.args)) != ("nn.Flatten", rows):
        return None
    readers = [n for n in spec.nodes[1:] if {spec.inputs[0].name, first.name} & set(n.inputs)]
    return None if readers or first.name in spec.outputs else first.name


def _without_front(spec: ModelSpec, needs: Needs) -> ModelSpec:
    return edit.remove(_with_input(spec, needs), spec.nodes[0].name)


def _with_end(spec: ModelSpec, op: str, args: Mapping[str, Any]) -> ModelSpec:
    """Put a layer behind the one that gives the output, and give what that layer gives."""
    if spec.container == "sequential" and not CATALOG[op].is_module:
        spec = edit.set_container(spec, "modulelist")
    end, result = len(spec.nodes), spec.main.results[0]
    behind = (spec.nodes[-1].name if spec.nodes else spec.inputs[0].name) == result
    spec = edit.insert(spec, end, op, args, inputs=() if behind else (result,))
    return replace(spec, outputs=(spec.nodes[-1].name,)) if spec.outputs else spec


def _with_result(spec: ModelSpec, name: str) -> ModelSpec:
    return replace(spec, outputs=(name,))


def _last_sized(spec: ModelSpec, block: str | None = None) -> tuple[str | None, str, str] | None:
    """Find the layer that sets the number of outputs: its block, its name and that argument.

    Goes back from the output along layers that hand every feature on; `None` where another one
    stands in the way.
    """
    target = spec.block(block)
    name = target.results[0]
    while name in target:
        node = _called(target, name)
        if node.op in spec.blocks and node.enabled:
            return _last_sized(spec, node.op)
        row = row_of(spec, node.op)
        if row is None:
            return None
        size = next((size for size in _SIZES if size in row.fields), None)
        if size is not None and node.enabled:
            return block, node.name, size
        if node.enabled and row.group not in _PASSING and node.op not in _PASSING_OPS:
            return None
        name = target.sources(target.positions[name])[0]
    return None


def _called(block: Block, name: str) -> Node:
    """Return the layer of a name, or the earlier one that it calls again."""
    node = block.node(name)
    while node.op in block and block.positions[node.op] < block.positions[node.name]:
        node = block.node(node.op)
    return node
