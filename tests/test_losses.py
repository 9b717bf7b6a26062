"""Losses: all of torch's that fit, their numbers, their weights, and what they refuse."""

import inspect

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from builder.errors import RecipeError
from builder.train.data import Data
from builder.train.losses import LEFT_OUT, LOSSES, known_losses
from builder.train.recipe import Recipe
from builder.train.trainer import Trainer

_BY_CLASS = [name for name, row in LOSSES.items() if "classification" in row.tasks]
_BY_VALUE = [name for name, row in LOSSES.items() if "regression" in row.tasks]
_LABELS = torch.tensor([0, 1, 2, 2, 1, 0, 2, 2])


def outputs_for(name: str, columns: int) -> Tensor:
    """Outputs of the kind that a loss expects."""
    out = torch.randn(len(_LABELS), columns, generator=torch.Generator().manual_seed(0))
    return {"NLLLoss": out.log_softmax(dim=1), "BCELoss": out.sigmoid()}.get(name, out)


def target_of(name: str) -> Tensor:
    """The classes as plain torch takes them, by hand."""
    if name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"):
        return _LABELS
    return torch.eye(3)[_LABELS] * 2 - 1 if name == "SoftMarginLoss" else torch.eye(3)[_LABELS]


def test_every_loss_of_torch_has_a_row_or_a_reason() -> None:
    assert set(known_losses()) == set(LOSSES) | set(LEFT_OUT)
    assert not set(LOSSES) & set(LEFT_OUT)
    assert all(reason.endswith(".") for reason in LEFT_OUT.values())


@pytest.mark.parametrize("name", LOSSES)
def test_arguments_and_defaults_are_torchs_own(name: str) -> None:
    row = LOSSES[name]
    parameters = inspect.signature(getattr(nn, name)).parameters
    for key, field in row.fields.items():
        assert field.default == parameters[key].default
        assert field.problem(field.default) is None
        assert field.help.endswith(".")
    row.check({key: field.default for key, field in row.fields.items()})
    left = set(parameters) - set(row.fields)
    assert left <= {"size_average", "reduce", "reduction", "weight"}


@pytest.mark.parametrize("name", _BY_CLASS)
def test_a_loss_over_classes_is_plain_torchs_to_the_bit(name: str) -> None:
    row, out = LOSSES[name], outputs_for(name, 3)
    plain = getattr(nn, name)()(out, target_of(name))
    assert torch.equal(row.make()(out, row.prepare(_LABELS, 3)), plain)


@pytest.mark.parametrize("name", _BY_VALUE)
def test_a_loss_over_values_is_plain_torchs_to_the_bit(name: str) -> None:
    row, out = LOSSES[name], outputs_for(name, 1)
    y = torch.arange(8.0).unsqueeze(1)
    assert torch.equal(row.make({}, y, 1)(out, row.prepare(y, 1)), getattr(nn, name)()(out, y))


_ENDS = {"NLLLoss": nn.LogSoftmax(dim=1), "BCELoss": nn.Sigmoid()}


@pytest.mark.parametrize("name", LOSSES)
def test_two_steps_by_every_loss_are_plain_torchs_to_the_bit(name: str) -> None:
    classes = "classification" in LOSSES[name].tasks
    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    y = _LABELS if classes else torch.arange(8.0).unsqueeze(1) / 4

    def fresh() -> nn.Module:
        torch.manual_seed(0)
        linear = nn.Linear(4, 3 if classes else 1)
        return nn.Sequential(linear, _ENDS[name]) if name in _ENDS else linear

    recipe = Recipe(loss=name, optimizer="SGD", lr=0.1, batch_size=4, seed=3)
    task = "classification" if classes else "regression"
    trainer = Trainer(fresh(), Data(x, y, x, y), recipe, task=task)
    theirs, loss = fresh(), getattr(nn, name)()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, fused=True)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(3))
    target = target_of(name) if classes else y
    for rows in order.split(4):
        trainer.batch()
        optimizer.zero_grad()
        loss(theirs(x[rows]), target[rows]).backward()
        optimizer.step()
    ours, plain = trainer.model.state_dict(), theirs.state_dict()
    assert all(torch.equal(ours[key], plain[key]) for key in plain)
    assert not torch.equal(next(iter(plain.values())), next(iter(fresh().state_dict().values())))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 2}),
        ("MultiMarginLoss", {"p": 2, "margin": 0.5}),
        ("HuberLoss", {"delta": 0.3}),
        ("SmoothL1Loss", {"beta": 0.0}),
        ("PoissonNLLLoss", {"log_input": False, "full": True, "eps": 1e-3}),
    ],
)
def test_arguments_reach_torch_and_stand_in_the_code(name: str, args: dict[str, object]) -> None:
    row, plain = LOSSES[name], getattr(nn, name)(**args)
    y = _LABELS if "classification" in row.tasks else _LABELS.float().unsqueeze(1)
    out = outputs_for(name, 3 if y.dim() == 1 else 1).abs()
    expected = plain(out, row.prepare(y, 3))
    assert torch.equal(row.make(args)(out, row.prepare(y, 3)), expected)
    written = eval(row.code(args), {"nn": nn, "torch": torch})
    assert torch.equal(written(out, row.prepare(y, 3)), expected)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"])
