"""The kernel of the selected convolution: presets with their sliders, a grid to edit, its facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from builder import BuilderError
from builder.labs import chain, kernels
from builder.labs.chain import Kernel
from builder.labs.kernels import KERNELS, Preset
from builder.spec import Node
from ui import state
from ui.components import kernel_grid
from ui.state import Workspace

_OWN = "own"
_HERE = ("kernel_size", "bias")  # arguments that the editor takes care of


def kernel_editor(ws: Workspace, node: Node) -> tuple[str, ...]:
    """Draw the editor of a given kernel; returns the arguments that it takes care of."""
    kernel = chain.kernel_of(node)
    if kernel is None:
        return ()
    _preset(ws, node, kernel)
    kernel_grid(
        kernel.tolist(),
        key=f"kernel:{node.name}",
        on_intent=lambda intent: _edited(ws, node, intent),
    )
    _tools(ws, node, kernel)
    _facts(kernel)
    _mixing(ws, node)
    _bias(ws, node)
    return _HERE


def _set(ws: Workspace, node: Node, kernel: Kernel) -> None:
    ws.edit(partial(chain.with_kernel, name=node.name, kernel=kernel))


def _try(ws: Workspace, change: Callable[[], None]) -> None:
    """Do what a person asked; what cannot be done is said over the page."""
    try:
        change()
    except BuilderError as error:
        ws.complaint = error.message


# presets


def _preset(ws: Workspace, node: Node, kernel: Kernel) -> None:
    saved = state.store().kernels()
    titles = {key: preset.title for key, preset in KERNELS.items()}
    titles |= {f"{_OWN}:{name}": f"{name} (yours)" for name in saved}
    made = _made(node, kernel)
    key = state.show(f"preset:{node.name}", made)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Kernel",
            list(titles),
            format_func=titles.__getitem__,
            key=key,
            index=None,
            placeholder="Your own",
            on_change=_chosen,
            args=(ws, node, key),
        )
        _save(ws, kernel, saved)
    preset = KERNELS.get(made or "")
    if preset is None:
        return
    st.caption(preset.help)
    if preset.formula:
        st.latex(preset.formula)
    if len(preset.sizes) > 1:
        key = state.show(f"preset-size:{node.name}", kernel.shape[0])
        st.select_slider(
            "Size",
            preset.sizes,
            key=key,
            on_change=_sized,
            args=(ws, node, made, key),
        )
    given = _settings(node)
    for row in preset.params:
        key = state.show(f"preset:{node.name}:{row.name}", float(given.get(row.name, row.initial)))
        st.slider(
            row.name,
            float(row.low),
            float(row.high),
            step=float(row.step),
            key=key,
            help=row.help,
            on_change=lambda name, key: _make(ws, node, made, **{name: state.get(key)}),
            args=(row.name, key),
        )


def _settings(node: Node) -> dict[str, Any]:
    return state.get(f"preset-args:{node.name}", {})


def _made(node: Node, kernel: Kernel) -> str | None:
    """Return the preset that gives this kernel with the settings chosen, if one does."""
    settings = _settings(node)
    for key in filter(None, (settings.get("preset"), *KERNELS)):
        preset = KERNELS.get(key)
        if preset is None or kernel.shape[0] != kernel.shape[1]:
            continue
        args = settings if settings.get("preset") == key else {}
        if kernel.shape[0] in preset.sizes:
            known = {row.name: args.get(row.name, row.initial) for row in preset.params}
            if any(np.allclose(k, kernel, atol=1e-7) for k in preset.make(len(kernel), **known)):
                return key
    return None


def _chosen(ws: Workspace, node: Node, widget: str) -> None:
    key = state.get(widget)
    if key is None:
        return
    if key.startswith(f"{_OWN}:"):
        _set(ws, node, state.store().kernels()[key.removeprefix(f"{_OWN}:")])
        return
    state.put(f"preset-args:{node.name}", {"preset": key})
    _make(ws, node, key)


def _sized(ws: Workspace, node: Node, preset: str, widget: str) -> None:
    _make(ws, node, preset, size=int(state.get(widget)))


def _make(ws: Workspace, node: Node, key: str, *, size: int | None = None, **more: Any) -> None:
    """Make a preset's kernel with the settings chosen so far and the new ones."""
    preset = KERNELS[key]
    settings = {**_settings(node), **more, "preset": key}
    state.put(f"preset-args:{node.name}", settings)
    kernel = chain.kernel_of(node)
    before = 3 if kernel is None else kernel.shape[0]
    size = _nearest(preset, size or before)
    args = {row.name: settings.get(row.name, row.initial) for row in preset.params}
    made = preset.make(size, **args)
    if len(made) > 1:  # from now on two layers, each with a kernel of its own
        state.put(f"preset-args:{node.name}", {})
        if ws.edit(partial(chain.with_gradient, name=node.name, kernels=made)):
            ws.select(ws.spec.nodes[ws.spec.main.positions[node.name] + 2].name)
    else:
        _set(ws, node, made[0])


def _nearest(preset: Preset, size: int) -> int:
    return min(preset.sizes, key=lambda known: abs(known - size))


