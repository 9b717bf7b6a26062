"""What is selected, in full: its form, its equation, its numbers, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeAlias

import streamlit as st

from builder import edit
from builder.catalog import Layer
from builder.own.row import OwnRow
from builder.resolve import Resolution, Step
from builder.resolve.window import explain_window
from builder.rows import row_of
from builder.spec import Block, Init, Node
from ui import intents, state
from ui.forms import layer_form
from ui.layers import fault_in, steps_of
from ui.numbers import count, memory
from ui.own_layers.view import open_layer
from ui.starts import start_form
from ui.state import Workspace

Editor: TypeAlias = Callable[[Node], Collection[str]]


def inspector(ws: Workspace, resolution: Resolution, *, editor: Editor | None = None) -> None:
    """Draw the panel of the selected layer.

    `editor` draws what a page adds above the form, and returns the arguments it takes care of.
    """
    block = ws.spec.block(ws.block)
    if ws.selected not in block:
        place = "at the marked place" if ws.insert_at is not None else "at the end"
        st.caption(
            f"Click a layer for its settings. A layer picked from the palette goes {place}.",
        )
        return
    with st.container(border=True, key="layer"):
        _panel(ws, resolution, block, block.node(ws.selected), editor)


def _panel(
    ws: Workspace,
    resolution: Resolution,
    block: Block,
    node: Node,
    editor: Editor | None,
) -> None:
    step = steps_of(resolution, ws.block).get(node.name)
    row = row_of(ws.spec, node.op)
    _title(ws, block, node)
    _fault(ws, resolution, node)
    if row is None:
        _block_or_again(ws, block, node)
    else:
        st.caption(row.help)
        if isinstance(row, OwnRow):
            _formula(row)
        elsewhere = editor(node) if editor is not None else ()
        layer_form(ws, row, node, step, without=elsewhere)
    if editor is None:
        _starts(ws, row, node, step)
    if block.container != "sequential" and (editor is None or node.inputs):
        _sources(ws, block, node)
    if step is not None:
        _facts(row, step)


def _title(ws: Workspace, block: Block, node: Node) -> None:
    row = row_of(ws.spec, node.op)
    position = block.positions[node.name]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="layer-bar"):
        key = state.show(f"rename:{node.name}", node.name)
        st.text_input(
            row.op if row else node.op,
            key=key,
            width=130,
            help="The layer's name: the prefix of its parameters. A number is its position.",
            on_change=lambda: intents.rename(ws, node.name, str(state.get(key))),
        )
        st.button(
            "",
            icon=":material/arrow_upward:",
            key="layer-up",
            help="Move up (Alt+Up in the list)",
            disabled=position == 0,
            on_click=intents.move,
            args=(ws, node.name, position - 1),
        )
        st.button(
            "",
            icon=":material/arrow_downward:",
            key="layer-down",
            help="Move down (Alt+Down in the list)",
            disabled=position == len(block.nodes) - 1,
            on_click=intents.move,
            args=(ws, node.name, position + 1),
        )
        st.button(
            "",
            icon=":material/content_copy:",
            key="layer-duplicate",
            help="Duplicate",
            on_click=intents.duplicate,
            args=(
                ws,
                node.name,
            ),
        )
        st.button(
            "",
            icon=":material/toggle_off:" if not node.enabled else ":material/toggle_on:",
            key="layer-toggle",
            help="Switch on" if not node.enabled else "Switch off: hand the input on unchanged",
            on_click=intents.toggle,
            args=(ws, node.name, not node.enabled),
        )
        st.button(
            "",
            icon=":material/delete:",
            key="layer-delete",
            help="Delete (Del in the list)",
            on_click=intents.delete,
            args=(
                ws,
                node.name,
            ),
        )


def _fault(ws: Workspace, resolution: Resolution, node: Node) -> None:
    fault = fault_in(resolution, ws.block)
    if fault is None or node.name not in (fault.path[:1] if ws.block is None else (fault.node,)):
        return
    st.error(fault.message, icon=":material/error:")
    with st.container(horizontal=True, gap="small"):
        for number, fix in enumerate(fault.fixes):
            st.button(
                fix.label,
                key=f"fix:{number}",
                type="primary" if number == 0 else "secondary",
                on_click=intents.fix,
                args=(ws, node.name, "fault", number),
            )


def _starts(ws: Workspace, row: Layer | None, node: Node, step: Step | None) -> None:
    """How its parameters start, and whether they stay so."""
    own = step.parameters if step is not None and step.shared is None else ()
    shapes = {parameter.name: parameter.shape for parameter in own}
    names = list(dict.fromkeys((*shapes, *node.init)))
    if not names and not node.frozen:
        return
    said = len(node.init) + node.frozen
    more = st.expander(
        f"Start ({said} set)" if said else "Start",
        expanded=bool(said),
        key=f"start:{ws.block or ''}:{node.name}:{node.op}",
        on_change="rerun",
    )
    if not more.open:
        return
    with more, st.container(key="start-fields"):
        for name in names:
            with st.container(gap="xsmall"):
                start_form(
                    ws,
                    name,
                    node.init.get(name),
                    shapes.get(name),
                    f"start:{ws.block or ''}:{node.name}:{name}",
                    partial(_start, ws, node.name, name),
                    otherwise=_otherwise(row),
                )
        key = state.show(f"frozen:{node.name}", node.frozen)
        st.toggle(
            "Frozen",
            key=key,
            help="Its parameters stay as they start: `requires_grad` is off.",
            on_change=lambda: ws.edit(
                partial(edit.freeze, name=node.name, frozen=bool(state.get(key)), block=ws.block)
            ),
        )


def _start(ws: Workspace, node: str, parameter: str, init: Init | None) -> None:
    ws.edit(partial(edit.start, name=node, parameter=parameter, init=init, block=ws.block))


def _otherwise(row: Layer | None) -> str:
    return "as the layer says" if isinstance(row, OwnRow) else "as torch draws it"


def _formula(row: OwnRow) -> None:
    st.code(row.layer.forward, language="python")
    st.button(
        f"Edit {row.op}",
        key="edit-own",
        icon=":material/edit:",
        help="Its settings, parameters and formula, for every use of it.",
        on_click=open_layer,
        args=(row.op,),
    )


def _block_or_again(ws: Workspace, block: Block, node: Node) -> None:
    if node.op in block:
        st.caption(f"Calls **{node.op}** again, with the same weights.")
        return
    used = sum(other.op == node.op for other in block.nodes)
    st.caption(
        f"A block of this model, used {used} time{'s' * (used > 1)} here, weights of its own each."
    )
    if st.button(f"Edit {node.op}", icon=":material/edit:"):
        ws.block = node.op
        ws.select(None)
        st.rerun(scope="fragment")


def _sources(ws: Workspace, block: Block, node: Node) -> None:
    position = block.positions[node.name]
    earlier = [*block.inputs, *(other.name for other in block.nodes[:position])]
    reads = list(block.sources(position))
    known = [name for name in reads if name in earlier]
    key = state.show(f"reads:{node.name}", known)
    st.multiselect(
        "Reads",
        earlier,
        key=key,
        help="Where its input comes from. Several, in this order, for layers that join branches.",
        on_change=lambda: ws.edit(
            lambda s: edit.set_sources(
                s, node.name, _implied(block, node, state.get(key)), block=ws.block
            )
        ),
    )


def _implied(block: Block, node: Node, names: list[str]) -> list[str]:
    """Leave the layer before unsaid, so that the chain follows when layers move."""
    position = block.positions[node.name]
    before = block.nodes[position - 1].name if position else block.inputs[0]
    return [] if names == [before] else names


def _facts(row: Layer | None, step: Step) -> None:
    if row is not None and row.formula:
        st.latex(row.formula)
    lines = []
    if row is not None and row.window and step.enabled:
        first = step.inputs[0]
        sizes = getattr(first, "sample", ())[1:]
        names = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
        for axis, (name, size) in enumerate(zip(names[row.rank], sizes, strict=False)):
            lines.append(f"{name}: `{explain_window(row, step.args, size, axis)[1]}`")
    for parameter in step.parameters:
        shape = " × ".join(map(str, parameter.shape)) or "1"
        lines.append(f"`{step.key or step.shared}.{parameter.name}`: {shape} = {parameter.size:,}")
    cost = [f"{step.params:,} parameters"] if step.params else []
    cost += [f"{count(step.macs)} multiply-adds a sample"] if step.macs else []
    cost += [f"gives {memory(step.activation_bytes)} a sample"]
    if step.buffers:
        cost.append(f"{step.buffers:,} values kept in buffers")
    st.caption("  \n".join([*lines, " · ".join(cost)]))
