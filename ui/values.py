"""Arguments as text: how a form shows a value, and what typed text means."""

from __future__ import annotations

from typing import Any

from builder.catalog import Field


def to_text(value: Any) -> str:
    """Return a value as a person types it: `3, 5`; empty for none."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(to_text, value))
    return str(value)


def from_text(field: Field, text: str) -> Any:
    """Return the value that a text means; raises `ValueError` with a sentence if it means none.

    Ranges are not checked here: a wrong number goes into the model, whose fault then says what
    would work.
    """
    text = text.strip().strip("()[]")
    if not text:
        if field.optional:
            return None
        raise ValueError(f"{field.name} is empty; {field.wanted} works.")
    if text in field.choices:
        return text
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        numbers = tuple(_number(field, part) for part in parts)
    except ValueError:
        raise ValueError(f"{field.name} is {text!r}; {field.wanted} works.") from None
    return numbers[0] if len(numbers) == 1 and field.kind not in ("ints", "floats") else numbers


def _number(field: Field, text: str) -> int | float:
    if field.kind in ("float", "floats", "scale"):
        number = float(text)
        if number != number or abs(number) == float("inf"):
            raise ValueError
        return int(number) if field.kind == "scale" and number == int(number) else number
    return int(text)
