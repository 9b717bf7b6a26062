"""The layer that a form edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from builder.own import edits
from builder.own.layer import OwnLayer, OwnParameter, Setting
from builder.spec import ModelSpec
from ui.state import Workspace


@dataclass(frozen=True)
class Edited:
    """A layer of one's own by its name, and the workspace that holds it.

    What would make a layer that cannot be is said at the head of the page, and changes nothing.
    """

    ws: Workspace
    name: str

    @property
    def layer(self) -> OwnLayer:
        """The layer as it is now."""
        return self.ws.spec.layers[self.name]

    def key(self, *parts: str) -> str:
        """Return the key of a widget of its form."""
        return ":".join(("own", self.name, *parts))

    def put(self, **parts: Any) -> None:
        """Put other parts into the layer: `forward`, `help`, `inputs`."""
        self._change(lambda layer: replace(layer, **parts))

    def add(self, **parts: Setting | OwnParameter) -> None:
        """Add one of `settings`, or of `parameters`, behind the others."""
        self._change(
            lambda layer: replace(
                layer, **{kind: (*getattr(layer, kind), one) for kind, one in parts.items()}
            )
        )

    def alter(self, kind: str, place: int, alter: Callable[[Any], Any]) -> None:
        """Put another in the place of one of `settings` or `parameters`; `None` takes it out."""

        def altered(layer: OwnLayer) -> OwnLayer:
            held = list(getattr(layer, kind))
            one = alter(held[place])
            held[place : place + 1] = [] if one is None else [one]
            return replace(layer, **{kind: tuple(held)})

        self._change(altered)

    def rename(self, part: str, new: str) -> None:
        """Give a part another name; shapes, the formula and the model follow."""
        self.ws.edit(partial(edits.rename_part, name=self.name, part=part, new=new.strip()))

    def _change(self, change: Callable[[OwnLayer], OwnLayer]) -> None:
        def changed(spec: ModelSpec) -> ModelSpec:
            return edits.define(spec, self.name, change(spec.layers[self.name]))

        self.ws.edit(changed)
