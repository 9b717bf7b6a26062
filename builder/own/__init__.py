"""Layers of one's own: parameters, settings and a forward formula, read and never run as Python."""
