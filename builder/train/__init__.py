"""Training: a recipe, a loop, a process that runs it, and how it is started.

recipe   the settings of a run: data, loss, optimizer, and the tables of what can be chosen
loop     the loop itself, over tensors in memory
worker   the process: takes a run from the store and records what it measures
launch   starting, stopping and queueing; the warm spare worker
"""

from builder.train.losses import LOSSES, suggest_loss
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe, devices

__all__ = ["LOSSES", "OPTIMIZERS", "Recipe", "devices", "suggest_loss"]
