"""From a spec to Python that reads as if written by hand and needs nothing but torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from builder.build import check
from builder.catalog import CATALOG
from builder.catalog.modules import Stack
from builder.code.forward import forward_lines
from builder.code.layout import Call, Code, lines, text
from builder.edit import set_container
from builder.errors import BuilderError
from builder.names import free_name
from builder.resolve import Resolution, Step, describe
from builder.spec import ModelSpec

STYLES: Mapping[str, str] = {
    "sequential": "sequential",
    "modulelist": "modulelist",
    "module": "graph",
}


def write_source(spec: ModelSpec, style: str | None = None) -> str:
    """Return Python source that defines the model as a class built without arguments.

    Args:
        spec: a model that runs.
        style: `sequential`, `modulelist` or `module` (named attributes and a forward pass); left
            out, the model's own container. Another style is the same layers in another container,
            and so has that container's `state_dict` keys.

    Raises:
        ModelError: the model cannot run.
        EditError: the style cannot hold this model, such as a branch in a Sequential.
        BuilderError: there is no such style.
    """
    if style is not None:
        if style not in STYLES:
            raise BuilderError(
                f"There is no code style {style!r}; known are {', '.join(map(repr, STYLES))}."
            )
        spec = set_container(spec, STYLES[style])
    resolution = check(spec, budget=2**63)
    writer = _Writer(spec)
    writer.add(None, spec.name, resolution.steps, _docstring(spec, resolution))
    body = text(list(writer.classes.values()))
    return "\n".join(_imports(body)) + "\n\n\n" + body


def _docstring(spec: ModelSpec, resolution: Resolution) -> str:
    shapes = [f"({', '.join(map(str, ('N', *entry.shape)))})" for entry in spec.inputs]
    shapes = [shape if "," in shape else f"{shape[:-1]},)" for shape in shapes]
    ints = " of whole numbers" if any(entry.dtype == "int64" for entry in spec.inputs) else ""
    gives = " and ".join(describe(value) for value in resolution.outputs)
    return f"{' and '.join(shapes)}{ints} -> {gives}"


def _imports(body: str) -> list[str]:
    found = []
    if "OrderedDict(" in body:
        found += ["from collections import OrderedDict", ""]
    if "torch." in body:
        found.append("import torch")
    if "F." in body:
        found.append("import torch.nn.functional as F")
    return [*found, "from torch import nn"]


class _Writer:
    """Collects the classes, inner blocks first; one class for all uses that come out alike."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.classes: dict[str, list[str]] = {}
        self._known: dict[tuple[str, str], str] = {}

    def class_of(self, step: Step) -> str:
        """Return the class for a named block at a step, writing it first if it is new."""
        shape = repr([_facts(inner) for inner in step.steps])
        if (step.op, shape) not in self._known:
            taken = {*self._known.values(), self.spec.name, *self.spec.blocks} - {step.op}
            if step.op in self._known.values():
                taken.add(step.op)
            # Uses whose inferred sizes differ cannot share a class built without arguments.
            name = free_name(step.op, taken)
            self._known[step.op, shape] = name
            self.add(step.op, name, step.steps)
        return self._known[step.op, shape]

    def add(self, block: str | None, name: str, steps: Sequence[Step], doc: str = "") -> None:
        """Write one class."""
        target = self.spec.block(block)
        made = {step.name: code for step in steps if (code := self.constructor(step)) is not None}
        head = [f'    """{doc}"""', ""] if doc else []
        if target.container == "sequential":
            self.classes[name] = [f"class {name}(nn.Sequential):", *head, *_chain(made)]
            return
        listed = target.container == "modulelist"
        attributes = _module_list(made) if listed else _attributes(made)
        calls = {
            key: f"self.layers[{index}]" if listed else f"self.{key}"
            for index, key in enumerate(made)
        }
        self.classes[name] = [
            f"class {name}(nn.Module):",
            *head,
            "    def __init__(self):",
            "        super().__init__()",
            *attributes,
            "",
            *forward_lines(target, steps, calls, loop=listed),
        ]

    def constructor(self, step: Step) -> Code | None:
        """Return the expression that makes a step's module, `None` for functions and calls."""
        if step.shared is not None:
            return None
        if step.op in self.spec.blocks:
            if not step.enabled:
                return Call("nn.Identity", comment=f"{step.op}, switched off")
            return Call(self.class_of(step))
        row = CATALOG.get(step.op)
        if row is None or not row.is_module:
            return None
        if not step.enabled:
            return Call("nn.Identity", comment=f"{step.op}, switched off")
        if isinstance(row, Stack):
            inner, own = row.split_args(step.args)
            single = CATALOG[f"nn.{row.repeated}"]
            return Call(step.op, (_call(single.op, inner), *_written(step.op, own, 0)))
        return _call(step.op, step.args)


def _facts(step: Step) -> tuple[Any, ...]:
    inner = tuple(_facts(entry) for entry in step.steps)
    return (step.name, step.op, dict(step.args), step.sources, step.enabled, step.shared, inner)


def _call(op: str, args: Mapping[str, Any]) -> Call:
    return Call(op, _written(op, args, CATALOG[op].positional))


def _written(op: str, args: Mapping[str, Any], positional: int) -> tuple[str, ...]:
    """Return arguments as code: the leading ones bare, as people write `nn.Linear(10, 20)`."""
    written = []
    bare = True
    for position, name in enumerate(CATALOG[op].fields):
        if name not in args:
            bare = False
            continue
        bare = bare and position < positional
        written.append(repr(args[name]) if bare else f"{name}={args[name]!r}")
    return tuple(written)


def _chain(made: Mapping[str, Code]) -> list[str]:
    plain = all(name == str(position) for position, name in enumerate(made))
    args: tuple[Code, ...] = tuple(made.values())
    if not plain:
        pairs = tuple(Call("", (repr_name(key), code)) for key, code in made.items())
        pair_list = Call("", pairs, brackets="[]", exploded=True)
        args = (Call("OrderedDict", (pair_list,)),)
    call = Call("super().__init__", args, exploded=plain and bool(args))
    return ["    def __init__(self):", *lines(call, indent=8)]


def repr_name(name: str) -> str:
    """Return a name as a string in code."""
    return f'"{name}"'


def _module_list(made: Mapping[str, Code]) -> list[str]:
    inner = Call("", tuple(made.values()), brackets="[]", exploded=bool(made))
    return lines(Call("nn.ModuleList", (inner,)), indent=8, lead="self.layers = ")


def _attributes(made: Mapping[str, Code]) -> list[str]:
    return [
        line
        for name, code in made.items()
        for line in lines(code, indent=8, lead=f"self.{name} = ")
    ]
