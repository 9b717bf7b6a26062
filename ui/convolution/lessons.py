"""Two lessons: what a screen makes of values outside 0 to 1, and which way round a kernel lies."""

from __future__ import annotations

import numpy as np
import streamlit as st

from builder import BuilderError
from builder.labs import chain
from builder.labs.chain import Kernel
from builder.labs.pictures import SAMPLES
from builder.labs.tones import TONES, encode_png, outside, to_pixels
from ui.convolution.bench import Values, Work, run

_WRAPPED = "wrapped"


def values_outside(done: Work, name: str) -> None:
    """Draw a stage in every tone, the one that wraps among them."""
    values = done.stages[name].values
    below, above = outside(values)
    st.markdown(
        "A convolution gives numbers below 0 and above 1, and a screen shows 0 to 1. "
        f"Of **{name}**, {below:.1%} lie below and {above:.1%} above. `ToPILImage()` on a float "
        "tensor multiplies by 255 and casts to a byte, and a byte wraps: -0.01 becomes 254, "
        "nearly white. The picture it makes is garbage where the result is negative; the others "
        "show the same numbers honestly."
    )
    columns = st.columns(len(TONES))
    for column, (key, tone) in zip(columns, TONES.items(), strict=True):
        with column:
            st.image(_small(values, key), width="stretch")
            title = "ToPILImage()" if key == _WRAPPED else tone.title
            st.caption(f"**{title}**  \n{tone.help}")
    st.code(
        "to_pil(out.data.squeeze(0))                    # wraps: wrong where out is below 0\n"
        "to_pil(out.data.squeeze(0).clamp(0, 1))        # cuts off\n"
        "to_pil((out - out.min()).squeeze(0) / (out.max() - out.min()))  # rescales",
        language="python",
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _small(values: Values, tone: str) -> bytes:
    return encode_png(to_pixels(values, tone))


def correlation(kernel: Kernel | None) -> None:
    """Draw what a kernel makes of one bright pixel, as `nn.Conv2d` and as mathematics has it."""
    if kernel is None:
        st.info("Select a convolution to see what its kernel makes of a single bright pixel.")
        return
    st.markdown(
        "What `nn.Conv2d` computes is **cross-correlation**: the kernel is laid over the picture "
        "as it stands. Convolution in mathematics turns it by 180° first. Over a single bright "
        "pixel the difference shows: correlation leaves the kernel *turned*, convolution leaves "
        "it as it is. For a kernel that looks the same when turned there is no difference, and "
        "a network that learns its kernels simply learns them the other way round."
    )
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    symmetric = bool(np.allclose(kernel, turned))
    if symmetric:
        st.caption(
            "The kernel chosen now looks the same when turned; choose Sobel or emboss, or change "
            "one cell, to see the two differ."
        )
    picture = SAMPLES["impulse"].load()
    pictures = {
        "The kernel": kernel[:, :, None],
        "One bright pixel": picture.values(1),
        "nn.Conv2d": None,
        "Convolution (kernel turned)": None,
    }
    try:
        for title, used in (
            ("nn.Conv2d", kernel),
            ("Convolution (kernel turned)", turned),
        ):
            spec = chain.for_picture(chain.first_chain(), picture.height, picture.width, 1)
            done = run(chain.with_kernel(spec, "conv", used), picture.values(1))
            pictures[title] = done.stages["conv"].values
    except BuilderError as error:
        st.info(error.message)
        return
    scale = float(np.abs(kernel).max()) or 1.0
    columns = st.columns(len(pictures))
    for column, (title, values) in zip(columns, pictures.items(), strict=True):
        with column:
            bright = values if title == "One bright pixel" else values / scale
            st.image(_large(bright), width="stretch")
            st.caption(title)
    st.latex(
        r"\text{correlation: } y_{ij} = \sum_{uv} k_{uv}\, x_{i+u,\,j+v}"
        r"\qquad \text{convolution: } y_{ij} = \sum_{uv} k_{uv}\, x_{i-u,\,j-v}"
    )


def _large(values: Values) -> bytes:
    """Return values as a picture of which each cell can be seen."""
    pixels = to_pixels(np.ascontiguousarray(values, dtype=np.float32), "signed")
    times = max(1, 240 // max(pixels.shape[:2]))
    return encode_png(pixels.repeat(times, 0).repeat(times, 1))
