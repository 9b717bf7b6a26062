"""Work of a session that is done once and kept until what it was made from changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Memo:
    """The last thing made of each kind, and what it was made from."""

    done: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)

    def once(self, what: str, made_from: Hashable, make: Callable[..., Any], *args: object) -> Any:
        """Return what `make` gives, made anew only when `made_from` has changed."""
        known = self.done.get(what)
        if known is None or known[0] != made_from:
            self.done.pop(what, None)  # two of a kind may be large
            known = (made_from, make(*args))
            self.done[what] = known
        return known[1]

    def forget(self) -> None:
        """Let go of everything."""
        self.done.clear()
