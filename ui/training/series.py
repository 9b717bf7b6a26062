"""Charts of sequences: a few of them with their targets, and a forecast over the truth."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from builder.data import Samples, Split
from builder.train.live import STEPS, Forecast
from ui.training.curves_chart import COLOURS

_SHOWN = 6
_MOST_CURVES = 4  # of a step that holds more, a map is drawn
_HUES = ("#4A8FD8", "#E0663A", "#3F9B6B", "#8E6BBF")


def examples(samples: Samples) -> go.Figure:
    """Return a few sequences of a data set, each with its target."""
    chosen = [number * len(samples.x) // _SHOWN for number in range(_SHOWN)]
    figure = make_subplots(
        2, _SHOWN // 2, subplot_titles=[_target(samples, row) for row in chosen],
        horizontal_spacing=0.06, vertical_spacing=0.24,
    )  # fmt: skip
    for number, row in enumerate(chosen):
        at = {"row": number // 3 + 1, "col": number % 3 + 1}
        if samples.shape[1] > _MOST_CURVES:
            _map(figure, samples, row, at)
        else:
            _curves(figure, samples, row, at)
    figure.update_layout(
        height=360,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        showlegend=samples.shape[1] in range(2, _MOST_CURVES + 1) or samples.by_time,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": -0.08},
        uirevision="examples",
    )
    figure.update_annotations(font_size=13)
    return figure


def _target(samples: Samples, row: int) -> str:
    if samples.classes:
        return f"target: {samples.classes[int(samples.y[row])]}"
    return f"target: {samples.y[row].item():.2f}"


def _curves(figure: go.Figure, samples: Samples, row: int, at: dict[str, int]) -> None:
    length = samples.shape[0]
    first = at == {"row": 1, "col": 1}
    for number, (name, colour) in enumerate(zip(samples.features, _HUES, strict=False)):
        figure.add_scatter(
            x=list(range(1, length + 1)),
            y=samples.x[row, :, number].tolist(),
            name=name,
            legendgroup=name,
            showlegend=first,
            mode="lines+markers" if length <= 40 else "lines",
            marker={"size": 4},
            line={"color": colour, "width": 1.6},
            hovertemplate=f"step %{{x}}: {name} %{{y:.3f}}<extra></extra>",
            **at,
        )
    if samples.by_time:
        figure.add_scatter(
            x=[length + 1],
            y=[samples.y[row].item()],
            name="target",
            legendgroup="target",
            showlegend=first,
            mode="markers",
            marker={"size": 9, "symbol": "diamond", "color": COLOURS["train"]},
            hovertemplate="target %{y:.3f}<extra></extra>",
            **at,
        )


def _map(figure: go.Figure, samples: Samples, row: int, at: dict[str, int]) -> None:
    figure.add_heatmap(
        z=samples.x[row].tolist(),
        x=list(range(1, samples.shape[1] + 1)),
        y=list(range(1, samples.shape[0] + 1)),
        colorscale="Greys_r",
        showscale=False,
        hovertemplate="step %{y}, column %{x}: %{z:.2f}<extra></extra>",
        **at,
    )
    figure.update_yaxes(autorange="reversed", title_text="step" if at["col"] == 1 else None, **at)


def future(samples: Samples, parts: Split, forecast: Forecast | None) -> go.Figure:
    """Return where the validation part of a series begins, and the forecasts over the truth.

    Each forecast is of the next value only, from true values before it.
    """
    kept = parts.validation.tolist()[:STEPS]
    past = parts.train.tolist()[-len(kept) :]
    figure = go.Figure()
    for name, rows, colour in (
        ("seen in training", past, "#9AA3AF"),
        ("truth", kept, COLOURS["validation"]),
    ):
        figure.add_scatter(
            x=rows,
            y=samples.y[rows, 0].tolist(),
            name=name,
            mode="lines",
            line={"color": colour, "width": 2},
            hovertemplate=f"step %{{x}}: {name} %{{y:.3f}}<extra></extra>",
        )
    if forecast is not None:
        figure.add_scatter(
            x=kept,
            y=parts.unscaled_target(forecast.values).tolist(),
            name="forecast",
            mode="lines",
            line={"color": COLOURS["train"], "width": 2, "dash": "dot"},
            hovertemplate="step %{x}: forecast %{y:.3f}<extra></extra>",
        )
    figure.update_layout(
        height=320,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        title={"text": "forecast of the next value", "x": 0.0, "font": {"size": 15}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.12},
        xaxis={"title": {"text": "step"}},
        uirevision="future",
    )
    return figure