def _save(ws: Workspace, kernel: Kernel, saved: dict[str, Kernel]) -> None:
    with st.popover("", icon=":material/bookmark:", help="Kernels of your own"):
        name = st.text_input("Name", key="kernel-name", max_chars=40).strip()
        if st.button("Save this kernel", disabled=not name, key="kernel-save"):
            state.store().save_kernel(name, kernel)
            st.rerun()
        for known in saved:
            if st.button(f"Delete {known}", key=f"kernel-delete:{known}"):
                state.store().delete_kernel(known)
                st.rerun()


# the grid


def _edited(ws: Workspace, node: Node, intent: dict[str, Any]) -> None:
    kernel = chain.kernel_of(ws.spec.main.node(node.name))
    if kernel is None:
        return
    rows = [list(row) for row in kernel.tolist()]
    row, column = intent["row"], intent["column"]

    def change() -> None:
        block = kernels.parse_kernel(intent["text"])
        for i, values in enumerate(block.tolist()):
            for j, value in enumerate(values):
                if row + i < len(rows) and column + j < len(rows[0]):
                    rows[row + i][column + j] = value
        _set(ws, node, kernels.check_kernel(rows))

    _try(ws, change)


_CHANGES: Mapping[str, tuple[str, Callable[[Kernel], Kernel]]] = {
    "Normalise": ("Divide by the sum: a flat area keeps its brightness.", kernels.normalise),
    "Flip ↔": ("Left becomes right.", lambda kernel: kernels.flip(kernel, 1)),
    "Flip ↕": ("Top becomes bottom.", lambda kernel: kernels.flip(kernel, 0)),
    "Rotate": ("A quarter turn clockwise.", kernels.rotate),
    "Transpose": ("Rows become columns.", kernels.transpose),
}


def _tools(ws: Workspace, node: Node, kernel: Kernel) -> None:
    with st.container(horizontal=True, gap="small", key="kernel-tools"):
        for label, (text, change) in _CHANGES.items():
            st.button(
                label,
                key=f"kernel-{label}",
                help=text,
                on_click=lambda change: _try(ws, lambda: _set(ws, node, change(kernel))),
                args=(change,),
            )
        with st.popover("Size and text", key="kernel-size"):
            _by_hand(ws, node, kernel)


def _by_hand(ws: Workspace, node: Node, kernel: Kernel) -> None:
    height, width = kernel.shape
    for label, now, make in (
        ("Rows", height, lambda n: kernels.resize(kernel, n, width)),
        ("Columns", width, lambda n: kernels.resize(kernel, height, n)),
    ):
        key = state.show(f"kernel:{node.name}:{label}", now)
        st.number_input(
            label,
            1,
            kernels.MAX_SIDE,
            key=key,
            on_change=lambda key, make: _set(ws, node, make(int(state.get(key)))),
            args=(key, make),
        )
    text = "\n".join("  ".join(map(str, row)) for row in kernel)
    key = state.show(f"kernel:{node.name}:text", text)
    st.text_area(
        "As text",
        key=key,
        height=130,
        help="A row a line, numbers apart by spaces or commas; fractions such as 1/9 work.",
        on_change=lambda key: _try(
            ws, lambda: _set(ws, node, kernels.parse_kernel(str(state.get(key))))
        ),
        args=(key,),
    )


def _facts(kernel: Kernel) -> None:
    found = kernels.facts(kernel)
    words = [f"Sum **{found.sum:.4g}**: {found.effect}"]
    if found.separable and min(kernel.shape) > 1:
        words.append(
            f"Separable: a column of {kernel.shape[0]} times a row of {kernel.shape[1]}, "
            f"{sum(kernel.shape)} products a pixel instead of {kernel.size}"
        )
    elif min(kernel.shape) > 1:
        words.append(f"Not separable: rank {found.rank}")
    st.caption("  \n".join(words))


# channels and bias


def _mixing(ws: Workspace, node: Node) -> None:
    given = ws.spec.main.sources(ws.spec.main.positions[node.name])[0]
    if chain.channels_of(ws.spec, given) < 2 and chain.mixing_of(node) == "each":
        return
    key = state.show(f"mixing:{node.name}", chain.mixing_of(node))
    st.segmented_control(
        "Channels",
        ["each", "across"],
        format_func={"each": "Each by itself", "across": "Summed"}.__getitem__,
        key=key,
        required=True,
        help="Each by itself: `groups` is the number of channels. Summed: every filter of an "
        "ordinary Conv2d adds up what it finds in all channels.",
        on_change=lambda: ws.edit(
            partial(chain.with_mixing, name=node.name, mixing=state.get(key))
        ),
    )


def _bias(ws: Workspace, node: Node) -> None:
    now = chain.bias_of(node)
    key = state.show(f"bias:{node.name}", 0.0 if now is None else now)
    st.slider(
        "bias",
        -1.0,
        1.0,
        step=0.01,
        key=key,
        help="One number added to every output; 0 for none.",
        on_change=lambda: ws.edit(
            partial(chain.with_bias, name=node.name, value=float(state.get(key)) or None)
        ),
    )
