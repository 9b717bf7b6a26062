"""A look at a data set: pictures, points of a plane, sequences as curves, the head of a table."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
import torch
from PIL import Image

from builder.data import Samples
from ui.training.looks.opened import words
from ui.training.looks.plane import plane
from ui.training.series import examples
from ui.training.sheet import across, sheet

_COLUMNS, _ROWS = 20, 4
_NAMED = 20  # classes that are listed
_TEXTS = 40


def preview(samples: Samples) -> None:
    """Draw what is in a data set."""
    if samples.kind == "picture":
        st.image(_sheet(samples, samples.name, str(samples.options)), width="stretch")
        st.caption(
            f"{len(samples.x):,} pictures of {samples.shape[1]} by {samples.shape[2]} pixels, "
            f"{len(samples.classes)} classes: {_listed(samples.classes)}."
        )
    elif samples.kind == "points":
        st.plotly_chart(plane(samples, None), key="preview-plane", config={"displaylogo": False})
    elif samples.kind in ("sequence", "series"):
        st.plotly_chart(examples(samples), key="preview-series", config={"displaylogo": False})
        st.caption(_told(samples))
    elif samples.kind == "text":
        st.dataframe(_texts(samples), height=250, hide_index=True)
        st.caption(_told_text(samples))
    else:
        st.dataframe(_head(samples), height=250, hide_index=True)
        st.caption(_told_table(samples))


@st.cache_data(max_entries=8)
def _sheet(_samples: Samples, name: str, options: str) -> Image.Image:
    """Return a sheet of pictures, a few of each class in turn; kept by name and options."""
    del name, options
    order = torch.argsort(_samples.y.flatten(), stable=True)
    columns = min(across(_samples.shape, _COLUMNS), len(order))
    rows = min(_ROWS, len(order) // columns)
    places = torch.arange(rows * columns) * len(order) // (rows * columns)
    return sheet(_samples.x[order[places]].unflatten(0, (rows, columns)))


def _listed(classes: Sequence[str]) -> str:
    return ", ".join(classes[:_NAMED]) + (", …" if len(classes) > _NAMED else "")


def _told(samples: Samples) -> str:
    """Say how long the sequences are, what is asked of them, and how they are split."""
    length, features = samples.shape
    each = f"{features} numbers" if features > 1 else "a number"
    said = f"{len(samples.x):,} sequences of {length} steps, {each} a step"
    if samples.by_time:
        return (
            f"{said}; the target is the value after the last step. The split is by time: the "
            "model learns from the first part and is judged on the last, and nothing is mixed."
        )
    if samples.classes:
        return f"{said}; {len(samples.classes)} classes: {', '.join(samples.classes)}."
    return f"{said}; the target is a number, in training with mean 0 and spread 1."


def _texts(samples: Samples) -> pd.DataFrame:
    """Return some texts with their targets, from all over the data."""
    rows = [number * len(samples.x) // _TEXTS for number in range(min(_TEXTS, len(samples.x)))]
    if samples.classes:
        targets: list[object] = [samples.classes[int(samples.y[row])] for row in rows]
    else:
        targets = [samples.y[row].item() for row in rows]
    return pd.DataFrame(
        {"text": [words(samples, samples.x[row]) for row in rows], "target": targets}
    )


def _told_text(samples: Samples) -> str:
    """Say what a sample of a text is, what is asked of it, and how it is split."""
    said = (
        f"{len(samples.x):,} {'windows' if samples.continues else 'texts'} of "
        f"{samples.shape[0]:,} tokens, out of {len(samples.vocabulary):,} different ones; "
        "each is a number that an Embedding looks up."
    )
    if samples.continues:
        return (
            f"{said} The target is the character that comes next. The split is by time: the model "
            "is judged on the last part of the text."
        )
    if samples.classes:
        return f"{said} {len(samples.classes)} classes: {_listed(samples.classes)}."
    return f"{said} The target is a number, in training with mean 0 and spread 1."


_SCALES = {
    "standard": "with mean 0 and spread 1",
    "minmax": "from 0 to 1",
    "none": "as they are",
}


def _told_table(samples: Samples) -> str:
    """Say how large a table is, what is asked of it, and in what scale it is learned from."""
    number = samples.shape[0]
    target = f"{len(samples.classes)} classes: {_listed(samples.classes)}"
    if not samples.classes:
        target = "a number, in training with mean 0 and spread 1"
    ways = {samples.scaling} if isinstance(samples.scaling, str) else set(samples.scaling)
    scale = _SCALES["none" if ways == {"none"} else max(ways - {"none"})]
    return (
        f"{len(samples.x):,} rows, {number:,} feature{'s' * (number != 1)}; the target is "
        f"{target}. Training sees numbers {scale}, as the training rows set it."
    )


def _head(samples: Samples) -> pd.DataFrame:
    frame = pd.DataFrame(samples.x[:40].numpy(), columns=list(samples.features))
    if samples.classes:
        target = [samples.classes[int(number)] for number in samples.y[:40]]
    else:
        target = samples.y[:40, 0].tolist()
    frame.insert(0, "target", target)
    return frame
