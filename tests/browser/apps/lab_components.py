"""A page of the lab's components. Its box says which, as an address would: `show=window&size=9`.

What is written there begins anew: a component not seen before, a Python that knows nothing.
"""

import sys
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qsl

# Streamlit puts only the script's own folder on the path.
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import streamlit as st
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter

from ui.components.comparer import comparer
from ui.components.kernel_grid import kernel_grid
from ui.components.sliding_window import Window, sliding_window

BEFORE = (90, 160)


def png(values: np.ndarray) -> bytes:
    """The picture as PNG."""
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@st.cache_data
def pictures(stride: int, invert: bool) -> tuple[bytes, bytes]:
    """A chart of waves and a blurred one of it, taken at every `stride`-th pixel."""
    rows, columns = np.indices(BEFORE)
    wave = 127.5 + 127.5 * np.sin(((rows - 45) ** 2 + (columns - 80) ** 2) / 90)
    chart = np.stack([wave, 255 * columns / BEFORE[1], 255 * rows / BEFORE[0]], -1)
    before = Image.fromarray(chart.astype(np.uint8))
    after = np.asarray(before.filter(ImageFilter.BoxBlur(2)))[::stride, ::stride]
    return png(np.asarray(before)), png(255 - after if invert else after)


def first_kernel(size: int) -> list[list[float]]:
    """The seed's sharpening kernel, or a Laplacian of Gaussian of this size."""
    if size == 3:
        return [[-1 / 9, -1 / 9, -1 / 9], [-1 / 9, 1.0, -1 / 9], [-1 / 9, -1 / 9, -1 / 9]]
    along = np.linspace(-4, 4, size)
    square = along[:, None] ** 2 + along**2
    return ((1 - square / 2) * np.exp(-square / 2)).tolist()


class Memory:
    """What Python knows of one visitor."""

    def __init__(self, scene: str) -> None:
        self.scene = scene
        self.settings = dict(parse_qsl(scene))
        self.said: list[dict[str, object]] = []
        self.mark: tuple[int, int] | None = None
        self.kernel = first_kernel(self.number("size", 3))

    def number(self, name: str, default: int) -> int:
        """A setting that is a whole number."""
        return int(self.settings.get(name, default))


st.set_page_config(layout="wide")
scene = st.text_input("Scene", "show=comparer", bind="query-params", key="scene")
if "memory" not in st.session_state or st.session_state.memory.scene != scene:
    st.session_state.memory = Memory(scene)
memory = st.session_state.memory
show = memory.settings.get("show")


def compare_intent(intent: dict[str, object]) -> None:
    """Moves the mark."""
    memory.said.append(intent)
    memory.mark = intent["row"], intent["column"]


if show == "comparer":
    stride = st.radio("Stride", [1, 2], horizontal=True, key=f"stride {scene}")
    inverted = st.toggle("Invert", key=f"invert {scene}")
    before, after = pictures(stride, inverted)
    mark = memory.mark
    if mark is not None:
        row, column = mark
        mark = (row, column, (row * stride - 2, column * stride - 2, 5, 5))
    if not st.toggle("Away", key=f"away {scene}"):
        comparer(
            before,
            after,
            before_size=BEFORE,
            after_size=(-(-BEFORE[0] // stride), -(-BEFORE[1] // stride)),
            key=f"comparer {scene}",
            on_intent=compare_intent,
            mark=mark,
            view=memory.settings.get("view", "slide"),
            height=420,
        )


def number(text: str) -> float:
    """The number that a text such as "1/9" says."""
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def grid_intent(intent: dict[str, object]) -> None:
    """Writes into the kernel; 13 is refused."""
    memory.said.append(intent)
    top, left, text = intent["row"], intent["column"], intent["text"]
    for row, line in enumerate(text.replace(",", "\t").splitlines(), top):
        for column, word in enumerate(line.split("\t"), left):
            inside = row < len(memory.kernel) and column < len(memory.kernel[0])
            if inside and number(word) != 13:
                memory.kernel[row][column] = number(word)


if show == "kernel":
    if st.button("Identity"):
        memory.kernel = [[0.0] * 3, [0.0, 1.0, 0.0], [0.0] * 3]
    kernel_grid(
        memory.kernel,
        key=f"kernel {scene}",
        on_intent=grid_intent,
        read_only="locked" in memory.settings,
    )
    st.text(f"Python has: {[[round(value, 4) for value in row] for row in memory.kernel[:3]]}")


def window(size: int, stride: int, dilation: int, rule: str) -> Window:
    """A 3 x 3 window over a ramp of this size, padded by one, with the numbers torch gives."""
    inner = torch.linspace(0, 1, size * size).reshape(size, size)
    padded = F.pad(inner, (1, 1, 1, 1))
    kernel = torch.tensor([[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]])
    if size + 2 <= 2 * dilation:
        layer = torch.empty(1, 0, 0)
    elif rule == "sum":
        layer = F.conv2d(padded[None, None], kernel[None, None], None, stride, 0, dilation)
    elif rule == "max":
        layer = F.max_pool2d(padded[None], 3, stride, 0, dilation)
    else:
        layer = F.avg_pool2d(padded[None], 3, stride)
    output = layer.reshape(layer.shape[-2:])
    rim = (0, size + 1)
    return Window(
        input=padded.tolist(),
        padding=[[row in rim or col in rim for col in range(size + 2)] for row in range(size + 2)],
        kernel=kernel.tolist(),
        down=[0, dilation, 2 * dilation],
        across=[0, dilation, 2 * dilation],
        tops=[row * stride for row in range(output.shape[0])],
        lefts=[column * stride for column in range(output.shape[1])],
        output=output.tolist(),
        rule=rule,
    )


if show == "window":
    size, stride, dilation = (
        memory.number(name, default)
        for name, default in (("size", 6), ("stride", 1), ("dilation", 1))
    )
    sliding_window(
        window(size, stride, dilation, memory.settings.get("rule", "sum")),
        key=f"window {scene}",
        on_intent=memory.said.append,
    )

st.text(f"This is {scene}")
st.text(f"Python was told: {memory.said[-1:]}")
st.text(f"Python was told {len(memory.said)} times")
