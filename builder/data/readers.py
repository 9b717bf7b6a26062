"""The starting points that can learn a data set, brought to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from builder.data.fit import mismatches
from builder.data.samples import Kind, Samples
from builder.spec import ModelSpec
from builder.templates import TEMPLATES

# By the kind of data, the usual one first.
READERS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        "picture": ("LeNet5", "SmallVGG"),
        "table": ("MLP",),
        "points": ("MLP",),
        "sequence": ("MyRNN", "GRUClassifier"),
        "series": ("MyRNN", "MLP"),
        "text": ("CharLSTM", "TextClassifier"),
    }
)


def readers(samples: Samples, outputs: int | None = None) -> dict[str, ModelSpec]:
    """Return the starting points that read such data, each changed so that it fits, by title.

    Args:
        outputs: as `mismatches` takes it.
    """
    found = {title: _fitted(TEMPLATES[title], samples, outputs) for title in READERS[samples.kind]}
    return {title: spec for title, spec in found.items() if spec is not None}


def _fitted(spec: ModelSpec, samples: Samples, outputs: int | None) -> ModelSpec | None:
    """Return a model after the first change that makes it fit, `None` if there is none."""
    found = mismatches(spec, samples, outputs)
    if not found:
        return spec
    changed = (fix.apply(spec) for mismatch in found for fix in mismatch.fixes)
    return next((one for one in changed if not mismatches(one, samples, outputs)), None)
