"""Which runs are chosen: kept in the session, and in the address."""

from __future__ import annotations

from collections.abc import Iterable

from builder.errors import RunError
from builder.store import Run
from ui import state

_CHOSEN, _ADDRESS, _COUNT = "runs:chosen", "runs", "runs:chosen:count"
MOST = 16


def chosen() -> list[str]:
    """Return the ids of the chosen runs, those of the address at first."""
    if state.get(_CHOSEN) is None:
        state.put(_CHOSEN, [part for part in (state.address(_ADDRESS) or "").split(",") if part])
    return list(state.get(_CHOSEN))


def ticked(ids: Iterable[str]) -> None:
    """Choose the runs that a person has ticked in the table, in this order."""
    state.put(_CHOSEN, list(dict.fromkeys(ids)))
    in_address()


def choose(ids: Iterable[str]) -> None:
    """Choose these runs for a person, in this order; the table is told."""
    ticked(ids)
    state.put(_COUNT, told() + 1)


def told() -> int:
    """Return how often the table was told what is chosen: it is another table then."""
    return int(state.get(_COUNT, 0))


def in_address() -> None:
    """Let the address say what is chosen; a refresh finds it again."""
    state.set_address(_ADDRESS, ",".join(chosen()) or None)


def chosen_runs() -> list[Run]:
    """Return the chosen runs that there still are, at most `MOST`."""
    found = []
    for run_id in chosen()[:MOST]:
        try:
            run = state.store().run(run_id)
        except RunError:
            continue
        if run.binned is None:
            found.append(run)
    return found
