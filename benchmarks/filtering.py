"""A 12-megapixel photograph through filters, against OpenCV alone and against Pillow.

Times are CPU times of one thread, the rivals in turn, so that what else the machine does falls on
all alike and counts for little.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import nn

from benchmarks.report import Row
from builder import build, resolve
from builder.labs import chain
from builder.labs.filtering import run
from builder.labs.kernels import KERNELS
from builder.labs.pictures import SAMPLES

HEIGHT, WIDTH = 3000, 4000
TURNS = 11


def measure() -> list[Row]:
    """Return a row for each size against each rival, and one for the memory of each size."""
    torch.set_num_threads(1)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        rows = [row for size in (3, 5, 31) for row in _against(size)]
    finally:
        cv2.setNumThreads(threads)
    return rows + [_memory(size) for size in (3, 31)]


def _photograph() -> np.ndarray:
    """Return a picture as a camera takes them: 12 megapixels, uint8, RGB."""
    small = SAMPLES["astronaut"].load().pixels
    return cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _ours(size: int) -> tuple[nn.Module, tuple[Any, ...]]:
    spec = chain.for_picture(chain.first_chain(), HEIGHT, WIDTH, chain.COLOUR)
    spec = chain.with_kernel(spec, "conv", _kernel(size))
    return build(spec).eval(), resolve(spec).steps


def _kernel(size: int) -> np.ndarray:
    return KERNELS["sharpen_whole"].make(size)[0]


def _against(size: int) -> list[Row]:
    pixels = _photograph()
    values = pixels * np.float32(1 / 255)
    kernel = _kernel(size)
    model, steps = _ours(size)
    rivals: dict[str, Callable[[], Any]] = {
        "ours": lambda: run(model, steps, values, keep=False),
        "OpenCV": lambda: cv2.filter2D(values, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT),
    }
    if size <= 5:  # Pillow knows no larger kernels
        picture = Image.fromarray(pixels)
        filtering = ImageFilter.Kernel((size, size), kernel[::-1].flatten().tolist(), scale=1)
        rivals["Pillow"] = lambda: picture.filter(filtering)
    spent: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(TURNS + 1):
        for name, work in rivals.items():
            began = time.process_time()
            work()
            if turn:  # the first turn warms up
                spent[name].append(time.process_time() - began)
    figures = ", ".join(f"{n} {statistics.median(t) * 1000:,.0f}" for n, t in spent.items())
    rows = []
    for rival, most in (("OpenCV", 1.2), ("Pillow", 1.0)):
        if rival not in spent:
            continue
        pairs = zip(spent["ours"], spent[rival], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        rows.append(
            Row(
                f"12 megapixels RGB, {size} x {size}: ours / {rival}",
                ratio,
                f"<= {most}" if rival == "OpenCV" else "< 1",
                ratio <= most,
                f"CPU ms: {figures}",
            )
        )
    return rows


def _memory(size: int) -> Row:
    """Measure in a process of its own: the peak is one of the whole process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        ratio, floats = pool.apply(_peak, (size,))
    return Row(
        f"12 megapixels RGB, {size} x {size}: peak memory / the picture's floats",
        ratio,
        "< 4",
        ratio < 4,
        f"{ratio * floats / 2**20:,.0f} MB over what stood before the picture was floats",
    )


def _peak(size: int) -> tuple[float, int]:
    pixels = _photograph()
    model, steps = _ours(size)
    # Whatever a first filter loads or allocates for good is there before.
    cv2.filter2D(pixels[:64, :64].astype(np.float32), cv2.CV_32F, _kernel(size))
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark starts again from here
    before = _highest()
    values = pixels * np.float32(1 / 255)
    run(model, steps, values, keep=False)
    return (_highest() - before) / values.nbytes, values.nbytes


def _highest() -> int:
    """Return the most memory this process has held, in bytes, as Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
