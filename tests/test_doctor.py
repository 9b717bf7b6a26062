"""Planted faults are found, each fix makes its note go away, and clean runs raise none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from builder import TEMPLATES, ModelSpec, build, edit
from builder.data import Samples, load, mismatches
from builder.errors import RunError
from builder.spec import Init
from builder.train.doctor import Note, build_notes, examine, overfit_check, probe
from builder.train.groups import Group
from builder.train.recipe import Recipe
from builder.train.suggest import for_data

Layers = Sequence[tuple[str, Mapping[str, Any]]]
Case = tuple[ModelSpec, Samples, Recipe]
RELU, SIGMOID, TANH = ("nn.ReLU", {}), ("nn.Sigmoid", {}), ("nn.Tanh", {})


def linear(outputs: int) -> tuple[str, Mapping[str, Any]]:
    return "nn.Linear", {"out_features": outputs}


def chain(dataset: str, layers: Layers, **recipe: Any) -> Case:
    """A chain of layers on a data set, with the settings that are suggested for it."""
    settings = replace(for_data(Recipe(), dataset), **recipe)
    samples = load(dataset, **settings.options)
    spec = replace(TEMPLATES["MLP"], nodes=())
    spec = edit.set_input(spec, spec.inputs[0].name, shape=samples.shape)
    for op, args in layers:
        spec = edit.insert(spec, len(spec.nodes), op, args)
    return spec, samples, settings


@cache
def fitted(template: str, dataset: str) -> Case:
    """A template on a data set, made to fit as the page offers it."""
    spec, samples = TEMPLATES[template], load(dataset)
    recipe = for_data(Recipe(), dataset)
    while wrong := mismatches(spec, samples, recipe.outputs(samples.outputs)):
        spec = wrong[0].fixes[0].apply(spec)
    return spec, samples, recipe


def the(rule: str, notes: Sequence[Note]) -> Note:
    found = [note for note in notes if note.rule == rule]
    assert len(found) == 1, [note.rule for note in notes]
    return found[0]


def every_fix_mends(case: Case, note: Note, look: Callable[[Case], Sequence[Note]]) -> None:
    spec, _, recipe = case
    assert note.fixes
    for fix in note.fixes:
        after, settings = fix.apply(spec, recipe)
        samples = case[1] if settings.options == recipe.options else None
        samples = samples or load(settings.dataset, **settings.options)
        rules = [other.rule for other in look((after, samples, settings))]
        assert note.rule not in rules, fix.label


def examined(case: Case) -> tuple[Note, ...]:
    return examine(*case)


def probed(case: Case) -> tuple[Note, ...]:
    return probe(*case).notes


CLEAN = (
    ("MLP", "moons"),
    ("MLP", "spirals"),
    ("MLP", "iris"),
    ("MLP", "breast_cancer"),
    ("MLP", "diabetes"),
    ("LeNet5", "digits"),
    ("MyRNN", "sine"),
    ("MyRNN", "adding"),
    ("GRUClassifier", "sequential_digits"),
)


@pytest.mark.parametrize(("template", "dataset"), CLEAN)
def test_a_template_with_its_suggested_settings_raises_no_note(template: str, dataset: str) -> None:
    case = fitted(template, dataset)
    check = overfit_check(*case)
    assert (*examine(*case), *probe(*case).notes, *check.notes) == ()
    assert check.learned


# --- before a run ---------------------------------------------------------------------------------

SOFTMAX = ("nn.Softmax", {"dim": 1})
BATCH_NORM = ("nn.BatchNorm1d", {})
PLANTED: Mapping[str, tuple[str, Callable[[], Case]]] = {
    "softmax before cross entropy": (
        "squashed scores",
        lambda: chain("iris", [linear(16), RELU, linear(3), SOFTMAX]),
    ),
    "sigmoid before the loss that holds its own": (
        "squashed scores",
        lambda: chain("moons", [linear(8), RELU, linear(1), SIGMOID], loss="BCEWithLogitsLoss"),
    ),
    "raw scores before NLLLoss": (
        "end of the model",
        lambda: chain("iris", [linear(16), RELU, linear(3)], loss="NLLLoss"),
    ),
    "a loss for numbers on classes": (
        "loss for the target",
        lambda: chain("iris", [linear(16), RELU, linear(3)], loss="L1Loss"),
    ),
    "a loss for classes on numbers": (
        "loss for the target",
        lambda: chain("diabetes", [linear(16), RELU, linear(1)], loss="CrossEntropyLoss"),
    ),
    "more outputs than classes": (
        "spare outputs",
        lambda: chain("iris", [linear(16), RELU, linear(10)]),
    ),
    "dropout at the end": (
        "dropout at the end",
        lambda: chain("iris", [linear(16), RELU, linear(3), ("nn.Dropout", {"p": 0.5})]),
    ),
    "a ReLU where negative values are asked for": (
        "bounded end",
        lambda: chain("diabetes", [linear(16), RELU, linear(1), RELU]),
    ),
    "inputs far from 1": (
        "scale of the inputs",
        lambda: grown(chain("digits", [("nn.Flatten", {}), linear(16), RELU, linear(10)]), 255),
    ),
    "a rate far too high": (
        "learning rate",
        lambda: chain("moons", [linear(8), RELU, linear(2)], lr=5.0),
    ),
    "a rate far too low": (
        "learning rate",
        lambda: chain("moons", [linear(8), RELU, linear(2)], lr=1e-9),
    ),
    "a rate of nothing": (
        "learning rate",
        lambda: chain("moons", [linear(8), RELU, linear(2)], lr=0.0),
    ),
    "batch norm in batches of one": (
        "batch of one",
        lambda: chain("moons", [linear(8), BATCH_NORM, RELU, linear(2)], batch_size=1),
    ),
    "every layer frozen": (
        "nothing learns",
        lambda: frozen(chain("moons", [linear(8), RELU, linear(2)])),
    ),
    "every group frozen": (
        "nothing learns",
        lambda: chain(
            "moons", [linear(8), RELU, linear(2)], groups=(Group("all", ("0", "2"), frozen=True),)
        ),
    ),
    "one class in most samples": (
        "class balance",
        lambda: unbalanced(chain("moons", [linear(8), RELU, linear(2)])),
    ),
    "a handful for validation": (
        "validation share",
        lambda: chain("iris", [linear(16), RELU, linear(3)], validation=0.05),
    ),
}


def grown(case: Case, factor: float) -> Case:
    spec, samples, recipe = case
    return spec, replace(samples, x=samples.x * factor), recipe


def frozen(case: Case) -> Case:
    spec, samples, recipe = case
    for node in spec.nodes:
        spec = edit.freeze(spec, node.name, True)
    return spec, samples, recipe


def unbalanced(case: Case) -> Case:
    spec, samples, recipe = case
    kept = torch.cat([(samples.y == 0).nonzero()[:, 0], (samples.y == 1).nonzero()[:30, 0]])
    return spec, replace(samples, x=samples.x[kept], y=samples.y[kept]), recipe


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found_before_the_run_and_each_fix_mends_it(planted: str) -> None:
    rule, make = PLANTED[planted]
    case = make()
    note = the(rule, examine(*case))
    assert note.title
    assert note.evidence.endswith(".")
    every_fix_mends(case, note, examined)


def test_softmax_before_cross_entropy_comes_with_the_loss_it_cannot_get_below() -> None:
    note = the("squashed scores", examine(*PLANTED["softmax before cross entropy"][1]()))
    # log(e + 2) - 1: one of three probabilities at 1, the others at 0.
    assert "above 0.551" in note.evidence


def test_a_model_that_does_not_run_or_does_not_fit_is_examined_without_a_word_too_many() -> None:
    broken = chain("iris", [linear(16), ("nn.Conv2d", {"out_channels": 4, "kernel_size": 3})])
    assert examine(*broken) == ()
    assert examine(TEMPLATES["LeNet5"], load("iris"), for_data(Recipe(), "iris"))
    for spec in TEMPLATES.values():
        examine(spec, load("digits"), for_data(Recipe(), "digits"))


def test_faults_that_need_no_data_show_while_a_model_is_built() -> None:
    for name in ("softmax before cross entropy", "dropout at the end", "every layer frozen"):
        spec = PLANTED[name][1]()[0]
        (note,) = build_notes(spec)
        assert build_notes(note.fixes[0].apply(spec, Recipe())[0]) == (), name
    for title, spec in TEMPLATES.items():
        assert build_notes(spec) == (), title


# --- one batch forward and back -------------------------------------------------------------------


def deep(activation: tuple[str, Mapping[str, Any]], layers: int) -> list[tuple[str, Any]]:
    return [*([linear(16), activation] * layers), linear(2)]


def started(case: Case, parameter: str, mean: float, std: float) -> Case:
    """The same with weights or biases of every layer that start as normal numbers."""
    spec, samples, recipe = case
    order = torch.Generator().manual_seed(0)
    for name, shape in [(n, v.shape) for n, v in build(spec).named_parameters()]:
        layer, _, which = name.partition(".")
        if which == parameter:
            values = (torch.randn(shape, generator=order) * std + mean).tolist()
            spec = edit.set_init(spec, layer, {parameter: Init("values", {"values": values})})
    return spec, samples, recipe


PROBED: Mapping[str, tuple[str, Callable[[], Case]]] = {
    "a chain of sigmoids": (
        "vanishing gradients",
        lambda: chain("moons", deep(SIGMOID, 8)),
    ),
    "weights that start large": (
        "exploding gradients",
        lambda: started(chain("moons", deep(RELU, 4)), "weight", 0.0, 2.0),
    ),
    "biases that kill every ReLU": (
        "dead units",
        lambda: started(chain("moons", deep(RELU, 2)), "bias", -10.0, 0.0),
    ),
    "tanhs driven to their ends": (
        "saturated units",
        lambda: started(chain("moons", deep(TANH, 2)), "weight", 0.0, 5.0),
    ),
}


@pytest.mark.parametrize("planted", PROBED)
def test_a_planted_fault_shows_in_one_batch_and_each_fix_mends_it(planted: str) -> None:
    rule, make = PROBED[planted]
    case = make()
    note = the(rule, probe(*case).notes)
    assert note.evidence.endswith(".")
    every_fix_mends(case, note, probed)


def test_a_probe_leaves_all_random_states_as_they_were() -> None:
    before = torch.random.get_rng_state()
    probe(*fitted("MLP", "moons"))
    overfit_check(*fitted("MLP", "moons"), steps=5)
    assert torch.equal(before, torch.random.get_rng_state())


# --- twenty samples -------------------------------------------------------------------------------


def test_what_cannot_learn_20_samples_is_found_with_the_rate_that_can() -> None:
    case = chain("moons", [linear(16), RELU, linear(2)], lr=1e-3)
    found = overfit_check(*case, steps=150, seconds=60)
    note = the("no learning", found.notes)
    assert not found.learned
    assert "150 steps" in note.evidence
    assert "Use 0.01" in [fix.label for fix in note.fixes]
    every_fix_mends(case, note, lambda after: overfit_check(*after, steps=150).notes)


def test_a_line_that_cannot_bend_is_told_to_take_a_hidden_layer() -> None:
    case = chain("xor", [linear(2)])
    note = the("no learning", overfit_check(*case, steps=300, seconds=60).notes)
    assert [fix.label for fix in note.fixes] == ["Put a hidden layer before the last"]


def test_nothing_to_learn_is_said_in_words() -> None:
    case = frozen(chain("moons", [linear(8), RELU, linear(2)]))
    with pytest.raises(RunError, match="nothing to learn"):
        overfit_check(*case)
    with pytest.raises(RunError, match="nothing to learn"):
        probe(*case)
