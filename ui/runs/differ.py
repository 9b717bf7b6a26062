"""What differs between the chosen runs, line by line, and the code of two beside one another."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from builder import BuilderError
from builder.train.compare import code_difference, differences
from ui import state
from ui.runs.chosen import chosen_runs
from ui.runs.overlay import names

_PARTS = {
    "model": "Model",
    "data": "Data",
    "recipe": "Recipe",
    "by hand": "By hand",
    "surroundings": "Surroundings",
}


def differ() -> None:
    """Draw the lines on which the chosen runs differ."""
    runs = chosen_runs()
    if len(runs) < 2:
        st.caption("Tick two runs or more in the table to see what differs between them.")
        return
    found = differences(runs, [state.store().events(run.id) for run in runs])
    titles = names(runs)
    if not found:
        st.success(
            "These runs were given the same model, data and recipe, and the same surroundings: "
            "on one machine their curves are the same to the bit.",
            icon=":material/equal:",
        )
        return
    table = pd.DataFrame(
        [(_PARTS[line.part], line.path, *line.values) for line in found],
        columns=["Part", "What", *titles],
    )
    st.dataframe(table, hide_index=True, key="runs:differences", width="stretch", height="content")
    st.caption(f"{len(found)} {'lines differ' if len(found) > 1 else 'line differs'}; "
               "all else is the same.")  # fmt: skip
    if len(runs) == 2 and any(line.part == "model" for line in found):
        try:
            code = code_difference(*runs)
        except BuilderError as error:
            st.caption(error.message)
            return
        if code:
            st.code(code, language="diff")
