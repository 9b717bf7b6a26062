"""From a spec to Python that reads as if written by hand and needs nothing but torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from builder.build import ClassNames, check
from builder.code.expressions import constructor
from builder.code.forward import forward_lines
from builder.code.initial import initial_lines
from builder.code.layout import Call, Code, lines, statement, text
from builder.code.own import own_class
from builder.code.styles import STYLES
from builder.errors import BuilderError
from builder.own.row import OwnRow
from builder.resolve import Resolution, Step, describe
from builder.rows import row_of
from builder.spec import ModelSpec


def write_source(spec: ModelSpec, style: str | None = None) -> str:
    """Return Python source that defines the model as a class built without arguments.

    Args:
        spec: a model that runs.
        style: one of `STYLES`: `sequential`, `modulelist`, `module` (named attributes and a forward
            pass) or `functional` (the same, with functions for what holds no weights); left out,
            the model as it is. Another container has other `state_dict` keys; those of `module`
            and `functional` are the same.

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
        spec = STYLES[style](spec)
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
    if re.search(r"\bOrderedDict\(", body):
        found += ["from collections import OrderedDict", ""]
    if re.search(r"\btorch\.", body):
        found.append("import torch")
    if re.search(r"\bF\.", body):
        found.append("import torch.nn.functional as F")
    return [*found, "from torch import nn"]


class _Writer:
    """Collects the classes, inner blocks first; one class for all uses that come out alike."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.classes: dict[str, list[str]] = {}
        self._names = ClassNames(spec)

    def class_of(self, step: Step) -> str:
        """Return the class for a named block at a step, writing it first if it is new."""
        name, new = self._names.of(step)
        if new:
            self.add(step.op, name, step.steps)
        return name

    def add(self, block: str | None, name: str, steps: Sequence[Step], doc: str = "") -> None:
        """Write one class."""
        target = self.spec.block(block)
        made = {step.name: code for step in steps if (code := self.constructor(step)) is not None}
        head = [f'    """{doc}"""', ""] if doc else []
        if target.container == "sequential":
            starts = initial_lines({node: f"self[{i}]" for i, node in enumerate(made)}, target)
            self.classes[name] = [f"class {name}(nn.Sequential):", *head, *_chain(made), *starts]
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
            *initial_lines(calls, target),
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
        row = row_of(self.spec, step.op)
        if row is None or not row.is_module:
            return None
        if not step.enabled:
            return Call("nn.Identity", comment=f"{step.op}, switched off")
        if isinstance(row, OwnRow):
            self.classes.setdefault(row.op, own_class(row))
        return constructor(row, step.args)


def _chain(made: Mapping[str, Code]) -> list[str]:
    plain = all(name == str(position) for position, name in enumerate(made))
    args: tuple[Code, ...] = tuple(made.values())
    if not plain:
        pairs = tuple(
            Call("", (f'"{key}"', code), comment=getattr(code, "comment", ""))
            for key, code in made.items()
        )
        pair_list = Call("", pairs, brackets="[]", exploded=True)
        args = (Call("OrderedDict", (pair_list,)),)
    call = Call("super().__init__", args, exploded=plain and bool(args))
    return ["    def __init__(self):", *lines(call, indent=8)]


def _module_list(made: Mapping[str, Code]) -> list[str]:
    inner = Call("", tuple(made.values()), brackets="[]", exploded=bool(made))
    return lines(Call("nn.ModuleList", (inner,)), indent=8, lead="self.layers = ")


def _attributes(made: Mapping[str, Code]) -> list[str]:
    return [
        line
        for name, code in made.items()
        for line in statement(code, indent=8, lead=f"self.{name} = ")
    ]
