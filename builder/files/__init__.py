"""What people take away: weights of a run, in two formats, and a script that checks them."""

from builder.files.arrays import npy
from builder.files.kept import BEST, LAST, kept
from builder.files.script import ScriptFacts, has_script, write_script
from builder.files.weights import load_weights, weights_pt, weights_safetensors

__all__ = [
    "BEST",
    "LAST",
    "ScriptFacts",
    "has_script",
    "kept",
    "load_weights",
    "npy",
    "weights_pt",
    "weights_safetensors",
    "write_script",
]
