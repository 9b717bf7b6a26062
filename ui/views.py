"""The open model seen in different ways: diagram, table, code, container, module tree, JSON."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from builder import BuilderError, ModelSpec, edit, write_source
from builder.build import outline
from builder.resolve import Resolution, Step, describe, resolve
from ui import layers, state
from ui.components import diagram
from ui.numbers import count, memory
from ui.own_layers.view import VIEW, own_layers

_STYLES = {
    "": "as built",
    "sequential": "Sequential",
    "modulelist": "ModuleList",
    "module": "Module",
    "functional": "Functional",
}


def views(resolution: Resolution) -> None:
    """Draw the chosen view; only that one is worked out."""
    _totals(resolution)
    names = list(_VIEWS)
    key = "view"
    if state.get(key) not in names:
        state.put(key, names[0])
    st.segmented_control(
        "View", names, key=key, required=True, label_visibility="collapsed", width="stretch"
    )
    _VIEWS[state.get(key)](resolution)


def _totals(resolution: Resolution) -> None:
    if resolution.runs:
        output = f"output **{' and '.join(map(describe, resolution.outputs))}**"
    elif resolution.steps:
        output = f"output up to **{resolution.steps[-1].shape_text}**"
    else:
        output = "no output yet"
    parts = [
        f"**{resolution.params:,}** parameters",
        f"**{count(resolution.macs)}** multiply-adds",
        f"**{memory(resolution.activation_bytes)}** of activations a sample",
        output,
    ]
    st.markdown(" :gray[·] ".join(parts))


def _waiting(resolution: Resolution) -> bool:
    """Say what has to be mended before there is anything to show."""
    if resolution.runs:
        return False
    fault = resolution.faults[0]
    st.info(f"This shows once the model runs. At **{'.'.join(fault.path)}**: {fault.message}")
    return True


def _diagram(resolution: Resolution) -> None:
    ws = state.workspace()
    nodes, edges = layers.graph(ws.spec, resolution, ws.block)
    diagram(
        nodes,
        edges,
        key="diagram",
        selected=ws.selected,
        height=520,
        name=ws.spec.name,
        on_select=ws.select,
    )


def _table(resolution: Resolution) -> None:
    frame = table(resolution)
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        height=min(36 * (len(frame) + 1) + 2, 560),
        column_config={
            "share": st.column_config.ProgressColumn("share", format="percent", max_value=1.0),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "multiply-adds": st.column_config.NumberColumn(format="localized"),
            "activation bytes": st.column_config.NumberColumn(format="localized"),
        },
    )
    st.download_button(
        "Download as CSV",
        data=lambda: frame.to_csv(index=False),
        file_name=f"{state.workspace().spec.name}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def table(resolution: Resolution) -> pd.DataFrame:
    """Return a row a layer, those inside blocks indented, and the totals at the end."""
    total = max(1, resolution.params)
    lines: list[dict[str, object]] = []

    def add(step: Step, depth: int) -> None:
        lines.append(
            {
                "layer": "   " * depth + step.name,
                "op": step.op,
                "output": step.shape_text,
                "parameters": step.params,
                "share": step.params / total,
                "multiply-adds": step.macs,
                "activation bytes": step.activation_bytes,
            }
        )
        for inner in step.steps:
            add(inner, depth + 1)

    for step in resolution.steps:
        add(step, 0)
    lines.append(
        {
            "layer": "total",
            "op": "",
            "output": " and ".join(map(describe, resolution.outputs)),
            "parameters": resolution.params,
            "share": 1.0 if resolution.params else 0.0,
            "multiply-adds": resolution.macs,
            "activation bytes": resolution.activation_bytes,
        }
    )
    return pd.DataFrame(lines)


def _code(resolution: Resolution) -> None:
    if _waiting(resolution):
        return
    spec = state.workspace().spec
    style = st.segmented_control(
        "Style",
        list(_STYLES),
        format_func=_STYLES.__getitem__,
        default="",
        required=True,
        key="code-style",
        help="The same layers, written another way. Another container has other parameter names.",
    )
    try:
        source = write_source(spec, style or None)
    except BuilderError as error:
        st.info(error.message)
        return
    st.code(source, language="python", height=460 if source.count("\n") > 22 else "content")
    st.download_button(
        f"Download {spec.name}.py",
        data=source,
        file_name=f"{spec.name}.py",
        mime="text/x-python",
        on_click="ignore",
        icon=":material/download:",
    )


def _container(resolution: Resolution) -> None:
    if _waiting(resolution):
        return
    spec = state.workspace().spec
    freedom = {
        "sequential": "`nn.Sequential` is a chain: it has a forward pass of its own and hands "
        "each layer what the one before gave. No branches, no functions, one input.",
        "modulelist": "`nn.ModuleList` only holds layers, and registers them so that "
        "`parameters()` finds them. The forward pass is yours: layers may read any earlier one, "
        "functions and skip connections are allowed.",
    }
    for container, text in freedom.items():
        st.markdown(text)
        try:
            other = edit.set_container(spec, container)
        except BuilderError as error:
            st.info(error.message)
            continue
        code, keys = st.columns([2, 1])
        with code:
            st.code(write_source(other), language="python", height=250)
        with keys:
            st.code("\n".join(["# keys", *_keys(other)]), language="python", height=250)


def _keys(spec: ModelSpec) -> list[str]:
    def of(step: Step, prefix: str) -> list[str]:
        here = f"{prefix}{step.key}"
        own = [f"{here}.{parameter.name}" for parameter in step.parameters if step.key]
        return own + [key for inner in step.steps if step.key for key in of(inner, f"{here}.")]

    return [key for step in resolve(spec).steps for key in of(step, "")]


def _tree(resolution: Resolution) -> None:
    if not _waiting(resolution):
        st.code(outline(state.workspace().spec), language=None)


def _json(resolution: Resolution) -> None:
    ws = state.workspace()
    text = ws.spec.to_json()
    st.download_button(
        f"Download {ws.spec.name}.json",
        data=text,
        file_name=f"{ws.spec.name}.json",
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
    )
    brought = st.file_uploader(
        "Open a model from JSON",
        type="json",
        max_upload_size=4,
        key=f"json:{ws.uploads}",
        help="Opening one replaces the model on the page; Undo brings yours back.",
    )
    if brought is not None:
        ws.uploads += 1
        content = brought.getvalue()
        ws.edit(lambda _: ModelSpec.from_json(content))
        st.rerun()
    st.code(text, language="json", height=420)


_VIEWS: dict[str, Callable[[Resolution], None]] = {
    "Diagram": _diagram,
    "Table": _table,
    "Code": _code,
    "Container": _container,
    "Tree": _tree,
    "JSON": _json,
    VIEW: own_layers,
}
