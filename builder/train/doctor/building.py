"""Rules on a model alone, while it is being built: there are no data and no loss yet."""

from __future__ import annotations

from collections.abc import Iterator

from builder.resolve import resolve
from builder.spec import ModelSpec
from builder.train.doctor.case import ending
from builder.train.doctor.endings import PROBABILITIES, take_out
from builder.train.doctor.notes import Finding, Fix, Note, Rule, follow
from builder.train.doctor.settings import thawed


def build_notes(spec: ModelSpec) -> tuple[Note, ...]:
    """Return what can be said of a model before it meets data; it costs next to nothing."""
    return follow(BUILDING, spec)


def _probabilities(spec: ModelSpec) -> Iterator[Finding]:
    end = next((place for place in ending(spec) if not place.is_dropout), None)
    out = resolve(spec).output
    scores = out is not None and len(out.shape) == 2  # a picture may well end with a sigmoid
    if end is not None and scores and end.word in PROBABILITIES:
        yield Finding(
            "hint",
            f"{end.title} is the last layer",
            "CrossEntropyLoss and BCEWithLogitsLoss, the usual losses for classes, take raw "
            "scores and squash them themselves; squashed twice, they hardly learn.",
            (take_out(end),),
        )


def _dropout(spec: ModelSpec) -> Iterator[Finding]:
    end = next(iter(ending(spec)), None)
    if end is not None and end.is_dropout:
        yield Finding(
            "warning",
            f"{end.title} is the last layer",
            "In training it sets outputs themselves to 0, scores of right answers among them.",
            (take_out(end),),
        )


def _frozen(spec: ModelSpec) -> Iterator[Finding]:
    found = resolve(spec)
    holding = [step for step in found.steps if step.enabled and step.params]
    if holding and all(step.frozen for step in holding):
        yield Finding(
            "hint",
            "Everything is frozen",
            f"None of the {found.params:,} values can change in training.",
            (Fix("Let every layer learn", thawed),),
        )


BUILDING: tuple[Rule[ModelSpec], ...] = (
    Rule("probabilities at the end", "Most losses take raw scores.", _probabilities),
    Rule("dropout at the end", "Dropout belongs between layers that learn.", _dropout),
    Rule("all frozen", "Frozen weights stay as they start.", _frozen),
)
