"""What differs between runs: model, data, recipe and surroundings, line by line.

Only what differs is told; all else is the same. A default counts as if it had been written, so a
run that names `momentum=0` and one that leaves it out do not differ. What belongs to something is
told with it: another optimizer is one line, its arguments in it, and so is another layer.

difference   a line, and how lines are told from columns of settings
models       the lines on which models differ
runs         those of whole runs; reading what a run was given
"""

from builder.train.compare.difference import ABSENT, Difference, shown_value
from builder.train.compare.runs import Opened, code_difference, differences, opened

__all__ = [
    "ABSENT",
    "Difference",
    "Opened",
    "code_difference",
    "differences",
    "opened",
    "shown_value",
]
