"""Which weights, and which picture: the bar above the maps."""

from __future__ import annotations

from typing import Any

import streamlit as st

from builder import BuilderError
from builder.data import load
from builder.labs.feature_maps import FITS
from builder.labs.pictures import MAX_BYTES, SAMPLES, read_picture
from ui import state
from ui.feature_maps.bench import (
    FRESH,
    Bench,
    Subject,
    dataset_of,
    run_title,
    runs,
    sources,
)


def choose_weights(here: Bench) -> None:
    """Draw the choice between fresh weights and those of a run."""
    known = runs()
    if here.weights not in known:
        here.weights = next(iter(known), FRESH)
    titles = {run.id: run_title(run) for run in known.values()} | {FRESH: "Fresh, untrained"}
    _selectbox(here, "Weights", "weights", titles, width=330)
    if here.weights == FRESH:
        _number(here, "Seed", "seed", 2**31 - 1, "Draws other fresh weights.")


def choose_picture(here: Bench, model: Subject) -> None:
    """Draw the choice of a picture, and how it is fitted."""
    with st.popover("Upload", icon=":material/upload:"):
        _upload(here)
    titles = sources(here, model)
    if here.source not in titles:
        here.source, here.number = next(iter(titles)), 0
    _selectbox(here, "Picture", "source", titles, width=230)
    name = dataset_of(here.source)
    if name is None:
        _fitted(here)
    else:
        count = len(load(name).x)
        here.number = min(here.number, count - 1)
        _number(here, "Sample", "number", count - 1, f"Which of the {count:,}.")


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
    file = st.file_uploader(
        "A picture of your own",
        max_upload_size=MAX_BYTES // 2**20,
        key="maps:upload",
        help="PNG, JPEG, WebP, BMP, TIFF or GIF. It stays on this machine.",
    )
    current = {file.file_id} if file else set()
    for known in (here.uploads, here.refused):
        for key in set(known) - current:
            del known[key]
    if file is None or file.file_id in here.uploads or file.file_id in here.refused:
        return
    try:
        here.uploads[file.file_id] = read_picture(file.getvalue(), file.name)
        here.source = file.file_id
    except BuilderError as error:
        here.refused[file.file_id] = error.message


def credit(here: Bench) -> str:
    """Return who made the chosen sample, empty for other pictures."""
    return SAMPLES[here.source].credit if here.source in SAMPLES else ""


def _selectbox(here: Bench, label: str, name: str, titles: dict[str, str], width: int) -> None:
    key = state.show(f"maps:{name}", getattr(here, name))
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
    setattr(here, name, value)
