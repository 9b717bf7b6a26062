"""Weights brought back: read from files, loaded, compared, averaged, and trained on."""
