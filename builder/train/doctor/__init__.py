"""The doctor: notes on a model, its data and its settings, each with evidence and fixes.

notes     what a note, a fix and a rule are
case      what is known before a run
endings   rules on the end of a model and the loss it meets
settings  rules on the data and the settings
"""

from __future__ import annotations

from builder.data import Samples
from builder.spec import ModelSpec
from builder.train.doctor.case import Before
from builder.train.doctor.endings import ENDINGS
from builder.train.doctor.notes import Fix, Note, Rule, follow
from builder.train.doctor.settings import SETTINGS
from builder.train.recipe import Recipe

BEFORE: tuple[Rule[Before], ...] = (*ENDINGS, *SETTINGS)

__all__ = ["BEFORE", "Fix", "Note", "Rule", "examine"]


def examine(spec: ModelSpec, samples: Samples, recipe: Recipe) -> tuple[Note, ...]:
    """Return what can be said before a run; nothing is trained."""
    return follow(BEFORE, Before(spec, samples, recipe))
