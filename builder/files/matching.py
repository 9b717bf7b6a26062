"""Which tensors of a file go where in a model, before `load_state_dict` is asked.

Nothing is copied here: a model is known by the forms of its tensors, which the meta device gives
without memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import torch
from torch import Tensor

from builder.build import build
from builder.errors import BuilderError, shown
from builder.spec import ModelSpec

MATCHED, CONVERTED, SHAPE, MISSING, UNEXPECTED = (
    "matched",
    "other dtype",
    "other shape",
    "missing",
    "unexpected",
)
_HEADS = 8  # beginnings of names that are tried
# What wrappers put in front of every name.
WRAPPERS = {
    "module.": "`DataParallel` and `DistributedDataParallel` put it in front of every name",
    "_orig_mod.": "`torch.compile` puts it in front of every name",
}


@dataclass(frozen=True)
class Form:
    """Shape and dtype of a tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor) -> Form:
        """Return the form of a tensor."""
        return cls(tuple(tensor.shape), tensor.dtype)

    def __str__(self) -> str:
        return f"{'×'.join(map(str, self.shape)) or 'a number'} {str(self.dtype)[6:]}"


@dataclass(frozen=True)
class Row:
    """A name, and whether file and model agree on it.

    Args:
        name: in the model; in the file, renamed, where the model has no such.
        source: in the file as it stands there, `None` where it has none.
        verdict: `MATCHED`, `CONVERTED` (the numbers are turned into the model's dtype), `SHAPE`,
            `MISSING` (the model wants it, the file has none) or `UNEXPECTED` (the reverse).
        wanted, given: the forms, `None` where there is none.
    """

    name: str
    source: str | None
    verdict: str
    wanted: Form | None
    given: Form | None

    @property
    def fits(self) -> bool:
        """Whether the tensor can be copied."""
        return self.verdict in (MATCHED, CONVERTED)


@dataclass(frozen=True)
class Match:
    """What would happen if a file were loaded into a model, the model's names first."""

    rows: tuple[Row, ...]

    @property
    def fitting(self) -> tuple[Row, ...]:
        """The rows that can be copied."""
        return tuple(row for row in self.rows if row.fits)

    @property
    def strict(self) -> bool:
        """Whether `load_state_dict(strict=True)` would take it: every name fits, none is over."""
        return len(self.fitting) == len(self.rows)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows have each verdict."""
        return Counter(row.verdict for row in self.rows)

    def complaint(self) -> str:
        """Return why it is not strict, in a sentence; empty if it is."""
        parts = []
        for verdict, words in _SAID.items():
            names = [row.name for row in self.rows if row.verdict == verdict]
            if names:
                some = ", ".join(shown(name)[1:-1] for name in names[:3])
                parts.append(f"{words} {some}{f' and {len(names) - 3} more' * (len(names) > 3)}")
        return f"The weights do not fit the model: {'; '.join(parts)}." if parts else ""


_SAID = {
    MISSING: "the file lacks",
    UNEXPECTED: "the model has no",
    SHAPE: "another shape have",
}


@lru_cache(maxsize=16)
def wanted_by(spec: ModelSpec) -> Mapping[str, Form]:
    """Return name and form of all that a model's `state_dict` holds; takes no memory for weights.

    Raises:
        ModelError: the model cannot run.
    """
    with torch.device("meta"):
        state = build(spec, budget=2**63).state_dict()
    return MappingProxyType(forms(state))


def forms(state: Mapping[str, Tensor]) -> dict[str, Form]:
    """Return the forms of tensors by their names."""
    return {name: Form.of(tensor) for name, tensor in state.items()}


def match(
    wanted: Mapping[str, Form], given: Mapping[str, Form], names: Mapping[str, str] | None = None
) -> Match:
    """Return how the tensors of a file fit a model.

    Args:
        names: what the file's names become; those left out stay.

    Raises:
        BuilderError: two tensors would get the same name.
    """
    sources = _renamed(given, names or {})
    found = {name: given[source] for name, source in sources.items()}
    rows = [
        Row(name, sources.get(name), _verdict(form, found.get(name)), form, found.get(name))
        for name, form in wanted.items()
    ]
    rows += [
        Row(name, sources[name], UNEXPECTED, None, form)
        for name, form in found.items()
        if name not in wanted
    ]
    return Match(tuple(rows))


def _verdict(wanted: Form, given: Form | None) -> str:
    if given is None:
        return MISSING
    if given.shape != wanted.shape:
        return SHAPE
    return MATCHED if given.dtype == wanted.dtype else CONVERTED


def _renamed(given: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return what each name was before."""
    sources: dict[str, str] = {}
    for source in given:
        name = names.get(source, source)
        if name in sources:
            raise BuilderError(
                f"{shown(sources[name])} and {shown(source)} would both be called {shown(name)}; "
                "a rule that keeps them apart works."
            )
        sources[name] = source
    return sources


