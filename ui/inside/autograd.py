"""Autograd: the graph of one backward pass, what reaches each parameter, where gradients stop."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd
import streamlit as st

from builder.build import check
from builder.labs import autograd
from builder.labs.autograd import LOSSES, Backward, Operation, gathered
from builder.labs.subject import twin
from ui.batch import Batch, choose_batch
from ui.components import DiagramEdge, DiagramNode, diagram
from ui.inside.effort import wanted
from ui.numbers import memory
from ui.subject import Subject

_FEW, _MOST = 60, 300  # operations that are drawn one by one at first, and at most
_HEIGHT = 480
_PASSES = 3  # a backward pass costs about two forward ones
_GROUPS = {"loss": "Activation", "parameter": "Input", "step": "Linear"}


def section(here: Subject) -> None:
    """Draw the section."""
    check(here.spec)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        batch = choose_batch(here, 16)
        loss = st.selectbox(
            "Loss", list(LOSSES), key="autograd-loss", width=260,
            help="What `backward()` is called on; `output` is what the model gives.",
        )  # fmt: skip
    learned = [
        name
        for name, module in here.model.named_modules()
        if name and any(True for _ in module.parameters(recurse=False))
    ]
    left, right = st.columns(2)
    frozen = left.multiselect(
        "Freeze", learned, key="autograd-frozen", placeholder="Nothing",
        help="`requires_grad_(False)` on its parameters.",
    )  # fmt: skip
    detached = right.multiselect(
        "Detach behind", [node.name for node in here.spec.nodes], key="autograd-detached",
        placeholder="Nothing", help="`x = x.detach()` after that step.",
    )  # fmt: skip
    made_from = (batch.made_from, loss, tuple(frozen), tuple(detached))
    if not wanted(
        check(here.spec).macs * len(batch.inputs[0]) * _PASSES, made_from, key="autograd"
    ):
        return
    found = _backward(made_from, here, batch, loss, frozen, detached)
    for name, why in found.stops.items():
        st.warning(f"No gradient passes **{name}**: {why}.", icon=":material/block:")
    _graph(found, here)
    told, code = st.columns([3, 2], gap="large")
    with told:
        _parameters(found)
    with code:
        _code(loss, frozen)


@st.cache_data(max_entries=8, show_spinner="Running forward and backward")
def _backward(
    made_from: Hashable,
    _here: Subject,
    _batch: Batch,
    loss: str,
    frozen: Sequence[str],
    detached: Sequence[str],
) -> Backward:
    del made_from
    return autograd.backward(
        twin(_here.model), _here.spec, _batch.inputs, loss=loss, frozen=frozen, detached=detached
    )


def _graph(found: Backward, here: Subject) -> None:
    count = len(found.operations)
    ways = ["By layer"] if count > _MOST else ["Every operation", "By layer"]
    way = st.segmented_control(
        "Graph", ways, default=ways[0 if count <= _FEW else -1], required=True,
        key=f"autograd-way:{count}", label_visibility="collapsed",
    )  # fmt: skip
    operations = (
        found.operations if way == ways[0] and len(ways) > 1 else gathered(found.operations)
    )
    diagram(
        [_box(place, operation) for place, operation in enumerate(operations)],
        [
            DiagramEdge(str(place), str(follower))
            for place, operation in enumerate(operations)
            for follower in operation.next
        ],
        key="autograd-graph",
        height=_HEIGHT,
        name=f"{here.spec.name}-autograd",
    )
    st.caption(
        f"{count:,} operations, as `loss.grad_fn` and its `next_functions` lead to them. The "
        "backward pass runs from the loss, on top, down; each box says the norm of the gradient "
        "that it was handed. `AccumulateGrad` adds to a parameter's `.grad`."
        + (f" More than {_MOST} are too many to draw one by one." if count > _MOST else "")
    )


def _box(place: int, operation: Operation) -> DiagramNode:
    title = operation.parameter or operation.title
    if not operation.parameter and operation.layer:
        title = f"{operation.layer}: {operation.title}"
    kind = "parameter" if operation.parameter else "step" if operation.layer else "loss"
    size = "no gradient" if operation.gradient is None else f"|g| = {operation.gradient:.3g}"
    return DiagramNode(
        str(place), title, size, _GROUPS[kind], "unreached" if operation.gradient is None else "ok"
    )


def _parameters(found: Backward) -> None:
    """Draw what came of every parameter, and what was kept for the backward pass."""
    without = [one for one in found.parameters if one.why]
    if without:
        st.info(
            f"{len(without)} of {len(found.parameters)} parameters would not move: the last column "
            "says why.",
            icon=":material/info:",
        )
    else:
        st.success("A gradient reaches every parameter.", icon=":material/check_circle:")
    table = pd.DataFrame(
        [
            {
                "parameter": one.name,
                "shape": str(one.shape),
                "|grad|": one.gradient,
                "why": one.why,
            }
            for one in found.parameters
        ]
    )
    if not without:
        table = table.drop(columns="why")
    st.dataframe(
        table, hide_index=True, height=min(35 * (len(table) + 1) + 3, 330),
        column_config={
            "|grad|": st.column_config.NumberColumn(
                format="%.3g", help="Norm of its `.grad`; empty where it is `None`."
            )
        },
    )  # fmt: skip
    total = sum(found.saved.values())
    st.caption(
        f"The loss is {found.loss:.4g}. For the backward pass the steps keep **{memory(total)}** "
        "of what they were given or gave"
        + (f", most of it **{max(found.saved, key=lambda n: found.saved[n])}**." if total else ".")
    )


def _code(loss: str, frozen: Sequence[str]) -> None:
    freeze = "".join(f'model.get_submodule("{name}").requires_grad_(False)\n' for name in frozen)
    st.code(
        f"{freeze}output = model(x)\n"
        f"loss = {loss}\n"
        "loss.backward()\n\n"
        "print(loss.grad_fn)  # the last operation\n"
        "print(loss.grad_fn.next_functions)  # those it hands gradients on to\n"
        "for name, parameter in model.named_parameters():\n"
        "    print(name, parameter.grad)\n",
        language="python",
    )
