"""From a spec to the `nn.Module` itself, with the parameter names that the written code has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from builder import initial
from builder.catalog import Layer
from builder.errors import BudgetError, FormulaError, ModelError
from builder.names import free_name
from builder.resolve import Resolution, Step, resolve
from builder.rows import row_of
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
    resolution = check(spec, budget=budget)
    return _block(spec, spec.main, spec.name, resolution.steps, ClassNames(spec))


def assemble(spec: ModelSpec, *, budget: int = DEFAULT_BUDGET) -> nn.Module:
    """Return the modules of a model, one that cannot run too: what `__init__` makes, not to be run.

    Layers behind a fault are made where the document says all their sizes; one whose size only the
    wire could tell is left out.

    Raises:
        BudgetError: it has more than `budget` parameters; no memory has been taken.
    """
    found = resolve(spec)
    if found.runs:
        return build(spec, budget=budget)
    steps = _with_unreached(spec, spec.main, {step.name: step for step in found.steps})
    with torch.device("meta"):
        planned = _block(spec, spec.main, spec.name, steps, ClassNames(spec))
    params = sum(parameter.numel() for parameter in planned.parameters())
    if params > budget:
        raise BudgetError(f"{spec.name} has {params:,} parameters; the budget is {budget:,}.")
    return _block(spec, spec.main, spec.name, steps, ClassNames(spec))


def _with_unreached(spec: ModelSpec, block: Block, reached: Mapping[str, Step]) -> tuple[Step, ...]:
    """Return the steps of a block that hold modules, those that were not reached as they stand."""
    steps = []
    for node in block.nodes:
        if node.name in reached:
            steps.append(reached[node.name])
            continue
        row = row_of(spec, node.op)
        inner: tuple[Step, ...] = ()
        if node.op in spec.blocks:
            inner = _with_unreached(spec, spec.blocks[node.op], {})
        elif row is None or not row.is_module or not _says_all(row, node.args):
            continue
        steps.append(
            Step(node.name, node.op, node.name, node.args, frozenset(), (), (), (),
                 enabled=node.enabled, steps=inner)
        )  # fmt: skip
    return tuple(steps)


def _says_all(row: Layer, args: Mapping[str, Any]) -> bool:
    """Whether a layer can be made from these arguments alone."""
    if any(field.required and name not in args for name, field in row.fields.items()):
        return False
    try:
        with torch.device("meta"):
            row.make(args)
    except (TypeError, ValueError, RuntimeError, AssertionError, FormulaError):
        return False
    return True


def outline(spec: ModelSpec) -> str:
    """Return the module tree as torch prints it; takes no memory for weights.

    Raises:
        ModelError: the model cannot run.
    """
    with torch.device("meta"):
        return str(build(spec, budget=2**63))


def parameter_names(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of all parameters, those that are shared once; takes no memory for weights.

    Raises:
        ModelError: the model cannot run.
    """
    with torch.device("meta"):
        return tuple(name for name, _ in build(spec, budget=2**63).named_parameters())


class ClassNames:
    """Names of the classes that the uses of named blocks become.

    Uses of one block share a class; those whose inferred sizes differ cannot, being built without
    arguments, and get `SubNet2`, `SubNet3`.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._taken = {spec.name, *spec.blocks, *spec.layers}
        self._known: dict[tuple[str, str], str] = {}

    def of(self, step: Step) -> tuple[str, bool]:
        """Return the class for a step that is a named block, and whether it is a new one."""
        use = (step.op, repr([_facts(inner) for inner in step.steps]))
        if use in self._known:
            return self._known[use], False
        first = all(op != step.op for op, _ in self._known)
        name = step.op if first else free_name(step.op, self._taken)
        self._taken.add(name)
        self._known[use] = name
        return name, True


def _facts(step: Step) -> tuple[Any, ...]:
    inner = [_facts(entry) for entry in step.steps]
    return step.name, step.op, dict(step.args), step.sources, step.enabled, step.shared, inner


def _block(
    spec: ModelSpec, block: Block, title: str, steps: Sequence[Step], names: ClassNames
) -> nn.Module:
    modules = {
        step.name: made for step in steps if (made := _module(spec, step, names)) is not None
    }
    for name, module in modules.items():
        if block.node(name).enabled:
            initial.fill(module, block.node(name))
    if block.container == "sequential":
        chain: nn.Module = _named(title, nn.Sequential)()
        for name, module in modules.items():
            chain.add_module(name, module)
        return chain
    listed = block.container == "modulelist"
    keys = {name: str(index) if listed else name for index, name in enumerate(modules)}
    planned = _named(title, _Planned)(block, _plan(spec, steps, keys))
    if listed:
        planned.layers = nn.ModuleList(modules.values())
        return planned
    for name, module in modules.items():
        planned.add_module(name, module)
    return planned


def _named(title: str, base: type[nn.Module]) -> Callable[..., nn.Module]:
    return type(title, (base,), {"__module__": __name__})


def _module(spec: ModelSpec, step: Step, names: ClassNames) -> nn.Module | None:
    if step.shared is not None:
        return None
    if step.op in spec.blocks:
        if not step.enabled:
            return nn.Identity()
        return _block(spec, spec.blocks[step.op], names.of(step)[0], step.steps, names)
    row = row_of(spec, step.op)
    if row is None or not row.is_module:  # `None`: a call of an earlier layer, switched off
        return None
    if not step.enabled:
        return nn.Identity()
    made = row.make(step.args)
    assert isinstance(made, nn.Module)
    return made


@dataclass(frozen=True)
class _Call:
    """One line of the forward pass: which values go in, and under what name the result is kept.

    `key` is the attribute of the module that is called, `None` where `function` is.
    """

    name: str
    sources: tuple[str, ...]
    key: str | None
    function: Callable[..., Any] | None


def _plan(spec: ModelSpec, steps: Sequence[Step], keys: Mapping[str, str]) -> tuple[_Call, ...]:
    calls = []
    for step in steps:
        key = keys.get(step.shared or step.name)
        row = row_of(spec, step.op)
        repeat = row.repeat if row and step.enabled and len(step.sources) == 1 else 1
        function = None
        if key is None:
            function = row.make(step.args) if row and step.enabled else _first
        sources = step.sources[:1] if not step.enabled else step.sources * repeat
        calls.append(_Call(step.name, sources, key, function))
    return tuple(calls)


def _first(value: Any, *_: Any, training: bool) -> Any:
    """What a function that is switched off does."""
    return value


class _Planned(nn.Module):
    """A module whose forward pass follows a plan.

    Its own attributes have two underscores, out of the way of the layers' names.
    """

    def __init__(self, block: Block, plan: tuple[_Call, ...]) -> None:
        super().__init__()
        self.__plan = plan
        self.__listed = block.container == "modulelist"
        self.__inputs = block.inputs
        self.__results = block.results

    def forward(self, *inputs: Tensor) -> Any:
        values: dict[str, Any] = dict(zip(self.__inputs, inputs, strict=True))
        holder = self.layers if self.__listed else self
        for call in self.__plan:
            given = [values[source] for source in call.sources]
            if call.key is not None:
                values[call.name] = getattr(holder, call.key)(*given)
            else:
                assert call.function is not None
                values[call.name] = call.function(*given, training=self.training)
        if len(self.__results) == 1:
            return values[self.__results[0]]
        return tuple(values[name] for name in self.__results)
