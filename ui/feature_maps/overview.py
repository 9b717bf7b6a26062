"""Every layer at a glance: a strip of its first maps."""

from __future__ import annotations

import streamlit as st
import torch
import torch.nn.functional as F

from builder.labs.feature_maps import Layer
from builder.labs.map_sheet import shrink, strip, tiles
from ui.feature_maps.bench import Bench, Work
from ui.feature_maps.paging import page_of
from ui.feature_maps.words import size

EVERY = ""
_LAYERS, _MAPS, _SIDE, _ROW = 10, 10, 72, 64


def every_layer(here: Bench, done: Work) -> None:
    """Draw the layers of a page, each as a strip of its first maps."""
    numbers = page_of(here, "layers", len(done.layers), _LAYERS)
    drawn: dict[str, bytes] = here.once("strips", (done.made_from, here.tone), dict)
    for layer in done.layers[numbers.start : numbers.stop]:
        if layer.name not in drawn:
            drawn[layer.name] = _strip(layer, here.tone)
        count = 0 if layer.maps is None else len(layer.maps)
        more = f", the first {_MAPS} of {count}" if count > _MAPS else ""
        st.markdown(f"**{layer.name}** · `{layer.op}` :gray[{size(layer.shape[1:])}{more}]")
        st.image(drawn[layer.name])


def _strip(layer: Layer, tone: str) -> bytes:
    maps = layer.maps
    if maps is not None:
        return strip(tiles(shrink(maps[:_MAPS], _SIDE), tone), _SIDE)
    row = layer.row
    assert row is not None
    wide = min(_ROW, len(row))
    missing = -len(row) % wide
    table = F.pad(row, (0, missing), value=torch.nan).reshape(1, -1, wide)
    return strip(tiles(table, "signed"), _SIDE * _MAPS)
