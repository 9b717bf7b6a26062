"""Optimizers: all of torch's that train a model alone, their arguments, and their steps."""

import inspect

import pytest
import torch
from torch import Tensor, nn

from builder.errors import RecipeError
from builder.train.optimizers import LEFT_OUT, OPTIMIZERS, known_optimizers
from builder.train.recipe import Recipe

_X = torch.randn(16, 3, generator=torch.Generator().manual_seed(1))
_Y = _X.sin().sum(dim=1, keepdim=True)


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def two_steps(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    def loss() -> float:
        optimizer.zero_grad()
        value = nn.functional.mse_loss(model(_X), _Y)
        value.backward()
        return float(value.detach())

    for _ in range(2):
        optimizer.step(loss)
    return [parameter.detach() for parameter in model.parameters()]


def test_every_optimizer_of_torch_has_a_row_or_a_reason() -> None:
    assert set(known_optimizers()) == set(OPTIMIZERS) | set(LEFT_OUT)
    assert not set(OPTIMIZERS) & set(LEFT_OUT)
    assert all(reason.endswith(".") for reason in LEFT_OUT.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_arguments_and_defaults_are_torchs_own(name: str) -> None:
    row = OPTIMIZERS[name]
    parameters = inspect.signature(getattr(torch.optim, name)).parameters
    assert set(row.first) <= set(row.fields) <= set(parameters)
    for key, field in row.fields.items():
        assert field.default == parameters[key].default
        assert field.problem(field.default) is None
        assert field.help.endswith(".")
        assert field.help != f"{key} of torch.optim."
    row.check({key: field.default for key, field in row.fields.items()})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_steps_are_plain_torchs_to_the_bit(name: str) -> None:
    row, ours, theirs = OPTIMIZERS[name], mlp(), mlp()
    args = {key: field.default for key, field in row.fields.items()}
    made = Recipe(optimizer=name, optimizer_args=args, lr=0.01).make_optimizer(ours)
    fused = {"fused": True} if row.fused else {}
    plain = getattr(torch.optim, name)(theirs.parameters(), lr=0.01, **fused)
    pairs = zip(two_steps(ours, made), two_steps(theirs, plain), strict=True)
    assert all(torch.equal(mine, other) for mine, other in pairs)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("RMSprop", {"momentum": 0.5, "centered": True}),
        ("Adam", {"betas": (0.5, 0.9), "amsgrad": True}),
        ("LBFGS", {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": None}),
    ],
)
def test_arguments_reach_torch(name: str, args: dict[str, object]) -> None:
    row, ours, theirs = OPTIMIZERS[name], mlp(), mlp()
    row.check(args)
    made = Recipe(optimizer=name, optimizer_args=args, lr=0.1).make_optimizer(ours)
    fused = {"fused": True} if row.fused else {}
    plain = getattr(torch.optim, name)(theirs.parameters(), lr=0.1, **args, **fused)
    pairs = zip(two_steps(ours, made), two_steps(theirs, plain), strict=True)
    assert all(torch.equal(mine, other) for mine, other in pairs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_row_says_what_the_optimizer_can_do(name: str) -> None:
    row, weights = OPTIMIZERS[name], [torch.zeros(1, requires_grad=True) for _ in range(2)]
    make = getattr(torch.optim, name)
    try:
        made = make([{"params": [weight]} for weight in weights], lr=0.1)
        takes_groups = True
    except ValueError:
        made, takes_groups = make(weights, lr=0.1), False
    assert row.groups is takes_groups
    closure = inspect.signature(made.step).parameters["closure"]
    assert row.closure is (closure.default is inspect.Parameter.empty)
    cycled = [key for key in ("betas", "momentum") if key in made.defaults]
    assert [row.momentum] == (cycled or [None])


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("Adam", {"speed": 1}, "no argument 'speed'; it has betas"),
        ("Adam", {"betas": (2.0, 3.0)}, "from 0 to 1"),
        ("Adam", {"betas": (0.9, 1.0)}, "no such arguments: Invalid beta"),
        ("Rprop", {"etas": (1.5, 1.2)}, "no such arguments: Invalid eta"),
        ("SGD", {"nesterov": True}, "momentum must be above 0"),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.5}, "dampening 0"),
        ("LBFGS", {"max_iter": 0}, "from 1 to"),
        ("LBFGS", {"max_iter": 2.5}, "whole number"),
        ("LBFGS", {"line_search_fn": "golden"}, "'strong_wolfe'"),
    ],
)
def test_an_argument_that_cannot_work_is_refused_and_says_what_would(
    name: str, args: dict[str, object], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        OPTIMIZERS[name].check(args)
