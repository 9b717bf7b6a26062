"""The maps of one layer, a page of them at a time, and one of them with its numbers."""

from __future__ import annotations

import math

import streamlit as st
from torch import Tensor

from builder.labs.feature_maps import Layer
from builder.labs.map_sheet import shrink, span, tiles
from builder.labs.tones import TONES
from ui import state
from ui.feature_maps import figures
from ui.feature_maps.bench import Bench, Work

PAGE = 32
_MOST_IN_LIST = 60
_TONES = ("rescale", "signed")
_SCALES = {False: "each its own", True: "one for all"}


def maps(here: Bench, done: Work) -> None:
    """Draw the list of layers and what the chosen one gave."""
    known = {layer.name: layer for layer in done.layers}
    if here.layer not in known:
        here.layer = next(
            (name for name in known if known[name].maps is not None), next(iter(known))
        )
    side, main = st.columns([1, 3.6])
    with side:
        _layers(here, known)
    layer = known[here.layer]
    with main:
        st.markdown(f"**{layer.name}** · `{layer.op}` · {layer.shape}")
        values = layer.maps
        if values is not None:
            _maps(here, done, layer, values)
            return
        row = layer.row
        assert row is not None
        last = layer is done.layers[-1]
        st.plotly_chart(
            figures.numbers(row, done.classes if last else ()),
            key="maps:numbers",
            config=figures.CONFIG,
        )
        st.caption(_spread(row))


def _layers(here: Bench, known: dict[str, Layer]) -> None:
    key = state.show("maps:layer", here.layer)
    titles = {name: f"{name} · {layer.op.rpartition('.')[2]}" for name, layer in known.items()}
    if len(known) > _MOST_IN_LIST:
        st.selectbox(
            "Layer", list(known), format_func=titles.__getitem__, key=key,
            on_change=_looked_at, args=(here, key),
        )  # fmt: skip
        return
    with st.container(height=560, border=False):
        st.radio(
            "Layer",
            list(known),
            format_func=titles.__getitem__,
            captions=[" × ".join(map(str, layer.shape[1:])) for layer in known.values()],
            key=key,
            on_change=_looked_at,
            args=(here, key),
        )


def _looked_at(here: Bench, key: str) -> None:
    here.layer, here.page, here.channel = str(state.get(key)), 0, 0


def _maps(here: Bench, done: Work, layer: Layer, values: Tensor) -> None:
    count = len(values)
    _look(here, count)
    here.channel = min(here.channel, count - 1)
    first = here.page * PAGE
    shown = values[first : first + PAGE]
    ends = span(values)
    pictures = here.once(
        "sheet",
        (done.made_from, layer.name, here.page, here.tone, here.shared),
        lambda: tiles(shrink(shown), here.tone, ends if here.shared else None),
    )
    numbers = range(first, first + len(shown))
    hovers = [f"channel {number}: {_spread(values[number])}" for number in numbers]
    if count > 1:
        key = f"maps:sheet:{layer.name}:{here.page}"
        st.plotly_chart(
            figures.map_sheet(pictures, [str(number) for number in numbers], hovers),
            key=key,
            config=figures.CONFIG,
            selection_mode="points",
            on_select=lambda: _picked(here, key),
        )
    silent = int((values.flatten(1) == 0).all(dim=1).sum())
    words = [_spread(values)]
    if silent:
        words.append(f"{silent} of {count} are 0 everywhere")
    st.caption(" · ".join(words))
    _one(here, layer, values[here.channel], count)


def _look(here: Bench, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = state.show("maps:tone", here.tone)
        st.segmented_control(
            "Colours",
            list(_TONES),
            format_func=lambda name: TONES[name].title,
            key=key,
            required=True,
            help="\n".join(f"- **{TONES[name].title}**: {TONES[name].help}" for name in _TONES),
            on_change=lambda: setattr(here, "tone", state.get(key)),
        )
        scale = state.show("maps:shared", here.shared)
        st.segmented_control(
            "Scale",
            list(_SCALES),
            format_func=_SCALES.__getitem__,
            key=scale,
            required=True,
            help="One scale for all maps tells the strong from the weak; a scale for each shows "
            "the pattern of the weak as well.",
            on_change=lambda: setattr(here, "shared", state.get(scale)),
        )
        pages = math.ceil(count / PAGE)
        here.page = min(here.page, pages - 1)
        if pages > 1:
            page = state.show("maps:page", here.page + 1)
            st.number_input(
                f"Page of {pages}", 1, pages, key=page, width=140,
                on_change=lambda: setattr(here, "page", state.get(page) - 1),
            )  # fmt: skip


def _picked(here: Bench, key: str) -> None:
    points = state.get(key)["selection"]["point_indices"]
    if points:
        here.channel = here.page * PAGE + points[0]


def _one(here: Bench, layer: Layer, values: Tensor, count: int) -> None:
    """Draw one map large; its values are read under the pointer."""
    if count > 1:
        key = state.show("maps:channel", here.channel)
        st.number_input(
            "Channel", 0, count - 1, key=key, width=140,
            help="A click on a map chooses it as well.",
            on_change=lambda: setattr(here, "channel", state.get(key)),
        )  # fmt: skip
    st.plotly_chart(
        figures.one_map(values, here.tone, span(values)),
        key="maps:one",
        config=figures.CONFIG,
    )
    st.caption(f"channel {here.channel} of {layer.name}: {_spread(values)}")


def _spread(values: Tensor) -> str:
    low, high = span(values)
    return f"from {low:.3g} to {high:.3g}, mean {values.nanmean().item():.3g}"
