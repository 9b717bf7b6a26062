"""One batch forward and back through a model as it starts: gradients, dead and saturated units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from builder.build import build
from builder.data import Samples
from builder.errors import BuilderError
from builder.labs.preactivations import Given, look
from builder.spec import ModelSpec
from builder.train.doctor import cures
from builder.train.doctor.case import Before
from builder.train.doctor.notes import Finding, Note, Rule, follow
from builder.train.recipe import Recipe
from builder.train.trial import Trial, own_randomness

BATCH = 256
# Between the first and the last layer of the starting points there is a factor of 10 at most; the
# sixth sigmoid in a row brings it to 60,000.
GRADIENT_RATIO = 1000.0
GRADIENT_NORM = 100.0  # the largest of the starting points is 7
# Of a layer's units. Of ReLUs as torch starts them a quarter is dead, after batch norms up to half.
DEAD_SHARE = 0.8
SATURATED_SHARE = 0.5  # of the numbers a layer was given; of the starting points none are


@dataclass(frozen=True)
class Probe:
    """What one batch shows of a model as it starts.

    Args:
        loss: of the batch.
        gradients: norm of the loss's gradient over each layer's weights, in the model's order.
        activations: what each activation was given, evaluating.
        notes: what the rules make of it.
    """

    loss: float
    gradients: tuple[tuple[str, float], ...]
    activations: tuple[Given, ...]
    notes: tuple[Note, ...] = ()


def probe(spec: ModelSpec, samples: Samples, recipe: Recipe) -> Probe:
    """Run one batch through a model as it starts, and back.

    Fixes of its notes have been tried: after each, the note is gone.

    Raises:
        ModelError: the model cannot run, or takes too much memory.
        RunError: it has nothing to learn, or the loss cannot take what it gives.
    """
    found = measure(spec, samples, recipe)
    notes = follow(PROBED, found)
    return replace(found, notes=tuple(_tried(note, spec, samples, recipe) for note in notes))


def measure(spec: ModelSpec, samples: Samples, recipe: Recipe) -> Probe:
    """Return what one batch shows, without notes; raises as `probe`."""
    recipe = replace(recipe, device="cpu")
    x, y = (part[:BATCH] for part in Before(spec, samples, recipe).seen)
    with own_randomness(recipe.seed):
        model = build(spec)
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        loss, _ = Trial(model, x, y, recipe).look(torch.arange(len(x)))
    return Probe(float(loss.detach()), gradient_norms(model), look(spec, weights, (x,)).given)


def gradient_norms(model: nn.Module) -> tuple[tuple[str, float], ...]:
    """Return the norm of each layer's gradient, of those with weights of two axes or more."""
    norms = []
    for name, module in model.named_modules():
        held = [value for value in module.parameters(recurse=False) if value.grad is not None]
        if any(value.dim() > 1 for value in held):
            total = sum(
                float(value.grad.square().sum()) for value in held if value.grad is not None
            )
            norms.append((name, total**0.5))
    return tuple(norms)


def _tried(note: Note, spec: ModelSpec, samples: Samples, recipe: Recipe) -> Note:
    """Return a note with those of its fixes after which it is gone."""
    results = [(spec, recipe)]
    kept = []
    for fix in note.fixes:
        try:
            after = fix.apply(spec, recipe)
            if after in results:
                continue
            results.append(after)
            found = follow(PROBED, measure(after[0], samples, after[1]))
        except BuilderError:
            continue
        if all(other.rule != note.rule for other in found):
            kept.append(fix)
    return replace(note, fixes=tuple(kept))


def vanishing(norms: Sequence[tuple[str, float]]) -> str | None:
    """Say how much smaller the first layer's gradient is than the last's; `None` if it is not."""
    if len(norms) < 2 or norms[0][1] * GRADIENT_RATIO >= norms[-1][1]:
        return None
    (first, small), (last, large) = norms[0], norms[-1]
    times = f", {large / small:,.0f} times as much" if small else ""
    return (
        f"The gradient's norm is {small:.1e} in the first layer ({first}) and {large:.1e} in the "
        f"last ({last}){times}: the first hardly learns."
    )


def exploding(norms: Sequence[tuple[str, float]]) -> str | None:
    """Say how large a gradient is; `None` if none is."""
    if not norms:
        return None
    layer, norm = max(norms, key=lambda pair: pair[1])
    (first, large), (last, small) = norms[0], norms[-1]
    if large > GRADIENT_RATIO * small:
        return (
            f"The gradient's norm grows on its way back, from {small:.1e} in the last layer "
            f"({last}) to {large:.1e} in the first ({first})."
        )
    if norm > GRADIENT_NORM:
        return f"The gradient's norm is {norm:,.0f} in {layer}; about 1 is usual."
    return None


def _vanishing(found: Probe) -> Iterator[Finding]:
    said = vanishing(found.gradients)
    if said:
        fixes = (cures.RELUS, cures.NORMS, cures.NORMED_RELUS, cures.FRESH)
        yield Finding("warning", "Gradients vanish on their way back", said, fixes)


def _exploding(found: Probe) -> Iterator[Finding]:
    said = exploding(found.gradients)
    if said:
        yield Finding(
            "warning", "Gradients explode on their way back", said, (cures.FRESH, cures.NORMS)
        )


def _dead(found: Probe) -> Iterator[Finding]:
    dead = [given for given in found.activations if given.dead_units >= DEAD_SHARE]
    if dead:
        told = ", ".join(f"{given.name} ({given.dead_units:.0%})" for given in dead[:3])
        yield Finding(
            "warning",
            "Units are dead from the start",
            f"These stay flat for each of {BATCH} samples, so no gradient passes: {told}.",
            (cures.FRESH, cures.NORMS, cures.LEAKS),
        )


def _saturated(found: Probe) -> Iterator[Finding]:
    full = [given for given in found.activations if given.saturated >= SATURATED_SHARE]
    if full:
        told = ", ".join(
            f"{given.name} ({given.saturated:.0%}, inputs of {given.mean:.3g} ± {given.std:.3g})"
            for given in full[:3]
        )
        yield Finding(
            "warning",
            "Activations are saturated from the start",
            f"Where their slope is below a hundredth, next to no gradient passes: {told}.",
            (cures.FRESH, cures.NORMS, cures.RELUS),
        )


PROBED: tuple[Rule[Probe], ...] = (
    Rule(
        "vanishing gradients",
        "A chain of small slopes leaves nothing of the gradient for the first layers.",
        _vanishing,
    ),
    Rule(
        "exploding gradients",
        "A chain of large weights makes steps that undo what was learned.",
        _exploding,
    ),
    Rule("dead units", "A unit that is flat for every sample never learns again.", _dead),
    Rule("saturated units", "Far out on a sigmoid or tanh the slope is next to none.", _saturated),
)
