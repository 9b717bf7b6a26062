"""Whether a model and a data set fit, and the edits that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from builder import edit
from builder.catalog import CATALOG
from builder.data.datasets import Samples
from builder.errors import BuilderError
from builder.resolve import Fix, TensorType, describe, resolve, settle
from builder.spec import ModelSpec

_SIZES = ("out_features", "out_channels", "hidden_size", "embedding_dim")
_MOST_FIXES = 3


@dataclass(frozen=True)
class Mismatch:
    """Where a model and a data set do not fit, and what would mend it."""

    message: str
    fixes: tuple[Fix, ...] = ()


def mismatches(
    spec: ModelSpec, samples: Samples, outputs: int | None = None
) -> tuple[Mismatch, ...]:
    """Return what keeps a model from training on a data set; empty if nothing does.

    Args:
        outputs: how many outputs the model should have, where it is not one a class.
    """
    wanted = outputs or samples.outputs
    return tuple(
        Mismatch(message, _tried(spec, samples, wanted, proposed))
        for message, proposed in _found(spec, samples, wanted)
    )


def _tried(
    spec: ModelSpec, samples: Samples, wanted: int, proposed: tuple[Fix, ...]
) -> tuple[Fix, ...]:
    """Keep the fixes that leave less to mend, those that leave nothing first."""
    before = len(list(_found(spec, samples, wanted)))
    kept = []
    for fix in proposed:
        try:
            left = len(list(_found(fix.apply(spec), samples, wanted)))
        except BuilderError:
            continue
        if left < before:
            kept.append((left, fix))
    return tuple(fix for _, fix in sorted(kept, key=lambda pair: pair[0]))[:_MOST_FIXES]


def _found(spec: ModelSpec, samples: Samples, wanted: int) -> Iterator[tuple[str, tuple[Fix, ...]]]:
    if len(spec.inputs) > 1:
        names = ", ".join(entry.name for entry in spec.inputs)
        yield f"The model has {len(spec.inputs)} inputs ({names}); {samples.name} gives one.", ()
        return
    entry = spec.inputs[0]
    if entry.shape != samples.shape or entry.dtype != "float32":
        yield (
            f"The model takes {entry.shape} of {entry.dtype}; a sample of {samples.name} is "
            f"{samples.shape} of float32.",
            tuple(_inputs(spec, samples, wanted)),
        )
        return
    resolution = resolve(spec)
    if not resolution.runs:
        fault = resolution.faults[0]
        yield f"The model does not run. {'.'.join(fault.path)}: {fault.message}", fault.fixes
        return
    out = resolution.output
    what = (
        f"{samples.name} has {len(samples.classes)} classes"
        if samples.task == "classification"
        else f"{samples.name} has one number to predict"
    )
    if out is None:
        given = " and ".join(describe(value) for value in resolution.outputs)
        yield f"The model gives {given}; training needs one tensor, (N, {wanted}).", ()
    elif len(out.shape) != 2 or out.shape[1] not in _allowed(samples, wanted):
        yield (
            f"The model gives {out}; {what}, so it should give (N, {wanted}).",
            tuple(_outputs(spec, out, wanted)),
        )


def _allowed(samples: Samples, wanted: int) -> tuple[int, ...]:
    """A yes or no can be told by one output as well as by two."""
    return (wanted, 1) if len(samples.classes) == 2 else (wanted,)


def _inputs(spec: ModelSpec, samples: Samples, wanted: int) -> Iterator[Fix]:
    """Bring the input to the shape of a sample, and what follows with it."""
    name = spec.inputs[0].name
    had = spec.inputs[0].shape

    def reshaped(spec: ModelSpec) -> ModelSpec:
        return edit.set_input(spec, name, shape=samples.shape, dtype="float32")

    def then(change: Callable[[ModelSpec], ModelSpec]) -> Callable[[ModelSpec], ModelSpec]:
        """After the input is right, bring the output along if that is all that is left."""

        def apply(spec: ModelSpec) -> ModelSpec:
            spec = settle(change(spec))
            out = resolve(spec).output
            if out is not None and len(out.shape) == 2 and out.shape[1] != wanted:
                return _last_size(spec, wanted) or spec
            return spec

        return apply

    shape = ", ".join(map(str, samples.shape))
    if len(samples.shape) == 3 and len(had) in (1, 2):
        flat = {1: {}, 2: {"start_dim": 1, "end_dim": 2}}[len(had)]
        words = {1: "Flatten each picture first", 2: "Read each picture row by row"}[len(had)]

        def flattened(spec: ModelSpec) -> ModelSpec:
            return edit.insert(reshaped(spec), 0, "nn.Flatten", flat)

        yield Fix(f"{words}: input ({shape}), then nn.Flatten", then(flattened))
    yield Fix(f"Set the input to ({shape})", then(reshaped))


def _outputs(spec: ModelSpec, out: TensorType, wanted: int) -> Iterator[Fix]:
    """Bring the output to the size that the data ask for."""
    resized = _last_size(spec, wanted)
    if resized is not None and len(out.shape) == 2:
        yield Fix(f"Give {wanted} outputs", lambda s: _last_size(s, wanted) or s)
    end = len(spec.nodes)

    def head(spec: ModelSpec, flat: bool) -> ModelSpec:
        at = end
        if flat:
            spec = edit.insert(spec, at, "nn.Flatten", {})
            at += 1
        return edit.insert(spec, at, "nn.Linear", {"out_features": wanted})

    many = len(out.shape) > 2
    words = "a Flatten and a Linear layer" if many else "a Linear layer"
    yield Fix(f"Add {words} with {wanted} outputs", partial(head, flat=many))


def _last_size(spec: ModelSpec, wanted: int) -> ModelSpec | None:
    """Return the spec with the last layer that has a size giving `wanted`, `None` if none has."""
    for node in reversed(spec.nodes):
        row = CATALOG.get(node.op)
        name = next((size for size in _SIZES if row and size in row.fields), None)
        if name is not None:
            return settle(edit.set_args(spec, node.name, {name: wanted}))
        if row is None or row.group not in ("Activation", "Dropout", "Function activation"):
            return None
    return None
