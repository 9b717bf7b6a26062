"""Colours of the looks; each is readable on a light and on a dark page."""

from __future__ import annotations

ONE, OTHER, GREY = "#E0663A", "#4A8FD8", "#8A929E"
CLASSES = ("#2F6FB5", "#C2410C", "#2A8C6A", "#7A5BB8", "#A87708", "#1B8496", "#B83E78", "#6B7280")
# From one class to the other, and from below zero to above it.
SCALE = [[0, "#4A8FD8"], [0.5, "#F3F4F6"], [1, "#E0663A"]]
# From nothing to much: the page shows through where there is nothing.
SHADES = [[0, "rgba(194,65,12,0)"], [0.5, "rgba(216,104,61,0.55)"], [1, "#B23A0A"]]
