"""A model as a small picture: a bar for every layer, as tall as what comes out is wide."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from builder.resolve import Step, resolve
from builder.resolve.types import tensors
from builder.rows import row_of
from builder.spec import ModelSpec
from ui.components.colours import group_colour

_WIDTH, _HEIGHT, _MARGIN = 220, 84, 6


def thumbnail(spec: ModelSpec) -> str:
    """Return the picture as SVG text.

    Height stands for the number of features or channels, on a logarithmic scale; colour for the
    kind of layer; what does not run is drawn as an outline.
    """
    resolution = resolve(spec)
    steps = {step.name: step for step in resolution.steps}
    root = ET.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}"},
    )
    slot = (_WIDTH - 2 * _MARGIN) / max(1, len(spec.nodes))
    width = min(22.0, slot * 0.72)
    for index, node in enumerate(spec.nodes):
        row = row_of(spec, node.op)
        colour = group_colour(row.group if row else "Block")
        step = steps.get(node.name)
        height = _height(step)
        bar = {
            "x": f"{_MARGIN + slot * (index + 0.5) - width / 2:.1f}",
            "y": f"{(_HEIGHT - height) / 2:.1f}",
            "width": f"{width:.1f}",
            "height": f"{height:.1f}",
            "rx": "2.5",
        }
        look = (
            {"fill": colour}
            if step
            else {"fill": "none", "stroke": colour, "stroke-dasharray": "3 2"}
        )
        ET.SubElement(root, "rect", {**bar, **look})
    return ET.tostring(root, encoding="unicode")


def _height(step: Step | None) -> float:
    first = next(tensors(step.output), None) if step else None
    sample = first.sample if first else ()
    if not sample:
        return 16.0
    wide = sample[0] if len(sample) > 2 else sample[-1]
    return min(_HEIGHT - 2.0 * _MARGIN, 12 + 7 * math.log2(max(1, wide)))
