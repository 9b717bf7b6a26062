"""Resolving: a thousand layers, and a stack of seven billion parameters."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.report import Row
from builder import ModelSpec, Node, resolve
from builder.edit import set_args
from builder.spec import Input

_ROOT = Path(__file__).parents[1]
# Prints the peak memory of this process in KiB after resolving a stack of the given width.
_PEAK = """
import resource, sys
from builder import ModelSpec, Node, resolve
from builder.spec import Input
width = int(sys.argv[1])
nodes = [Node(str(i), "nn.Linear", {"out_features": width}) for i in range(52)]
found = resolve(ModelSpec("Stack", (Input("x", (width,)),), "sequential", tuple(nodes)))
assert found.runs
print(found.params, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure() -> list[Row]:
    """Return the rows."""
    width = 16
    nodes = [
        Node(str(i), "nn.ReLU" if i % 2 else "nn.Linear", {} if i % 2 else {"out_features": width})
        for i in range(1000)
    ]
    spec = ModelSpec("Deep", (Input("x", (width,)),), "sequential", tuple(nodes))
    resolve(spec)
    whole, edited = [], []
    for turn in range(15):
        # Another name is another spec, so that nothing but the layers is remembered.
        whole.append(_seconds(replace(spec, name=f"Deep{turn}")))
        edited.append(_seconds(set_args(spec, "500", {"out_features": width + 1 + turn})))
    warm, change = statistics.median(whole), statistics.median(edited)
    large, large_peak = _peak(11_700)
    small, small_peak = _peak(16)
    return [
        Row(
            "resolve 1,000 layers, warm / 0.5 s",
            warm / 0.5,
            "< 1",
            warm < 0.5,
            f"{warm * 1000:.0f} ms; with one layer changed {change * 1000:.0f} ms",
        ),
        Row(
            "peak memory of resolving a large stack / a small one",
            large_peak / small_peak,
            "<= 1.05",
            large_peak / small_peak <= 1.05,
            f"{large / 1e9:.1f} G parameters {large_peak / 1024:.0f} MiB, "
            f"{small:,} parameters {small_peak / 1024:.0f} MiB",
        ),
    ]


def _seconds(spec: ModelSpec) -> float:
    began = time.perf_counter()
    resolve(spec)
    return time.perf_counter() - began


def _peak(width: int) -> tuple[int, int]:
    said = subprocess.run(
        [sys.executable, "-c", _PEAK, str(width)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    params, peak = said.stdout.split()
    return int(params), int(peak)
