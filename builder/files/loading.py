"""Weights brought into a model: copied, then verified."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from builder import edit
from builder.build import DEFAULT_BUDGET, parameter_names
from builder.errors import BuilderError, ModelError
from builder.files.matching import Match, forms, match, wanted_by
from builder.labs.batches import random_inputs
from builder.labs.subject import fresh
from builder.resolve import resolve
from builder.spec import ModelSpec

_BATCH = 4


@dataclass(frozen=True, eq=False)
class Loaded:
    """All weights of a model, some or all of which came from elsewhere.

    Args:
        state: the whole `state_dict`, on the CPU.
        names: those that came from elsewhere; the others were drawn from `seed`.
        seed: of the others, `None` where there are none.
    """

    state: Mapping[str, Tensor]
    names: tuple[str, ...]
    seed: int | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all names, dtypes, shapes and numbers."""
        return digest_of(self.state)


@dataclass(frozen=True)
class Verified:
    """What was found when loaded weights were looked at again.

    Args:
        equal: how many tensors are in the model as the file has them, to the bit, or turned into
            the model's dtype.
        rounded: the largest difference that a change of dtype made.
        drawn: how many tensors that were not loaded are as they were drawn.
        broken: names of the tensors with a NaN or an infinite value.
        shape: of what the model gives for a batch of random inputs.
        finite: whether that is all finite numbers.
        refused: why the model did not run, empty where it did.
    """

    equal: int
    rounded: float
    drawn: int
    broken: tuple[str, ...]
    shape: tuple[int, ...]
    finite: bool
    refused: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.broken and self.finite and not self.refused


def load_into(
    spec: ModelSpec,
    given: Mapping[str, Tensor],
    names: Mapping[str, str] | None = None,
    *,
    strict: bool = True,
    seed: int = 0,
    budget: int = DEFAULT_BUDGET,
) -> tuple[Loaded, Verified]:
    """Load tensors into a model and verify that they are in it.

    Args:
        names: what the file's names become; those left out stay.
        strict: whether every name must fit; otherwise those are loaded that do.
        seed: of what is not loaded.

    Raises:
        ModelError: the model cannot run, or the tensors do not fit.
        BudgetError: it is too large.
    """
    found = match(wanted_by(spec), forms(given), names)
    if strict and not found.strict:
        raise ModelError(found.complaint())
    if not found.fitting and given:
        raise ModelError(f"Nothing would be loaded. {found.complaint()}")
    model = fresh(spec, seed, budget=budget)
    drawn = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict({row.name: given[str(row.source)] for row in found.fitting}, strict=False)
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    loaded = tuple(row.name for row in found.fitting)
    result = Loaded(state, loaded, None if len(loaded) == len(state) else seed)
    return result, _verify(spec, model, drawn, given, found)


def _verify(
    spec: ModelSpec,
    model: nn.Module,
    drawn: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    found: Match,
) -> Verified:
    state, rounded = model.state_dict(), 0.0
    loaded = {row.name: given[str(row.source)] for row in found.fitting}
    for name, tensor in state.items():
        expected = loaded.get(name, drawn[name])
        if not same_bits(tensor, expected.to(tensor.dtype)):
            raise BuilderError(f"{name} is not in the model as it is in the file; load it again.")
        if expected.dtype != tensor.dtype and expected.numel():
            gap = (expected.double() - tensor.double()).abs().nan_to_num(0.0)
            rounded = max(rounded, float(gap.max()))
    broken = tuple(name for name, tensor in state.items() if not bool(tensor.isfinite().all()))
    shape, finite, refused = _passes(spec, model)
    return Verified(len(loaded), rounded, len(state) - len(loaded), broken, shape, finite, refused)


@torch.no_grad()
def _passes(spec: ModelSpec, model: nn.Module) -> tuple[tuple[int, ...], bool, str]:
    """Return what comes of a batch: its shape, whether it is finite, why there is none."""
    try:
        out = model.eval()(*random_inputs(spec, _BATCH, seed=0))
    except (RuntimeError, ValueError, IndexError) as error:
        return (), False, (str(error).strip() or repr(error)).splitlines()[0]
    first = out[0] if isinstance(out, tuple) else out
    return tuple(first.shape), bool(first.isfinite().all()), ""


def freeze_loaded(
    spec: ModelSpec, loaded: Collection[str]
) -> tuple[ModelSpec, tuple[str, ...], str | None]:
    """Return the model with those layers frozen whose parameters were all loaded.

    The last of them learns on where nothing would learn otherwise.

    Args:
        loaded: names of tensors, as the `state_dict` has them.

    Returns:
        The model, the layers that are frozen now, and the one that was spared.

    Raises:
        ModelError: the model cannot run.
    """
    every = parameter_names(spec)
    layers, others = [], 0
    for step in resolve(spec).steps:
        own = [name for name in every if step.key and name.startswith(f"{step.key}.")]
        if own and set(own) <= set(loaded):
            layers.append(step.name)
        elif own and not step.frozen:
            others += 1
    spared = layers.pop() if layers and not others else None
    for name in layers:
        spec = edit.freeze(spec, name, True)
    return spec, tuple(layers), spared


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same, NaN for NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(_bytes(one), _bytes(other))


def digest_of(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, dtypes, shapes and numbers, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(_bytes(tensor).numpy().tobytes())
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
