"""The maps of one layer, a page of them at a time, and one of them with its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from torch import Tensor

from builder.labs.feature_maps import Layer, filters_of
from builder.labs.map_sheet import Range, sheet, shrink, span, strip, tiles
from builder.labs.tones import TONES
from ui import state
from ui.components.tile_sheet import tile_sheet
from ui.feature_maps import figures
from ui.feature_maps.bench import Bench, Pictured, Work
from ui.feature_maps.filters import filter_tiles
from ui.feature_maps.overview import EVERY, every_layer
from ui.feature_maps.paging import page_of
from ui.feature_maps.words import size, spread

PAGE, COLUMNS = 32, 8
_MOST_IN_LIST = 60
_MOST_FILTERS, _FILTERS_IN_ROW = 16, 4
_TONES = ("rescale", "signed")
_SCALES = {False: "each its own", True: "one for all"}


def maps(here: Bench, model: Pictured, done: Work) -> None:
    """Draw the list of layers and what the chosen one gave."""
    known = {layer.name: layer for layer in done.layers}
    if here.layer not in (*known, EVERY):
        here.layer = EVERY
    side, main = st.columns([1, 3.6])
    with side:
        _list(here, known)
    with main:
        if here.layer == EVERY:
            every_layer(here, done)
            return
        layer = known[here.layer]
        st.markdown(f"**{layer.name}** · `{layer.op}` · {layer.shape}")
        if layer.maps is not None:
            _maps(here, model, done, layer, layer.maps)
        else:
            _row(done, layer)


def _list(here: Bench, known: Mapping[str, Layer]) -> None:
    key = state.show("maps:layer", here.layer)
    titles = {EVERY: "Every layer"} | {
        name: f"{name} · {layer.op.rpartition('.')[2]}" for name, layer in known.items()
    }

    def took() -> None:
        here.layer, here.channel = str(state.get(key)), 0

    if len(titles) > _MOST_IN_LIST:
        st.selectbox("Layer", list(titles), format_func=titles.__getitem__, key=key, on_change=took)
        return
    with st.container(height=620, border=False):
        st.radio(
            "Layer",
            list(titles),
            format_func=titles.__getitem__,
            captions=["at a glance", *(size(layer.shape[1:]) for layer in known.values())],
            key=key,
            on_change=took,
        )


def _row(done: Work, layer: Layer) -> None:
    """Draw what a layer gave as a row of numbers; the model's own with the names of the classes."""
    row = layer.row
    assert row is not None
    names = done.classes if layer is done.output else ()
    st.plotly_chart(figures.numbers(row, names), key="maps:numbers", config=figures.CONFIG)
    zero = int((row == 0).sum())
    st.caption(spread(row) + (f" · {zero} of {len(row)} are 0" if zero else ""))


def _maps(here: Bench, model: Pictured, done: Work, layer: Layer, values: Tensor) -> None:
    count = len(values)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _look(here, count)
        numbers = page_of(here, f"maps:{layer.name}", count, PAGE)
    here.channel = min(here.channel, count - 1)
    if count > 1:
        _sheet(here, done, layer, values, numbers)
    words = [f"the layer: {spread(values)}"]
    silent = int((values.flatten(1) == 0).all(dim=1).sum())
    if silent:
        words.append(f"{silent} of {count} are 0 everywhere")
    st.caption(" · ".join(words))
    _one(here, model, layer, values)


def _look(here: Bench, count: int) -> None:
    tone = state.show("maps:tone", here.tone)
    st.segmented_control(
        "Colours",
        list(_TONES),
        format_func=lambda name: TONES[name].title,
        key=tone,
        required=True,
        help="\n".join(f"- **{TONES[name].title}**: {TONES[name].help}" for name in _TONES),
        on_change=lambda: setattr(here, "tone", state.get(tone)),
    )
    if count == 1:
        return
    shared = state.show("maps:shared", here.shared)
    st.segmented_control(
        "Scale",
        list(_SCALES),
        format_func=_SCALES.__getitem__,
        key=shared,
        required=True,
        help="One scale for all tells strong maps from weak ones; a scale for each shows the "
        "pattern of the weak as well.",
        on_change=lambda: setattr(here, "shared", state.get(shared)),
    )


def _sheet(here: Bench, done: Work, layer: Layer, values: Tensor, numbers: range) -> None:
    shown = values[numbers.start : numbers.stop]
    pictures = here.once(
        "sheet",
        (done.made_from, layer.name, numbers, here.tone, here.shared),
        lambda: tiles(shrink(shown), here.tone, span(values) if here.shared else None),
    )
    height, width = pictures.shape[1:3]
    tile_sheet(
        sheet(pictures, COLUMNS),
        size=(height, width),
        columns=COLUMNS,
        labels=[str(number) for number in numbers],
        facts=[f"channel {number}: {spread(values[number])}" for number in numbers],
        chosen=numbers.index(here.channel) if here.channel in numbers else None,
        key="maps:sheet",
        on_intent=lambda intent: setattr(here, "channel", numbers[intent["number"]]),
    )


def _one(here: Bench, model: Pictured, layer: Layer, values: Tensor) -> None:
    """Draw one map large, its values under the pointer, and the filters that made it."""
    large, beside = st.columns([1.6, 1])
    chosen = values[here.channel]
    ends = span(values if here.shared else chosen)
    with large:
        st.plotly_chart(
            figures.one_map(chosen, here.tone, ends),
            key="maps:one",
            config=figures.CONFIG,
        )
    with beside:
        if len(values) > 1:
            key = state.show("maps:channel", here.channel)
            st.number_input(
                "Channel", 0, len(values) - 1, key=key, width=140,
                help="A click on a map chooses it as well.",
                on_change=lambda: setattr(here, "channel", state.get(key)),
            )  # fmt: skip
        st.caption(f"{_ends(here, ends)} Each value is under the pointer.")
        weight = filters_of(model.model, model.spec).get(layer.name)
        if weight is not None and len(weight) == len(values):
            _made_by(weight[here.channel])


def _ends(here: Bench, ends: Range) -> str:
    low, high = ends
    if here.tone == "signed":
        reach = max(abs(low), abs(high))
        return f"Blue is {-reach:.3g}, white 0, red {reach:.3g}."
    return f"Black is {low:.3g}, white {high:.3g}."


def _made_by(weight: Tensor) -> None:
    inputs = len(weight)
    parts = weight.unsqueeze(0) if inputs == 3 else weight[:_MOST_FILTERS].unsqueeze(1)
    for row in parts.split(_FILTERS_IN_ROW):
        st.image(strip(filter_tiles(row), side=72))
    if inputs in (1, 3):
        st.caption("The filter that made it.")
        return
    more = f"; the first {_MOST_FILTERS} are here" if inputs > _MOST_FILTERS else ""
    st.caption(f"The filters that made it, one for each of the {inputs} maps before{more}.")
