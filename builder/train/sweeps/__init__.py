"""Pairs and sweeps: runs that differ in one or two settings and are otherwise alike.

setting    one thing of a run that can be varied, and values of it worth trying
settings   all of them, read off the tables of recipe, data and layers
plan       what is to be tried: a setup, its axes, a method, seeds
search     values drawn, or chosen by what the runs before came to
drive      recording the next runs while there are cores for them; cancelling, going on
results    what has come of it
verdict    whether a difference is more than luck
"""

from builder.train.sweeps.drive import add_seeds
from builder.train.sweeps.plan import METHODS, MOST_RUNS, Axis, Plan, Values
from builder.train.sweeps.results import Point, Result, best, points, results
from builder.train.sweeps.setting import Setting, Setup
from builder.train.sweeps.settings import settings_of
from builder.train.sweeps.verdict import Verdict, verdict

__all__ = [
    "METHODS",
    "MOST_RUNS",
    "Axis",
    "Plan",
    "Point",
    "Result",
    "Setting",
    "Setup",
    "Values",
    "Verdict",
    "add_seeds",
    "best",
    "points",
    "results",
    "settings_of",
    "verdict",
]
