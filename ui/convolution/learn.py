"""Learn the kernel: from a picture before and after, a Conv2d finds what was done to it."""

from __future__ import annotations

import time

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError
from builder.labs import chain
from builder.labs.chain import Kernel
from builder.labs.learning import OPTIMIZERS, KernelLearner
from ui.components import kernel_grid
from ui.convolution.bench import Bench, Values, Work
from ui.state import Workspace

_RESULT = "the result above"
_SLICE = 0.15  # seconds of training between two looks
_MOST_STEPS = 20_000


def learn(here: Bench, ws: Workspace, done: Work, name: str) -> None:
    """Draw the choice of before and after, and the training while it runs."""
    st.markdown(
        "A network learns its kernels from examples. Here is the smallest case: a `Conv2d` with "
        "one kernel, drawn at random, sees the picture *before* and is trained until its output "
        "looks like the picture *after*."
    )
    pictures = {key: picture.name for key, picture in here.uploads.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        after = st.selectbox(
            "After",
            [_RESULT, *pictures],
            format_func=lambda key: pictures.get(key, key),
            key="learn:after",
            width=230,
            help="Before is the picture worked on; after is what the chain made of it, or a "
            "picture you upload, of the same size.",
        )
        known = chain.kernel_of(ws.spec.main.node(name))
        now = max(known.shape) if known is not None else 3
        size = st.number_input(
            "Kernel size", 1, 15, value=min(15, now | 1), step=2, key="learn:size", width=130
        )
        optimizer = st.selectbox("Optimizer", list(OPTIMIZERS), key="learn:optimizer", width=150)
        seed = st.number_input("Seed", 0, 10**6, value=0, key="learn:seed", width=110)
        st.button(
            "Learn",
            type="primary",
            icon=":material/play_arrow:",
            on_click=lambda: _begin(here, done, name, after, int(size), optimizer, int(seed)),
        )
    if here.lesson is not None:
        st.fragment(_running, run_every=0.3 if here.learning else None)(here, ws, name)


def _begin(
    here: Bench, done: Work, name: str, after: str, size: int, optimizer: str, seed: int
) -> None:
    before = done.given(name) if after == _RESULT else done.values
    wanted = done.stages[name].values if after == _RESULT else here.uploads[after].values(1)
    here.learning = True
    try:
        here.lesson = KernelLearner(
            _grey(before), _grey(wanted), size, seed=seed, optimizer=optimizer
        )
    except BuilderError as error:
        here.lesson, here.learning = error, False


def _grey(values: Values) -> Kernel:
    return np.ascontiguousarray(values.mean(axis=2))


def _running(here: Bench, ws: Workspace, name: str) -> None:
    lesson = here.lesson
    if isinstance(lesson, BuilderError):
        st.error(lesson.message)
        return
    if here.learning:
        end = time.perf_counter() + _SLICE
        while time.perf_counter() < end and not lesson.done():
            lesson.step()
        if lesson.done() or len(lesson.losses) >= _MOST_STEPS:
            here.learning = False
            st.rerun()
    if lesson.warning:
        st.warning(lesson.warning)
    known = chain.kernel_of(ws.spec.main.node(name))
    comparable = known is not None and known.shape == lesson.kernel.shape
    columns = st.columns([3, 3, 4])
    with columns[0]:
        st.caption("learned")
        kernel_grid(lesson.kernel.tolist(), key="learned", read_only=True)
    with columns[1]:
        if comparable:
            st.caption("used above")
            kernel_grid(known.tolist(), key="wanted", read_only=True)
    with columns[2]:
        st.plotly_chart(_curve(lesson.losses), key="learn-curve", config={"displaylogo": False})
    loss = f"{lesson.losses[-1]:.3g}" if lesson.losses else "not known yet"
    words = f"step **{len(lesson.losses):,}**, error **{loss}** of what there was"
    if comparable:
        words += f", farthest cell off by **{np.abs(known - lesson.kernel).max():.2g}**"
    st.markdown(words)
    with st.container(horizontal=True):
        if here.learning:
            st.button("Stop", icon=":material/stop:", on_click=lambda: _stop(here))
        else:
            st.button("Go on", icon=":material/play_arrow:", on_click=lambda: _go_on(here))
        st.button(
            "Use this kernel",
            icon=":material/check:",
            disabled=known is None,
            help="Puts it in place of the selected convolution's kernel.",
            on_click=lambda: ws.edit(lambda s: chain.with_kernel(s, name, lesson.kernel)),
        )


def _stop(here: Bench) -> None:
    here.learning = False


def _go_on(here: Bench) -> None:
    here.learning = True


def _curve(losses: list[float]) -> go.Figure:
    figure = go.Figure()
    every = max(1, len(losses) // 500)
    figure.add_scatter(
        x=list(range(1, len(losses) + 1))[::every],
        y=losses[::every],
        mode="lines",
        line={"color": "#E0663A", "width": 2},
        hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
    )
    figure.update_layout(
        height=220,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": {"text": "step"}},
        yaxis={
            "type": "log",
            "title": {"text": "share of the error left"},
            "exponentformat": "power",
        },
        uirevision="learn",
    )
    return figure
