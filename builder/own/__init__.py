"""Layers of one's own: parameters, settings and a forward formula, read and never run as Python.

layer        the document of one: settings, parameters, formula
functions    what a formula may call
reading      text → plan, or what is not allowed in it and what is
parts        the parts of a formula, and how each is computed
plan         lines of parts, followed one after another
module       the layer as an nn.Module
row          its row beside the catalog's
edits        edits of a model's own layers
examples     layers to start from
"""
