"""Text of a person's own in places where Streamlit reads Markdown."""

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()#|~:$<>])")


def escaped(text: str) -> str:
    """Return a text that shows as it stands: a file may be called `*draft*_1.png`."""
    return _MARKS.sub(r"\\\1", text)
