"""From a spec to the `nn.Module` itself, with the parameter names that the written code has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder.catalog import CATALOG
from builder.errors import BudgetError, ModelError
from builder.resolve import Resolution, Step, resolve
from builder.spec import Block, ModelSpec

DEFAULT_BUDGET = 100_000_000


def check(spec: ModelSpec, *, budget: int = DEFAULT_BUDGET) -> Resolution:
    """Return the resolution of a model that runs and fits the budget; takes no memory for weights.

    Raises:
        ModelError: the model cannot run; the message is that of its fault.
        BudgetError: it has more than `budget` parameters.
    """
    resolution = resolve(spec)
    if resolution.faults:
        fault = resolution.faults[0]
        raise ModelError(f"{'.'.join(fault.path)}: {fault.message}", node=fault.path[0])
    if resolution.params > budget:
        largest = max(resolution.steps, key=lambda step: step.params)
        raise BudgetError(
            f"{spec.name} has {resolution.params:,} parameters, "
            f"{resolution.params * 4 / 1e9:,.1f} GB; the budget is {budget:,}. "
            f"The largest layer is {largest.name} ({largest.op}) with {largest.params:,}.",
            node=largest.name,
        )
    return resolution


def build(spec: ModelSpec, *, budget: int = DEFAULT_BUDGET) -> nn.Module:
    """Return the model, its weights drawn by torch's own initialisation.

    The class carries the model's name, so that it prints as the written code does.

    Raises:
        ModelError: the model cannot run.
        BudgetError: it has more than `budget` parameters; no memory has been taken.
    """
    return _block(spec, None, check(spec, budget=budget).steps)


def outline(spec: ModelSpec) -> str:
    """Return the module tree as torch prints it; takes no memory for weights.

    Raises:
        ModelError: the model cannot run.
    """
    with torch.device("meta"):
        return str(build(spec, budget=2**63))


def _block(spec: ModelSpec, name: str | None, steps: Sequence[Step]) -> nn.Module:
    block = spec.block(name)
    title = name or spec.name
    modules = {step.name: made for step in steps if (made := _module(spec, step)) is not None}
    if block.container == "sequential":
        chain: nn.Module = _named(title, nn.Sequential)()
        for key, module in modules.items():
            chain.add_module(key, module)
        return chain
    kind = _named(title, _ListModule if block.container == "modulelist" else _GraphModule)
    return kind(block, modules, _plan(steps, modules))


def _named(title: str, base: type[nn.Module]) -> Callable[..., nn.Module]:
    return type(title, (base,), {"__module__": __name__})


def _module(spec: ModelSpec, step: Step) -> nn.Module | None:
    if step.shared is not None:
        return None
    if step.op in spec.blocks:
        return _block(spec, step.op, step.steps) if step.enabled else nn.Identity()
    row = CATALOG.get(step.op)
    if row is None or not row.is_module:  # `None`: a call of an earlier layer, switched off
        return None
    if not step.enabled:
        return nn.Identity()
    made = row.make(step.args)
    assert isinstance(made, nn.Module)
    return made


@dataclass(frozen=True)
class _Call:
    """One line of the forward pass: which values go in, and under what name the result is kept."""

    name: str
    sources: tuple[str, ...]
    module: nn.Module | None
    function: Callable[..., Any] | None


def _plan(steps: Sequence[Step], modules: dict[str, nn.Module]) -> tuple[_Call, ...]:
    calls = []
    for step in steps:
        module = modules.get(step.shared or step.name)
        row = CATALOG.get(step.op)
        repeat = row.repeat if row and step.enabled and len(step.sources) == 1 else 1
        function = None
        if module is None:
            function = row.make(step.args) if row and step.enabled else _first
        sources = step.sources[:1] if not step.enabled else step.sources * repeat
        calls.append(_Call(step.name, sources, module, function))
    return tuple(calls)


def _first(value: Any, *_: Any, training: bool) -> Any:
    """What a function that is switched off does."""
    return value


class _Planned(nn.Module):
    """A module whose forward pass follows a plan."""

    def __init__(self, block: Block, plan: tuple[_Call, ...]) -> None:
        super().__init__()
        # Tuples keep the modules inside out of `named_modules`, where they stand by attribute.
        self._plan = plan
        self._inputs = block.inputs
        self._results = block.results

    def forward(self, *inputs: Tensor) -> Any:
        values: dict[str, Any] = dict(zip(self._inputs, inputs, strict=True))
        for call in self._plan:
            given = [values[source] for source in call.sources]
            if call.module is not None:
                values[call.name] = call.module(*given)
            else:
                assert call.function is not None
                values[call.name] = call.function(*given, training=self.training)
        if len(self._results) == 1:
            return values[self._results[0]]
        return tuple(values[name] for name in self._results)


class _GraphModule(_Planned):
    """Named attributes: keys `conv1.weight`."""

    def __init__(
        self,
        block: Block,
        modules: dict[str, nn.Module],
        plan: tuple[_Call, ...],
    ) -> None:
        super().__init__(block, plan)
        for name, module in modules.items():
            self.add_module(name, module)


class _ListModule(_Planned):
    """One `nn.ModuleList` called `layers`: keys `layers.0.weight`."""

    def __init__(
        self,
        block: Block,
        modules: dict[str, nn.Module],
        plan: tuple[_Call, ...],
    ) -> None:
        super().__init__(block, plan)
        self.layers = nn.ModuleList(modules.values())
