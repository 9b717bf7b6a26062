"""Whether a model and a data set fit, and the edits that make them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from builder.data import adapt
from builder.data.adapt import Needs
from builder.data.samples import Samples
from builder.errors import BuilderError
from builder.resolve import Fix, describe, resolve
from builder.spec import ModelSpec

_MOST_FIXES = 3
_MOST_STEPS = 3  # a fix of more edits would be another model
_TRIED = 4


@dataclass(frozen=True)
class Mismatch:
    """Where a model and a data set do not fit.

    Args:
        message: what the model takes or gives, and what the data set asks for.
        fixes: edits that were tried and leave less to mend, those that leave nothing first.
    """

    message: str
    fixes: tuple[Fix, ...] = ()


def mismatches(
    spec: ModelSpec, samples: Samples, outputs: int | None = None
) -> tuple[Mismatch, ...]:
    """Return what keeps a model from training on a data set; empty if nothing does.

    What the model gives is looked at once it runs on what the data set has.

    Args:
        outputs: how many outputs the model must have. Left out, it is one a class, or one value;
            of two classes, a single output can tell as well.
    """
    needs = Needs.of(samples, outputs)
    found = _found(spec, needs)
    return tuple(
        Mismatch(one.message, _tried(spec, needs, len(found), _steps(spec, needs, one.kind)))
        for one in found
    )


@dataclass(frozen=True)
class _Finding:
    kind: str  # "inputs", "fault", "input", "tokens" or "output"
    message: str


def _found(spec: ModelSpec, needs: Needs) -> tuple[_Finding, ...]:
    return tuple(_findings(spec, needs))


def _findings(spec: ModelSpec, needs: Needs) -> Iterator[_Finding]:
    if len(spec.inputs) > 1:
        names = ", ".join(entry.name for entry in spec.inputs)
        yield _Finding(
            "inputs",
            f"The model has {len(spec.inputs)} inputs ({names}); a sample of {needs.name} is one "
            "tensor, so a model with one input can learn it.",
        )
        return
    resolution = resolve(spec)
    if not resolution.runs:
        fault = resolution.faults[0]
        yield _Finding(
            "fault",
            "The model does not run yet; mend it on the Build page first. "
            f"{'.'.join(fault.path)}: {fault.message}",
        )
    entry = spec.inputs[0]
    if (entry.shape, entry.dtype) != (needs.shape, needs.dtype):
        yield _Finding("input", _input_message(entry.shape, entry.dtype, needs))
        return
    for name, rows in adapt.too_few_rows(spec, needs):
        yield _Finding(
            "tokens",
            f"The embedding {name} has {rows:,} rows; {needs.name} has {needs.tokens:,} tokens, "
            "and each looks up a row of its own.",
        )
        return
    if resolution.runs:
        yield from _output_findings(spec, needs)


_WORDS = {"float32": "numbers with a fraction", "int64": "whole numbers"}


def _input_message(shape: tuple[int, ...], dtype: str, needs: Needs) -> str:
    if shape == needs.shape:
        return (
            f"The model takes {shape} of {dtype}; a sample of {needs.name} is of {needs.dtype}, "
            f"{_WORDS[needs.dtype]}."
        )
    other = dtype != needs.dtype
    takes = f"{shape} of {dtype}, {_WORDS.get(dtype, 'other numbers')}" if other else f"{shape}"
    given = f"{needs.shape} of {needs.dtype}" if other else f"{needs.shape}"
    return f"The model takes {takes}; a sample of {needs.name} is {given}."


def _output_findings(spec: ModelSpec, needs: Needs) -> Iterator[_Finding]:
    given = resolve(spec).outputs
    out = resolve(spec).output
    gives = " and ".join(describe(value) for value in given)
    if out is None:
        what = "several tensors" if len(given) == 1 else f"{len(given)} outputs"
        yield _Finding(
            "output",
            f"The model gives {what}, {gives}; training needs one of shape (N, {needs.outputs}).",
        )
    elif out.dtype != "float32":
        yield _Finding(
            "output",
            f"The model gives {gives} of {out.dtype}, along which no gradient flows; "
            "training needs float32.",
        )
    elif not (len(out.shape) == 2 and out.shape[1] in needs.allowed):
        yield _Finding(
            "output",
            f"The model gives {gives}; {needs.why}, so it should give (N, {needs.outputs}).",
        )


def _steps(spec: ModelSpec, needs: Needs, kind: str) -> tuple[Fix, ...]:
    """Return the single edits that may mend a finding."""
    if kind == "input":
        return tuple(adapt.inputs(spec, needs))
    if kind == "tokens":
        return tuple(adapt.rows(spec, needs))
    if kind == "output":
        return tuple(adapt.outputs(spec, needs))
    if kind == "fault":
        fault = resolve(spec).faults[0]
        place = ".".join(fault.path)
        return tuple(
            replace(fix, label=f"{place}: {_small(fix.label)}") for fix in fault.fixes[:_TRIED]
        )
    return ()


def _tried(spec: ModelSpec, needs: Needs, before: int, steps: Iterable[Fix]) -> tuple[Fix, ...]:
    """Go on from each first step to a model that fits; keep what leaves less to mend."""
    kept: list[tuple[int, Fix]] = []
    results = [spec]
    for first in steps:
        try:
            after = first.apply(spec)
        except BuilderError:
            continue
        same = _same_axes(spec, after)
        way = _way(after, needs, same, _MOST_STEPS - 1)
        fix, left = first, 0
        if way is None:
            left = len(_found(after, needs)) if same else before
        elif way:
            label = "; ".join([first.label, *(_small(step.label) for step in way)])
            fix = Fix(label, _Chain((first, *way)))
        after = fix.apply(spec)
        if left < before and after not in results:
            results.append(after)
            kept.append((left, fix))
    return tuple(fix for _, fix in sorted(kept, key=lambda pair: pair[0]))[:_MOST_FIXES]


@dataclass(frozen=True)
class _Chain:
    """Several fixes as one edit."""

    fixes: tuple[Fix, ...]

    def __call__(self, spec: ModelSpec) -> ModelSpec:
        for fix in self.fixes:
            spec = fix.apply(spec)
        return spec


def _same_axes(before: ModelSpec, after: ModelSpec) -> bool:
    """Whether the layers get as many axes as they were made for.

    A model made for pictures of another size is still that model with another padding, so layers
    that no longer run may be mended; one that gets points for pictures would lose what it is.
    """
    adapted = len(after.nodes) > len(before.nodes)
    return adapted or len(before.inputs[0].shape) == len(after.inputs[0].shape)


def _way(spec: ModelSpec, needs: Needs, mend: bool, steps: int) -> tuple[Fix, ...] | None:
    """Return the steps that lead to a model that fits, `None` if a few do not get there."""
    found = _found(spec, needs)
    if not found:
        return ()
    kind = found[0].kind
    if not steps or kind in ("input", "inputs") or (kind == "fault" and not mend):
        return None
    for step in _steps(spec, needs, kind):
        try:
            after = step.apply(spec)
        except BuilderError:
            continue
        if _running(after) < _running(spec):  # nobody asked for a layer to go
            continue
        rest = _way(after, needs, mend, steps - 1)
        if rest is not None:
            return (step, *rest)
    return None


def _running(spec: ModelSpec) -> int:
    return sum(node.enabled for node in spec.nodes)


def _small(label: str) -> str:
    return label[:1].lower() + label[1:]
