"""The database: models, runs, what they measured, and the commands sent to them."""

from builder.store.records import Point, Run
from builder.store.store import Store
from builder.store.tables import HOME_VARIABLE

__all__ = ["HOME_VARIABLE", "Point", "Run", "Store"]
