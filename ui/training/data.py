"""The choice of data: those that come with the product, those of the user's own, their settings."""

from __future__ import annotations

import streamlit as st

from builder import BuilderError
from builder.data import DATASETS, Option, Samples, load, title
from builder.data.own import Shelf
from builder.train import Recipe
from ui import state
from ui.training.fields import abreast, choose
from ui.training.own import PANEL, bring_panel, own_form
from ui.training.own.mending import refused
from ui.training.settings import change, choose_data, recipe


def data_panel() -> Samples | None:
    """Draw the choice of data and their own settings; returns the samples, if they can be had."""
    settings = recipe()
    names = [*DATASETS, *(own.name for own in Shelf().listed())]
    if settings.dataset not in names:
        names.append(settings.dataset)
    choose("Data", names, "dataset", words=title, then=_chose)
    own = st.expander("Your own data", key=PANEL, icon=":material/upload:", on_change="rerun")
    if own.open:
        with own:
            bring_panel()
    row = DATASETS.get(settings.dataset)
    if row:
        st.caption(f"{row.help}  \n:gray[{row.source}]")
        for option in abreast(row.options):
            _option(option, settings)
    own_form(settings.dataset)
    try:
        return load(settings.dataset, **settings.options)
    except BuilderError as error:
        refused(error, settings)
        return None


def _chose() -> None:
    choose_data(state.get("recipe:dataset"))


def _option(option: Option, settings: Recipe) -> None:
    """Draw a setting of a data set."""
    name, cast = option.name, int if option.kind == "int" else float
    value = cast(settings.options.get(name, option.default))
    key = state.show(f"option:{settings.dataset}:{name}", value)

    def took() -> None:
        change(options={**recipe().options, name: state.get(key)})

    low, high = cast(option.low), cast(option.high)
    if name == "seed":
        st.number_input(
            "Seed of the data", low, high, value, key=key, help=option.help, on_change=took
        )
    else:
        st.slider(
            name.capitalize(), low, high, value,
            step=cast(option.step), key=key, help=option.help, on_change=took,
        )  # fmt: skip
