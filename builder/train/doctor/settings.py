"""Rules on the data and the settings of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from builder import edit
from builder.spec import ModelSpec
from builder.train.doctor.case import Before
from builder.train.doctor.cures import highest_rate, rate_fix
from builder.train.doctor.notes import Finding, Fix, Rule
from builder.train.losses import BALANCED, LOSSES, Loss
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe

# torch draws weights for inputs about 1 in size; ten times that saturates a tanh, a hundredth is
# lost beside the bias.
_LARGE, _TINY = 10.0, 0.01
_UNLIKE = 100.0  # ratio of spreads of two columns: the smaller one takes no part in learning
_IMBALANCE = 5.0  # largest class to smallest
# From the optimizer's usual rate: what is good for small data lies up to ten times above it.
_HIGH_RATE, _LOW_RATE = 30.0, 1 / 300
_FEW_A_CLASS, _FEW = 5, 10  # validation samples: a score of fewer moves in jumps
_SHARES = tuple(step / 20 for step in range(1, 11))
_BATCH = 32
_FRONT_NORMS = {1: "nn.BatchNorm1d", 3: "nn.BatchNorm2d", 4: "nn.BatchNorm3d"}


def _unscaled_inputs(case: Before) -> Iterator[Finding]:
    x = case.seen[0]
    if not x.is_floating_point() or _normalised_first(case):
        return
    numbers = x.flatten(1) if case.samples.kind in ("table", "points") else x.reshape(-1, 1)
    mean, std = numbers.mean(dim=0), numbers.std(dim=0, correction=0)
    size = torch.maximum(mean.abs(), std)
    spreads = std[std > 0]
    unlike = float(spreads.max() / spreads.min()) if len(spreads) else 1.0
    large = float(size.max()) > _LARGE
    tiny = 0 < float(size.max()) < _TINY
    if not (large or tiny or unlike > _UNLIKE):
        return
    yield Finding(
        "warning",
        "The inputs are not scaled",
        f"As training sees them, {_ranges(case, numbers, size)}. Weights start for numbers of "
        "about 1 in size.",
        tuple(_scaling_fixes(case)),
    )


def _ranges(case: Before, numbers: Tensor, size: Tensor) -> str:
    if numbers.shape[1] == 1:
        low, high = float(numbers.min()), float(numbers.max())
        return f"they go from {low:.4g} to {high:.4g}"
    told = []
    for column in dict.fromkeys((int(size.argmax()), int(size.argmin()))):
        name = case.samples.features[column] if case.samples.features else f"number {column}"
        values = numbers[:, column]
        told.append(f"{name} goes from {float(values.min()):.4g} to {float(values.max()):.4g}")
    return " and ".join(told)


def _scaling_fixes(case: Before) -> Iterator[Fix]:
    if "scaling" in case.samples.options:
        yield Fix("Scale every column", recipe=_standardised)
    op = _FRONT_NORMS.get(len(case.spec.inputs[0].shape))
    if op is not None and len(case.spec.inputs) == 1:
        yield Fix(f"Put {op} first", partial(_with_front, op=op))


def _standardised(recipe: Recipe) -> Recipe:
    return replace(recipe, options={**recipe.options, "scaling": "standard"})


def _with_front(spec: ModelSpec, op: str) -> ModelSpec:
    source = spec.inputs[0].name
    spec = edit.insert(spec, 0, op, {})
    first = spec.nodes[0].name
    for node in spec.nodes[1:]:
        if source in node.inputs:
            names = [first if name == source else name for name in node.inputs]
            spec = edit.set_sources(spec, node.name, names)
    return spec


def _normalised_first(case: Before) -> bool:
    source = case.spec.inputs[0].name
    readers = [step for step in case.resolution.steps if source in step.sources and step.enabled]
    return bool(readers) and all("Norm" in step.op for step in readers)


def _nothing_learns(case: Before) -> Iterator[Finding]:
    if not case.resolution.runs:
        return
    if not case.resolution.params:
        yield Finding(
            "warning",
            "Nothing to learn",
            "The model has no parameters: no layer of it holds weights, such as nn.Linear.",
        )
        return
    frozen = [step.name for step in case.layers() if step.frozen]
    held = [name for name in case.learned if _frozen_by_group(name, case.recipe)]
    if len(held) < len(case.learned):
        return
    fixes = []
    if not case.learned:
        fixes.append(Fix("Let every layer learn", thawed))
    elif held:
        names = ", ".join(group.name for group in case.recipe.groups if group.frozen)
        fixes.append(Fix(f"Let the groups learn: {names}", recipe=_groups_thawed))
    who = f"{len(frozen)} layer{'s are' if len(frozen) > 1 else ' is'} frozen" if frozen else ""
    what = f"{len(held)} parameters stand in frozen groups" if held else ""
    yield Finding(
        "warning",
        "Everything is frozen",
        f"None of the {case.resolution.params:,} values can change: "
        f"{' and '.join(filter(None, (who, what)))}.",
        tuple(fixes),
    )


def _frozen_by_group(name: str, recipe: Recipe) -> bool:
    """Whether the group with the longest path to a parameter is frozen."""
    holding = [
        (len(member), group.frozen)
        for group in recipe.groups
        for member in group.members
        if name == member or name.startswith(f"{member}.")
    ]
    return max(holding, default=(0, False))[1]


def thawed(spec: ModelSpec) -> ModelSpec:
    """Let every layer of a model learn."""
    for block in (None, *spec.blocks):
        for node in spec.block(block).nodes:
            spec = edit.freeze(spec, node.name, False, block=block)
    return spec


def _groups_thawed(recipe: Recipe) -> Recipe:
    return replace(recipe, groups=tuple(replace(g, frozen=False) for g in recipe.groups))


def _batch_of_one(case: Before) -> Iterator[Finding]:
    if case.recipe.batch_size > 1:
        return
    norms = [step.name for step in case.layers() if step.op.startswith("nn.BatchNorm")]
    if not norms:
        return
    yield Finding(
        "warning",
        "Batch norm in batches of one",
        f"{', '.join(norms[:3])}{' and others' * (len(norms) > 3)} subtract the mean of the batch; "
        "of one sample that is the sample itself, and nothing is left.",
        (Fix(f"Take batches of {_BATCH}", recipe=lambda r: replace(r, batch_size=_BATCH)),),
    )


def _imbalance(case: Before) -> Iterator[Finding]:
    if case.samples.task != "classification" or _weighted(case.recipe):
        return
    y = case.seen[1]
    counts = torch.bincount(y, minlength=len(case.samples.classes))
    present = counts[counts > 0]
    if len(present) < 2 or present.max() < _IMBALANCE * present.min():
        return
    share = float(counts.max()) / len(y)
    largest, smallest = int(counts.argmax()), int(torch.where(counts > 0, counts, len(y)).argmin())
    names = case.samples.classes
    yield Finding(
        "hint",
        "The classes are not balanced",
        f"{names[largest]} has {int(counts[largest]):,} of {len(y):,} training samples, "
        f"{names[smallest]} {int(counts[smallest]):,}. A model that always answers "
        f"{names[largest]} is right for {share:.0%} of them.",
        tuple(_weight_fixes(case)),
    )


def _weighted(recipe: Recipe) -> bool:
    return any(recipe.loss_args.get(name) is not None for name in ("weight", "pos_weight"))


def _weight_fixes(case: Before) -> Iterator[Fix]:
    row = LOSSES.get(case.recipe.loss)
    own = _class_weight(row, case.outputs) if row is not None else None
    if own is not None:
        yield Fix("Weigh the classes alike", recipe=partial(_balanced, name=own))
    elif case.outputs == len(case.samples.classes):
        yield Fix(
            "Use CrossEntropyLoss and weigh the classes alike",
            recipe=partial(_balanced, name="weight", loss="CrossEntropyLoss"),
        )


def _class_weight(row: Loss, outputs: int | None) -> str | None:
    """Return the argument by which a loss weighs classes, `None` if it has none."""
    names = ["pos_weight"] if outputs == 1 else ["weight", "pos_weight"]
    return next((name for name in names if name in row.fields), None)


def _balanced(recipe: Recipe, name: str, loss: str | None = None) -> Recipe:
    args = {} if loss else recipe.loss_args
    return replace(recipe, loss=loss or recipe.loss, loss_args={**args, name: BALANCED})


def _rate(case: Before) -> Iterator[Finding]:
    row = OPTIMIZERS.get(case.recipe.optimizer)
    if row is None or case.recipe.schedule:  # a schedule may warm up from next to nothing
        return
    highest = highest_rate(case.recipe)
    if _LOW_RATE * row.lr <= highest <= _HIGH_RATE * row.lr:
        return
    high = highest > row.lr
    ratio = highest / row.lr if high else row.lr / highest if highest else math.inf
    if highest == 0:
        said = "A rate of 0 moves no weight at all"
    else:
        said = f"{highest:g} is {ratio:,.0f} times {'more' if high else 'less'}"
    yield Finding(
        "warning",
        f"The learning rate is {'high' if high else 'low'} for {row.name}",
        f"{row.name} usually starts from {row.lr:g}. {said}.",
        (rate_fix(row.lr),),
    )


def _small_validation(case: Before) -> Iterator[Finding]:
    total, classes = len(case.samples.x), len(case.samples.classes)
    needed = max(_FEW, _FEW_A_CLASS * classes)
    kept = len(case.parts.validation) if case.parts else round(total * case.recipe.validation)
    if kept >= needed:
        return
    enough = [share for share in _SHARES if math.floor(total * share) >= needed]
    fixes: tuple[Fix, ...] = ()
    if enough and case.recipe.split != "folds":
        share = enough[0]
        fixes = (Fix(f"Keep {share:.0%}", recipe=lambda r: replace(r, validation=share)),)
    step = f"one of them moves the accuracy by {1 / max(1, kept):.1%}" if classes else "one counts"
    yield Finding(
        "hint",
        f"{kept} sample{'s' * (kept != 1)} for validation",
        f"{f'For {classes} classes ' * bool(classes)}{'t' if classes else 'T'}hat is few: {step}. "
        f"From {needed} on, scores say more than chance.",
        fixes,
    )


SETTINGS: tuple[Rule[Before], ...] = (
    Rule("scale of the inputs", "Inputs of about 1 in size train best.", _unscaled_inputs),
    Rule("nothing learns", "Frozen weights stay as they start.", _nothing_learns),
    Rule("batch of one", "Batch norm compares the samples of a batch.", _batch_of_one),
    Rule(
        "class balance",
        "Where one class fills the data, always answering it looks good and is useless.",
        _imbalance,
    ),
    Rule("learning rate", "Each optimizer has a range of rates that work.", _rate),
    Rule("validation share", "A score of a few samples is chance.", _small_validation),
)
