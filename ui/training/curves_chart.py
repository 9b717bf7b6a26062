"""The chart of a metric: Vega-Lite, which takes new points into a chart that stays where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from builder.store import Event
from builder.train.commands import in_words
from builder.train.metrics import METRICS
from ui.runs.overlay import look
from ui.training.curves_lines import Line, Lines, smoothed
from ui.training.curves_thin import MOST, thinned

# The first two of the theme's chart colours; both stand out on a light and on a dark page.
COLOURS = {"train": "#E0663A", "validation": "#4A8FD8"}
HEIGHT = 300
_GREY = "#8A929E"
_FEW = 4  # lines that are named above the chart; more stand beside it
_WORDS = 6  # marks that are written out; of more, the last ones
_DOTS = 25  # points of a line up to which each has a dot
_LEAST, _ALL = 100, 6 * MOST  # points that a line has in any case, and points of a chart
_DASHES = {"solid": [1, 0], "dash": [8, 4], "dot": [2, 3], "dashdot": [8, 3, 2, 3]}
_COLUMNS = ("kind", "line", "x", "y", "said")
# Tiny rates and huge losses by powers, all else as it is.
_NUMBER = (
    "datum.value != 0 && (abs(datum.value) < 0.001 || abs(datum.value) >= 1e5)"
    " ? format(datum.value, '~e') : format(datum.value, '~g')"
)


@dataclass(frozen=True)
class Family:
    """Lines that belong in one chart, one for each group or each layer.

    Args:
        title: of the chart.
        prefix: of their splits.
        help: what is drawn.
    """

    title: str
    prefix: str
    help: str


# By the metric that they share.
FAMILIES: Mapping[str, Family] = {
    "lr": Family("learning rate", "group:", "Of each parameter group, as the optimizer used it."),
    "step_size": Family(
        "step size", "group:",
        "|Δw| / |w| of each parameter group: how far one step moves the weights, as a share of "
        "their size. About 0.001 is usual.",
    ),
    "grad_norm": Family(
        "gradient norm", "layer:",
        "The norm of the gradient over the parameters of each layer, at single steps.",
    ),
}  # fmt: skip
_LOSS = (
    "What training makes smaller: of batches as they pass, in train() mode, and of the validation "
    "samples, in eval() mode."
)


def title(metric: str) -> str:
    """Return what a chart is called."""
    return FAMILIES[metric].title if metric in FAMILIES else metric


def about(metric: str) -> str:
    """Return what a chart shows."""
    if metric in FAMILIES:
        return FAMILIES[metric].help
    row = METRICS.get(metric)
    return f"{row.help} {row.better.capitalize()} is better." if row else _LOSS * (metric == "loss")


@dataclass(frozen=True)
class Options:
    """How curves are drawn: over which axis, how smooth, which axes are logarithmic."""

    axis: str = "epoch"
    smoothing: float = 0.0
    logs: tuple[str, ...] = ()
    marks: bool = True


@dataclass(frozen=True)
class Chart:
    """A chart: how it is drawn, and its points, which alone change while a run goes on.

    Args:
        table: columns `kind`, one of `curve`, `faint` (behind a smoothed one) and `mark`; `line`;
            `x`, `y`; `said`, the words of a mark.
    """

    spec: Mapping[str, Any]
    table: pd.DataFrame

    def draw(self, key: str) -> None:
        """Draw it; new points appear in it where it is, at the scale of them all."""
        st.vega_lite_chart(self.table, dict(self.spec), key=key)


def chart(
    lines: Lines,
    metric: str,
    options: Options,
    events: Sequence[Event] = (),
    *,
    pace: float | None = None,
) -> Chart:
    """Return the chart of a metric: training and validation, or a line for each group or layer.

    At most 1,000 points of a line are drawn, its spikes among them.

    Args:
        events: what was done to the run, marked where it was done.
        pace: seconds a step takes.
    """
    styled = _styled(metric, lines.metrics.get(metric, {}))
    most = max(_LEAST, min(MOST, _ALL // max(1, len(styled))))
    parts = []
    for name, line, _ in styled:
        x, y = line.over(options.axis, pace=pace)
        if options.smoothing:
            parts.append(_part("faint", name, *thinned(x, y, most)))
        parts.append(_part("curve", name, *thinned(x, smoothed(y, options.smoothing), most)))
    few = all(len(part) < _DOTS for part in parts)
    parts.append(_marks(events, options, pace))
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    for column, way in (("x", "across"), ("y", "up")):
        if way in options.logs:  # what is not above 0 has no place there
            table = table[~(table[column] <= 0)]
    names = [name for name, _, _ in styled]
    return Chart(_spec(metric, options, names, [look for _, _, look in styled], few=few), table)


def _styled(metric: str, splits: Mapping[str, Line]) -> list[tuple[str, Line, dict[str, Any]]]:
    """Return name, line and look of each line of a chart."""
    if metric in FAMILIES:
        prefix = FAMILIES[metric].prefix
        return [
            (split.removeprefix(prefix), line, look(number))
            for number, (split, line) in enumerate(splits.items())
        ]
    return [
        (split, splits[split], {"color": colour, "dash": "solid"})
        for split, colour in COLOURS.items()
        if split in splits
    ]


def _part(kind: str, name: str, x: Any, y: Any) -> pd.DataFrame:
    return pd.DataFrame({"kind": kind, "line": name, "x": x, "y": y, "said": ""})


def _marks(events: Sequence[Event], options: Options, pace: float | None) -> pd.DataFrame:
    """Return where something was done to the run, and what; the last ones in words."""
    marks: dict[float, list[str]] = {}
    for event in events:
        at = event.epoch if options.axis == "epoch" else float(event.step)
        at *= (pace or 0.0) if options.axis == "seconds" else 1.0
        marks.setdefault(at, []).append(in_words(event.name, event.args))
    rows = [
        ("mark", "words" if len(marks) - number <= _WORDS else "dot", at, None, "; ".join(words))
        for number, (at, words) in enumerate(marks.items())
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype({"x": float, "y": float})


def _spec(
    metric: str,
    options: Options,
    names: Sequence[str],
    looks: Sequence[Mapping[str, Any]],
    *,
    few: bool,
) -> dict[str, Any]:
    """Return how a chart is drawn, in Vega-Lite 5; it changes with the options alone."""
    beside = len(names) > _FEW
    legend = {
        "title": None, "symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 220,
        "orient": "right" if beside else "top",
        "direction": "vertical" if beside else "horizontal",
        "offset": 8 if beside else 2,
    }  # fmt: skip
    colour = {
        "field": "line", "type": "nominal", "legend": legend,
        "scale": {"domain": list(names), "range": [one["color"] for one in looks]},
    }  # fmt: skip
    dashes = {
        "field": "line", "type": "nominal", "legend": legend if beside else None,
        "scale": {"domain": list(names), "range": [_DASHES[str(one["dash"])] for one in looks]},
    }  # fmt: skip
    x = {
        "field": "x", "type": "quantitative",
        "axis": {"title": options.axis, "grid": False, "labelExpr": _NUMBER, "tickCount": 6},
        "scale": {"type": "log" if "across" in options.logs else "linear", "zero": False,
                  "nice": False},
    }  # fmt: skip
    y = {
        "field": "y", "type": "quantitative",
        "axis": {"title": None, "labelExpr": _NUMBER, "tickCount": 6},
        "scale": {"type": "log", "nice": False} if "up" in options.logs else
                 {"type": "linear", "zero": metric in FAMILIES, "nice": True},
    }  # fmt: skip
    told = [
        {"field": "line", "type": "nominal", "title": "line"},
        {"field": "x", "type": "quantitative", "title": options.axis, "format": ".5~g"},
        {"field": "y", "type": "quantitative", "title": title(metric), "format": ".5~g"},
    ]
    chosen = {"condition": {"param": "named", "value": 1, "empty": True}, "value": 0.12}
    of = {kind: [{"filter": f"datum.kind === '{kind}'"}] for kind in ("curve", "faint", "mark")}
    layers: list[dict[str, Any]] = [
        {
            "transform": of["mark"],
            "mark": {"type": "rule", "color": _GREY, "strokeDash": [4, 4]},
            "encoding": {"x": x, "tooltip": {"field": "said", "type": "nominal", "title": "done"}},
        },
        {
            "transform": of["curve"],
            "params": [
                {
                    "name": "named", "bind": "legend",
                    "select": {"type": "point", "fields": ["line"]},
                },
                # The wheel alone scrolls the page.
                {
                    "name": "zoom", "bind": "scales",
                    "select": {
                        "type": "interval", "zoom": "wheel![event.ctrlKey || event.altKey]",
                    },
                },
            ],
            "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear", "clip": True},
            "encoding": {
                "x": x, "y": y, "color": colour, "strokeDash": dashes, "opacity": chosen,
            },
        },
        {
            "transform": of["curve"],
            "params": [
                {
                    "name": "near",
                    "select": {
                        "type": "point", "fields": ["x", "line"], "nearest": True,
                        "on": "pointerover", "clear": "pointerout",
                    },
                }
            ],
            "mark": {"type": "point", "filled": True, "size": 42, "clip": True},
            "encoding": {
                "x": x, "y": y, "color": {**colour, "legend": None}, "tooltip": told,
                "opacity": {
                    "condition": {"param": "near", "value": 1, "empty": False},
                    "value": 0.9 if few else 0,
                },
            },
        },
        {
            "transform": [*of["mark"], {"filter": "datum.line === 'words'"}],
            "mark": {
                "type": "text", "angle": 270, "align": "right", "baseline": "bottom", "dx": -4,
                "dy": -3, "fontSize": 10, "color": _GREY, "limit": HEIGHT - 90,
            },
            "encoding": {
                "x": x, "y": {"value": 0}, "text": {"field": "said", "type": "nominal"},
                "tooltip": {"field": "said", "type": "nominal", "title": "done"},
            },
        },
    ]  # fmt: skip
    if options.smoothing:
        layers.insert(
            1,
            {
                "transform": of["faint"],
                "mark": {"type": "line", "strokeWidth": 1, "opacity": 0.3, "clip": True},
                "encoding": {"x": x, "y": y, "color": {**colour, "legend": None}},
            },
        )
    return {
        "height": HEIGHT,
        "title": {"text": title(metric), "anchor": "start", "fontSize": 15, "offset": 4},
        "layer": layers,
        "resolve": {"scale": {"strokeDash": "independent"}},
    }
