"""Through depth: what becomes of the spread of values and of gradients in a tower of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from builder import BuilderError
from builder.labs.depth import INITIAL, Spread, places, spread, stack
from builder.labs.numbers import LARGEST_SEED, draw
from builder.spec import Init
from ui import state
from ui.activations.chosen import Chosen
from ui.activations.style import CONFIG, chart, legend
from ui.spreads import FACTOR, GRADIENTS, VALUES, Chart, lines, row

_HEIGHT = 290
_WIDTHS, _BATCHES = (16, 32, 64, 128, 256, 512), (16, 64, 128, 256)
_BINS = 60
_DENSE = 4  # full colour from this many times an even spread on

_CHARTS = (
    VALUES,
    GRADIENTS,
    Chart("depth-dead", "dead units: slope 0 for every sample", "dead"),
    Chart("depth-flat", "saturated, or closed for this sample", "flat"),
)


def section(chosen: Sequence[Chosen]) -> None:
    """Draw the section."""
    settings = _settings()
    batch = settings.pop("batch")
    seen: list[tuple[Chosen, tuple[Spread, ...]]] = []
    for one in chosen:
        try:
            seen.append((one, _seen(one.op, one.args, settings, batch)))
        except BuilderError as error:
            st.caption(f":red[{error.message}]")
    if not seen:
        st.info("Choose an activation above, and what becomes of its values appears here.")
        return
    legend((one.title, one.colour) for one, _ in seen)
    for start in (0, 2):
        for place, shown in zip(st.columns(2), _CHARTS[start : start + 2], strict=True):
            place.plotly_chart(lines(shown, seen), key=shown.name, config=CONFIG)
    left, right = st.columns(2)
    with left:
        _table(seen)
    with right:
        _densities(seen)


def _settings() -> dict[str, Any]:
    with st.container(horizontal=True, gap="medium"):
        layers = st.slider("Layers", 1, 100, 20, key="layers", width=230, bind="query-params")
        initial = st.selectbox(
            "Initialisation", list(INITIAL), key="initial", width=200, bind="query-params",
            help="  \n".join(f"**{name}**: {row.help}" for name, row in INITIAL.items()),
        )  # fmt: skip
        start = INITIAL[initial].weight
        if start is not None and start.scheme == "normal_":
            std = st.slider(
                "std", 0.0, 0.5, 0.05, step=0.005, format="%.3f", key="std", width=200,
                help="Of the weights.", bind="query-params",
            )  # fmt: skip
            start = Init("normal_", {"std": std})
        width = st.select_slider(
            "Width", _WIDTHS, 128, key="width", width=150, bind="query-params",
            help="Features of every layer.",
        )  # fmt: skip
        batch = st.select_slider(
            "Batch", _BATCHES, 128, key="batch", width=150, bind="query-params",
            help="Samples of standard normal numbers that go in.",
        )  # fmt: skip
        seed = st.number_input(
            "Seed", 0, LARGEST_SEED, 0, key="depth-seed", width=130, bind="query-params"
        )
    return {
        "layers": layers, "start": start, "width": width, "seed": seed, "batch": batch,
    }  # fmt: skip


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={Init: repr})
def _seen(
    op: str, args: Mapping[str, Any], settings: Mapping[str, Any], batch: int
) -> tuple[Spread, ...]:
    tower = stack(op, args, **settings)
    x = draw((batch, settings["width"]), settings["seed"]).values
    return spread(tower, x, places(tower), seed=settings["seed"])


def _table(seen: Sequence[tuple[Chosen, Sequence[Spread]]]) -> None:
    st.dataframe(
        pd.DataFrame([_row(one, spreads) for one, spreads in seen]),
        width="stretch",
        height="content",
        hide_index=True,
        column_config={
            "values": st.column_config.TextColumn(
                help="Spread behind the last layer, as a multiple of that behind the first."
            ),
            "gradients": st.column_config.TextColumn(
                help="Spread at the first layer, as a multiple of that at the last."
            ),
            "dead": st.column_config.NumberColumn(
                format="percent", help="Units of the last layer that are dead."
            ),
        },
    )
    st.caption(
        f"Gradients vanish or explode where they change by more than {FACTOR:,.0f} times between "
        "the last layer and the first."
    )


def _row(one: Chosen, spreads: Sequence[Spread]) -> dict[str, object]:
    return {"activation": one.title, **row(spreads), "dead": spreads[-1].dead}


def _densities(seen: Sequence[tuple[Chosen, Sequence[Spread]]]) -> None:
    """Draw the values of one activation, a histogram a layer."""
    titles = [one.title for one, _ in seen]
    key = state.show("depth-shown", _kept(titles))
    title = st.segmented_control("Values of", titles, key=key, required=True)
    one, spreads = seen[titles.index(title)]
    values = [np.nan_to_num(entry.values.numpy(), posinf=0.0, neginf=0.0) for entry in spreads]
    reach = float(np.quantile(np.abs(np.concatenate(values)), 0.995)) or 1.0
    edges = np.linspace(-reach, reach, _BINS + 1)
    counts = np.stack([np.histogram(layer, edges)[0] / layer.size for layer in values], axis=1)
    columns = {
        "type": "heatmap",
        "x": list(range(1, len(spreads) + 1)),
        "y": (edges[:-1] + edges[1:]) / 2,
        "z": counts,
        "zmin": 0,
        "zmax": _DENSE / _BINS,
        "colorscale": [[0, "rgba(0, 0, 0, 0)"], [1, one.colour]],
        "showscale": False,
        "hovertemplate": "layer %{x}, value %{y:.3g}: %{z:.1%}<extra></extra>",
    }
    figure = chart(
        [columns],
        "",
        _HEIGHT,
        f"depth-shown-{one.op}",
        xaxis={"title": "layer"},
        yaxis={"title": "value", "showgrid": False},
    )
    st.plotly_chart(figure, key="depth-density", config=CONFIG)


def _kept(titles: Sequence[str]) -> str:
    kept = state.get("depth-shown")
    return kept if kept in titles else titles[0]
