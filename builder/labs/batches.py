"""What goes into a model that is looked into: samples it could be given, or random numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from builder.build import DEFAULT_BUDGET, check
from builder.data import Samples
from builder.data.samples import Kind
from builder.errors import ModelError
from builder.resolve import Resolution, Step, resolve
from builder.resolve.types import DTYPES
from builder.spec import ModelSpec
from builder.train import Recipe
from builder.train.data import split_by

# Of all that a model makes of a batch, as it is kept for as long as a page looks at it.
MOST_BYTES, MOST_MACS = 2**29, 10**11


def affordable(spec: ModelSpec, batch: int, *, budget: int = DEFAULT_BUDGET) -> Resolution:
    """Return the resolution of a model that can be looked at with a batch of this size.

    Raises:
        ModelError: it cannot run, is too large, or all that it makes would be.
    """
    resolution = check(spec, budget=budget)
    size, macs = resolution.activation_bytes * batch, resolution.macs * batch
    if size > MOST_BYTES or macs > MOST_MACS:
        what = f"{batch} samples" if batch > 1 else "One sample"
        raise ModelError(
            f"{what} through {spec.name} {'take' if batch > 1 else 'takes'} {size / 1e9:,.1f} GB "
            f"and {macs / 1e9:,.1f} billion multiply-adds; up to {MOST_BYTES / 1e9:,.1f} GB and "
            f"{MOST_MACS / 1e9:,.0f} billion are looked at here. "
            f"{'Fewer samples do' if batch > 1 else 'A smaller input does'} it."
        )
    return resolution


def random_inputs(spec: ModelSpec, batch: int, seed: int) -> tuple[Tensor, ...]:
    """Return standard normal numbers for a model, or indices that all its embeddings have."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [size for step in resolve(spec).steps for size in _embedded(step)]
    below = min(sizes, default=2)
    return tuple(
        torch.randn(batch, *entry.shape, generator=generator)
        if DTYPES[entry.dtype].is_floating_point
        else torch.randint(0, below, (batch, *entry.shape), generator=generator).to(
            DTYPES[entry.dtype]
        )
        for entry in spec.inputs
    )


def _embedded(step: Step) -> list[int]:
    own = [step.args["num_embeddings"]] if "num_embeddings" in step.args else []
    return own + [size for inner in step.steps for size in _embedded(inner)]


def fits(spec: ModelSpec, shape: tuple[int, ...], kind: Kind) -> bool:
    """Whether samples of a shape and a kind can go into a model as they are."""
    dtype = "int64" if kind == "text" else "float32"
    return [(entry.shape, entry.dtype) for entry in spec.inputs] == [(shape, dtype)]


def real_inputs(samples: Samples, recipe: Recipe, batch: int) -> tuple[Tensor]:
    """Return samples that a run of this recipe keeps for validation, in the scale it uses.

    Raises:
        DataError: these samples cannot be split so.
    """
    parts = split_by(recipe, samples)
    return (parts.scaled(samples.x[parts.validation[:batch]]),)
