"""Streamlit components of our own: the model's and the lab's.

They mount without an iframe. Each is a Python function that turns plain data into JSON, and a
script in ``assets/components`` that draws it. The script sends *intents*; it never changes the
model, so Python stays the only place where one is made.
"""

from ui.components.comparer import comparer
from ui.components.diagram import DiagramEdge, DiagramNode, diagram
from ui.components.kernel_grid import kernel_grid
from ui.components.layer_list import LayerRow, PortRow, layer_list
from ui.components.palette import PaletteEntry, palette
from ui.components.sliding_window import Window, sliding_window

__all__ = [
    "DiagramEdge",
    "DiagramNode",
    "LayerRow",
    "PaletteEntry",
    "PortRow",
    "Window",
    "comparer",
    "diagram",
    "kernel_grid",
    "layer_list",
    "palette",
    "sliding_window",
]
