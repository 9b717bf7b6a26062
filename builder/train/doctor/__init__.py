"""The doctor: notes on a model, its data and its settings, each with evidence and fixes.

notes      what a note, a fix and a rule are
cures      fixes that several rules offer
case       what is known before a run
building   rules on a model alone
endings    rules on the end of a model and the loss it meets
settings   rules on the data and the settings
one_batch  a batch forward and back: gradients by layer, dead and saturated units
overfit    whether 20 samples can be learned by heart
course     what a run has recorded
while_training  rules on the course of a run
"""

from __future__ import annotations

from builder.data import Samples
from builder.spec import ModelSpec
from builder.train.doctor.building import build_notes
from builder.train.doctor.case import Before
from builder.train.doctor.endings import ENDINGS
from builder.train.doctor.notes import Fix, Note, Rule, follow
from builder.train.doctor.one_batch import Probe, probe
from builder.train.doctor.overfit import Overfit, overfit_check
from builder.train.doctor.settings import SETTINGS
from builder.train.doctor.while_training import watch
from builder.train.recipe import Recipe

BEFORE: tuple[Rule[Before], ...] = (*ENDINGS, *SETTINGS)

__all__ = [
    "BEFORE",
    "Fix",
    "Note",
    "Overfit",
    "Probe",
    "Rule",
    "build_notes",
    "examine",
    "overfit_check",
    "probe",
    "watch",
]


def examine(spec: ModelSpec, samples: Samples, recipe: Recipe) -> tuple[Note, ...]:
    """Return what can be said before a run; nothing is trained."""
    return follow(BEFORE, Before(spec, samples, recipe))
