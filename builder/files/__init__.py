"""What people take away: weights in two formats, and a script that loads them and checks."""

from builder.files.script import ScriptFacts, has_script, write_script
from builder.files.weights import load_weights, weights_pt, weights_safetensors

__all__ = [
    "ScriptFacts",
    "has_script",
    "load_weights",
    "weights_pt",
    "weights_safetensors",
    "write_script",
]
