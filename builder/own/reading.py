"""From the text of a formula to its plan: read with `ast`, never run as Python.

    x = x.mm(w)
    return x + b.expand_as(x)

Lines give names to results; the last one is what the layer gives, with or without `return`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from builder.errors import FormulaError, SpecError
from builder.names import check_identifier
from builder.own import functions
from builder.own.parts import (
    Attribute,
    Binary,
    Call,
    Choice,
    Comparison,
    Constant,
    Expression,
    Index,
    Items,
    Name,
    Place,
    Slice,
    Unary,
)
from builder.own.plan import Line, Plan

MAX_LETTERS = 2000
MAX_PARTS = 400
MAX_DEPTH = 40
MAX_ITEMS = 16
MAX_WORD = 40
TRAINING = "training"
# What generated code refers to.
RESERVED = frozenset({"torch", "F", "nn", "self", "super", TRAINING})

_LETTERS = re.compile(r"[\x20-\x7e\n\t]*")
_NUMBER_LIKE = re.compile(r"(?<![A-Za-z_0-9.])\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?")
_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z0-9_ ,.>-]*")
_QUOTED = re.compile(r"#.*|\"[^\"\n]*\"|'[^'\n]*'")

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+"}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ALLOWED = (
    "numbers, names, + - * / // % ** @, comparisons, `a if b else c`, [indices], torch and F "
    "functions and a tensor's methods are"
)


def read_formula(text: str, *, inputs: Sequence[str], held: Collection[str]) -> Plan:
    """Return the plan of a forward formula.

    Args:
        text: its lines.
        inputs: names of what the layer receives.
        held: names of its parameters and settings, which no line may give to something else.

    Raises:
        FormulaError: what is not allowed in it, and what is.
    """
    tree = _parsed(text)
    if not tree.body:
        raise FormulaError("The formula is empty; `return x` hands the input on unchanged.")
    *first, last = tree.body
    reader = _Reader(text, {*inputs, *held, TRAINING})
    lines = tuple(reader.line(statement, held) for statement in first)
    if not isinstance(last, ast.Return | ast.Expr) or last.value is None:
        if isinstance(last, ast.Assign):
            raise FormulaError(
                f"`{reader.source(last)}` is the last line; what the layer gives is missing. End "
                "with `return ...`.",
                line=last.lineno,
            )
        raise reader.no_line(last, "the last line is `return ...`")
    return Plan(lines, reader.expression(last.value))


def read_sizes(text: str, settings: Collection[str]) -> tuple[Expression, ...]:
    """Return the sizes of a parameter, written as `(in_features, out_features)`.

    Raises:
        FormulaError: it is no row of whole numbers and settings.
    """
    tree = _parsed(text)
    only = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(only, ast.Expr):
        raise FormulaError(f"`{text.strip()[:60]}` is no shape; (in_features, out_features) is.")
    reader = _Reader(text, set(settings))
    found = reader.expression(only.value)
    sizes = found.items if isinstance(found, Items) else (found,)
    for size in sizes:
        for part in size.all_parts():
            if not isinstance(part, Name | Constant | Binary):
                raise part.error("is no size; numbers, settings, + - * // are.")
            if isinstance(part, Constant) and type(part.constant) is not int:
                raise part.error("is no size; a whole number is.")
            if isinstance(part, Binary) and part.sign not in ("+", "-", "*", "//"):
                raise part.error("is no size; + - * // give one.")
    return sizes


def renamed(text: str, old: str, new: str) -> str:
    """Return a formula or a shape with one name exchanged; text that cannot be read stays."""
    try:
        tree = _parsed(text)
    except FormulaError:
        return text
    places = sorted(
        ((node.lineno, node.col_offset) for node in ast.walk(tree)
         if isinstance(node, ast.Name) and node.id == old),
        reverse=True,
    )  # fmt: skip
    lines = text.split("\n")
    for line, column in places:
        row = lines[line - 1]
        lines[line - 1] = f"{row[:column]}{new}{row[column + len(old) :]}"
    return "\n".join(lines)


def _parsed(text: str) -> ast.Module:
    """Return the syntax tree of a text that is short, plain and shallow."""
    if len(text) > MAX_LETTERS:
        raise FormulaError(
            f"The formula has {len(text):,} letters; {MAX_LETTERS:,} at most are allowed."
        )
    for number, row in enumerate(text.split("\n"), 1):
        bare = _QUOTED.sub("", row)
        strange = _LETTERS.sub("", row, count=1)[:1] or ("\\" if "\\" in row else "")
        if strange:
            raise FormulaError(
                f"{strange!r} is not allowed; letters a to z, digits and the signs of Python are.",
                line=number,
            )
        for word in _NUMBER_LIKE.findall(bare):
            if not _NUMBER.fullmatch(word):
                raise FormulaError(
                    f"`{word[:MAX_WORD]}` is no number; 3, 0.5 and 1e-3 are.",
                    line=number,
                )
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        line = min(error.lineno or 1, text.count("\n") + 1)
        raise FormulaError(
            f"This cannot be read: {error.msg}. A line is `name = ...`, the last one `return ...`.",
            line=line,
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise FormulaError("The formula is nested too deeply.") from None
    _check_extent(tree)
    return tree


def _check_extent(tree: ast.Module) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += isinstance(node, ast.expr | ast.stmt)
        if depth > MAX_DEPTH:
            raise FormulaError(f"The formula is nested more than {MAX_DEPTH} deep.")
        if count > MAX_PARTS:
            raise FormulaError(f"The formula has more than {MAX_PARTS} parts.")
        waiting += [(inner, depth + 1) for inner in ast.iter_child_nodes(node)]


@dataclass
class _Reader:
    """Translates syntax trees; `known` grows by the name of every line."""

    text: str
    known: set[str]

    def source(self, node: ast.AST) -> str:
        found = " ".join((ast.get_source_segment(self.text, node) or "").split())
        return found if len(found) <= 60 else f"{found[:57]}..."

    def no_line(self, node: ast.stmt, allowed: str) -> FormulaError:
        words = f"`{self.source(node)}` is not allowed; {allowed}."
        return FormulaError(words, line=node.lineno)

    def wrong(self, node: ast.expr, words: str) -> FormulaError:
        """Return the fault of a part; `words` go on from its text."""
        return Expression(self.source(node), self.place(node)).error(words)

    def place(self, node: ast.expr) -> Place:
        lines = self.text.split("\n")
        same = node.end_lineno == node.lineno
        end = node.end_col_offset if same else len(lines[node.lineno - 1])
        return Place(node.lineno, node.col_offset, end or node.col_offset)

    def line(self, node: ast.stmt, held: Collection[str]) -> Line:
        """Read `name = ...` or `a, b = ...`."""
        if isinstance(node, ast.Return):
            raise self.no_line(node, "only the last line returns")
        if isinstance(node, ast.AugAssign):
            sign = _BINARY.get(type(node.op), "+")
            name = self.source(node.target)
            raise self.no_line(
                node, f"it would write over a tensor; `{name} = {name} {sign} ...` makes a new one"
            )
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            raise self.no_line(node, "a line is `name = ...`, the last one `return ...`")
        value = self.expression(node.value)
        target = node.targets[0]
        several = isinstance(target, ast.Tuple) and len(target.elts) <= MAX_ITEMS
        targets = target.elts if isinstance(target, ast.Tuple) and several else [target]
        names = tuple(self.target(one, held) for one in targets)
        if len(set(names)) != len(names):
            raise self.no_line(node, "each result has a name of its own")
        self.known.update(names)
        return Line(names, value)

    def target(self, node: ast.expr, held: Collection[str]) -> str:
        if not isinstance(node, ast.Name):
            raise self.wrong(node, "cannot be given a value; a name can.")
        if node.id in held:
            raise self.wrong(node, "is a parameter or a setting; give the result another name.")
        if node.id in RESERVED:
            raise self.wrong(node, "is needed by the code; give the result another name.")
        try:
            return check_identifier(node.id, "a result")
        except SpecError as error:
            raise self.wrong(node, f"is no name for it: {error.message}") from None

    def expression(self, node: ast.expr) -> Expression:
        """Read one part and the parts inside it."""
        text = ast.get_source_segment(self.text, node) or ""
        place = self.place(node)
        match node:
            case ast.Constant():
                return Constant(text, place, self.constant(node))
            case ast.Name():
                return Name(text, place, self.name(node))
            case ast.BinOp() if type(node.op) in _BINARY:
                sign = _BINARY[type(node.op)]
                left, right = self.expression(node.left), self.expression(node.right)
                return Binary(text, place, sign, left, right)
            case ast.UnaryOp() if type(node.op) in _UNARY:
                return Unary(text, place, _UNARY[type(node.op)], self.expression(node.operand))
            case ast.Compare(ops=[op], comparators=[right_of]) if type(op) in _COMPARE:
                left, right = self.expression(node.left), self.expression(right_of)
                return Comparison(text, place, _COMPARE[type(op)], left, right)
            case ast.IfExp():
                parts = map(self.expression, (node.test, node.body, node.orelse))
                return Choice(text, place, *parts)
            case ast.Tuple() | ast.List():
                return Items(text, place, *self.items(node))
            case ast.Subscript():
                index = self.index(node.slice)
                return Index(text, place, self.expression(node.value), index)
            case ast.Attribute():
                self.attribute(node)
                return Attribute(text, place, self.expression(node.value), node.attr)
            case ast.Call():
                return self.call(node, text, place)
        raise self.wrong(node, f"is not allowed; {_ALLOWED}.")

    def constant(self, node: ast.Constant) -> object:
        value = node.value
        if isinstance(value, str):
            if len(value) > MAX_WORD or not _WORD.fullmatch(value):
                raise self.wrong(
                    node, f"is not allowed; a word of {MAX_WORD} plain letters at most is."
                )
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if abs(value) > 1e15:
                raise self.wrong(node, "is too large; numbers up to 1e15 are allowed.")
        elif not (value is None or value is ... or isinstance(value, bool)):
            raise self.wrong(node, f"is not allowed; {_ALLOWED}.")
        return value

    def name(self, node: ast.Name) -> str:
        """Return a name that stands for something here."""
        if node.id in ("torch", "F"):
            raise self.wrong(node, f"is called: {node.id}.{functions.allowed(node.id)[0]}(x).")
        if node.id not in self.known:
            known = ", ".join(sorted(self.known)) or "nothing"
            raise self.wrong(node, f"is not known here; known are {known}.")
        return node.id

    def items(self, node: ast.Tuple | ast.List) -> tuple[tuple[Expression, ...], str]:
        if len(node.elts) > MAX_ITEMS:
            raise self.wrong(node, f"has {len(node.elts)} items; {MAX_ITEMS} at most are allowed.")
        brackets = "()" if isinstance(node, ast.Tuple) else "[]"
        return tuple(self.expression(item) for item in node.elts), brackets

    def index(self, node: ast.expr) -> Expression:
        """Read what stands in brackets, where `:` is allowed."""
        text, place = ast.get_source_segment(self.text, node) or "", self.place(node)
        if isinstance(node, ast.Slice):
            ends = (node.lower, node.upper, node.step)
            return Slice(text, place, *(self.expression(end) if end else None for end in ends))
        if isinstance(node, ast.Tuple) and len(node.elts) <= MAX_ITEMS:
            return Items(text, place, tuple(self.index(item) for item in node.elts), "()")
        return self.expression(node)

    def attribute(self, node: ast.Attribute) -> None:
        """Check what is asked of a tensor, or of `torch`, without being called."""
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        if owner == "self":
            raise self.wrong(node, f"is written `{node.attr}` here, without self.")
        if owner in ("torch", "F"):
            if (owner, node.attr) in functions.FUNCTIONS:
                usage = functions.FUNCTIONS[owner, node.attr].usage
                raise self.wrong(node, f"is a function, and is called: {usage}.")
            near = functions.nearest(owner, node.attr)
            raise self.wrong(node, f"is not allowed; {near}")
        if node.attr not in functions.ATTRIBUTES:
            if ("Tensor", node.attr) in functions.FUNCTIONS:
                usage = functions.FUNCTIONS["Tensor", node.attr].usage
                raise self.wrong(node, f"is a method, and is called: {usage}.")
            raise self.wrong(
                node, f"is not allowed; a tensor has .{', .'.join(functions.ATTRIBUTES)}."
            )

    def call(self, node: ast.Call, text: str, place: Place) -> Call:
        function, receiver = self.called(node)
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self.wrong(node, "spreads a row with *; write its items out.")
        if len(node.args) > MAX_ITEMS:
            raise self.wrong(node, f"has over {MAX_ITEMS} arguments.")
        named: dict[str, ast.expr] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.wrong(node, "spreads arguments with **; write them out.")
            named[keyword.arg] = keyword.value
        problem = function.problem(len(node.args) + (receiver is not None), tuple(named))
        if problem is not None:
            raise self.wrong(node, f"does not fit {function.usage}: {problem}.")
        if function.name == "einsum" and len(node.args) > 3:
            raise self.wrong(node, "joins more than two tensors; two at a time are allowed.")
        args = tuple(self.expression(arg) for arg in node.args)
        pairs = tuple((name, self.expression(value)) for name, value in named.items())
        return Call(text, place, function, receiver, args, pairs)

    def called(self, node: ast.Call) -> tuple[functions.Function, Expression | None]:
        """Return the function that is called, and what stands before the dot of a method."""
        target = node.func
        if isinstance(target, ast.Attribute):
            owner = target.value.id if isinstance(target.value, ast.Name) else ""
            home = owner if owner in ("torch", "F") else "Tensor"
            found = functions.FUNCTIONS.get((home, target.attr))
            if found is None:
                if isinstance(target.value, ast.Name) and home == "Tensor":
                    self.name(target.value)
                near = functions.nearest(home, target.attr)
                raise self.wrong(target, f"is not allowed; {near}")
            if home != "Tensor":
                return found, None
            return found, self.expression(target.value)
        words = "cannot be called"
        if isinstance(target, ast.Name):
            near = _calls_of(target.id)
            words = f"is no function here; {near}" if near else "is no function here"
        raise self.wrong(target, f"{words}; torch.exp(x), F.relu(x) and x.sum() are calls.")


def _calls_of(name: str) -> str:
    """Return how a function of this name is called, from each of its homes."""
    return " or ".join(
        row.usage for (_, known), row in functions.FUNCTIONS.items() if known == name
    )
