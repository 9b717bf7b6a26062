"""A model run a step at a time, just as its own forward pass runs.

The labs look at what passes between layers, functions included, which hooks on modules do not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from builder.errors import FormulaError, ModelError
from builder.resolve import Step, resolve
from builder.rows import row_of
from builder.spec import Block, ModelSpec, Node

# What is told of a step: the way to it, `("subnet1", "conv")`, the step, and what it gave. What it
# returns goes on in the place of that, unless it is `None`.
Saw = Callable[[tuple[str, ...], Step, Any], Any]


def walk(
    model: nn.Module, spec: ModelSpec, inputs: Sequence[Tensor], saw: Saw, *, training: bool = False
) -> Any:
    """Run a model and return what it gives; `saw` is told what every step gave, in running order.

    A layer called twice is told twice; the layers of a block come before the block. With a
    profiler on, each step stands in its record under its name, `subnet1.conv`.

    Args:
        model: `build(spec)`, with any weights; it runs in the mode it is in.
        inputs: one tensor for each input, (N, *shape).
        training: the mode in which functions such as `F.dropout` run.

    Raises:
        ModelError: torch refused a step; what came before has been told.
    """
    steps = resolve(spec).steps
    return _block(spec, spec.main, steps, model, inputs, saw, (), training)


def _block(
    spec: ModelSpec,
    block: Block,
    steps: Sequence[Step],
    module: nn.Module,
    inputs: Sequence[Any],
    saw: Saw,
    path: tuple[str, ...],
    training: bool,
) -> Any:
    values: dict[str, Any] = dict(zip(block.inputs, inputs, strict=True))
    modules = _modules(spec, block, steps, module)
    for step in steps:
        given = [values[source] for source in step.sources]
        target = modules.get(step.shared or step.name)
        way = (*path, step.name)
        if not step.enabled:
            value = given[0]
        elif step.op in spec.blocks:
            assert target is not None
            inner = spec.blocks[step.op]
            value = _block(spec, inner, step.steps, target, given, saw, way, training)
        else:
            value = _called(spec, step, target, given, way, training)
        instead = saw(way, step, value)
        values[step.name] = value if instead is None else instead
    results = tuple(values[name] for name in block.results)
    return results[0] if len(results) == 1 else results


def _called(
    spec: ModelSpec,
    step: Step,
    module: nn.Module | None,
    given: Sequence[Any],
    way: tuple[str, ...],
    training: bool,
) -> Any:
    row = row_of(spec, step.op)
    given = list(given) * (row.repeat if row and len(given) == 1 else 1)
    try:
        with torch.profiler.record_function(".".join(way)):
            if module is not None:
                return module(*given)
            assert row is not None
            return row.make(step.args)(*given, training=training)
    except (RuntimeError, ValueError, IndexError, TypeError, FormulaError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(
            f"{'.'.join(way)} ({step.op}) does not run on this input: {reason}", node=way[0]
        ) from None


def _modules(
    spec: ModelSpec, block: Block, steps: Sequence[Step], module: nn.Module
) -> dict[str, nn.Module]:
    """Return the modules of a block by the name of their step; they stand in running order."""
    holder = module.get_submodule("layers") if block.container == "modulelist" else module
    names = [step.name for step in steps if _holds_module(spec, step)]
    return dict(zip(names, holder.children(), strict=True))


def _holds_module(spec: ModelSpec, step: Step) -> bool:
    row = row_of(spec, step.op)
    return step.shared is None and (step.op in spec.blocks or bool(row and row.is_module))


def tensors(value: Any, part: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of what a step gave, each with its place: `""`, or `[1][0]` in a tuple."""
    if isinstance(value, Tensor):
        yield part, value
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from tensors(item, f"{part}[{index}]")


def modules_of(model: nn.Module, spec: ModelSpec) -> dict[str, nn.Module]:
    """Return the modules of a model by the ways to them, `subnet1.conv`.

    A layer called again has the module of the first. Blocks are left out, and what is switched off.
    """
    found: dict[str, nn.Module] = {}

    def collect(block: Block, steps: Sequence[Step], module: nn.Module, path: str) -> None:
        modules = _modules(spec, block, steps, module)
        for step in steps:
            target = modules.get(step.shared or step.name)
            if target is None or not step.enabled:
                continue
            if step.op in spec.blocks:
                collect(spec.blocks[step.op], step.steps, target, f"{path}{step.name}.")
            else:
                found[path + step.name] = target

    collect(spec.main, resolve(spec).steps, model, "")
    return found


def out_of_place(spec: ModelSpec) -> ModelSpec:
    """Return the same model with no layer that writes over its input; the numbers are the same.

    Gradients with respect to what a layer gave need that to be still there.
    """
    return replace(
        spec,
        nodes=_out_of_place(spec.main),
        blocks={
            name: replace(block, nodes=_out_of_place(block)) for name, block in spec.blocks.items()
        },
    )


def _out_of_place(block: Block) -> tuple[Node, ...]:
    return tuple(
        replace(node, args={**node.args, "inplace": False}) if node.args.get("inplace") else node
        for node in block.nodes
    )
