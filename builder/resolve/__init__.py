"""From a spec to shapes, parameters, costs, and the fault with its fixes.

types        what travels along a wire
probe        one layer asked of torch on the meta device
walk         the pass over a spec: `resolve`
scene        a layer in its place, where a fault is found
faults       what is wrong before torch is asked, in words
refusals     what torch refused, in words;  window: the formula behind a size
formula      a layer of one's own, part by part
fixes        the edits that would mend it
resolution   what comes out
"""

from builder.resolve.resolution import Fault, Fix, Note, Resolution, Step
from builder.resolve.types import BatchDim, TensorType, describe
from builder.resolve.walk import resolve, settle

__all__ = [
    "BatchDim",
    "Fault",
    "Fix",
    "Note",
    "Resolution",
    "Step",
    "TensorType",
    "describe",
    "resolve",
    "settle",
]
