"""Single samples, opened: their pictures, their rows, their curves, their words."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from PIL import Image
from torch import Tensor

from builder.data import Samples
from ui.runs.overlay import look

_WIDTH = 84
_MOST_CURVES, _MOST_WORDS = 12, 60


def open_samples(samples: Samples, rows: Sequence[int], notes: Sequence[str], *, key: str) -> None:
    """Draw samples as what they are.

    Args:
        rows: their numbers in the data set.
        notes: what is said of each.
        key: of the widgets.
    """
    if samples.kind == "picture":
        with st.container(horizontal=True, key=key):
            for row, note in zip(rows, notes, strict=True):
                st.image(_picture(samples.x[row]), caption=note, width=_WIDTH)
    elif samples.kind in ("sequence", "series"):
        st.plotly_chart(_sequences(samples, rows, notes), key=key, config={"displaylogo": False})
    else:
        st.dataframe(_table(samples, rows, notes), hide_index=True, key=key)


def _picture(x: Tensor) -> Image.Image:
    """Return a picture of (C, H, W) numbers from 0 to 1, large enough to see its pixels."""
    levels = (x.clamp(0, 1) * 255).byte().cpu()
    if len(levels) in (3, 4):
        image = Image.fromarray(levels[:3].permute(1, 2, 0).contiguous().numpy(), "RGB")
    else:
        image = Image.fromarray(levels[0].contiguous().numpy(), "L")
    scale = max(1, _WIDTH * 2 // image.width)
    size = image.width * scale, image.height * scale
    return image.resize(size, Image.Resampling.NEAREST)


def _sequences(samples: Samples, rows: Sequence[int], notes: Sequence[str]) -> go.Figure:
    figure = go.Figure()
    pairs = list(zip(rows, notes, strict=True))[:_MOST_CURVES]
    for number, (row, note) in enumerate(pairs):
        values = samples.x[row, :, 0]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=values.tolist(),
            name=f"{row}: {note}",
            mode="lines",
            line=look(number),
            showlegend=True,
            hovertemplate="step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        height=280,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": {"text": "time step"}},
        yaxis={"title": {"text": samples.features[0] if samples.features else ""}},
    )
    return figure


def _table(samples: Samples, rows: Sequence[int], notes: Sequence[str]) -> pd.DataFrame:
    kept = samples.x[list(rows)]
    if samples.kind == "text":
        frame = pd.DataFrame({"text": [words(samples, x) for x in kept]})
    else:
        names = list(samples.features) or [f"x{n}" for n in range(kept.flatten(1).shape[1])]
        frame = pd.DataFrame(kept.flatten(1).numpy(), columns=names)
    frame.insert(0, "said of it", list(notes))
    frame.insert(0, "row", list(rows))
    return frame


def words(samples: Samples, x: Tensor) -> str:
    """Return a text from the numbers of its tokens; characters stand without spaces."""
    tokens = [samples.vocabulary[int(number)] for number in x.flatten()[:_MOST_WORDS]]
    between = "" if all(len(token) <= 1 for token in samples.vocabulary[2:]) else " "
    return between.join(token for token in tokens if token)
