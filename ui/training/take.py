"""What can be taken away from a run: weights, code, and the script that joins them."""

from __future__ import annotations

import streamlit as st

from builder import ModelSpec
from builder.files import LAST, has_script, kept, load_weights, weights_safetensors, write_script
from builder.store import Run
from builder.train import Recipe
from ui import state

_BINARY = "application/octet-stream"


def downloads(run: Run) -> None:
    """Offer the weights, the code, and the script that loads one into the other."""
    found = kept(state.store().folder(run.id))
    weights = found.pop(LAST, None)
    if weights is None:
        return
    name = ModelSpec.from_json(run.spec).name
    settings = Recipe.from_json(run.recipe)
    scripted = has_script(settings.dataset)
    st.markdown("**Take it with you**")
    with st.container(horizontal=True):
        _offer(f"{name}.pt", weights.read_bytes)
        _offer(
            f"{name}.safetensors", lambda: weights_safetensors(load_weights(weights.read_bytes()))
        )
        _offer(f"{name}.py", lambda: run.facts["code"], "text/x-python")
        if scripted:
            _offer("check.py", lambda: write_script(name, settings), "text/x-python")
        for path in found.values():
            _offer(f"{name}-{path.stem}.pt", path.read_bytes)
    if not scripted:
        st.caption(f"{name}.py is the class and {name}.pt its weights; they need torch alone.")
        return
    st.caption(
        f"Put {name}.pt, {name}.py and check.py into one folder: `python check.py` loads the "
        "weights into the class and prints the validation score above. It needs torch and the "
        "package the data come from, not LayerLab."
    )


def _offer(file: str, data: object, mime: str = _BINARY) -> None:
    st.download_button(
        file,
        data=data,  # type: ignore[arg-type]
        file_name=file,
        mime=mime,
        on_click="ignore",
        key=f"take:{file}",
        icon=":material/download:",
    )
