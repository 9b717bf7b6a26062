"""train() and eval(): buffers that move or stand while batches pass, and what dropout does."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import streamlit as st
import torch
from torch import nn

from builder import TEMPLATES, ModelSpec
from builder.build import check
from builder.labs.batches import random_inputs
from builder.labs.inspection_modes import Buffer, Dropped, Twice, moved, twice
from builder.labs.numbers import LARGEST_SEED
from builder.labs.subject import fresh
from ui.activations.style import COLOURS, CONFIG, chart
from ui.inside.effort import wanted
from ui.numbers import count
from ui.subject import Subject

EXAMPLE = "SmallVGG"
_LINES = 8  # channels that are drawn
_STRIP = 64  # numbers of a layer that are drawn
_MOST = 1e12  # multiply-adds


def modes(here: Subject) -> None:
    """Draw the part."""
    model, spec, made_from = here.model, here.spec, here.made_from
    check(spec)
    if not _has_something(model):
        st.info(
            f"{spec.name} has no buffers and no dropout, so `train()` and `eval()` change nothing "
            f"in it. {EXAMPLE}, one of the starting points, is shown instead."
        )
        spec, made_from = TEMPLATES[EXAMPLE], EXAMPLE
        model = _example()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batches = st.slider("Batches", 1, 50, 12, key="batches", width=230, bind="query-params")
        size = st.select_slider(
            "Batch size", (2, 4, 8, 16, 32, 64), 8, key="batch-size", width=200,
            bind="query-params",
        )  # fmt: skip
        seed = st.number_input(
            "Seed of the input", 0, LARGEST_SEED, key="input-seed", width=150,
            bind="query-params", help="Standard normal numbers, or indices where it reads words.",
        )  # fmt: skip
        work = 2.0 * check(spec).macs * size * (batches + 2)
        if work > _MOST:
            st.caption(
                f"{count(work)} multiply-adds are too many here; {count(_MOST)} are the most. "
                "Fewer or smaller batches do it."
            )
            return
        if not wanted(work, (made_from, batches, size, seed), key="inside:modes"):
            return
    buffers, doubled = _passed(made_from, model, spec, batches, size, seed)
    left, right = st.columns(2, gap="large")
    with left:
        _buffers(buffers, batches)
    with right:
        _dropout(doubled)


def _has_something(model: nn.Module) -> bool:
    dropout = (nn.modules.dropout._DropoutNd, nn.RNNBase, nn.MultiheadAttention)
    return any(isinstance(module, dropout) for module in model.modules()) or any(
        True for _ in model.buffers()
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _example() -> nn.Module:
    return fresh(TEMPLATES[EXAMPLE], 0).eval()


@st.cache_data(max_entries=8, show_spinner="Running batches")
def _passed(
    made_from: Hashable, _model: nn.Module, _spec: ModelSpec, batches: int, size: int, seed: int
) -> tuple[list[Buffer], Twice]:
    del made_from
    inputs = [random_inputs(_spec, size, seed + number) for number in range(batches)]
    return moved(_model, inputs), twice(_model, inputs[0], seed)


def _buffers(buffers: Sequence[Buffer], batches: int) -> None:
    st.markdown("**Buffers** move in `train()` and stand in `eval()`")
    if not buffers:
        st.caption("This model has none; a batch norm would.")
        return
    names = [one.name for one in buffers]
    name = st.selectbox("Buffer", names, key="buffer", width=330, label_visibility="collapsed")
    one = next(entry for entry in buffers if entry.name == name)
    st.plotly_chart(_lines(one), key="buffer-lines", config=CONFIG)
    moving, standing = (one.values[mode] for mode in ("train", "eval"))
    gone = (moving[-1] - moving[0]).abs().max().item()
    stays = (standing[-1] - standing[0]).abs().max().item()
    words = (
        f"After {batches} batches: moved by up to **{gone:.4g}** in `train()`, by **{stays:.4g}** "
        "in `eval()`."
    )
    if len(moving[0]) > _LINES:
        words += f" The first {_LINES} of {len(moving[0])} channels are drawn."
    st.caption(words)
    if one.momentum is not None and not name.endswith("num_batches_tracked"):
        what = "variance (over n - 1)" if name.endswith("var") else "mean"
        st.caption(
            f"In training each batch pulls it towards its own {what}: "
            f"`running = {1 - one.momentum:g} · running + {one.momentum:g} · batch`. In evaluation "
            "it is used as it stands, so a sample's output does not depend on its neighbours."
        )


def _lines(one: Buffer) -> Any:
    data = []
    for number in range(min(_LINES, one.values["train"].shape[1])):
        for mode, dash in (("train", "solid"), ("eval", "dot")):
            values = one.values[mode][:, number].tolist()
            data.append(
                {
                    "type": "scatter", "x": list(range(len(values))), "y": values, "mode": "lines",
                    "name": f"channel {number}, {mode}()",
                    "line": {"color": COLOURS[number], "dash": dash, "width": 2},
                    "hovertemplate": "%{y:.4g}",
                }
            )  # fmt: skip
    return chart(
        data, "solid: train(), dotted: eval()", 300, "buffer-lines", xaxis={"title": "batches"}
    )


def _dropout(found: Twice) -> None:
    st.markdown("**Dropout**: the same input, twice")
    for mode, difference in found.difference.items():
        verdict = (
            "the same output" if difference == 0 else f"outputs up to **{difference:.4g}** apart"
        )
        st.markdown(f"`model.{mode}()`: {verdict}")
    if not found.layers:
        st.caption("No dropout layer was called; `nn.Dropout` would set a share of them to 0.")
        return
    names = {f"{one.name} · p = {one.p:g}": one for one in found.layers}
    one = names[
        st.selectbox("Layer", list(names), key="dropout", width=330, label_visibility="collapsed")
    ]
    _strips(one)


def _strips(one: Dropped) -> None:
    rows = {
        "given": one.given,
        "train(), first": one.values["train"][0],
        "train(), again": one.values["train"][1],
        "eval()": one.values["eval"][0],
    }
    shown = torch.stack([values[:_STRIP].float() for values in rows.values()])
    reach = shown.abs().max().item() or 1.0
    heat = {
        "type": "heatmap",
        "z": shown.numpy(),
        "y": [f"{name}: {(v == 0).double().mean().item():.0%} are 0" for name, v in rows.items()],
        "zmin": -reach,
        "zmax": reach,
        "colorscale": "RdBu_r",
        "ygap": 6,
        "xgap": 1,
        "showscale": False,
        "hovertemplate": "number %{x}: %{z:.4g}<extra></extra>",
    }
    figure = chart(
        [heat], "", 210, "dropout", yaxis={"autorange": "reversed", "ticklabelstandoff": 6}
    )
    st.plotly_chart(figure, key="dropout-strips", config=CONFIG)
    scale = "" if one.p == 1 else f", the rest is multiplied by 1 / (1 - p) = {1 / (1 - one.p):.4g}"
    st.caption(
        f"The first {shown.shape[1]} numbers of one sample; red is above 0, blue below. In "
        f"training a share of p = {one.p:g} becomes 0{scale}, so that the mean stays; in "
        "evaluation the layer hands on what it is given."
    )
