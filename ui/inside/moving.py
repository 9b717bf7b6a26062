"""Moving: the model in another dtype or on another device, and what that does to its outputs."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd
import streamlit as st

from builder.build import check
from builder.labs.moving import DTYPES, Moved, Outputs, devices, move
from ui.batch import Batch, choose_batch
from ui.inside.effort import wanted
from ui.numbers import memory
from ui.subject import Subject

_ROWS, _ROW = 12, 35
_PASSES = 13  # of the batch, for all that is measured


def section(here: Subject) -> None:
    """Draw the section."""
    check(here.spec)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        call = st.segmented_control(
            "Numbers", list(DTYPES), default="half()", required=True, key="moving-dtype",
            bind="query-params", help="What the model is told: `model.half()`.",
        )  # fmt: skip
        device = st.segmented_control(
            "Device", devices(), default="cpu", required=True, key="moving-device",
            help="Those of this machine. On `meta` a tensor has a shape, and no numbers.",
        )  # fmt: skip
        batch = choose_batch(here, 16)
    made_from = (batch.made_from, call, device)
    work = check(here.spec).macs * len(batch.inputs[0]) * _PASSES
    if not wanted(work, made_from, key="moving-run"):
        return
    found = _moved(made_from, here, batch, str(call), str(device))
    _cost(found)
    _outputs(found)
    floating = batch.inputs[0].is_floating_point()
    st.code(_code(str(call), str(device), floating), language="python")
    _table(found)


@st.cache_data(max_entries=8, show_spinner="Moving the model")
def _moved(made_from: Hashable, _here: Subject, _batch: Batch, call: str, device: str) -> Moved:
    del made_from
    return move(_here.model, _batch.inputs, DTYPES[call], device)


def _cost(found: Moved) -> None:
    with st.container(horizontal=True):
        change = f"{found.after / found.before - 1:+.0%}" if found.before else None
        st.metric("Tensors were", memory(found.before), width=150)
        st.metric("and take now", memory(found.after), change, delta_color="inverse", width=170)
        if found.outputs is not None:
            _metrics(found.outputs)


def _metrics(outputs: Outputs) -> None:
    st.metric(
        "Largest difference", f"{outputs.largest:.3g}", width=170,
        help="Between outputs before and after, over the batch.",
    )  # fmt: skip
    st.metric("Relative difference", f"{outputs.relative:.2e}", width=180)
    if outputs.agree is not None:
        st.metric(
            "Same answer", f"{outputs.agree:.1%}", width=140,
            help="Samples whose largest output is the same one.",
        )  # fmt: skip
    st.metric(
        "A batch takes", f"{outputs.after * 1e3:.3g} ms", f"{outputs.before * 1e3:.3g} ms before",
        delta_color="off", delta_arrow="off", width=170,
        help="The median of five passes on this machine, as busy as it was then.",
    )  # fmt: skip


def _outputs(found: Moved) -> None:
    if found.refused:
        st.warning(f"torch cannot run it so: {found.refused}", icon=":material/block:")
    elif found.outputs is None:
        st.info(
            "On meta there are no numbers, so there is nothing to run: what is moved there is "
            "lost, and `to_empty` brings back the shapes alone.",
            icon=":material/info:",
        )
    elif found.outputs.lost:
        st.warning(
            f"{found.outputs.lost:,} outputs became NaN or infinite: they are outside the range of "
            f"{str(found.outputs.dtype).removeprefix('torch.')}.",
            icon=":material/warning:",
        )
    if found.unmoved:
        st.caption(f"The batch has to move as well. With the batch left behind: *{found.unmoved}*")


def _code(call: str, device: str, floating: bool) -> str:
    """Return the code that moves the model, and the batch with it.

    Args:
        floating: whether the batch holds fractions; indices keep their dtype.
    """
    dtype = DTYPES[call]
    told = call if device == "cpu" else f'to("{device}", {dtype})'
    lines = [f"model.{told}  # its own tensors, in place; whole numbers keep their dtype"]
    where = [f'"{device}"'] * (device != "cpu") + [str(dtype)] * floating
    if where:
        kept = "# a tensor does not move in place: keep what comes back"
        lines.append(f"x = x.to({', '.join(where)})  {kept}")
    return "\n".join([*lines, "y = model(x)"])


def _table(found: Moved) -> None:
    if not found.tensors:
        st.info("The model holds no tensor, so nothing moves.")
        return
    table = pd.DataFrame(
        {
            "tensor": [one.name for one in found.tensors],
            "was": [one.was for one in found.tensors],
            "is now": [one.is_now for one in found.tensors],
            "bytes before": [one.before for one in found.tensors],
            "bytes now": [one.after for one in found.tensors],
        }
    )
    number = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        table,
        key="moving-table",
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(table), _ROWS) + 1) + 2,
        row_height=_ROW,
        column_config={"bytes before": number, "bytes now": number},
    )
    still = [one.name for one in found.tensors if one.was == one.is_now]
    if still and len(still) < len(found.tensors):
        st.caption(f"{len(still)} stay as they are: whole numbers are not turned into fractions.")
