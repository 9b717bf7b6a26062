"""The catalog row of a layer of one's own: with it, it is a layer like any other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

from torch import nn

from builder.catalog.fields import MAX_SIZE, Field
from builder.catalog.layer import Args, Layer, Wire
from builder.own.layer import FORWARD, OwnLayer, Setting
from builder.own.module import make_module
from builder.own.reading import TRAINING

GROUP = "Own"
_FRESH = {"int": 16, "float": 1.0, "bool": True}
_CACHED = 256


@dataclass(frozen=True)
class OwnRow(Layer):
    """A row for a layer of one's own; `layer` is its document."""

    layer: OwnLayer = field(kw_only=True)

    @property
    def identity(self) -> str:
        return f"{self.op} {json.dumps(self.layer.to_dict())}"

    @property
    def fault(self) -> str | None:
        for name, error in self.layer.faults.items():
            what = "forward formula" if name == FORWARD else f"shape of {name}"
            where = f", line {error.line}" if name == FORWARD and error.line else ""
            return f"The {what} of {self.op}{where}: {error.message}"
        return None

    @property
    def asks_training(self) -> bool:
        return TRAINING in self.layer.plan.reads

    def module(self, args: Args) -> nn.Module:
        return make_module(self.op, self.layer, self.complete(args))


@lru_cache(maxsize=_CACHED)
def own_row(name: str, layer: OwnLayer) -> OwnRow:
    """Return the row of a layer of one's own."""
    fields = {one.name: _field(one, layer) for one in layer.signature}
    wires = {
        one.name: Wire(one.axis, layer.inputs.index(one.input) if one.input else 0)
        for one in layer.settings
        if one.axis is not None
    }
    count = len(layer.inputs)
    return OwnRow(
        op=name,
        group=GROUP,
        help=layer.help or _help(layer),
        fields=fields,
        first=tuple(key for key in fields if key not in wires),
        infer=wires,
        inputs=(count, count),
        dtype="any",
        examples=((8,),) * count,
        positional=sum(one.required for one in fields.values()),
        layer=layer,
    )


def _help(layer: OwnLayer) -> str:
    names = " and ".join(one.name for one in layer.parameters)
    return f"A layer of this model that learns {names}." if names else "A layer of this model."


def _field(one: Setting, layer: OwnLayer) -> Field:
    counts = one.name in layer.counts
    required = one.default is None
    low = 1 if counts else -MAX_SIZE if one.kind == "int" else float("-inf")
    high = MAX_SIZE if one.kind == "int" else float("inf")
    told = f" The size of axis {one.axis} of what comes in." if one.axis is not None else ""
    return Field(
        name=one.name,
        kind=one.kind,  # type: ignore[arg-type]  # the kinds of settings are kinds of fields
        required=required,
        default=one.default,
        initial=_FRESH[one.kind] if required else one.default,
        stated=required,
        low=low,
        high=high,
        slider=(1, 512) if counts else None,
        help=f"A setting of this layer.{told}",
    )