def test_balanced_weights_are_those_of_scikit_learn(name: str) -> None:
    made = LOSSES[name].make({"weight": "balanced"}, _LABELS, 3)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=_LABELS.numpy())
    torch.testing.assert_close(made.weight, torch.tensor(expected, dtype=torch.float32))


def test_a_class_that_does_not_occur_takes_no_weight_from_the_others() -> None:
    made = LOSSES["CrossEntropyLoss"].make({"weight": "balanced"}, _LABELS, 5)
    whole = LOSSES["CrossEntropyLoss"].make({"weight": "balanced"}, _LABELS, 3)
    assert torch.equal(made.weight[:3], whole.weight)
    assert bool(made.weight.isfinite().all())


@pytest.mark.parametrize("columns", [1, 3])
def test_a_balanced_yes_weighs_as_much_as_all_the_noes(columns: int) -> None:
    row = LOSSES["BCEWithLogitsLoss"]
    y = (_LABELS == 1).long() if columns == 1 else _LABELS
    made = row.make({"pos_weight": "balanced"}, y, columns)
    target = row.prepare(y, columns)
    torch.testing.assert_close(made.pos_weight * target.sum(0), (1 - target).sum(0))


@pytest.mark.parametrize("value", ["balanced", (0.5, 1.0, 2.0)])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        *((name, "weight") for name, row in LOSSES.items() if "weight" in row.fields),
        ("BCEWithLogitsLoss", "pos_weight"),
    ],
)
def test_the_code_of_weights_makes_the_same_loss(name: str, key: str, value: object) -> None:
    row, out = LOSSES[name], outputs_for(name, 3)
    target = row.prepare(_LABELS, 3)
    written = eval(row.code({key: value}, 3), {"nn": nn, "torch": torch, "y": target})
    made = row.make({key: value}, _LABELS, 3)
    torch.testing.assert_close(written(out, target), made(out, target))


def test_twenty_six_classes_may_each_have_a_weight() -> None:
    LOSSES["CrossEntropyLoss"].check({"weight": tuple(range(26))}, 26)
    LOSSES["CrossEntropyLoss"].check({"weight": tuple(range(26))})


@pytest.mark.parametrize(
    ("name", "args", "classes", "words"),
    [
        ("CrossEntropyLoss", {"label_smoothing": 2.0}, 3, "from 0 to 1"),
        ("CrossEntropyLoss", {"weight": (1.0, 2.0)}, 3, "list of 3 numbers"),
        ("CrossEntropyLoss", {"weight": (1.0, -2.0, 1.0)}, 3, "from 0 up"),
        ("CrossEntropyLoss", {"weight": "fair"}, 3, "'balanced'"),
        ("CrossEntropyLoss", {"speed": 1}, 3, "no argument 'speed'; it has weight"),
        ("MSELoss", {"speed": 1}, 3, "no argument 'speed'."),
        ("MultiMarginLoss", {"p": 3}, 3, "from 1 to 2"),
        ("HuberLoss", {"delta": 0}, 1, "above 0"),
        ("MultiLabelSoftMarginLoss", {"weight": "balanced"}, 1, "one output"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_and_says_what_would(
    name: str, args: dict[str, object], classes: int, words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        LOSSES[name].make(args, _LABELS, classes)


def test_counts_below_zero_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"smallest target is -1\.5"):
        LOSSES["PoissonNLLLoss"].make({}, torch.tensor([[-1.5], [2.0]]), 1)


def test_outputs_that_mean_nothing_to_a_loss_are_told_in_words() -> None:
    scores, chances = torch.tensor([[-2.0, 3.0]]), torch.tensor([[0.2, 0.8]])
    assert "Sigmoid at the end; the model gives -2 to 3" in str(LOSSES["BCELoss"].fault(scores))
    assert "LogSoftmax" in str(LOSSES["NLLLoss"].fault(scores))
    assert LOSSES["BCELoss"].fault(chances) is None
    assert LOSSES["NLLLoss"].fault(chances.log()) is None
    assert LOSSES["CrossEntropyLoss"].fault(scores) is None


def test_classes_of_every_time_step_become_columns_before_the_steps() -> None:
    y = torch.tensor([[0, 2], [1, 1]])
    columns = LOSSES["BCEWithLogitsLoss"].prepare(y, 3)
    assert columns.shape == (2, 3, 2)
    assert torch.equal(columns.argmax(1), y)


@pytest.mark.filterwarnings("ignore:reduction")
def test_losses_left_out_as_doubles_are_doubles() -> None:
    out = outputs_for("NLLLoss", 3)
    first = torch.cat((_LABELS[:, None], torch.full((8, 2), -1)), dim=1)
    torch.testing.assert_close(
        nn.MultiLabelMarginLoss()(out, first), nn.MultiMarginLoss()(out, _LABELS)
    )
    spread = nn.KLDivLoss()(out, torch.eye(3)[_LABELS])
    torch.testing.assert_close(spread, nn.NLLLoss()(out, _LABELS) / 3)
