"""Laying expressions out on lines the way ruff and black do, so that written code is formatted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 88


@dataclass(frozen=True)
class Call:
    """A call or a bracketed list: `head(args)`. `exploded` puts each argument on its own line."""

    head: str
    args: tuple[Code, ...] = ()
    brackets: str = "()"
    exploded: bool = False
    comment: str = ""

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.args))
        return f"{self.head}{self.brackets[0]}{inner}{self.brackets[1]}"


Code = str | Call


def lines(code: Code, *, indent: int, lead: str = "", tail: str = "") -> list[str]:
    """Return `lead + code + tail` as lines of at most 88 characters where that is possible."""
    margin = " " * indent
    comment = f"  # {code.comment}" if isinstance(code, Call) and code.comment else ""
    whole = f"{margin}{lead}{code}{tail}"
    if isinstance(code, str) or not code.args:
        return [whole + comment]
    if not _exploded(code) and len(whole) <= WIDTH:
        return [whole + comment]
    opening = f"{margin}{lead}{code.head}{code.brackets[0]}"
    closing = f"{margin}{code.brackets[1]}{tail}"
    inner = f"{margin}    {', '.join(map(str, code.args))}"
    if not _exploded(code) and len(inner) <= WIDTH:
        return [opening, inner, closing + comment]
    if len(code.args) == 1 and not code.exploded:  # a sole argument takes no trailing comma
        return [opening, *lines(code.args[0], indent=indent + 4), closing + comment]
    body = [line for arg in code.args for line in lines(arg, indent=indent + 4, tail=",")]
    return [opening, *body, closing + comment]


def _exploded(code: Code) -> bool:
    return isinstance(code, Call) and (code.exploded or any(map(_exploded, code.args)))


def text(blocks: Sequence[Sequence[str]]) -> str:
    """Return top-level blocks as a file: two empty lines between them, one newline at the end."""
    return "\n\n\n".join("\n".join(block) for block in blocks) + "\n"