# rules to rename by


@dataclass(frozen=True)
class Rename:
    """A rule: what names become.

    Args:
        old, new: texts; the first is replaced by the second.
        anywhere: whether wherever it stands, or at the beginning of names alone. An empty `old`
            stands at the beginning of every name.
    """

    old: str
    new: str
    anywhere: bool = False

    def __call__(self, names: Iterable[str]) -> dict[str, str]:
        """Return what each name becomes, those that stay left out."""
        changed = {name: self._one(name) for name in names}
        return {name: new for name, new in changed.items() if new != name}

    def _one(self, name: str) -> str:
        if self.anywhere and self.old:
            return name.replace(self.old, self.new)
        return self.new + name[len(self.old) :] if name.startswith(self.old) else name


@dataclass(frozen=True)
class Suggestion:
    """A way to rename that makes more names fit.

    Args:
        label: what it does, for a button.
        why: what makes it likely.
        names: what names become, those that stay left out.
        fitting: how many tensors fit with it.
    """

    label: str
    why: str
    names: Mapping[str, str]
    fitting: int


def suggest(wanted: Mapping[str, Form], given: Mapping[str, Form]) -> list[Suggestion]:
    """Return the ways to rename that make more tensors fit, the best first."""
    now = len(match(wanted, given).fitting)
    if now == len(wanted) == len(given):
        return []
    found: dict[tuple[tuple[str, str], ...], Suggestion] = {}
    for label, why, names in _candidates(wanted, given):
        try:
            fitting = len(match(wanted, given, names).fitting)
        except BuilderError:  # two names would be one
            continue
        if fitting > now:
            found.setdefault(tuple(names.items()), Suggestion(label, why, names, fitting))
    return sorted(found.values(), key=lambda one: -one.fitting)


def best_part(wanted: Mapping[str, Form], parts: Mapping[str, Mapping[str, Tensor]]) -> str:
    """Return which of several dictionaries fits a model best, renamed if need be."""

    def fitting(part: str) -> int:
        given = forms(parts[part])
        found = suggest(wanted, given)
        return found[0].fitting if found else len(match(wanted, given).fitting)

    return max(parts, key=fitting)


def _candidates(
    wanted: Mapping[str, Form], given: Mapping[str, Form]
) -> Iterable[tuple[str, str, dict[str, str]]]:
    for prefix in _wrappers(given):
        rest = {name: _without(name, prefix) for name in given}
        why = " and ".join(WRAPPERS[one] for one in WRAPPERS if one in prefix)
        yield f"Take off {prefix}", why, {k: v for k, v in rest.items() if k != v}
    for prefix in _heads(given):
        why = "Names in the file begin so"
        yield f"Take off {prefix}", why, Rename(prefix, "")(given)
    for prefix in _heads(wanted):
        why = "The model's names begin so"
        yield f"Put {prefix} in front", why, Rename("", prefix)(given)
    paired = _in_order(wanted, given)
    if paired:
        yield (
            "Pair them in order",
            "One after the other, they end as the model's names do",
            paired,
        )


def _wrappers(given: Iterable[str]) -> list[str]:
    """Return which of the words that wrappers add stand in names, all of them together first."""
    parts = {part for name in given for part in name.split(".")[:-1]}
    there = [word for word in WRAPPERS if word[:-1] in parts]
    return ["".join(there), *there] if len(there) > 1 else there


def _without(name: str, words: str) -> str:
    """Return a name without the words of wrappers, wherever they stand in its path."""
    gone = {word[:-1] for word in WRAPPERS if word in words}
    return ".".join(part for part in name.split(".") if part not in gone)


def _heads(names: Iterable[str]) -> list[str]:
    """Return what most names begin with: `a.b.weight` begins with `a.` and with `a.b.`."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")
        counts.update(".".join(parts[:end]) + "." for end in range(1, min(len(parts), 4)))
    return [head for head, _ in counts.most_common(_HEADS)]


def _in_order(wanted: Mapping[str, Form], given: Mapping[str, Form]) -> dict[str, str]:
    """Return the pairs of names in the order they stand in, if these agree; else nothing.

    Names agree that end in the same word, for tensors with as many axes. The last layer may have
    another size: that is how a model is fitted to other classes.
    """
    if len(wanted) != len(given):
        return {}
    pairs = list(zip(given, wanted, strict=True))
    alike = all(
        source.rpartition(".")[2] == name.rpartition(".")[2]
        and len(given[source].shape) == len(wanted[name].shape)
        for source, name in pairs
    )
    return {source: name for source, name in pairs if source != name} if alike else {}
