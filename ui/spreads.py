"""Charts of how the spread of values and of gradients goes from layer to layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go

from builder.labs.depth import Spread
from ui.activations.style import chart, line_width

FACTOR = 1e3  # gradients that change by more from end to end vanish or explode
_HEIGHT = 290


class Named(Protocol):
    """What a line stands for, and how it is drawn."""

    @property
    def title(self) -> str: ...
    @property
    def colour(self) -> str: ...
    @property
    def dash(self) -> str: ...


class Told(Protocol):
    """What there is to say of one layer."""

    @property
    def std(self) -> float: ...
    @property
    def gradient(self) -> float: ...


@dataclass(frozen=True)
class Chart:
    """One of the charts: what of each `Spread` it shows."""

    name: str
    title: str
    value: str
    log: bool = False


VALUES = Chart("depth-values", "spread of the values (standard deviation)", "std", log=True)
GRADIENTS = Chart(
    "depth-gradients", "spread of the gradients on the way back", "gradient", log=True
)


def lines(
    shown: Chart,
    seen: Sequence[tuple[Named, Sequence[Spread]]],
    *,
    theory: Sequence[tuple[Named, Sequence[Told]]] = (),
    names: Sequence[str] = (),
) -> go.Figure:
    """Return a chart of one line each.

    Args:
        theory: what is expected, as thin dotted lines.
        names: of the layers, where a number does not say it.
    """
    data = []
    for place, (one, spreads) in enumerate(seen):
        values = [getattr(entry, shown.value) for entry in spreads]
        data.append(
            {
                "type": "scatter",
                "x": _across(values, names),
                "y": [value or None for value in values] if shown.log else values,
                "name": one.title,
                "mode": "lines+markers" if len(spreads) < 30 else "lines",
                "marker": {"size": 5},
                "line": {
                    "color": one.colour,
                    "width": line_width(place, len(seen)),
                    "dash": one.dash,
                },
                "hovertemplate": "%{y:.3g}" if shown.log else "%{y:.1%}",
            }
        )
    for one, told in theory:
        values = [getattr(entry, shown.value) for entry in told]
        data.append(
            {
                "type": "scatter",
                "x": _across(values, names),
                "y": [value or None for value in values],
                "name": f"{one.title}, in theory",
                "mode": "lines",
                "line": {"color": one.colour, "width": 1.5, "dash": "dot"},
                "hovertemplate": "%{y:.3g}",
            }
        )
    axis: dict[str, Any] = {"range": [-0.02, 1.02], "tickformat": ".0%"}
    if shown.log:
        axis = {"type": "log", "exponentformat": "power", "dtick": _decades(seen, shown)}
    across: dict[str, Any] = {"title": "layer"}
    if names:
        across |= {"type": "category", "tickangle": -45, "automargin": True}
    return chart(
        data, shown.title, _HEIGHT, shown.name, hovermode="x unified", xaxis=across, yaxis=axis
    )


def _across(values: Sequence[float], names: Sequence[str]) -> list[Any]:
    return list(names) or list(range(1, len(values) + 1))


def _decades(seen: Sequence[tuple[Named, Sequence[Spread]]], shown: Chart) -> int:
    """Return a step of whole powers of ten that gives a handful of ticks."""
    values = [getattr(entry, shown.value) for _, spreads in seen for entry in spreads]
    logs = np.log10([value for value in values if 0 < value < np.inf] or [1.0])
    return max(1, round(float(np.ptp(logs)) / 6))


def row(spreads: Sequence[Spread]) -> dict[str, object]:
    """Return in words what becomes of values and gradients between the first and the last layer."""
    first, last = spreads[0], spreads[-1]
    change = first.gradient / last.gradient if last.gradient else 0.0
    verdict = "hold"
    if not np.isfinite([first.gradient, last.std]).all():
        verdict = "overflow"
    elif change < 1 / FACTOR:
        verdict = "vanish"
    elif change > FACTOR:
        verdict = "explode"
    return {
        "values": f"× {last.std / first.std:.3g}" if first.std else "all 0",
        "gradients": f"× {change:.3g}",
        "which": verdict,
    }
