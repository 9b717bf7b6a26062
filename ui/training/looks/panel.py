"""What can be watched of a run besides its curves: one look at a time, drawn and read when open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import streamlit as st

from builder.data import Samples, Split, load
from builder.errors import BuilderError
from builder.store import Run
from builder.train import Recipe
from builder.train.data import split_by
from builder.train.live import Boundary, Forecast
from builder.train.looks.answers import Confusion, Predicted
from builder.train.looks.recurrent import Memory
from builder.train.looks.units import Units
from builder.train.looks.weights import SAMPLES, Spread
from ui import state
from ui.training.curves import config, settled
from ui.training.looks.answers import against_truth, matrix
from ui.training.looks.memory import by_step
from ui.training.looks.opened import open_samples
from ui.training.looks.plane import plane, unit_maps
from ui.training.looks.spread import of_dead_units, of_gradients, of_weights
from ui.training.series import future

_DATA, _CELL, _CLICKED = "looks:data", "looks:cell", "looks:clicked"
_WIDTH = 340


@dataclass(frozen=True)
class Panel:
    """How a look is drawn.

    Args:
        title: of its tab.
        caption: what is seen.
        draw: given the run and what the store has of it.
    """

    title: str
    caption: str
    draw: Callable[[Run, Any], None]


def looks(run_id: str) -> None:
    """Draw the looks into a run: a choice of those there are, and the chosen one."""
    store = state.store()
    run = store.run(run_id)
    newest = store.watched(run_id)
    names = [name for name in PANELS if name in newest]
    if not names:
        if run.active:
            st.caption("There is something to see as soon as the worker has taken its first steps.")
        else:
            st.caption("Nothing was kept to be looked at.")
        return
    chosen = st.segmented_control(
        "Look at", names, default=names[0], key="looks:open", required=True,
        format_func=lambda name: PANELS[name].title, persist_state="session",
        label_visibility="collapsed",
    )  # fmt: skip
    name = chosen if chosen in names else names[0]
    panel = PANELS[name]
    try:
        step, found = settled("look", run, name, lambda: (newest[name], _kept(run_id, name)))
        if found is None:
            return
        panel.draw(run, found)
    except BuilderError as error:  # the data of the run are no longer what they were
        st.warning(error.message)
        return
    st.caption(f"{panel.caption} As of step {step:,}.")


def _kept(run_id: str, name: str) -> Any:
    """Return what the worker left, read; `None` if it has just been taken back."""
    store = state.store()
    if name == "spread":
        history = store.history(run_id, name)
        return Spread.of(history) if history else None
    live = store.live(run_id, name)
    return _READ[name](live[1]) if live else None


_READ: Mapping[str, Callable[[bytes], Any]] = MappingProxyType(
    {
        "boundary": Boundary.from_bytes,
        "forecast": Forecast.from_bytes,
        "confusion": Confusion.from_bytes,
        "predicted": Predicted.from_bytes,
        "units": Units.from_bytes,
        "memory": Memory.from_bytes,
    }
)


def _data(run: Run) -> tuple[Samples, Split]:
    """Return the data of a run and their split, made once."""
    kept = state.get(_DATA)
    if kept is None or kept[0] != run.id:
        recipe = Recipe.from_json(run.recipe)
        samples = load(recipe.dataset, **recipe.options)
        kept = (run.id, samples, split_by(recipe, samples))
        state.put(_DATA, kept)
    return kept[1], kept[2]


def _boundary(run: Run, found: Boundary) -> None:
    samples, _ = _data(run)
    _chart(plane(samples, found), "boundary", run)


def _forecast(run: Run, found: Forecast) -> None:
    samples, parts = _data(run)
    _chart(future(samples, parts, found), "forecast", run)


def _predicted(run: Run, found: Predicted) -> None:
    samples, parts = _data(run)
    event = st.plotly_chart(
        against_truth(found, parts), key="look:predicted", on_select="rerun",
        selection_mode=("points", "box"), config=config(f"predicted of {run.id}"),
    )  # fmt: skip
    chosen = [
        point["point_index"] for point in event.selection.points if point["curve_number"] == 1
    ]
    chosen = [number for number in chosen if number < len(found.rows)][:12]
    if not chosen:
        st.caption("Click a dot, or draw a box around some, to see which samples they are.")
        return
    values = parts.unscaled_target(found.values[:, None]).flatten()
    open_samples(
        samples,
        [int(parts.validation[found.rows[number]]) for number in chosen],
        [f"predicted {values[number]:.4g}" for number in chosen],
        key="look:predicted-rows",
    )


def _confusion(run: Run, found: Confusion) -> None:
    samples, parts = _data(run)
    classes = len(found.counts)
    key = "look:confusion"
    st.plotly_chart(
        matrix(found, samples.classes), key=key, config=config(f"confusion of {run.id}"),
        on_select=lambda: _click(key, classes), selection_mode="points",
    )  # fmt: skip
    cells = _cells(found)
    if not cells:
        return
    names = [
        samples.classes[number] if number < len(samples.classes) else str(number)
        for number in range(classes)
    ]

    def told(cell: tuple[int, int] | None) -> str:
        true, said = cell or cells[0]
        count = int(found.counts[true, said])
        if true == said:
            return f"{names[true]}, recognised ({count:,})"
        return f"{names[true]} taken for {names[said]} ({count:,})"

    clicked = state.get(_CLICKED)
    if clicked in cells:
        state.put(_CELL, clicked)
    state.put(_CLICKED, None)
    if state.get(_CELL) not in cells:
        state.put(_CELL, cells[0])
    true, said = st.selectbox(
        "Samples of", cells, key=_CELL, format_func=told, width=_WIDTH,
        help="Or click a cell. The confusions come first, the most frequent at the top.",
    )  # fmt: skip
    kept = [number for number, row in enumerate(found.rows[true, said].tolist()) if row >= 0]
    rows = [int(parts.validation[int(found.rows[true, said, number])]) for number in kept]
    notes = [f"{float(found.sure[true, said, number]):.0%} sure" for number in kept]
    open_samples(samples, rows, notes, key="look:confusion-rows")


def _click(key: str, classes: int) -> None:
    points = state.get(key).selection.points
    if points:
        state.put(_CLICKED, divmod(points[-1]["point_index"], classes))


def _cells(found: Confusion) -> list[tuple[int, int]]:
    """Return the cells that hold samples, confusions first, each kind by its count."""
    held = [(int(true), int(said)) for true, said in found.counts.nonzero()]
    return sorted(held, key=lambda cell: (cell[0] == cell[1], -int(found.counts[cell])))


def _units(run: Run, found: Units) -> None:
    layer = _choice("Layer", list(found.maps), "looks:layer")
    _chart(unit_maps(found, layer), "units", run)


def _spread(run: Run, found: Spread) -> None:
    name = _choice("Parameter", list(found.weights), "looks:parameter")
    left, right = st.columns(2)
    with left:
        _chart(of_weights(found, name), "weights", run)
    with right:
        if name in found.gradients:
            _chart(of_gradients(found, name), "gradients", run)
        else:
            st.caption(f"{name} is frozen: it has no gradient.")
    if found.dead:
        _chart(of_dead_units(found), "dead", run)


def _memory(run: Run, found: Memory) -> None:
    with st.container(horizontal=True):
        samples = list(range(len(found.gradients)))
        sample = int(_choice("Validation sample", samples, "looks:sample"))
        layer = _choice("Layer", list(found.states), "looks:recurrent")
    _chart(by_step(found, layer, sample), "memory", run)


def _choice(label: str, names: list[Any], key: str) -> Any:
    if state.get(key) not in names:
        state.put(key, names[0])
    return st.selectbox(label, names, key=key, disabled=len(names) == 1, width=_WIDTH)


def _chart(figure: Any, name: str, run: Run) -> None:
    st.plotly_chart(figure, key=f"look:{name}", config=config(f"{name} of {run.id}"))


PANELS: Mapping[str, Panel] = MappingProxyType(
    {
        "boundary": Panel(
            "Boundary",
            "What the model answers at each place of the plane, and the samples over it.",
            _boundary,
        ),
        "forecast": Panel(
            "Forecast",
            "Each value of the validation part, told from the true ones before it.",
            _forecast,
        ),
        "confusion": Panel(
            "Confusion",
            "Validation samples: a row for each true class, a column for the class they were "
            "taken for, shaded by the share of the row. Of each cell the samples that the model "
            "is surest of are kept, with its probability.",
            _confusion,
        ),
        "predicted": Panel(
            "Predicted and true",
            "Validation samples, 1,000 at most; on the dashed line the prediction is the truth.",
            _predicted,
        ),
        "units": Panel(
            "Hidden units",
            "What the first 16 units of a layer give at each place of the plane: orange above 0, "
            "blue below.",
            _units,
        ),
        "spread": Panel(
            "Weights and gradients",
            "Each column is a histogram, the stronger its colour the more numbers. Gradients are "
            f"those of {SAMPLES} training samples, evaluating; the lowest bin holds those that are "
            "0. A dead unit gives 0 for every one of the samples: no gradient passes it.",
            _spread,
        ),
        "memory": Panel(
            "Memory",
            "The hidden state of one sample step by step, and below it how much its loss hangs on "
            "what goes in at each step: the norm of the gradient. Where it vanishes, the model "
            "cannot learn from that step.",
            _memory,
        ),
    }
)
