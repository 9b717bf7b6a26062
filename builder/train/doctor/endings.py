"""Rules on the end of a model and the loss it meets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from builder import edit
from builder.data import mismatches
from builder.resolve import Fix as ModelFix
from builder.spec import ModelSpec
from builder.train.doctor.case import Before, Place
from builder.train.doctor.notes import Finding, Fix, Rule
from builder.train.losses import LOSSES
from builder.train.recipe import Recipe

# Losses that take raw scores: they hold their own softmax or sigmoid, or compare margins.
_SCORES = {
    "CrossEntropyLoss", "MultiMarginLoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss",
    "SoftMarginLoss",
}  # fmt: skip
PROBABILITIES = {"softmax", "softmin", "softmax2d", "sigmoid", "hardsigmoid"}
_LOGS = {"logsoftmax", "logsigmoid"}
# What each of the other losses for classes asks the model to end with, and how it is added.
_ENDS = {
    "NLLLoss": ({"logsoftmax"}, "nn.LogSoftmax", {"dim": 1}),
    "BCELoss": ({"sigmoid", "hardsigmoid", "softmax"}, "nn.Sigmoid", {}),
}
_LOST_TARGETS = 0.01  # share of the targets out of reach; fewer may be outliers


def _squashed_scores(case: Before) -> Iterator[Finding]:
    end = _last(case)
    if end is None or case.recipe.loss not in _SCORES or end.word not in PROBABILITIES | _LOGS:
        return
    loss, fixes = case.recipe.loss, [take_out(end)]
    if end.word == "logsoftmax":
        fixes.append(_loss_fix("NLLLoss"))
        yield Finding(
            "hint",
            f"{end.title} before {loss}",
            f"{loss} takes raw scores and takes their logarithm itself. A second LogSoftmax "
            "changes no number and costs time; NLLLoss is the one made for it.",
            tuple(fixes),
        )
        return
    floor = _floor(case, 1.0)
    numbers = (
        f" Scores from 0 to 1 keep it above {floor:.3f} however sure the model is; from raw "
        "scores it can reach 0."
        if floor is not None
        else " Its gradient is squashed twice."
    )
    yield Finding(
        "warning",
        f"{end.title} before {loss}",
        f"{loss} takes raw scores and squashes them itself.{numbers}",
        tuple(fixes),
    )


def _wrong_end(case: Before) -> Iterator[Finding]:
    if case.recipe.loss not in _ENDS or case.samples.task != "classification":
        return
    words, op, args = _ENDS[case.recipe.loss]
    end = _last(case)
    if not case.resolution.runs or (end is not None and end.word in words):
        return
    given = f"ends with {end.title}" if end is not None else "is empty"
    plain = "BCEWithLogitsLoss" if case.recipe.loss == "BCELoss" else "CrossEntropyLoss"
    fixes = [_loss_fix(plain)] if end is None or end.word not in PROBABILITIES else []
    if end is not None and end.word in PROBABILITIES:
        change = partial(edit.set_op, name=end.node.name, op=op, args=args, block=end.block)
        fixes.append(Fix(f"Put {op} in its place", change))
    else:
        fixes.append(Fix(f"Add {op}", partial(_with_end, op=op, args=args)))
    meant = "a raw score" if plain == "CrossEntropyLoss" else "a raw score, often out of 0 to 1,"
    why = "which can fall without end" if plain == "CrossEntropyLoss" else "which has no logarithm"
    yield Finding(
        "warning",
        f"{case.recipe.loss} without {op} before it",
        f"{case.recipe.loss} expects {LOSSES[case.recipe.loss].expects}; the model {given}. "
        f"It would take {meant} for one of those, {why}.",
        tuple(fixes),
    )


def _wrong_loss(case: Before) -> Iterator[Finding]:
    row, task = LOSSES.get(case.recipe.loss), case.samples.task
    if row is None:
        return
    if task not in row.tasks:
        target = (
            f"one of {len(case.samples.classes)} classes" if case.samples.classes else "a number"
        )
        better = case.recipe.with_loss_for(task).loss
        yield Finding(
            "warning",
            f"{row.name} does not fit the target",
            f"The target of {case.samples.name} is {target}; {row.name} is for "
            f"{' and '.join(row.tasks)}.",
            (_loss_fix(better),),
        )
    elif task == "classification" and "regression" in row.tasks:
        better = "BCEWithLogitsLoss" if case.outputs == 1 else "CrossEntropyLoss"
        yield Finding(
            "hint",
            f"{row.name} for classes",
            f"{row.name} measures distances to 0 and 1. A model that is sure and wrong hardly "
            f"learns by it after a sigmoid or softmax; {better} pushes it hardest just there.",
            (_loss_fix(better),),
        )


def _too_many_outputs(case: Before) -> Iterator[Finding]:
    wanted, task = case.samples.outputs, case.samples.task
    if case.outputs is None or case.outputs <= wanted:
        return
    spare = case.outputs - wanted
    what = f"{wanted} classes" if task == "classification" else "1 number to predict"
    tried = mismatches(case.spec, case.samples, case.recipe.outputs(wanted))
    fixes = tried[0].fixes if tried else ()
    yield Finding(
        "warning",
        f"{case.outputs} outputs for {what}",
        f"{case.samples.name} has {what}, so {spare} output{'s' * (spare > 1)} of the model never "
        "meet a sample; all they can learn is to be small.",
        tuple(_model_fix(fix) for fix in fixes),
    )


def _dropout_at_end(case: Before) -> Iterator[Finding]:
    if not case.ending or not case.ending[0].is_dropout:
        return
    end, before = case.ending[0], case.ending[1:2]
    share = float(end.node.args.get("p", 0.5))
    fixes = [take_out(end)]
    position = case.spec.block(end.block).positions[end.node.name]
    if before and before[0].block == end.block and _chained(case.spec, end.block, position):
        change = partial(edit.move, name=end.node.name, to=position - 1, block=end.block)
        fixes.append(Fix(f"Move it before {before[0].title}", change))
    yield Finding(
        "warning",
        f"{end.title} is the last layer",
        f"In training it sets {share:.0%} of the outputs themselves to 0, scores of right answers "
        "among them; before the last layer that learns it does what it is for.",
        tuple(fixes),
    )


def _bounded_end(case: Before) -> Iterator[Finding]:
    end = _last(case)
    if end is None:
        return
    low, high = end.reach
    if not (math.isfinite(low) or math.isfinite(high)) or case.samples.task not in _TOLD:
        return
    yield from _TOLD[case.samples.task](case, end, low, high)


def _bounded_values(case: Before, end: Place, low: float, high: float) -> Iterator[Finding]:
    row, y = LOSSES.get(case.recipe.loss), case.seen[1]
    if row is None or row.counts:  # it takes the logarithm of the target
        return
    lost = float(((y < low) | (y > high)).float().mean())
    if lost <= _LOST_TARGETS:
        return
    yield Finding(
        "warning",
        f"{end.title} cannot reach the target",
        f"It gives {_span(low, high)}; {lost:.0%} of the targets, as training sees them, lie "
        f"outside: they go from {float(y.min()):.3g} to {float(y.max()):.3g}.",
        (take_out(end),),
    )


def _bounded_scores(case: Before, end: Place, low: float, high: float) -> Iterator[Finding]:
    if case.recipe.loss not in _SCORES or end.word in PROBABILITIES | _LOGS:
        return  # `_squashed_scores` tells of those
    floor = _floor(case, high - low)
    if math.isinf(high - low):
        numbers = "A score out of that range hands no gradient back, and its class is stuck there."
    elif floor is not None:
        numbers = f"From such scores {case.recipe.loss} cannot fall below {floor:.3f}."
    else:
        numbers = "A sure answer needs scores further apart."
    yield Finding(
        "warning" if math.isfinite(high - low) else "hint",
        f"{end.title} bounds the scores",
        f"It gives {_span(low, high)}. {numbers}",
        (take_out(end),),
    )


_TOLD: dict[str, Callable[[Before, Place, float, float], Iterator[Finding]]] = {
    "regression": _bounded_values,
    "classification": _bounded_scores,
}


def _last(case: Before) -> Place | None:
    """Return the last layer but for dropout."""
    return next((place for place in case.ending if not place.is_dropout), None)


def _floor(case: Before, width: float) -> float | None:
    """Return the least cross entropy from scores that lie within a width of one another.

    The right one of C classes has the highest score and all others the lowest:
    log(1 + (C - 1) exp(-width)).
    """
    if case.recipe.loss != "CrossEntropyLoss" or case.outputs is None or math.isinf(width):
        return None
    return math.log1p((case.outputs - 1) * math.exp(-width))


def _span(low: float, high: float) -> str:
    if math.isinf(high):
        return f"nothing below {low:.3g}"
    if math.isinf(low):
        return f"nothing above {high:.3g}"
    return f"numbers from {low:.3g} to {high:.3g}"


def _chained(spec: ModelSpec, block: str | None, position: int) -> bool:
    target = spec.block(block)
    near = target.nodes[max(0, position - 1) : position + 1]
    return position > 0 and not any(node.inputs for node in near) and not target.outputs


def take_out(place: Place) -> Fix:
    """Return the fix that removes a layer."""
    name = place.node.name
    return Fix(f"Take {place.title} out", partial(edit.remove, name=name, block=place.block))


def _with_end(spec: ModelSpec, op: str, args: Mapping[str, object]) -> ModelSpec:
    result = spec.main.results[0]
    behind = not spec.nodes or spec.nodes[-1].name == result
    spec = edit.insert(spec, len(spec.nodes), op, args, inputs=() if behind else (result,))
    return replace(spec, outputs=(spec.nodes[-1].name,)) if spec.outputs else spec


def _loss_fix(name: str) -> Fix:
    return Fix(f"Use {name}", recipe=partial(_with_loss, loss=name))


def _with_loss(recipe: Recipe, loss: str) -> Recipe:
    return replace(recipe, loss=loss, loss_args={})


def _model_fix(fix: ModelFix) -> Fix:
    return Fix(fix.label, fix.apply)


ENDINGS: tuple[Rule[Before], ...] = (
    Rule(
        "squashed scores",
        "A softmax or sigmoid before a loss that holds its own squashes the scores twice.",
        _squashed_scores,
    ),
    Rule(
        "end of the model",
        "NLLLoss wants log-probabilities and BCELoss probabilities, which a layer must make.",
        _wrong_end,
    ),
    Rule("loss for the target", "A loss measures classes, or numbers.", _wrong_loss),
    Rule("spare outputs", "One output a class, or one for a number.", _too_many_outputs),
    Rule("dropout at the end", "Dropout belongs between layers that learn.", _dropout_at_end),
    Rule(
        "bounded end",
        "What a last activation cannot give, the model cannot learn to answer.",
        _bounded_end,
    ),
)
