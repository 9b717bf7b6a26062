"""The database: models, runs, what they measured, and the commands sent to them."""

from builder.store.records import Point, Run
from builder.store.store import Store

__all__ = ["Point", "Run", "Store"]
