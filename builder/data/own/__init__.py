"""Data of the user's own: files kept under their digest, and read by a recipe's settings.

A data set of one's own is called `own:` and an id. What was uploaded never changes; which column
is the target, what is left out, how a gap is filled are options of the recipe, as the settings of
every other data set are.

shelf   the files, in the folder `own` of the home
kinds   one row for each kind of file: how it is read
"""

from builder.data.own.kinds import KINDS, Kind, read
from builder.data.own.shelf import PREFIX, Own, Shelf

__all__ = ["KINDS", "PREFIX", "Kind", "Own", "Shelf", "read"]
