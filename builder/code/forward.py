"""Writing a forward pass: which variable holds what, and what is short enough to nest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.catalog import CATALOG, Function
from builder.code.layout import Call, Code, lines
from builder.resolve import Step
from builder.spec import Block

_NESTED_WIDTH = 72
_NESTED_DEPTH = 3
_WRAPPERS = ("Function activation", "Function pooling")


@dataclass(frozen=True)
class _Pending:
    """An expression that the next line takes in instead of a variable."""

    code: Call | str
    depth: int


def forward_lines(
    block: Block, steps: Sequence[Step], calls: Mapping[str, str], *, loop: bool
) -> list[str]:
    """Return the `forward` method.

    Args:
        block: the block that is written.
        steps: its steps.
        calls: how each module is called, by node name: `self.conv1`.
        loop: whether a plain chain is written as a loop over `self.layers`.
    """
    head = f"    def forward(self, {', '.join(block.inputs)}):"
    if loop and _is_chain(block, steps, calls):
        x = block.inputs[0]
        body = [f"        for layer in self.layers:\n            {x} = layer({x})"] if calls else []
        return [head, *body, f"        return {x}"]
    return [head, *_Forward(block, steps, calls).lines()]


def _is_chain(block: Block, steps: Sequence[Step], calls: Mapping[str, str]) -> bool:
    before = block.inputs[0]
    for step in steps:
        row = CATALOG.get(step.op)
        if step.sources != (before,) or step.name not in calls or (row and row.repeat > 1):
            return False
        before = step.name
    return block.results == (before,)


class _Forward:
    def __init__(self, block: Block, steps: Sequence[Step], calls: Mapping[str, str]) -> None:
        self.block, self.steps, self.calls = block, steps, calls
        self.uses = Counter(source for step in steps for source in step.sources)
        self.uses.update(block.results)
        self.variables: dict[str, str] = {name: name for name in block.inputs}
        self.left = Counter(self.uses)
        self.pending: dict[str, _Pending] = {}
        self.out: list[tuple[str, Code]] = []

    def lines(self) -> list[str]:
        unpacked: set[str] = set()
        for index, step in enumerate(self.steps):
            if step.name in unpacked:
                continue
            items = self._items(step)
            if items:
                self._unpack(step, items)
                unpacked |= {item.name for item in items.values()}
                continue
            self._line(step, self.steps[index + 1 :])
        results = ", ".join(str(self._value(name)) for name in self.block.results)
        last: tuple[str, Code] = ("return ", results)
        if self.out and self.out[-1][0] == f"{results} = ":  # the last line can return at once
            last = ("return ", self.out.pop()[1])
        statements = [*self.out, last]
        return [line for lead, code in statements for line in lines(code, indent=8, lead=lead)]

    def _line(self, step: Step, rest: Sequence[Step]) -> None:
        row = CATALOG.get(step.op)
        if not step.enabled and step.name not in self.calls:  # a function, switched off
            source = step.sources[0]
            self._consume(step)
            self.variables[step.name] = self.variables.get(source, source)
            if source in self.pending:
                self.pending[step.name] = self.pending.pop(source)
            self.left[step.name] += self.left[source]
            return
        code, depth = self._expression(step)
        follower = rest[0] if rest else None
        if (
            follower is not None
            and self.uses[step.name] == 1
            and follower.sources == (step.name,)
            and depth < _NESTED_DEPTH
            and len(str(code)) <= _NESTED_WIDTH - 16
            and follower.enabled
            and self._takes_in(row, follower)
        ):
            self._consume(step)
            self.pending[step.name] = _Pending(code, depth)
            return
        if len(str(code)) > _NESTED_WIDTH and depth > 1:
            code = self._flush(step)
        variable = self._variable(step)
        self._consume(step)
        self.variables[step.name] = variable
        self.out.append((f"{variable} = ", code))

    def _takes_in(self, row: object, follower: Step) -> bool:
        """Whether the next line reads well with this one's expression inside it."""
        wraps = getattr(CATALOG.get(follower.op), "group", "") in _WRAPPERS
        picks = isinstance(row, Function) and row.style == "index"
        next_row = CATALOG.get(follower.op)
        repeats = next_row is not None and next_row.repeat > 1
        operator = isinstance(next_row, Function) and next_row.style in ("operator", "index")
        return (wraps or picks) and not repeats and not operator

    def _flush(self, step: Step) -> Code:
        """Put what was pending on a line of its own after all, and return the expression anew."""
        for source in step.sources:
            if source in self.pending:
                kept = self.pending.pop(source)
                variable = self._root(source)
                self.out.append((f"{variable} = ", kept.code))
                self.variables[source] = variable
        return self._expression(step)[0]

    def _root(self, name: str) -> str:
        """Return the variable that a pending expression started from, if it can be overwritten."""
        step = next(step for step in self.steps if step.name == name)
        return self._variable(step)

    def _value(self, name: str) -> Code:
        if name in self.pending:
            return self.pending[name].code
        return self.variables[name]

    def _expression(self, step: Step) -> tuple[Call | str, int]:
        row = CATALOG.get(step.op)
        values = [self._value(source) for source in step.sources]
        depth = 1 + max(
            (self.pending[name].depth for name in step.sources if name in self.pending), default=0
        )
        module = self.calls.get(step.shared or step.name)
        if module is not None:
            repeat = row.repeat if row and len(values) == 1 and step.enabled else 1
            return Call(module, tuple(values * repeat)), depth
        assert isinstance(row, Function)
        head, args = row.expression([str(value) for value in values], step.args)
        if row.style in ("operator", "index"):
            return head, depth
        return Call(head, tuple(args)), depth

    def _consume(self, step: Step) -> None:
        for source in step.sources:
            self.left[source] -= 1

    def _variable(self, step: Step) -> str:
        """Return the variable for a result: one that is no longer needed, `x` before others."""
        held = {self.variables[source] for source in step.sources if source in self.variables}
        held |= {self._origin(source) for source in step.sources if source in self.pending}
        free = [name for name in sorted(held) if not self._needed(name, step)]
        for name in (*self.block.inputs, *free):
            if name in free:
                return name
        return self._own(step.name)

    def _origin(self, name: str) -> str:
        while name in self.pending:
            step = next(step for step in self.steps if step.name == name)
            name = step.sources[0]
        return self.variables[name]

    def _needed(self, variable: str, step: Step) -> bool:
        """Whether a later step still reads what a variable holds."""
        read_now = Counter(step.sources)
        return any(
            self.left[name] - read_now[name] > 0
            for name, held in self.variables.items()
            if held == variable
        )

    def _own(self, name: str) -> str:
        """Return a new variable: `y` and `z` for branches, after that the layer's name."""
        held = {*self.variables.values(), *self.block.inputs}
        for short in ("y", "z"):
            if short not in held:
                return short
        own = f"{self.block.inputs[0]}{name}" if name.isdigit() else name
        return own if own not in self.block.inputs else f"{own}_"

    def _items(self, step: Step) -> dict[int, Step]:
        """Return the steps that take a tuple apart, if that is all that is done with it."""
        if not isinstance(step.output, tuple) or step.name in self.block.results:
            return {}
        readers = [other for other in self.steps if step.name in other.sources]
        found = {
            other.args["index"]: other for other in readers if other.op == "item" and other.enabled
        }
        whole = len(found) == len(readers) and all(0 <= i < len(step.output) for i in found)
        return found if whole else {}

    def _unpack(self, step: Step, items: Mapping[int, Step]) -> None:
        code, _ = self._expression(step)
        assert isinstance(step.output, tuple)
        main = self._variable(step)
        self._consume(step)
        names = []
        for index in range(len(step.output)):
            item = items.get(index)
            if item is None:
                names.append("_")
                continue
            variable = main if main not in names else self._own(item.name)
            self.variables[item.name] = variable
            self.left[step.name] -= 1
            names.append(variable)
        self.out.append((f"{', '.join(names)} = ", code))
