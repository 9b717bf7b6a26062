"""Where written code makes what it names: the lines behind `subnet1.conv.weight`.

The code is read as a syntax tree and never run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Place:
    """Where a name comes from.

    Args:
        lines: of the source, from 1: those that make it, and those that say how it starts.
        code: the expression that makes it, in one line.
        owner: the class in whose `__init__` they stand.
        how: how it came by its name: as an `attribute`, by its `position`, by a `key` of an
            `OrderedDict`; `start` where the code only says how it starts.
    """

    lines: tuple[int, ...]
    code: str
    owner: str
    how: str


def places(source: str, title: str) -> dict[str, Place]:
    """Return where the modules and parameters of a written model are named, by full name.

    What a layer of torch's own makes inside itself, such as the `weight` of a Linear, is in none of
    the written lines, except where one says how it starts.

    Args:
        source: as `write_source` gives it.
        title: the class of the model.
    """
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    found: dict[str, Place] = {}
    _Reader(classes, found).read(title, "")
    return found


@dataclass
class _Reader:
    classes: dict[str, ast.ClassDef]
    found: dict[str, Place]

    def read(self, title: str, prefix: str) -> None:
        """Take in what the constructor of a class names."""
        names: list[str] = []
        for statement in _constructor(self.classes[title]):
            if isinstance(statement, ast.Assign):
                target = statement.targets[0]
                if isinstance(target, ast.Attribute) and _is_self(target.value):
                    self.name(title, prefix + target.attr, statement, statement.value, "attribute")
            elif isinstance(statement, ast.Expr) and _calls_init(statement.value):
                names = self.elements(title, prefix, statement.value)
            else:
                self.starts(title, prefix, names, statement)

    def name(self, title: str, path: str, whole: ast.AST, value: ast.expr, how: str) -> None:
        called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        holds = called in ("nn.ModuleList", "nn.Sequential")
        lines = _lines(whole)[:1] if holds else _lines(whole)
        self.found[path] = Place(lines, ast.unparse(value), title, how)
        if called in self.classes:
            self.read(called, f"{path}.")
        elif holds:
            self.elements(title, f"{path}.", value)

    def elements(self, title: str, prefix: str, call: ast.expr) -> list[str]:
        """Take in what a container is given one after the other, and return their names."""
        assert isinstance(call, ast.Call)
        given = list(call.args)
        if len(given) == 1 and isinstance(given[0], ast.Call) and not _is_layer(given[0]):
            pairs = given[0].args[0]
            assert isinstance(pairs, ast.List)
            names = []
            for pair in pairs.elts:
                assert isinstance(pair, ast.Tuple)
                key, value = pair.elts
                assert isinstance(key, ast.Constant)
                names.append(str(key.value))
                self.name(title, prefix + names[-1], pair, value, "key")
            return names
        if len(given) == 1 and isinstance(given[0], ast.List):
            given = given[0].elts
        for position, value in enumerate(given):
            self.name(title, f"{prefix}{position}", value, value, "position")
        return [str(position) for position in range(len(given))]

    def starts(self, title: str, prefix: str, names: list[str], statement: ast.stmt) -> None:
        """Add a statement that fills or freezes something to that thing's lines."""
        for path in _paths(statement, names):
            known = self.found.get(prefix + path, Place((), "", title, "start"))
            lines = (*known.lines, *_lines(statement))
            self.found[prefix + path] = replace(known, lines=lines)


def _constructor(of: ast.ClassDef) -> list[ast.stmt]:
    for node in of.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node.body
    return []


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _calls_init(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"


def _is_layer(node: ast.Call) -> bool:
    return ast.unparse(node.func) != "OrderedDict"


def _lines(node: ast.AST) -> tuple[int, ...]:
    assert isinstance(node, ast.expr | ast.stmt)
    return tuple(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _paths(node: ast.AST, names: list[str]) -> Iterator[str]:
    """Give the names of what a statement is about: `layers.0.weight` of `self.layers[0].weight`."""
    path = None
    if not (isinstance(node, ast.Attribute) and node.attr.endswith("_")):  # a method in place
        path = _path(node, names)
    if path:
        yield path
        return
    for inner in ast.iter_child_nodes(node):
        yield from _paths(inner, names)


def _path(node: ast.AST, names: list[str]) -> str | None:
    """Return the name behind `self`: empty for itself, `None` for what is no part of it."""
    if _is_self(node):
        return ""
    below = _path(node.value, names) if isinstance(node, ast.Attribute | ast.Subscript) else None
    if below is None:
        return None
    if isinstance(node, ast.Attribute):
        part = node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        # A Sequential is asked for a place, whatever the names that it was given.
        part = str(node.slice.value) if below else names[int(str(node.slice.value))]
    else:
        return None
    return f"{below}.{part}" if below else part
