"""Specs as Python source.

write      the classes and their constructors
forward    the forward pass
styles     the same layers written another way
own        layers of one's own as classes
layout     lines of at most 88 characters, as formatters lay them out
"""

from builder.code.styles import STYLES
from builder.code.write import write_source

__all__ = ["STYLES", "write_source"]
