"""What can be watched of a run besides its curves: a row for each look.

A worker makes those that fit, never for more than a small share of its time (`Lookout`); a page
reads what it left in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from builder.train.live import boundary, forecast
from builder.train.looks import answers, recurrent, units, weights
from builder.train.looks.given import Given


@dataclass(frozen=True)
class Look:
    """One thing to be watched.

    Args:
        name: under which the store keeps it.
        fits: whether a run can be looked at so.
        make: gives what is kept, `None` where there is nothing to see after all.
        past: whether its past is kept as well, and not the newest state alone.
    """

    name: str
    fits: Callable[[Given], bool]
    make: Callable[[Given], bytes | None]
    past: bool = False


_ROWS = (
    Look(
        "boundary",
        lambda given: given.kind == "points" and units.is_of_a_plane(given),
        lambda given: boundary(given.model, given.data),
    ),
    Look(
        "forecast",
        lambda given: given.kind == "series",
        lambda given: forecast(given.model, given.data),
    ),
    Look("confusion", answers.is_of_classes, answers.confusion),
    Look("predicted", answers.is_of_values, answers.predicted),
    Look("units", units.is_of_a_plane, units.units),
    Look("spread", weights.learns, weights.spread, past=True),
    Look("memory", recurrent.is_recurrent, recurrent.memory),
)
LOOKS: Mapping[str, Look] = MappingProxyType({row.name: row for row in _ROWS})
