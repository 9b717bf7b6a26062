"""What the doctor says: notes with evidence and fixes, and the rules that find them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeAlias, TypeVar

from builder.errors import BuilderError
from builder.resolve import Fix as ModelFix
from builder.spec import ModelSpec
from builder.train.recipe import Recipe

Severity: TypeAlias = Literal["warning", "hint"]
Case = TypeVar("Case")


@dataclass(frozen=True)
class Fix:
    """An edit of the model, of the settings, or of both."""

    label: str
    model: Callable[[ModelSpec], ModelSpec] | None = field(default=None, compare=False)
    recipe: Callable[[Recipe], Recipe] | None = field(default=None, compare=False)

    def apply(self, spec: ModelSpec, recipe: Recipe) -> tuple[ModelSpec, Recipe]:
        """Return both as they are after the edit; raises `BuilderError` if it cannot be made."""
        if self.model is not None:
            spec = ModelFix(self.label, self.model).apply(spec)
        if self.recipe is not None:
            recipe = self.recipe(recipe)
        return spec, recipe


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Args:
        severity: `warning` for what will keep a model from learning, `hint` for what may.
        title: what is wrong, in a few words.
        evidence: the numbers it shows by.
        fixes: what would mend it, the best first; each makes the note go away.
    """

    severity: Severity
    title: str
    evidence: str
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Note(Finding):
    """A finding, the name of the rule that found it, and why that matters."""

    rule: str = ""
    why: str = ""


@dataclass(frozen=True)
class Rule(Generic[Case]):
    """One row: what the doctor looks for.

    Args:
        name: short, never shown twice.
        help: why it matters, in a sentence or two.
        find: tells what is found in a case.
    """

    name: str
    help: str
    find: Callable[[Case], Iterator[Finding]]


def follow(rules: Iterable[Rule[Case]], case: Case) -> tuple[Note, ...]:
    """Return what the rules find, warnings first."""
    notes = [
        Note(found.severity, found.title, found.evidence, found.fixes, rule.name, rule.help)
        for rule in rules
        for found in rule.find(case)
    ]
    return tuple(sorted(notes, key=lambda note: note.severity == "hint"))


def useful(note: Note, spec: ModelSpec, recipe: Recipe) -> Note:
    """Return a note with those of its fixes that can be made, and each change only once."""
    seen = [(spec, recipe)]
    kept = []
    for fix in note.fixes:
        try:
            after = fix.apply(spec, recipe)
        except BuilderError:
            continue
        if after not in seen:
            seen.append(after)
            kept.append(fix)
    return replace(note, fixes=tuple(kept))
