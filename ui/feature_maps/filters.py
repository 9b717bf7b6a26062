"""The filters of a layer as pictures."""

from __future__ import annotations

import streamlit as st
from torch import Tensor

from builder.labs.feature_maps import filters_of
from builder.labs.map_sheet import Tiles, colour_tiles, sheet, shrink, span, tiles
from ui import state
from ui.components.tile_sheet import tile_sheet
from ui.feature_maps.bench import Bench, Pictured
from ui.feature_maps.paging import page_of

PAGE, COLUMNS = 64, 8
_SIGNED = "red is above 0, blue below, and each is as strong as its strongest weight"


def filters(here: Bench, model: Pictured) -> None:
    """Draw the choice of a layer, and its filters."""
    known = filters_of(model.model, model.spec)
    if not known:
        st.info(
            f"{model.spec.name} has no Conv2d, and no Linear that reads the picture itself: there "
            "are no filters to look at."
        )
        return
    if here.filtered not in known:
        here.filtered = next(iter(known))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = state.show("maps:filtered", here.filtered)
        st.selectbox(
            "Layer", list(known), key=key, width=260,
            format_func=lambda name: f"{name} · {_size(known[name])}",
            on_change=lambda: setattr(here, "filtered", state.get(key)),
        )  # fmt: skip
        weight = known[here.filtered]
        outputs, inputs, *_ = weight.shape
        single = inputs in (1, 3)
        if not single:
            weight = weight[_unit(here, outputs)].unsqueeze(1)
        numbers = page_of(here, f"filters:{here.filtered}", len(weight), PAGE)
    filter_sheet(weight, numbers, inputs, here.unit, key="maps:filters")


def filter_sheet(weight: Tensor, numbers: range, inputs: int, unit: int, *, key: str) -> None:
    """Draw some filters of a layer, and say what they are.

    Args:
        weight: those of all outputs, (n, 1 or 3, h, w); of the inputs of one if it has more.
        numbers: which of them are drawn.
        inputs: how many inputs the layer has.
        unit: the output whose filters they are, if it has more than three inputs.
    """
    what = "output" if inputs in (1, 3) else "input"
    pictures = filter_tiles(weight[numbers.start : numbers.stop])
    height, width = pictures.shape[1:3]
    tile_sheet(
        sheet(pictures, COLUMNS),
        size=(height, width),
        columns=COLUMNS,
        labels=[str(number) for number in numbers],
        facts=[f"{what} {number}: {_weights(weight[number])}" for number in numbers],
        key=key,
    )
    if inputs == 3:
        words = "one filter an output, its inputs as red, green and blue; grey is 0"
    elif inputs == 1:
        words = f"one filter an output; {_SIGNED}"
    else:
        words = f"the filters of output {unit}, one for each of its {inputs} inputs; {_SIGNED}"
    st.caption(words)


def filter_tiles(weight: Tensor) -> Tiles:
    """Return filters (n, 1 or 3, h, w) as pictures."""
    return colour_tiles(weight) if weight.shape[1] == 3 else tiles(shrink(weight[:, 0]), "signed")


def _unit(here: Bench, outputs: int) -> int:
    here.unit = min(here.unit, outputs - 1)
    key = state.show("maps:unit", here.unit)
    st.number_input(
        "Output", 0, outputs - 1, key=key, width=140,
        help="Which of the layer's outputs: it has a filter for each of its inputs.",
        on_change=lambda: setattr(here, "unit", state.get(key)),
    )  # fmt: skip
    return here.unit


def _size(weight: Tensor) -> str:
    outputs, inputs, height, width = weight.shape
    return f"{outputs} of {inputs} × {height} × {width}"


def _weights(weight: Tensor) -> str:
    low, high = span(weight)
    return f"weights from {low:.3g} to {high:.3g}"
