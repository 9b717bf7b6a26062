"""Whether data and model fit, and what makes them: a change of the model, or another model."""

from __future__ import annotations

import streamlit as st

from builder.data import Samples, mismatches
from builder.data.readers import readers
from builder.resolve import resolve
from ui import state
from ui.numbers import count
from ui.training.settings import recipe


def fit_panel(samples: Samples) -> bool:
    """Say whether data and model fit, and offer what makes them."""
    ws, outputs = state.workspace(), recipe().outputs(samples.outputs)
    found = mismatches(ws.spec, samples, outputs)
    if not found:
        resolution = resolve(ws.spec)
        st.caption(
            f":green[:material/check_circle:] **{ws.spec.name}** fits: "
            f"{count(resolution.params)} parameters, {count(resolution.macs)} multiply-adds a "
            "sample."
        )
        return True
    for position, mismatch in enumerate(found):
        st.warning(mismatch.message, icon=":material/warning:")
        for place, fix in enumerate(mismatch.fixes):
            st.button(
                fix.label,
                key=f"fit:{position}:{place}",
                type="primary" if place == 0 else "secondary",
                on_click=ws.edit,
                args=(fix.apply,),
            )
    _others(samples, outputs, mendable=any(mismatch.fixes for mismatch in found))
    return False


def _others(samples: Samples, outputs: int, *, mendable: bool) -> None:
    """Offer the models that read such data, in the place of the open one."""
    found = readers(samples, outputs)
    if not found:
        return
    begun = "Or open" if mendable else "No single change mends it. Open"
    st.caption(f"{begun} a model for such data; Undo on the Build page brings yours back.")
    with st.container(horizontal=True, key="readers"):
        for place, (title, spec) in enumerate(found.items()):
            st.button(
                title,
                key=f"reader:{title}",
                icon=":material/swap_horiz:",
                type="secondary" if mendable or place else "primary",
                on_click=state.workspace().open,
                args=(spec,),
            )
