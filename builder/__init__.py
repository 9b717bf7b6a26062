"""LayerLab's engine: specs of neural networks, and what they are translated into.

Usable alone, from a notebook or a script; it knows nothing of the page.

    spec = TEMPLATES["LeNet5"]
    resolve(spec).params        # shapes, parameters, costs, faults with fixes
    model = build(spec)         # an nn.Module
    print(write_source(spec))   # the same model as Python
"""

from builder.build import build
from builder.catalog import CATALOG
from builder.code import write_source
from builder.errors import BuilderError
from builder.resolve import resolve
from builder.spec import Block, ModelSpec, Node
from builder.templates import TEMPLATES

__all__ = [
    "CATALOG",
    "TEMPLATES",
    "Block",
    "BuilderError",
    "ModelSpec",
    "Node",
    "build",
    "resolve",
    "write_source",
]
