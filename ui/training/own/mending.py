"""Data that cannot be read as they are: why, and a button for each setting that would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.errors import DataError
from builder.train import Recipe
from ui.training.settings import choose_options


def refused(error: BuilderError, settings: Recipe) -> None:
    """Say why the data of a recipe cannot be read, and offer what the error knows of to mend it."""
    st.error(error.message, icon=":material/error:")
    mends = error.mends if isinstance(error, DataError) else {}
    for place, (label, options) in enumerate(mends.items()):
        st.button(
            label,
            key=f"mend:{place}",
            type="primary" if place == 0 else "secondary",
            on_click=choose_options,
            args=(merged(settings.options, options),),
        )


def merged(options: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with others in their place; kinds of columns are changed one by one."""
    kinds = {**options.get("kinds", {}), **changed.get("kinds", {})}
    return {**options, **changed, **({"kinds": kinds} if kinds else {})}
