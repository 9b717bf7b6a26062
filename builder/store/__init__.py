"""The database: models, runs and sweeps, what they measured, and the commands sent to them."""

from builder.store.records import Event, Member, Point, Run, Sweep
from builder.store.store import Store

__all__ = ["Event", "Member", "Point", "Run", "Store", "Sweep"]
