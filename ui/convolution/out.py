"""What people take away: the picture, the tensor, the code, a layer for their own model."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st

from builder import BuilderError, ModelSpec, write_source
from builder.files import npy
from builder.labs import chain
from builder.labs.tones import encode_png, to_pixels
from ui import state
from ui.convolution.bench import Bench, Values, Work, channels_in, fitted, run
from ui.convolution.viewer import TONE
from ui.state import Workspace


def out(here: Bench, ws: Workspace, done: Work, name: str) -> None:
    """Draw the downloads, the code, and the way into the current model."""
    left, right = st.columns([2, 3])
    with left:
        _downloads(here, ws, done, name)
        _as_layer(ws, name)
    with right:
        _code(fitted(ws.spec, here.preview), name)


def full(here: Bench, spec: ModelSpec, name: str) -> Values:
    """Return a stage made from the picture at its full size.

    Raises:
        BuilderError: the chain does not run at that size, or takes too much memory.
    """
    last = spec.main.positions[name]
    spec = replace(spec, nodes=spec.nodes[: last + 1], outputs=(name,))
    done = run(fitted(spec, here.picture), here.picture.values(channels_in(spec)), keep=False)
    if done.refusal:
        raise BuilderError(done.refusal)
    return done.stages[name].values


def _downloads(here: Bench, ws: Workspace, done: Work, name: str) -> None:
    height, width = here.picture.height, here.picture.width
    st.markdown(f"**Take it away**, made at full size, {height} × {width}")
    tone = state.get(TONE)
    title = f"{here.picture.name.rsplit('.', 1)[0]}-{name}"
    spec = ws.spec
    with st.container(horizontal=True):
        st.download_button(
            "Picture (.png)",
            data=lambda: encode_png(to_pixels(full(here, spec, name), tone)),
            file_name=f"{title}.png",
            mime="image/png",
            on_click="ignore",
            icon=":material/image:",
            help="As it is shown: values outside 0 to 1 as chosen under the picture.",
        )
        st.download_button(
            "Tensor (.npy)",
            data=lambda: npy(full(here, spec, name).transpose(2, 0, 1)),
            file_name=f"{title}.npy",
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/data_array:",
            help="float32, (C, H, W), as torch has it: nothing cut off.",
        )
        st.download_button(
            "Chain (.json)",
            data=spec.to_json(),
            file_name=f"{spec.name}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/account_tree:",
            help="The chain as a model of this workbench; the Build page opens it.",
        )


def _as_layer(ws: Workspace, name: str) -> None:
    node = ws.spec.main.node(name)
    if chain.kernel_of(node) is None:
        st.caption("Select a convolution to use it as a layer of your model.")
        return
    model = state.workspace()
    places = list(range(len(model.spec.nodes) + 1))
    names = ["at the start", *(f"after {other.name} ({other.op})" for other in model.spec.nodes)]
    st.markdown(f"**Use {name} as a layer** of {model.spec.name}, its weights fixed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.selectbox(
            "Where", places, format_func=names.__getitem__, key="as-layer-place", width=260
        )
        st.button(
            "Use as a layer",
            icon=":material/add:",
            on_click=lambda: _use(ws, name, place),
        )
    said = state.get(_SAID)
    if said:
        state.put(_SAID, None)
        st.success(said, icon=":material/check:")
        st.page_link("pages/build.py", label="See it on the Build page")
    elif model.complaint:
        st.error(model.complaint)


_SAID = "convolution:said"


def _use(ws: Workspace, name: str, place: int) -> None:
    model = state.workspace()
    if model.edit(lambda spec: chain.as_layer(ws.spec, name, spec, place)):
        model.select(model.spec.nodes[place].name)
        state.put(
            _SAID,
            f"{model.spec.name} has it as layer {model.selected}, frozen. Undo takes it out again.",
        )


def _code(spec: ModelSpec, name: str) -> None:
    alone = st.segmented_control(
        "Code of",
        [True, False],
        format_func={True: "this filter", False: "the whole chain"}.__getitem__,
        default=True,
        required=True,
        key="convolution-code",
    )
    try:
        source = write_source(_alone(spec, name) if alone else spec)
    except BuilderError as error:
        st.info(error.message)
        return
    st.code(source + _use_of_it(spec), language="python", height=420)


def _alone(spec: ModelSpec, name: str) -> ModelSpec:
    """Return one layer of a chain as a model: what it reads becomes the input."""
    position = spec.main.positions[name]
    sources = spec.main.sources(position)
    given = chain.channels_of(spec, sources[0])
    node = spec.nodes[position]
    if len(sources) > 1:
        return replace(spec, nodes=spec.nodes[: position + 1], outputs=(name,))
    entry = spec.inputs[0]
    shape = (given, *entry.shape[1:])
    return replace(
        spec,
        inputs=(replace(entry, shape=shape),),
        nodes=(replace(node, inputs=()),),
        outputs=(),
    )


def _use_of_it(spec: ModelSpec) -> str:
    mode = "L" if spec.inputs[0].shape[0] == chain.GREY else "RGB"
    return f"""

if __name__ == "__main__":
    from PIL import Image
    from torchvision.transforms.functional import to_pil_image, to_tensor

    picture = to_tensor(Image.open("picture.png").convert({json.dumps(mode)})).unsqueeze(0)
    result = {spec.name}()(picture)
    to_pil_image(result.squeeze(0).clamp(0, 1)).save("result.png")
"""
