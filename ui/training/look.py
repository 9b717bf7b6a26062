"""The look at the data before training: samples, split, balance, ranges, and what was found."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from builder import BuilderError
from builder.data import Samples, Split, load, split
from builder.data.look import Look, look
from builder.data.own.table import mends
from builder.train import Recipe
from ui.training.own.mending import merged
from ui.training.samples import preview
from ui.training.settings import choose_options, recipe

_PARTS = ("training", "validation")


def look_panel() -> None:
    """Draw the data of the recipe and what is to know of them."""
    settings = recipe()
    try:
        samples = load(settings.dataset, **settings.options)
        preview(samples)
    except BuilderError:
        unread()
        return
    try:
        parts = split(samples, **_how(settings))
    except BuilderError as error:
        st.error(error.message, icon=":material/error:")
        return
    asked = (samples.name, str(samples.options), str(_how(settings)))
    found = _found(samples, parts, asked)
    st.caption(_told_split(samples, settings, found))
    for finding in found.findings:
        st.warning(finding, icon=":material/search:")
    cures = mends(samples, found.leaks, found.duplicates)
    if cures:
        with st.container(horizontal=True, key="look-mends"):
            for label, options in cures.items():
                st.button(
                    label, icon=":material/healing:", on_click=choose_options,
                    args=(merged(settings.options, options),),
                )  # fmt: skip
    if not found.findings:
        st.success("No leaks, no duplicates, nothing out of balance.", icon=":material/check:")
    if found.balance:
        st.markdown("**Class balance**")
        sizes = pd.DataFrame(found.balance, columns=["class", *_PARTS])
        st.bar_chart(
            sizes, x="class", y=list(_PARTS), sort=False, horizontal=True, x_label="",
            y_label="samples", height=min(640, 90 + 26 * len(sizes)),
        )  # fmt: skip
    if found.ranges:
        st.markdown("**Ranges**")
        st.dataframe(
            pd.DataFrame([vars(one) for one in found.ranges]), hide_index=True, width="stretch"
        )


def unread() -> None:
    """Say that there is nothing to see yet; the settings of the data say why."""
    st.info(
        "The data cannot be read as they are; their settings say why, and what would do.",
        icon=":material/arrow_back:",
    )


def _how(settings: Recipe) -> dict[str, Any]:
    return {
        "validation": settings.validation,
        "seed": settings.seed,
        "method": settings.split,
        "folds": settings.folds,
        "fold": settings.fold,
    }


@st.cache_data(max_entries=8, show_spinner=False)
def _found(_samples: Samples, _parts: Split, asked: tuple[str, ...]) -> Look:
    """Return the look at data; kept by what was asked for."""
    del asked
    return look(_samples, _parts)


def _told_split(samples: Samples, settings: Recipe, found: Look) -> str:
    """Say how the data are split, and how many samples are in each part."""
    if settings.split == "folds":
        how = f"part {settings.fold + 1} of {settings.folds} is kept"
        how += ", the stretch behind what is learned" if samples.by_time else ", drawn by the seed"
    elif samples.by_time or settings.split == "time":
        how = "by time, the last part is kept"
    else:
        how = "drawn by the seed"
        how += ", classes keep their shares" if samples.classes else ""
    return (
        f"{found.count:,} samples: {found.train:,} to learn from, {found.validation:,} for "
        f"validation; {how} (seed {settings.seed})."
    )
