"""Two lessons: what a screen makes of values outside 0 to 1, and which way round a kernel lies."""

from __future__ import annotations

import numpy as np
import streamlit as st

from builder.labs import chain
from builder.labs.chain import Kernel
from builder.labs.kernels import KERNELS, resize
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
    if np.allclose(kernel, kernel[::-1, ::-1]):
        st.caption("The kernel chosen now looks the same when turned, so here is Emboss.")
        (kernel,) = KERNELS["emboss"].make(3)
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    side = max(kernel.shape) * 2 + 1
    bright = np.zeros((side, side, 1), np.float32)
    bright[side // 2, side // 2] = 1
    spec = chain.for_picture(chain.first_chain(), side, side, chain.GREY)

    def filtered(used: Kernel) -> Values:
        return run(chain.with_kernel(spec, "conv", used), bright).stages["conv"].values

    pictures = {
        "The kernel": resize(kernel, side, side)[:, :, None],
        "One bright pixel": bright,
        "nn.Conv2d: turned": filtered(kernel),
        "Mathematical convolution": filtered(turned),
    }
    for column, (title, values) in zip(st.columns(4), pictures.items(), strict=True):
        with column:
            st.image(_large(values), width="stretch")
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
