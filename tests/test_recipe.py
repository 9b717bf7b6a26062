"""The settings of a run: round trips, torch's own names and defaults, and what is refused."""

from dataclasses import fields

import pytest

from builder.errors import RecipeError
from builder.train.groups import Group, optimizer_code
from builder.train.losses import LOSSES, suggest_loss
from builder.train.recipe import FIELDS, Recipe, devices
from builder.train.schedules import Phase


def test_a_recipe_comes_back_from_its_json() -> None:
    recipe = Recipe(
        dataset="circles",
        options={"noise": 0.2},
        augment={"RandomRotation": {"degrees": (-9, 9)}},
        loss="MSELoss",
        optimizer="AdamW",
        optimizer_args={"betas": (0.8, 0.9)},
        groups=(Group("head", ("fc", "conv.bias"), 0.1, {"betas": (0.5, 0.9)}, frozen=True),),
        schedule=(
            Phase("LinearLR", {"total_iters": 3}, 3),
            Phase("MultiStepLR", {"milestones": (5,)}),
        ),
        keep_epochs=(1, 2),
    )
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "not JSON"),
        ("[]", '"format": 1'),
        ('{"format": 2}', '"format": 1'),
        ('{"format": 1, "speed": 3}', "speed"),
        ('{"format": 1, "optimizer_args": 3}', "wrong type"),
    ],
)
def test_a_bad_document_is_refused_in_words(text: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        Recipe.from_json(text)


def test_what_is_suggested_fits() -> None:
    for task in ("classification", "regression"):
        Recipe(loss=suggest_loss(task)).check(task)


@pytest.mark.parametrize(
    ("settings", "task", "word"),
    [
        ({"loss": "CrossEntropyLoss"}, "regression", "MSELoss"),
        ({"loss": "Nonsense"}, "classification", "CrossEntropyLoss"),
        ({"optimizer": "Magic"}, "classification", "Adam"),
        ({"optimizer_args": {"speed": 1}}, "classification", "no argument 'speed'"),
        ({"optimizer_args": {"betas": (2.0, 3.0)}}, "classification", "from 0 to 1"),
        (
            {"optimizer": "SGD", "optimizer_args": {"nesterov": True}},
            "classification",
            "momentum must be above 0",
        ),
        ({"batch_size": 0}, "classification", "batch_size is 0"),
        ({"epochs": 10**12}, "classification", "epochs"),
        ({"lr": -1.0}, "classification", "learning rate is -1.0"),
        ({"lr": float("nan")}, "classification", "learning rate is nan"),
        ({"validation": 1.0}, "classification", "validation"),
        ({"seed": -1}, "classification", "seed"),
        ({"clip_norm": 0.0}, "classification", "clip_norm is 0.0; a number above 0"),
        ({"l1": float("inf")}, "classification", "l1 is inf"),
        ({"patience": True}, "classification", "patience is True"),
        ({"keep_epochs": (0,)}, "classification", "keep_epochs"),
        ({"split": "odd"}, "classification", "'random' or 'time' or 'folds'"),
        ({"schedule_by": "day"}, "classification", "'epoch' or 'step'"),
        ({"device": "tpu"}, "classification", "cpu"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_and_says_what_would(
    settings: dict[str, object], task: str, word: str
) -> None:
    with pytest.raises(RecipeError, match=word):
        Recipe(**settings).check(task)  # type: ignore[arg-type]


def test_every_plain_setting_has_a_row_that_its_default_fits() -> None:
    others = {"dataset", "options", "augment", "loss", "loss_args", "optimizer", "optimizer_args"}
    others |= {"groups", "schedule", "device"}
    assert {entry.name for entry in fields(Recipe)} - set(FIELDS) == others
    for row in FIELDS.values():
        assert row.help.endswith(".")
    Recipe().check("classification")


def test_every_loss_says_what_it_expects() -> None:
    for loss in LOSSES.values():
        assert loss.help.endswith(".")
        assert loss.expects
        assert loss.tasks


def test_the_processor_is_always_a_device() -> None:
    assert devices()[0] == "cpu"


def test_the_line_of_code_is_the_optimizer() -> None:
    recipe = Recipe(optimizer="SGD", optimizer_args={"momentum": 0.9}, lr=0.05)
    code = "optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)"
    assert optimizer_code(recipe) == code
