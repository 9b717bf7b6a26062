"""A tensor over the weights that a run has kept: the slider between them, and what moved."""

from __future__ import annotations

from typing import Any

import streamlit as st
from torch import Tensor

from builder.files import BEST, LAST, kept, load_weights
from builder.store import Run
from ui import state
from ui.activations.style import COLOURS, CONFIG, chart, faded
from ui.subject import Subject, chosen

_BINS = 60


def slider(here: Subject) -> None:
    """Draw the slider over a run's checkpoints, where it has kept more than the last."""
    if here.run is None:
        return
    ages = _ages(here.run)
    if len(ages) < 2:
        st.caption(
            "The run has kept its last weights alone. The Train page can keep those of any epochs, "
            "under *Keep epochs*, and a slider goes over them here."
        )
        return
    key = state.show("inside:checkpoint", here.kept)
    st.select_slider(
        "Checkpoint", list(ages), key=key, width=420,
        format_func=lambda name: _title(name, ages[name]),
        on_change=lambda: setattr(chosen(), "kept", state.get(key)),
    )  # fmt: skip


def course(here: Subject, name: str) -> None:
    """Draw how a tensor's numbers lie in each of the weights that the run has kept."""
    if here.run is None:
        return
    ages = _ages(here.run)
    if len(ages) < 2:
        return
    paths = kept(state.store().folder(here.run.id))
    tensors = {
        which: _tensor(str(paths[which]), paths[which].stat().st_mtime_ns, name) for which in ages
    }
    first = next(iter(tensors))
    st.markdown(f"**`{name}` over the run**")
    left, right = st.columns(2)
    with left:
        st.plotly_chart(_ridges(here, tensors, ages), key="tensor-ridges", config=CONFIG)
        st.caption("How its numbers lie; the one the slider is at stands out.")
    with right:
        st.plotly_chart(_lines(tensors, ages), key="tensor-course", config=CONFIG)
        st.caption(f"Its norm, and how far it has gone from {_title(first, None)}.")


def _ages(run: Run) -> dict[str, float]:
    """Return the epochs that a run's kept weights are of, the oldest first."""
    names = kept(state.store().folder(run.id))
    step = run.facts.get("best", {}).get("step", run.step)
    ages = {LAST: run.epoch, BEST: run.epoch * step / max(1, run.step)}
    ages |= {name: float(name.split()[1]) for name in names if name not in ages}
    return {name: ages[name] for name in sorted(names, key=lambda name: (ages[name], name == LAST))}


def _title(name: str, age: float | None) -> str:
    if age is None or name not in (BEST, LAST):
        return name
    return f"{name}, epoch {age:.3g}"


@st.cache_data(max_entries=64, show_spinner=False)
def _tensor(path: str, changed: int, name: str) -> Tensor:
    del changed
    with open(path, "rb") as file:
        return load_weights(file.read())[name].float()


def _ridges(here: Subject, tensors: dict[str, Tensor], ages: dict[str, float]) -> Any:
    """Return a chart of one histogram above the other, all over one scale."""
    low = min(tensor.min().item() for tensor in tensors.values())
    high = max(tensor.max().item() for tensor in tensors.values())
    margin = 0.0 if high > low else abs(low) / 2 or 0.5
    low, high = low - margin, high + margin
    width = (high - low) / _BINS
    middles = [low + (number + 0.5) * width for number in range(_BINS)]
    data, ticks = [], []
    for place, (name, tensor) in enumerate(tensors.items()):
        counts = tensor.reshape(-1).histc(_BINS, low, high)
        heights = (counts / counts.max() * 1.6).tolist()
        colour = COLOURS[0] if name == here.kept else COLOURS[1]
        data += [
            {
                "type": "scatter", "x": [low, high], "y": [place, place], "mode": "lines",
                "line": {"width": 0}, "hoverinfo": "skip",
            },
            {
                "type": "scatter", "x": middles, "y": [place + height for height in heights],
                "mode": "lines", "fill": "tonexty", "fillcolor": faded(colour, 0.35),
                "line": {"color": colour, "width": 1.5},
                "customdata": counts.long().tolist(), "name": name,
                "hovertemplate": "%{customdata:,} numbers about %{x:.3g}",
            },
        ]  # fmt: skip
        ticks.append(_title(name, ages[name]))
    height = 120 + 34 * len(tensors)
    return chart(
        data, "", height, "tensor-ridges",
        yaxis={"tickvals": list(range(len(ticks))), "ticktext": ticks, "showgrid": False},
    )  # fmt: skip


def _lines(tensors: dict[str, Tensor], ages: dict[str, float]) -> Any:
    first = next(iter(tensors.values()))
    x = list(ages.values())
    series = {
        "norm": [tensor.norm().item() for tensor in tensors.values()],
        "distance": [(tensor - first).norm().item() for tensor in tensors.values()],
    }
    data = [
        {
            "type": "scatter", "mode": "lines+markers", "x": x, "y": values, "name": title,
            "line": {"color": COLOURS[number], "width": 2},
            "hovertemplate": "%{y:.4g}",
        }
        for number, (title, values) in enumerate(series.items())
    ]  # fmt: skip
    return chart(
        data, "", 120 + 34 * len(tensors), "tensor-course", xaxis={"title": "epoch"},
        yaxis={"rangemode": "tozero"}, showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, hovermode="x unified",
    )  # fmt: skip
