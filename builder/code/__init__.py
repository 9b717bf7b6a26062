"""Specs as Python source.

write      the classes and their constructors
forward    the forward pass
layout     lines of at most 88 characters, as formatters lay them out
"""

from builder.code.write import STYLES, write_source

__all__ = ["STYLES", "write_source"]
