"""The plot of a sweep: scores over one setting, or over two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from builder.train.scores import higher_is_better
from builder.train.sweeps import Plan, Point

_HEIGHT = 380
_DOT, _LINE, _FAILED, _BEST = "#4A8FD8", "#4A8FD8", "#D14343", "#E0663A"
_SCALE, _RIM = "Viridis", "#8A929E"  # a dark dot stands out on a dark page by its rim


def chart(
    plan: Plan, found: Sequence[Point], measure: str, top: Point | None, *, logarithmic: bool
) -> go.Figure:
    """Return the plot of what a sweep has come to so far.

    Args:
        top: the point that is marked as the best.
        logarithmic: whether scores are drawn by their logarithm, where all are above 0.
    """
    scores = [point.mean(measure) for point in found]
    logarithmic = logarithmic and all(score > 0 for score in scores if score is not None)
    figure = go.Figure()
    if len(plan.axes) == 1:
        _over_one(figure, plan, found, measure, top, logarithmic)
    elif plan.method == "grid":
        _cells(figure, plan, found, measure, top, logarithmic)
    else:
        _over_two(figure, plan, found, measure, top, logarithmic)
    figure.update_layout(
        height=_HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        uirevision=f"{measure} {logarithmic}",
    )
    return figure


def _axis(plan: Plan, number: int, found: Sequence[Point]) -> dict[str, Any]:
    """Return how an axis is drawn: by factors, by distance, or a place for each value."""
    setting = plan.settings[number]
    title = {"text": setting.label}
    values = [point.values[number] for point in found]
    if not _has_places(plan, number, found):
        kind = "log" if setting.by_factors and all(value > 0 for value in values) else "linear"
        return {"title": title, "type": kind}
    order = plan.axes[number].values or sorted(set(values))
    return {
        "title": title,
        "type": "category",
        "categoryorder": "array",
        "categoryarray": [setting.words(value) for value in order],
    }


def _has_places(plan: Plan, number: int, found: Sequence[Point]) -> bool:
    """Whether the values of an axis are drawn side by side: words, and a 0 among factors."""
    setting = plan.settings[number]
    values = [point.values[number] for point in found]
    if not setting.numeric or any(value is None for value in values):
        return True
    if plan.method == "grid" and len(plan.axes) > 1:
        return True
    return setting.by_factors and any(value <= 0 for value in values)


def _at(plan: Plan, number: int, found: Sequence[Point], point: Point) -> Any:
    value = point.values[number]
    return plan.settings[number].words(value) if _has_places(plan, number, found) else value


def _over_one(
    figure: go.Figure,
    plan: Plan,
    found: Sequence[Point],
    measure: str,
    top: Point | None,
    logarithmic: bool,
) -> None:
    dots = [
        (_at(plan, 0, found, point), score, plan.words(point.values))
        for point in found
        for score in point.scores(measure)
    ]
    order = {repr(value): place for place, value in enumerate(plan.axes[0].values)}
    means = [(_at(plan, 0, found, p), p.mean(measure), p) for p in found if p.scores(measure)]
    if plan.settings[0].numeric:
        means.sort(key=lambda one: _place(one[2].values[0], order))
        figure.add_scatter(
            x=[x for x, _, _ in means], y=[y for _, y, _ in means], mode="lines",
            line={"color": _LINE, "width": 2}, hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=[x for x, _, _ in dots], y=[y for _, y, _ in dots], mode="markers",
        marker={"color": _DOT, "size": 9, "opacity": 0.75},
        text=[words for *_, words in dots],
        hovertemplate=f"%{{text}}<br>{measure} %{{y:.5g}}<extra></extra>",
    )  # fmt: skip
    if top is not None:
        figure.add_scatter(
            x=[_at(plan, 0, found, top)], y=[top.mean(measure)], mode="markers", hoverinfo="skip",
            marker={"color": "rgba(0,0,0,0)", "size": 18, "line": {"color": _BEST, "width": 3}},
        )  # fmt: skip
    failed = [point for point in found if point.failed]
    figure.add_scatter(
        x=[_at(plan, 0, found, point) for point in failed], y=[0.97] * len(failed), yaxis="y2",
        mode="markers", marker={"color": _FAILED, "size": 11, "symbol": "x"},
        text=[_failure(plan, point) for point in failed],
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        xaxis=_axis(plan, 0, found),
        yaxis={"title": {"text": measure}, "type": "log" if logarithmic else "linear"},
        # Of its own, from bottom to top: a run that failed has no score to stand at.
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )


def _place(value: Any, order: dict[str, int]) -> tuple[int, float]:
    """Return where a number stands along the line: `none` first, where the plan has it."""
    if value is None:
        return (order.get(repr(value), 0), 0.0)
    return (1 if "None" in order else 0, float(value))


def _failure(plan: Plan, point: Point) -> str:
    reasons = [result.message for result in point.results if result.failed]
    return f"{plan.words(point.values)}<br>failed: {reasons[0][:120]}"


def _cells(
    figure: go.Figure,
    plan: Plan,
    found: Sequence[Point],
    measure: str,
    top: Point | None,
    logarithmic: bool,
) -> None:
    across, up = plan.axes[0].values, plan.axes[1].values
    by_values = {point.values: point for point in found}
    grid = [[by_values.get((x, y)) for x in across] for y in up]
    means = [[point.mean(measure) if point else None for point in row] for row in grid]
    shades = np.array([[np.nan if m is None else m for m in row] for row in means], np.float64)
    figure.add_heatmap(
        x=[plan.settings[0].words(value) for value in across],
        y=[plan.settings[1].words(value) for value in up],
        z=np.log10(shades) if logarithmic else shades,
        text=[
            [_in_cell(point, mean) for point, mean in zip(*pair, strict=True)]
            for pair in zip(grid, means, strict=True)
        ],
        texttemplate="%{text}",
        hovertemplate=f"{plan.settings[0].label} %{{x}}<br>{plan.settings[1].label} %{{y}}"
        "<br>%{text}<extra></extra>",
        colorscale=_SCALE,
        reversescale=not higher_is_better(measure),
        showscale=False,
        xgap=2,
        ygap=2,
    )
    figure.update_layout(
        xaxis={**_axis(plan, 0, found), "range": [-0.5, len(across) - 0.5]},
        yaxis={**_axis(plan, 1, found), "range": [-0.5, len(up) - 0.5]},
    )
    if top is not None:
        x, y = across.index(top.values[0]), up.index(top.values[1])
        figure.add_shape(
            type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5,
            line={"color": _BEST, "width": 3},
        )  # fmt: skip


def _in_cell(point: Point | None, mean: float | None) -> str:
    if mean is not None:
        return f"{mean:.3g}"
    return "✗" if point is not None and point.failed else ""


def _over_two(
    figure: go.Figure,
    plan: Plan,
    found: Sequence[Point],
    measure: str,
    top: Point | None,
    logarithmic: bool,
) -> None:
    scored = [(point, point.mean(measure)) for point in found if point.scores(measure)]
    means = np.array([mean for _, mean in scored], np.float64)
    figure.add_scatter(
        x=[_at(plan, 0, found, point) for point, _ in scored],
        y=[_at(plan, 1, found, point) for point, _ in scored],
        mode="markers",
        marker={
            "color": np.log10(means) if logarithmic else means,
            "colorscale": _SCALE,
            "reversescale": not higher_is_better(measure),
            "size": 14,
            "line": {"color": _RIM, "width": 1},
            "colorbar": {
                "title": {"text": f"{'log10 ' if logarithmic else ''}{measure}", "side": "right"},
                "thickness": 12,
            },
        },
        text=[f"{plan.words(point.values)}<br>{measure} {mean:.5g}" for point, mean in scored],
        hovertemplate="%{text}<extra></extra>",
    )
    failed = [point for point in found if point.failed]
    figure.add_scatter(
        x=[_at(plan, 0, found, point) for point in failed],
        y=[_at(plan, 1, found, point) for point in failed],
        mode="markers",
        marker={"color": _FAILED, "size": 11, "symbol": "x"},
        text=[_failure(plan, point) for point in failed],
        hovertemplate="%{text}<extra></extra>",
    )
    if top is not None:
        figure.add_scatter(
            x=[_at(plan, 0, found, top)], y=[_at(plan, 1, found, top)], mode="markers",
            hoverinfo="skip",
            marker={"color": "rgba(0,0,0,0)", "size": 24, "line": {"color": _BEST, "width": 3}},
        )  # fmt: skip
    figure.update_layout(xaxis=_axis(plan, 0, found), yaxis=_axis(plan, 1, found))
