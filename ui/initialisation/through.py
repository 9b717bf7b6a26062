"""Through the model: spread of values and of gradients layer by layer, for starts side by side."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from builder import BuilderError, ModelSpec
from builder.labs.activation import ACTIVATIONS
from builder.labs.batches import random_inputs
from builder.labs.depth import Spread, places, spread, stack
from builder.labs.initialisation.places import start, weights
from builder.labs.initialisation.through import Expected, expected, through
from builder.labs.numbers import draw
from builder.spec import Init
from ui.activations.style import CONFIG, legend
from ui.initialisation import lineup
from ui.initialisation.lineup import Contender
from ui.initialisation.model import opened, seed
from ui.spreads import FACTOR, GRADIENTS, VALUES, lines, row
from ui.state import Workspace

_STACK, _MODEL = "A plain stack", "Your model"
_WIDTHS, _BATCH = (16, 32, 64, 128, 256, 512), 128
_FIRST = ("torch default", "xavier uniform", "kaiming normal", "normal")
_SAMPLES = 32

Seen = list[tuple[Contender, Sequence[Spread]]]


def section(ws: Workspace) -> None:
    """Draw the section."""
    of = st.segmented_control(
        "Through", (_STACK, _MODEL), default=_STACK, required=True, key="through",
        bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    chosen = lineup.choose(ws, "through-starts", _FIRST)
    if of == _STACK:
        _stack(chosen)
    else:
        _model(ws, chosen)


# a plain stack


def _stack(chosen: Sequence[Contender]) -> None:
    titles = {row.title: op for op, row in ACTIVATIONS.items()}
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        title = st.selectbox(
            "Activation", list(titles), list(titles).index("ReLU"), key="stack-activation",
            width=200, bind="query-params",
        )  # fmt: skip
        layers = st.slider("Layers", 1, 100, 20, key="layers", width=230, bind="query-params")
        width = st.select_slider(
            "Width", _WIDTHS, 128, key="width", width=170, bind="query-params",
            help="Features of every layer.",
        )  # fmt: skip
    seen: Seen = []
    theory: list[tuple[Contender, Sequence[Expected]]] = []
    for one in chosen:
        try:
            spreads, told = _tower(titles[title], one.start, layers, width, seed())
        except BuilderError as error:
            st.caption(f":red[{one.title}: {error.message}]")
            continue
        seen.append((one, spreads))
        if told is not None:
            theory.append((one, told))
    if _nothing(seen):
        return
    _charts(seen, theory=theory)
    st.caption(
        f"{_BATCH} samples of standard normal numbers go in, and standard normal gradients come "
        "back. Dotted: what theory says of layers of endless width (Poole et al., 2016; Schoenholz "
        "et al., 2017); of weights whose mean is not zero it says nothing."
    )
    _table(seen, {one.title: told for one, told in theory})


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={Init: repr})
def _tower(
    op: str, begin: Init | None, layers: int, width: int, seed: int
) -> tuple[tuple[Spread, ...], tuple[Expected, ...] | None]:
    tower = stack(op, layers=layers, width=width, start=begin, seed=seed)
    x = draw((_BATCH, width), seed).values
    seen = spread(tower, x, places(tower), seed=seed)
    return seen, expected(op, {}, begin, layers=layers, width=width)


# the open model


def _model(ws: Workspace, chosen: Sequence[Contender]) -> None:
    given = lineup.of_model()
    try:
        as_it_is = _passed(ws.spec.to_json(), seed())
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        st.page_link("pages/build.py", label="To the model", icon=":material/stacks:")
        return
    seen: Seen = [(given, as_it_is)]
    found = weights(opened(ws.spec))
    for one in chosen:
        try:
            seen.append((one, _passed(start(ws.spec, found, one.start).to_json(), seed())))
        except BuilderError as error:
            st.caption(f":red[{one.title}: {error.message}]")
    names = [entry.name for entry in as_it_is]
    _charts(seen, names=names)
    st.caption(
        f"{_SAMPLES} random samples go through {ws.spec.name} as in training, and standard normal "
        "gradients come back. Each start is set for all weights of two axes and more that can "
        "start so; the rest of the model is as it is."
    )
    _table(seen)


@st.cache_data(max_entries=64, show_spinner="Running the model")
def _passed(text: str, seed: int) -> tuple[Spread, ...]:
    spec = ModelSpec.from_json(text)
    return through(spec, random_inputs(spec, _SAMPLES, seed), seed=seed)


def _nothing(seen: Sequence[Hashable]) -> bool:
    if not seen:
        st.info("Choose a start above, and what becomes of its values appears here.")
    return not seen


def _charts(
    seen: Seen,
    *,
    theory: Sequence[tuple[Contender, Sequence[Expected]]] = (),
    names: Sequence[str] = (),
) -> None:
    legend((one.title, one.colour) for one, _ in seen)
    for place, shown in zip(st.columns(2), (VALUES, GRADIENTS), strict=True):
        figure = lines(shown, seen, theory=theory, names=names)
        place.plotly_chart(figure, key=f"through-{shown.value}", config=CONFIG)


def _table(seen: Seen, theory: Mapping[str, Sequence[Expected]] | None = None) -> None:
    rows = []
    for one, spreads in seen:
        line: dict[str, Any] = {"start": one.title, **row(spreads)}
        if theory is not None:
            told = theory.get(one.title)
            line["off theory"] = _off(spreads, told) if told else None
        rows.append(line)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "values": st.column_config.TextColumn(
                help="Spread behind the last layer, as a multiple of that behind the first."
            ),
            "gradients": st.column_config.TextColumn(
                help="Spread at the first layer, as a multiple of that at the last."
            ),
            "which": st.column_config.TextColumn(
                help=f"Gradients vanish or explode where they change by more than {FACTOR:,.0f} "
                "times between the last layer and the first."
            ),
            "off theory": st.column_config.NumberColumn(
                format="percent",
                help="How far the spread of values is from theory, layer by layer, on average.",
            ),
        },
    )


def _off(spreads: Sequence[Spread], told: Sequence[Expected]) -> float | None:
    pairs = [(one.std, said.std) for one, said in zip(spreads, told, strict=True) if said.std]
    return sum(abs(a / b - 1) for a, b in pairs) / len(pairs) if pairs else None
