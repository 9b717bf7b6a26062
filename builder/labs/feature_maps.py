"""What every layer of a model makes of one picture.

A model is run step by step (`look`), and what comes out is read as maps; its weights are read as
filters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from builder.build import check
from builder.catalog import CATALOG
from builder.errors import ModelError
from builder.labs.framing import Frame
from builder.resolve import Step, resolve
from builder.spec import Block, ModelSpec, Node

# Of one picture, as they are kept for as long as the page looks at them.
MOST_BYTES, MOST_MACS = 2**29, 10**11


@dataclass(frozen=True, eq=False)
class Layer:
    """What one layer gave.

    Args:
        name: the way to it, `subnet1.conv`; `lstm[1][0]` for one of several tensors.
        op: as in the document.
        value: the tensor, as the layer gave it.
    """

    name: str
    op: str
    value: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor, the batch of 1 included."""
        return tuple(self.value.shape)

    @property
    def maps(self) -> Tensor | None:
        """The values as pictures, float32 (n, h, w); `None` for a row of numbers.

        (1, C, H, W) is C of them, (1, T, F) is one; the axes of a volume are laid out in a row.
        """
        values = self.value.float().squeeze()
        return None if values.dim() < 2 else values.reshape(-1, *values.shape[-2:])

    @property
    def row(self) -> Tensor | None:
        """The values as a row of numbers, float32 (n,); `None` where they are pictures."""
        values = self.value.float().squeeze()
        return None if values.dim() > 1 else values.reshape(-1)


def look(model: nn.Module, spec: ModelSpec, x: Tensor) -> list[Layer]:
    """Run a model on one input and return what every layer gave, functions too, in order.

    A layer called twice stands there twice; the layers of a block come before the block. The model
    is left in evaluation, where dropout hands on what it gets and batch norm uses what it learned.

    Args:
        model: `build(spec)`, with any weights.
        x: (1, *shape of the input).

    Raises:
        ModelError: the model cannot run, it would take too much memory or time, or torch refused.
    """
    resolution = check(spec, budget=2**63)
    if resolution.activation_bytes > MOST_BYTES or resolution.macs > MOST_MACS:
        raise ModelError(
            f"One picture through {spec.name} takes {resolution.activation_bytes / 1e9:,.1f} GB "
            f"and {resolution.macs / 1e9:,.1f} billion multiply-adds; up to "
            f"{MOST_BYTES / 1e9:,.1f} GB and {MOST_MACS / 1e9:,.0f} billion are looked at here. "
            "A smaller input does it."
        )
    found: list[Layer] = []
    with torch.no_grad():
        _run(spec, spec.main, resolution.steps, model.eval(), (x.clone(),), found, ())
    return found


def _run(
    spec: ModelSpec,
    block: Block,
    steps: Sequence[Step],
    module: nn.Module,
    inputs: Sequence[Any],
    found: list[Layer],
    path: tuple[str, ...],
) -> Any:
    """Run one block as its own forward pass does, and keep what passes."""
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
            value = _run(spec, inner, step.steps, target, given, found, way)
        else:
            value = _called(step, target, given, way)
        values[step.name] = value
        # A layer in place would write over what the one before it gave.
        found += [
            Layer(".".join(way) + part, step.op, tensor.detach().clone())
            for part, tensor in _tensors(value)
        ]
    results = tuple(values[name] for name in block.results)
    return results[0] if len(results) == 1 else results


def _modules(
    spec: ModelSpec, block: Block, steps: Sequence[Step], module: nn.Module
) -> dict[str, nn.Module]:
    """Return the modules of a block by the name of their step; they stand in running order."""
    holder = module.get_submodule("layers") if block.container == "modulelist" else module
    names = [step.name for step in steps if _holds_module(spec, step)]
    return dict(zip(names, holder.children(), strict=True))


def modules_of(model: nn.Module, spec: ModelSpec) -> dict[str, nn.Module]:
    """Return the modules of a model by the names that `look` gives to their layers.

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


def filters_of(model: nn.Module, spec: ModelSpec) -> dict[str, Tensor]:
    """Return the weights that can be seen as pictures, (O, I, h, w), by the names of their layers.

    They are those of every Conv2d, and of a Linear that reads the picture before anything else
    has learned from it: each of its outputs has a weight for every pixel. A layer called again is
    not named again.
    """
    found: dict[str, Tensor] = {}
    frame = Frame.of(spec)
    values = frame.channels * frame.height * frame.width
    first, seen = True, set()
    for name, module in modules_of(model, spec).items():
        weight = getattr(module, "weight", None)
        if weight is None or id(module) in seen:
            continue
        seen.add(id(module))
        if isinstance(module, nn.Conv2d):
            found[name] = weight.detach()
        elif first and isinstance(module, nn.Linear) and module.in_features == values:
            shape = (-1, frame.channels, frame.height, frame.width)
            found[name] = weight.detach().reshape(shape)
        first = False
    return found


def _holds_module(spec: ModelSpec, step: Step) -> bool:
    row = CATALOG.get(step.op)
    return step.shared is None and (step.op in spec.blocks or bool(row and row.is_module))


def _called(
    step: Step, module: nn.Module | None, given: Sequence[Any], way: tuple[str, ...]
) -> Any:
    row = CATALOG[step.op]
    given = list(given) * (row.repeat if len(given) == 1 else 1)
    try:
        if module is not None:
            return module(*given)
        return row.make(step.args)(*given, training=False)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(
            f"{'.'.join(way)} ({step.op}) does not run on a single picture: {reason}",
            node=way[0],
        ) from None


def _tensors(value: Any, part: str = "") -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield part, value
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _tensors(item, f"{part}[{index}]")


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


def output_of(layers: Sequence[Layer], spec: ModelSpec) -> Layer | None:
    """Return the layer whose tensor is the model's output, the first if there are several."""
    name = spec.main.results[0]
    return next((layer for layer in layers if layer.name.partition("[")[0] == name), None)
