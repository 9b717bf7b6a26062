"""Laying expressions out on lines the way ruff and black do, so that written code is formatted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

WIDTH = 88


@dataclass(frozen=True)
class Call:
    """A call, a list, a tuple or an index: `head(args)`.

    `exploded` puts each argument on its own line, however short.
    """

    head: str
    args: tuple[Code, ...] = ()
    brackets: str = "()"
    exploded: bool = False
    comment: str = ""

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.args))
        return f"{self.head}{self.brackets[0]}{inner}{self.brackets[1]}"


@dataclass(frozen=True)
class Infix:
    """Operands with an operator between them: `a + b`."""

    operator: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(self.operands)


Code = str | Call | Infix


def lines(code: Code, *, indent: int, lead: str = "", tail: str = "") -> list[str]:
    """Return `lead + code + tail` as lines of at most 88 characters where that is possible."""
    margin = " " * indent
    comment = f"  # {code.comment}" if isinstance(code, Call) and code.comment else ""
    whole = f"{margin}{lead}{code}{tail}"
    if isinstance(code, Infix):
        return _operands(code, whole, margin, lead, tail)
    if isinstance(code, str) or not code.args:
        return [whole + comment]
    if not _exploded(code) and len(whole + comment) <= WIDTH:
        return [whole + comment]
    opening = f"{margin}{lead}{code.head}{code.brackets[0]}"
    closing = f"{margin}{code.brackets[1]}{tail}"
    inner = f"{margin}    {', '.join(map(str, code.args))}"
    display = not code.head or code.head.endswith("=")  # a list or a tuple is broken throughout
    if not display and not _exploded(code) and len(inner) <= WIDTH:
        return [opening, inner, closing + comment]
    if len(code.args) == 1 and not code.exploded and not display:  # takes no trailing comma
        return [opening, *lines(code.args[0], indent=indent + 4), closing + comment]
    body = [line for arg in code.args for line in lines(arg, indent=indent + 4, tail=",")]
    return [opening, *body, closing + comment]


def statement(code: Code, *, indent: int, lead: str = "") -> list[str]:
    """Return `lead + code` as a statement: what cannot be broken inside goes in parentheses."""
    margin = " " * indent
    plain = f"{margin}{lead}{code}"
    comment = ""
    if isinstance(code, Call):
        if code.args and (_exploded(code) or len(f"{margin}{lead}{code.head}(") <= WIDTH):
            return lines(code, indent=indent, lead=lead)
        comment = f"  # {code.comment}" if code.comment else ""
    # Formatters make room for a comment, unless it would be too long even then.
    room = len(plain + comment) <= WIDTH or len(f"{margin}){comment}") > WIDTH
    if len(plain) <= WIDTH and room:
        return [plain + comment]
    bare = replace(code, comment="") if isinstance(code, Call) else code
    return [f"{margin}{lead}(", *lines(bare, indent=indent + 4), f"{margin}){comment}"]


def assignment(targets: Sequence[str], code: Code, *, indent: int) -> list[str]:
    """Return `a, b = code` as a statement, `code` alone if nothing is kept of it."""
    lead = f"{', '.join(targets)} = " if targets else ""
    if len(targets) < 2 or indent + len(lead) < WIDTH:
        return statement(code, indent=indent, lead=lead)
    left = lines(Call("", tuple(targets), exploded=True), indent=indent)
    return [*left[:-1], *statement(code, indent=indent, lead=") = ")]


def returned(values: Sequence[Code], *, indent: int) -> list[str]:
    """Return `return a, b` as a statement."""
    plain = f"{' ' * indent}return {', '.join(map(str, values))}"
    if len(values) == 1:
        return statement(values[0], indent=indent, lead="return ")
    return (
        [plain]
        if len(plain) <= WIDTH
        else lines(Call("return ", tuple(values), exploded=True), indent=indent)
    )


def text(blocks: Sequence[Sequence[str]]) -> str:
    """Return top-level blocks as a file: two empty lines between them, one newline at the end."""
    return "\n\n\n".join("\n".join(block) for block in blocks) + "\n"


def _operands(code: Infix, whole: str, margin: str, lead: str, tail: str) -> list[str]:
    if len(whole) <= WIDTH:
        return [whole]
    first, *rest = code.operands
    body = [f"{margin}{lead}{first}", *(f"{margin}{code.operator} {operand}" for operand in rest)]
    return [*body[:-1], body[-1] + tail]


def _exploded(code: Code) -> bool:
    return isinstance(code, Call) and (code.exploded or any(map(_exploded, code.args)))
