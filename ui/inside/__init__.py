"""The sections of the Inside page."""
