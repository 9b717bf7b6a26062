"""The database: models, runs, what they measured, and the commands sent to them."""

from builder.store.records import Event, Point, Run
from builder.store.store import Store

__all__ = ["Event", "Point", "Run", "Store"]
