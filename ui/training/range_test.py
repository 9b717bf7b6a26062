"""The learning-rate range test: the loss against a growing rate, and the rate it suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from builder import BuilderError, ModelSpec, build
from builder.data import load, mismatches
from builder.errors import DataError
from builder.train import Recipe
from builder.train.data import Data, split_by
from builder.train.doctor.cures import highest_rate, with_rate
from builder.train.range_test import RangeTest, range_test
from builder.train.trial import own_randomness
from ui import state
from ui.training.curves_chart import COLOURS
from ui.training.given import given, start_id
from ui.training.settings import change, recipe

_SECONDS = 8.0  # nobody looks at a progress bar for longer
_FOUND = "range-test"
_AXIS = 2.0  # times the highest of the losses up to the lowest: what blows up would flatten them


@dataclass(frozen=True)
class _Found:
    """A range test, or why there was none, and of what."""

    spec: ModelSpec
    recipe: Recipe
    start: str
    test: RangeTest | None = None
    problem: str = ""


def range_panel() -> None:
    """Draw the button that tests rates, what the test found, and the button that takes its rate."""
    spec, settings = state.workspace().spec, recipe()
    st.caption(
        "Trains a copy of the model for up to 100 batches while the learning rate grows from 1e-7 "
        "to 10. Where the loss falls most steeply is a good rate to train with."
    )
    found: _Found | None = state.get(_FOUND)
    now = spec, _but_rate(settings), start_id()
    if found is not None and (found.spec, _but_rate(found.recipe), found.start) != now:
        found = None
    if st.button("Test learning rates", icon=":material/speed:", key="range-test:start"):
        found = _tested(spec, settings)
        state.put(_FOUND, found)
    if found is None:
        return
    if found.test is None:
        st.warning(found.problem, icon=":material/block:")
        return
    _result(found.test, settings)


def _but_rate(settings: Recipe) -> Recipe:
    """Return the settings as the test sees them: it is the same whatever the rate is now."""
    return with_rate(settings, 1.0)


def _tested(spec: ModelSpec, settings: Recipe) -> _Found:
    bar = st.progress(0.0, text="Rates from 1e-7 on")
    try:
        samples = load(settings.dataset, **settings.options)
        wrong = mismatches(spec, samples, settings.outputs(samples.outputs))
        if wrong:
            raise DataError(wrong[0].message)
        settings.check(samples.task)
        parts = split_by(settings, samples)
        rows, kept = parts.train, parts.validation
        x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
        data = Data(x[rows], y[rows], x[kept], y[kept]).to(settings.device)
        with own_randomness(settings.seed):
            model = build(spec)
        start = given()
        if start is not None:
            start.check(spec)
            model.load_state_dict(start.state)
        model.to(settings.device)
        test = range_test(
            model,
            data,
            settings,
            seconds=_SECONDS,
            on_step=lambda share, rate: bar.progress(share, text=f"Rate {rate:.1e}"),
        )
    except BuilderError as error:
        return _Found(spec, settings, start_id(), problem=error.message)
    finally:
        bar.empty()
    return _Found(spec, settings, start_id(), test)


def _result(test: RangeTest, settings: Recipe) -> None:
    if test.rates:
        st.plotly_chart(
            range_chart(test, settings.lr), key="range-test:chart", config={"displaylogo": False}
        )
    if test.suggested is None:
        st.info(test.why, icon=":material/info:")
        return
    st.markdown(test.why)
    st.button(
        f"Use {test.suggested:g}",
        type="primary",
        key="range-test:use",
        disabled=settings.lr == test.suggested,
        help="Groups with rates of their own keep their ratio to it.",
        on_click=_use,
        args=(test.suggested,),
    )


def _use(rate: float) -> None:
    settings = recipe()
    factor = rate / settings.lr if settings.lr else 1.0
    groups = with_rate(settings, highest_rate(settings) * factor).groups
    change(lr=rate, groups=groups)


def range_chart(test: RangeTest, now: float) -> go.Figure:
    """Return the loss of each batch and its smoothed course against the rate.

    Args:
        now: the rate of the settings, marked if it is within the range.
    """
    figure = go.Figure()
    for name, values, line in (
        ("loss of the batch", test.losses, {"color": "#9AA3AF", "width": 1}),
        ("smoothed", test.smoothed, {"color": COLOURS["train"], "width": 2.5}),
    ):
        figure.add_scatter(
            x=test.rates,
            y=values,
            name=name,
            mode="lines",
            line=line,
            hovertemplate=f"rate %{{x:.1e}}: {name} %{{y:.4f}}<extra></extra>",
        )
    marks = {now: ("now", "#9AA3AF", 0.0)}
    if test.suggested:
        marks[test.suggested] = ("suggested", "#3F9B6B", 1.0)
    for rate, (word, colour, height) in marks.items():
        if test.rates[0] <= rate <= test.rates[-1]:
            figure.add_vline(x=rate, line={"color": colour, "dash": "dot", "width": 2})
            # An annotation of a log axis stands at the power of ten.
            figure.add_annotation(
                x=math.log10(rate), y=height, yref="paper", text=f"{word} {rate:g}",
                font={"color": colour}, showarrow=False, xanchor="right", xshift=-4,
            )  # fmt: skip
    low = min(test.smoothed)
    first = test.smoothed[: test.smoothed.index(low) + 1]
    top = low + _AXIS * max(max(first) - low, 1e-9)
    figure.update_layout(
        height=320,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.14},
        xaxis={"type": "log", "title": {"text": "learning rate"}, "exponentformat": "power"},
        yaxis={"title": {"text": "loss"}, "range": [low - (top - low) * 0.08, top]},
        uirevision="range-test",
    )
    return figure
