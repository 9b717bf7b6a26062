"""The settings of a ZIP of pictures: their size and colours, and what was left out of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.data.own import Own, Shelf, pictures
from ui import state
from ui.text import escaped
from ui.training.settings import choose_options, recipe

_FITS = {"crop": "Crop to the middle", "squash": "Squash"}
_COLOURS = {"grey": "Grey", "colour": "Colour"}


def form(own: Own) -> None:
    """Draw the settings of a ZIP that the recipe trains on, and what came of it."""
    path = Shelf().path(own.name)
    try:
        options = {**_suggested(own.name), **recipe().options}
        left, right = st.columns(2)
        with left:
            _side("Height", "height", options)
        with right:
            _side("Width", "width", options)
        _chosen("Colours", "colour", _COLOURS, options, "Grey trains faster.")
        _chosen("Other shapes", "fit", _FITS, options, "What does not have this shape.")
        with st.spinner("Reading the pictures", show_time=True):
            reading = pictures.look(path, options)
    except BuilderError:  # said where the data are read
        return
    counts = reading.samples.y.bincount(minlength=len(reading.samples.classes)).tolist()
    st.caption(
        f"{len(reading.samples.x):,} pictures of {len(counts)} classes: "
        + ", ".join(
            f"{escaped(name)} {count:,}"
            for name, count in zip(reading.samples.classes[:20], counts, strict=False)
        )
        + ("…" if len(counts) > 20 else ".")
    )
    for note in reading.notes:
        st.caption(f":material/info: {escaped(note)}")
    if reading.broken:
        with st.expander(f"Broken pictures ({len(reading.broken):,})"):
            st.dataframe(
                {"picture": list(reading.broken), "why": list(reading.broken.values())},
                height=200,
                hide_index=True,
            )


@st.cache_data(max_entries=16, show_spinner=False)
def _suggested(name: str) -> dict[str, Any]:
    return pictures.suggest(Shelf().path(name))


def _side(label: str, name: str, options: dict[str, Any]) -> None:
    key = state.show(f"pictures:{name}", options[name])
    st.number_input(
        label,
        pictures.MIN_SIDE,
        pictures.MAX_SIDE,
        step=1,
        key=key,
        help="Pixels that every picture is brought to.",
        on_change=partial(_set, options, name, key),
    )


def _chosen(
    label: str, name: str, words: dict[str, str], options: dict[str, Any], help: str
) -> None:
    key = state.show(f"pictures:{name}", options[name])
    st.segmented_control(
        label,
        list(words),
        key=key,
        format_func=words.__getitem__,
        required=True,
        help=help,
        on_change=partial(_set, options, name, key),
    )


def _set(options: dict[str, Any], name: str, key: str) -> None:
    choose_options({**options, name: state.get(key)})
