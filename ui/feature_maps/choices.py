"""Which picture: the bar above the maps."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import streamlit as st

from builder import BuilderError, ModelSpec
from builder.data import DATASETS, load
from builder.labs.framing import FITS
from builder.labs.pictures import MAX_BYTES, SAMPLES, read_picture
from builder.labs.predictions import next_mistake
from ui import state
from ui.feature_maps.bench import (
    SIDE,
    Bench,
    Pictured,
    Work,
    dataset_of,
    samples_for,
    sources,
)

_LIGHT = 0.5  # of a picture's median


def choose_picture(here: Bench, model: Pictured) -> None:
    """Draw the choice of a picture, and how it is fitted."""
    with st.popover("Upload", icon=":material/upload:"):
        _upload(here)
    titles = sources(here, model)
    if here.source not in titles:
        here.source, here.number = next(iter(titles)), 0
    _selectbox(here, "Picture", "source", titles, here.source, width=230)
    name = dataset_of(here.source)
    if name is None:
        _fitted(here)
    else:
        _sample(here, model, name)


def _sample(here: Bench, model: Pictured, name: str) -> None:
    count = len(load(name).x)
    here.number = min(here.number, count - 1)
    _number(here, "Sample", "number", count - 1, f"Which of the {count:,}.")
    st.button(
        "Any",
        icon=":material/casino:",
        help="Another sample, drawn at random",
        on_click=lambda: setattr(here, "number", random.randrange(count)),
    )
    if model.run is not None and name == model.dataset:
        st.button(
            "Next mistake",
            icon=":material/error:",
            help="The next sample that the model takes for another class",
            on_click=_next_mistake,
            args=(here, model, name),
        )


def _next_mistake(here: Bench, model: Pictured, name: str) -> None:
    try:
        found = next_mistake(model.model, *samples_for(model, name), here.number)
    except BuilderError as error:
        here.refused = error.message
        return
    if found is None:
        here.found = f"It is right about every one of the {len(load(name).x):,} samples."
    else:
        here.number = found


def _fitted(here: Bench) -> None:
    key = state.show("maps:how", here.how)
    st.segmented_control(
        "Fit",
        list(FITS),
        format_func=str.capitalize,
        key=key,
        required=True,
        help="\n".join(f"- **{name.capitalize()}**: {text}" for name, text in FITS.items()),
        on_change=_take,
        args=(here, "how", key),
    )
    key = state.show("maps:invert", here.invert)
    st.toggle(
        "Invert",
        key=key,
        help="Turns light and dark around: the digits of MNIST are light on dark.",
        on_change=_take,
        args=(here, "invert", key),
    )


def _upload(here: Bench) -> None:
    key = "maps:upload"
    st.file_uploader(
        "A picture of your own",
        max_upload_size=MAX_BYTES // 2**20,
        key=key,
        help="PNG, JPEG, WebP, BMP, TIFF or GIF. It stays on this machine.",
        on_change=_brought,
        args=(here, key),
    )


def _brought(here: Bench, key: str) -> None:
    """Take in a file in place of the one before; it stays when the page is left and found again."""
    here.uploads.clear()
    here.refused = ""
    file = state.get(key)
    if file is None:
        return
    try:
        here.uploads[file.file_id] = read_picture(file.getvalue(), file.name).within(SIDE)
        here.source = file.file_id
    except BuilderError as error:
        here.refused = error.message


def about(here: Bench, model: Pictured) -> None:
    """Say what a person should know of the choices: what was refused, who made the picture."""
    if here.refused:
        st.error(here.refused, icon=":material/broken_image:")
    words = [here.found, model.frame.note]
    if here.source in SAMPLES:
        words.append(SAMPLES[here.source].credit)
    elif here.source in here.uploads:
        words += here.uploads[here.source].notes
    if model.run and ModelSpec.from_json(model.run.spec) != state.workspace().spec:
        words.append("The model has been changed since that run; this is the one that was trained.")
    st.caption(" · ".join(word for word in words if word))


def hint(here: Bench, model: Pictured, done: Work) -> None:
    """Say so where a picture is dark on light and the model knows light on dark."""
    own = dataset_of(here.source) is not None
    if own or model.dataset is None or here.invert or float(np.median(done.shown)) < _LIGHT:
        return
    st.info(
        f"The pictures of {DATASETS[model.dataset].title} are light on dark, and this one is light "
        "all over: with Invert on, the model gets something more like what it knows.",
        icon=":material/invert_colors:",
    )


def _selectbox(
    here: Bench, label: str, name: str, titles: dict[str, str], chosen: str, width: int
) -> None:
    key = state.show(f"maps:{name}", chosen)
    st.selectbox(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        width=width,
        on_change=_take,
        args=(here, name, key),
    )


def _number(here: Bench, label: str, name: str, most: int, help: str) -> None:
    key = state.show(f"maps:{name}", getattr(here, name))
    st.number_input(
        label, 0, most, step=1, key=key, width=140, help=help,
        on_change=_take, args=(here, name, key),
    )  # fmt: skip


def _take(here: Bench, name: str, key: str) -> None:
    value: Any = state.get(key)
    here.refused = here.found = ""
    setattr(here, name, value)
