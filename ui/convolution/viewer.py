"""The picture before and after, every stage between, the sizes and where the values lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from builder.catalog import CATALOG
from builder.labs import chain, pixel
from builder.labs.tones import TONES, histogram, outside
from builder.resolve.window import explain_window
from ui import state
from ui.components import comparer
from ui.components.comparer import Mark
from ui.convolution.bench import Bench, Values, Work, shown
from ui.state import Workspace

TONE = "convolution:tone"
_CHANNELS = {1: ("#7A8699",), 3: ("#D9534F", "#4C9A52", "#4A7FD8")}


def stage_name(ws: Workspace, done: Work) -> str | None:
    """Return the stage that is looked at: the selected layer's, or the last there is."""
    if ws.selected in done.stages:
        return ws.selected
    return next(reversed(done.stages), None)


def viewer(here: Bench, ws: Workspace, done: Work) -> None:
    """Draw the comparer of the picture and the stage that is looked at."""
    name = stage_name(ws, done)
    if done.refusal:
        st.warning(done.refusal, icon=":material/block:")
    if name is None:
        st.image(shown(here, done, None, "clip"))
        return
    tone = state.get(TONE) or next(iter(TONES))
    values = done.stages[name].values
    height, width, _ = values.shape
    comparer(
        shown(here, done, None, tone),
        shown(here, done, name, tone),
        before_size=done.values.shape[:2],
        after_size=(height, width),
        key="convolution-comparer",
        mark=_mark(here, done, name),
        height=470,
        on_intent=lambda intent: _picked(here, intent),
    )
    st.segmented_control(
        "Values outside 0 to 1",
        list(TONES),
        format_func=lambda key: TONES[key].title,
        key=TONE,
        default=tone,
        required=True,
        help="\n".join(f"- **{row.title}**: {row.help}" for row in TONES.values()),
    )
    _channel(here, values)
    _sizes(done, name)


def _channel(here: Bench, values: Values) -> None:
    """Let one channel be chosen where a screen cannot show them all."""
    channels = values.shape[2]
    if channels in (chain.GREY, chain.COLOUR):
        return
    key = state.show("convolution:channel", min(here.channel, channels - 1))
    st.slider(
        f"Channel shown, of {channels}",
        0,
        channels - 1,
        key=key,
        on_change=lambda: setattr(here, "channel", int(state.get(key))),
    )


def _mark(here: Bench, done: Work, name: str) -> Mark | None:
    """Return the pixel that is looked at, and the part of the picture that it comes from."""
    height, width, _ = done.stages[name].values.shape
    if here.point is None or here.point[0] >= height or here.point[1] >= width:
        return None
    assert done.model is not None
    module = dict(done.model.named_modules()).get(name)
    first = done.resolution.by_name[name].sources[0] not in done.stages
    if module is None or not first or not pixel.explains(module):
        return here.point
    return (*here.point, pixel.look(module, done.tensor(name), 0, *here.point).box)


def _picked(here: Bench, intent: dict[str, Any]) -> None:
    here.point = (intent["row"], intent["column"])


def _sizes(done: Work, name: str) -> None:
    """Say how large the stage is and how that comes about, and where its values lie."""
    step = done.resolution.by_name[name]
    row = CATALOG[step.op]
    before, after = done.given(name).shape, done.stages[name].values.shape
    words = [f"**{name}** makes {_size(before)} into **{_size(after)}**"]
    if row.window and step.enabled:
        for axis, (side, size) in enumerate(zip(("height", "width"), before[:2], strict=True)):
            words.append(f"{side} `{explain_window(row, step.args, size, axis)[1]}`")
    st.markdown(" :gray[·] ".join(words))
    values = done.stages[name].values
    below, above = outside(values)
    st.caption(
        f"values from {values.min():.3g} to {values.max():.3g}, mean {values.mean():.3g}; "
        f"{below:.1%} lie below 0 and {above:.1%} above 1"
    )


def _size(shape: tuple[int, ...]) -> str:
    height, width, channels = shape
    return f"{channels} × {height} × {width}"


def stages(here: Bench, ws: Workspace, done: Work) -> None:
    """Draw every stage of a chain of several, small; one click looks at one."""
    if len(done.stages) < 2:
        return
    tone = state.get(TONE) or next(iter(TONES))
    columns = st.columns(min(6, 1 + len(done.stages)))
    for number, name in enumerate((None, *done.stages)):
        with columns[number % len(columns)]:
            values = done.values if name is None else done.stages[name].values
            st.image(shown(here, done, name, tone), width="stretch")
            if name is None:
                st.caption(f"the picture  \n{_size(values.shape)}")
                continue
            st.button(
                name,
                key=f"stage:{name}",
                type="primary" if name == stage_name(ws, done) else "tertiary",
                help=f"Look at what {name} gives",
                on_click=ws.select,
                args=(name,),
            )
            st.caption(f"{_size(values.shape)} · {done.stages[name].engine}")


def histograms(done: Work, name: str) -> None:
    """Draw how the values of a stage lie, beside those of the picture."""
    figure = go.Figure()
    for values, title, shape in (
        (done.values, "picture", "dot"),
        (done.stages[name].values, name, "solid"),
    ):
        _outline(figure, values, title, shape)
    figure.add_vrect(x0=0, x1=1, fillcolor="#7A8699", opacity=0.12, line_width=0)
    figure.update_layout(
        height=260,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.1},
        xaxis={"title": {"text": "value; a screen shows the shaded part"}},
        yaxis={"title": {"text": "share of the values"}, "tickformat": ".0%"},
        uirevision="histogram",
    )
    st.plotly_chart(figure, key="convolution-histogram", config={"displaylogo": False})


def _outline(figure: go.Figure, values: Values, title: str, dash: str) -> None:
    counts, edges = histogram(values)
    middles = (edges[:-1] + edges[1:]) / 2
    colours = _CHANNELS.get(len(counts), ("#7A8699",) * len(counts))
    for channel, (found, colour) in enumerate(zip(counts, colours, strict=True)):
        figure.add_scatter(
            x=middles.tolist(),
            y=(np.asarray(found) / max(1, np.sum(found))).tolist(),
            name=f"{title} {'RGB'[channel]}" if len(counts) == 3 else title,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash, "shape": "hvh"},
            hovertemplate="%{x:.3f}: %{y:.2%}<extra></extra>",
        )
