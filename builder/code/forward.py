"""Writing a forward pass: which variable holds what, and what is short enough to nest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.catalog import CATALOG, Function
from builder.code.expressions import function
from builder.code.layout import Call, Code, assignment, lines, returned
from builder.names import free_name
from builder.resolve import Step
from builder.spec import Block

_NESTED_WIDTH = 72
_NESTED_DEPTH = 3
_WRAPPERS = ("Function activation", "Function pooling")


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
    head = lines(Call("def forward", ("self", *block.inputs)), indent=4, tail=":")
    if loop and _is_chain(block, steps, calls):
        x = block.inputs[0]
        layer = free_name("layer", set(block.inputs))
        call = assignment([x], Call(layer, (x,)), indent=12)
        body = [f"        for {layer} in self.layers:", *call] if calls else []
        return [*head, *body, f"        return {x}"]
    return [*head, *_Forward(block, steps, calls).lines()]


def _is_chain(block: Block, steps: Sequence[Step], calls: Mapping[str, str]) -> bool:
    before = block.inputs[0]
    for step in steps:
        repeat = CATALOG[step.op].repeat if step.op in CATALOG and step.enabled else 1
        if step.sources != (before,) or step.name not in calls or repeat > 1:
            return False
        before = step.name
    return block.results == (before,)


@dataclass(frozen=True)
class _Pending:
    """An expression that the next line takes in instead of a variable."""

    code: Code
    depth: int


class _Forward:
    """Writes the lines of a forward pass one step after another.

    A variable is free once no later step reads what it holds; a result goes into a free variable
    of its own line, so that a chain stays `x = ...`, and else into one of its own.
    """

    def __init__(self, block: Block, steps: Sequence[Step], calls: Mapping[str, str]) -> None:
        self.block, self.calls = block, calls
        self.steps = self._that_matter(steps)
        self.by_name = {step.name: step for step in steps}
        self.uses = Counter(source for step in self.steps for source in _reads(step))
        self.uses.update(block.results)
        self.variables: dict[str, str] = {}
        self.needed: dict[str, int] = {}
        self.pending: dict[str, _Pending] = {}
        self.out: list[tuple[tuple[str, ...], Code]] = []
        self._last = {name: len(self.steps) for name in block.results}
        self._readers: dict[str, list[Step]] = {}
        for position, step in enumerate(self.steps):
            for source in _reads(step):
                self._last[source] = max(position, self._last.get(source, 0))
                self._readers.setdefault(source, []).append(step)
        for name in block.inputs:
            self._keep(name, name, -1)

    def _that_matter(self, steps: Sequence[Step]) -> list[Step]:
        """Leave out what nobody reads and what does nothing else: `a + b`, `x[0]`."""
        read = set(self.block.results)
        kept: list[Step] = []
        for step in reversed(steps):
            row = CATALOG.get(step.op)
            idle = not step.enabled and step.name not in self.calls
            pure = isinstance(row, Function) and row.style in ("operator", "index")
            if step.name in read or not (idle or pure):
                kept.append(step)
                read.update(_reads(step))
        return kept[::-1]

    def lines(self) -> list[str]:
        unpacked: set[str] = set()
        for position, step in enumerate(self.steps):
            if step.name in unpacked:
                continue
            items = self._items(step)
            if items:
                self._unpack(step, items, position)
                unpacked |= {item.name for item in items.values()}
            else:
                self._line(step, position)
        results = tuple(self.variables[name] for name in self.block.results)
        given: tuple[Code, ...] = results
        if self.out and self.out[-1][0] == results:  # the last line can return at once
            given = (self.out.pop()[1],)
        written = [assignment(targets, code, indent=8) for targets, code in self.out]
        return [*(line for part in written for line in part), *returned(given, indent=8)]

    def _line(self, step: Step, position: int) -> None:
        if not step.enabled and step.name not in self.calls:  # a function, switched off
            self._keep(step.name, self.variables[step.sources[0]], position)
            return
        code, depth = self._expression(step)
        if self._is_taken_in(step, code, depth, position):
            self.pending[step.name] = _Pending(code, depth)
            return
        if len(str(code)) > _NESTED_WIDTH and depth > 1:
            code = self._flush(step, position)
        if step.name not in self._last:  # nobody reads it, and the call may still do something
            self.out.append(((), code))
            return
        self._assign(step, code, position)

    def _assign(self, step: Step, code: Code, position: int) -> None:
        variable = self._variable(step, position)
        self._keep(step.name, variable, position)
        self.out.append(((variable,), code))

    def _is_taken_in(self, step: Step, code: Code, depth: int, position: int) -> bool:
        """Whether the next line reads well with this one's expression inside it."""
        follower = self.steps[position + 1] if position + 1 < len(self.steps) else None
        if (
            follower is None
            or not follower.enabled
            or self.uses[step.name] != 1
            or _reads(follower) != (step.name,)
            or depth >= _NESTED_DEPTH
            or len(str(code)) > _NESTED_WIDTH - 16
        ):
            return False
        row, next_row = CATALOG.get(step.op), CATALOG.get(follower.op)
        if next_row is not None and next_row.repeat > 1:
            return False
        if isinstance(next_row, Function) and next_row.style in ("operator", "index"):
            return False
        wraps = next_row is not None and next_row.group in _WRAPPERS
        picks = isinstance(row, Function) and row.style == "index" and step.enabled
        return wraps or picks

    def _flush(self, step: Step, position: int) -> Code:
        """Put what was pending on a line of its own after all, and return the expression anew."""
        source = _reads(step)[0]
        kept = self.pending.pop(source)
        self._assign(self.steps[position - 1], kept.code, position - 1)
        return self._expression(step)[0]

    def _expression(self, step: Step) -> tuple[Code, int]:
        row = CATALOG.get(step.op)
        sources = _reads(step)
        depth = 1 + max((self.pending[s].depth for s in sources if s in self.pending), default=0)
        values: list[Code] = [
            self.pending[s].code if s in self.pending else self.variables[s] for s in sources
        ]
        module = self.calls.get(step.shared or step.name)
        if module is not None:
            repeat = row.repeat if row and len(values) == 1 and step.enabled else 1
            return Call(module, tuple(values * repeat)), depth
        assert isinstance(row, Function)
        return function(row, values, step.args), depth

    def _keep(self, name: str, variable: str, position: int) -> None:
        """Note that a variable holds the result of a step from here on."""
        self.variables[name] = variable
        last = self._last.get(name, position)
        self.needed[variable] = max(last, self.needed.get(variable, -1))

    def _variable(self, step: Step, position: int) -> str:
        """Return the variable for a result: the oldest that it reads and frees, or its own."""
        read = {self._origin(source) for source in _reads(step)}
        free = (name for name in self.needed if name in read and self.needed[name] <= position)
        return next(free, None) or self._own(step.name)

    def _origin(self, name: str) -> str:
        """Return the variable behind a name, or behind the expression that is pending for it."""
        while name in self.pending:
            name = self.by_name[name].sources[0]
        return self.variables[name]

    def _own(self, name: str) -> str:
        """Return a new variable: `y` and `z` for branches, after that the layer's name."""
        for short in ("y", "z"):
            if short not in self.needed and short not in self.block:
                return short
        own = f"{self.block.inputs[0]}{name}" if name.isdigit() else name
        return free_name(own, set(self.needed))

    def _items(self, step: Step) -> dict[int, Step]:
        """Return the steps that take a tuple apart, if that is all that is done with it."""
        if not isinstance(step.output, tuple) or step.name in self.block.results:
            return {}
        readers = self._readers.get(step.name, [])
        found = {
            other.args["index"]: other for other in readers if other.op == "item" and other.enabled
        }
        whole = len(found) == len(readers) and all(0 <= i < len(step.output) for i in found)
        return found if whole else {}

    def _unpack(self, step: Step, items: Mapping[int, Step], position: int) -> None:
        code, _ = self._expression(step)
        assert isinstance(step.output, tuple)
        targets: list[str] = []
        for index in range(len(step.output)):
            item = items.get(index)
            if item is None:
                targets.append("_")
                continue
            first = self._variable(step, position)
            variable = first if first not in targets else self._own(item.name)
            self._keep(item.name, variable, position)
            targets.append(variable)
        self.out.append((tuple(targets), code))


def _reads(step: Step) -> tuple[str, ...]:
    """Return what a step reads: a layer that is switched off hands on its first input."""
    return step.sources if step.enabled else step.sources[:1]
