"""Parameter groups do what hand-written torch does, and say what cannot work."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from builder import TEMPLATES, ModelSpec, Node, build, write_source
from builder.build import parameter_names
from builder.data import load, split
from builder.errors import ModelError, RecipeError
from builder.spec import Input
from builder.store import Store
from builder.train.data import Data
from builder.train.groups import (
    Group,
    assign,
    by_module,
    check,
    frozen_backbone,
    move,
    no_decay,
    optimizer_code,
    parameter_groups,
    parts,
    seed_example,
)
from builder.train.recipe import Recipe
from builder.train.trainer import Trainer
from builder.train.worker import work

MLP = TEMPLATES["MLP"]
# Its parts are called as in the notes.
NET = ModelSpec(
    name="Net",
    inputs=(Input("x", (1, 8, 8)),),
    container="graph",
    nodes=(
        Node("conv1", "nn.Conv2d", {"in_channels": 1, "out_channels": 3, "kernel_size": 3}),
        Node("conv2", "nn.Conv2d", {"in_channels": 3, "out_channels": 2, "kernel_size": 3}),
        Node("flatten", "nn.Flatten"),
        Node("fc", "nn.Linear", {"in_features": 32, "out_features": 10}),
    ),
)
NAMES = parameter_names(NET)


def moons() -> Data:
    samples = load("moons")
    parts = split(samples)
    return Data(
        samples.x[parts.train],
        samples.y[parts.train],
        samples.x[parts.validation],
        samples.y[parts.validation],
    )


def trained(spec: ModelSpec, recipe: Recipe, steps: int) -> nn.Module:
    torch.manual_seed(0)
    trainer = Trainer(build(spec).train(), moons(), recipe, task="classification")
    for _ in range(steps):
        trainer.batch()
    return trainer.model


def plain(spec: ModelSpec) -> nn.Module:
    torch.manual_seed(0)
    return build(spec).train()


def test_every_parameter_is_in_the_group_of_the_longest_path_to_it() -> None:
    groups = (Group("a", ("fc",)), Group("b", ("fc.bias",)))
    names = ("conv.weight", "fc.weight", "fc.bias", "fc2.weight")
    assert assign(names, groups) == {
        "conv.weight": "default", "fc.weight": "a", "fc.bias": "b", "fc2.weight": "default",
    }  # fmt: skip


@given(
    st.lists(
        st.sampled_from([*NAMES, *dict.fromkeys(n.rpartition(".")[0] for n in NAMES)]),
        unique=True,
        max_size=8,
    ),
    st.integers(1, 3),
)
def test_every_parameter_is_stepped_by_exactly_one_group(paths: list[str], count: int) -> None:
    groups = tuple(Group(f"g{n}", tuple(paths[n::count])) for n in range(count))
    owners = assign(NAMES, groups)
    groups = tuple(group for group in groups if group.name in owners.values())
    model = build(NET)
    made = parameter_groups(model, Recipe(groups=groups))
    every = [id(parameter) for group in made for parameter in group["params"]]
    assert sorted(every) == sorted(id(parameter) for parameter in model.parameters())


def test_what_is_moved_is_where_it_was_moved_and_all_else_stays() -> None:
    groups = move(NAMES, (), ["conv1", "fc"], "fast")
    assert groups == (Group("fast", ("conv1", "fc")),)
    groups = move(NAMES, groups, ["fc.bias"], "slow")
    assert assign(NAMES, groups) == {
        "conv1.weight": "fast", "conv1.bias": "fast", "conv2.weight": "default",
        "conv2.bias": "default", "fc.weight": "fast", "fc.bias": "slow",
    }  # fmt: skip
    groups = move(NAMES, groups, ["conv1.bias"], "default")
    assert groups == (
        Group("fast", ("conv1.weight", "fc.weight")),
        Group("slow", ("fc.bias",)),
    )
    assert move(NAMES, groups, ["conv1", "fc"], "default") == ()


def test_the_parts_of_a_model_are_a_tree_that_holds_every_parameter_once() -> None:
    model = build(TEMPLATES["MyNet with SubNet"])
    found = parts(model)
    names = [name for name, _ in model.named_parameters()]
    assert sorted(part.path for part in found if part.shape is not None) == sorted(names)
    places = {part.path: place for place, part in enumerate(found)}
    for part in found:
        above = part.path.rpartition(".")[0]
        assert not above or places[above] < places[part.path]
        assert part.values == sum(model.get_parameter(name).numel() for name in part.names)
    assert [part.about for part in found if part.path == "subnet1.conv"] == ["Conv2d"]
    assert [part.still for part in parts(model.requires_grad_(False))] == [True] * len(found)


def test_two_steps_are_those_of_hand_written_torch() -> None:
    recipe = Recipe(
        "moons", optimizer="SGD", optimizer_args={"momentum": 0.9}, lr=0.02, batch_size=32, seed=0,
        groups=(
            Group("first", ("0",), lr=0.1),
            Group("last", ("4",), args={"weight_decay": 0.01, "momentum": 0.5}),
        ),
    )  # fmt: skip
    ours, theirs, data = trained(MLP, recipe, 2), plain(MLP), moons()
    first, middle, last = (list(theirs.get_submodule(path).parameters()) for path in "024")
    optimizer = torch.optim.SGD(
        [
            {"params": first, "lr": 0.1},
            {"params": last, "weight_decay": 0.01, "momentum": 0.5},
            {"params": middle},
        ],
        lr=0.02,
        momentum=0.9,
        fused=True,
    )
    order = torch.randperm(len(data.x), generator=torch.Generator().manual_seed(0))
    for rows in order.split(32)[:2]:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(theirs(data.x[rows]), data.y[rows])
        torch.autograd.backward(loss)
        optimizer.step()
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key


@pytest.mark.parametrize("still", [{"lr": 0.0}, {"frozen": True}])
def test_a_group_of_rate_zero_and_a_frozen_one_stay_as_they_were_to_the_bit(
    still: dict[str, Any],
) -> None:
    recipe = Recipe("moons", optimizer="SGD", lr=0.1, groups=(Group("still", ("0",), **still),))
    ours, before = trained(MLP, recipe, 5).state_dict(), plain(MLP).state_dict()
    assert torch.equal(ours["0.weight"], before["0.weight"])
    assert torch.equal(ours["0.bias"], before["0.bias"])
    assert not torch.equal(ours["2.weight"], before["2.weight"])


def test_sgd_at_ten_times_the_rate_makes_ten_times_the_first_step() -> None:
    before = plain(MLP).state_dict()["0.weight"].double()
    steps = []
    for lr in (0.01, 0.1):
        recipe = Recipe("moons", optimizer="SGD", lr=0.01, groups=(Group("one", ("0",), lr=lr),))
        steps.append(trained(MLP, recipe, 1).state_dict()["0.weight"].double() - before)
    torch.testing.assert_close(steps[1], 10 * steps[0], rtol=1e-3, atol=1e-6)


def test_a_frozen_group_can_learn_again() -> None:
    recipe = Recipe("moons", groups=(Group("still", ("0",), frozen=True),))
    torch.manual_seed(0)
    trainer = Trainer(build(MLP).train(), moons(), recipe, task="classification")
    before = trainer.model.state_dict()["0.weight"].clone()
    trainer.batch()
    assert trainer.frozen() == ["still"]
    trainer.freeze("still", frozen=False)
    trainer.batch()
    assert not torch.equal(trainer.model.state_dict()["0.weight"], before)


def test_the_record_of_a_run_says_from_its_start_which_groups_are_frozen(store: Store) -> None:
    still = Group("still", ("0",), frozen=True)
    recipe = Recipe("moons", options={"samples": 60}, epochs=1, groups=(still,))
    run_id = store.create_run(MLP, recipe.to_json())
    store.claim(run_id, at_once=99)
    assert work(store, store.run(run_id)) == "finished"
    assert store.run(run_id).facts["frozen"] == ["still"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"groups": (Group("a", ("nowhere",)),)}, "no such parameter or module; it has conv1"),
        ({"groups": (Group("a", ("fc",)), Group("b", ("fc",)))}, "fc is in two groups"),
        ({"groups": (Group("a", ("fc",)), Group("a", ("conv2",)))}, "Two groups are called a"),
        ({"groups": (Group("default", ("fc",)),)}, "any other name works"),
        ({"groups": (Group("a", ()),)}, "Group a is empty"),
        ({"groups": (Group("a", ("fc",), lr=-1.0),)}, "learning rate of group a is -1"),
        ({"groups": (Group("a", ("fc",), args={"momentum": 0.9}),)}, "no argument"),
        ({"groups": (Group("a", ("fc",)),), "optimizer": "LBFGS", "lr": 1.0}, "one group"),
        ({"groups": (Group("a", tuple(dict.fromkeys(n.split(".")[0] for n in NAMES)),
                           frozen=True),)}, "nothing would learn"),
    ],
)  # fmt: skip
def test_groups_that_cannot_work_are_refused_in_words(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        check(NAMES, Recipe(**changes))


def test_one_click_makes_groups_that_work_for_every_template() -> None:
    for spec in TEMPLATES.values():
        try:
            names = parameter_names(spec)
        except ModelError:  # the broken lesson
            continue
        model = build(spec)
        for groups in (
            seed_example(names), no_decay(model), by_module(names), frozen_backbone(names),
        ):  # fmt: skip
            check(names, Recipe(optimizer="AdamW", groups=groups))


def test_the_seeds_three_groups_are_one_click_away() -> None:
    names = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias")
    rates = {group.name: group.lr for group in seed_example(names)}
    assert rates == {"conv1": None, "conv2": 0.01, "fc": 0.001}


CODED = (
    seed_example(NAMES),
    frozen_backbone(NAMES),
    (Group("bias", ("fc.bias", "conv2.bias"), args={"weight_decay": 0.5}),),
    (Group("fc", ("fc",)), Group("its bias", ("fc.bias",), lr=0.5)),
)


def test_the_code_makes_the_same_groups(tmp_path: Path) -> None:
    recipes = [Recipe(optimizer="AdamW", lr=0.0001, groups=groups) for groups in CODED]
    script = [write_source(NET), "import json", "import torch", "found = []"]
    for recipe in recipes:
        script += [
            "model = Net()",
            optimizer_code(recipe, NAMES),
            "names = {id(p): n for n, p in model.named_parameters()}",
            "found.append([[g['lr'], g['weight_decay'], sorted(names[id(p)] for p in g['params'])]"
            " for g in optimizer.param_groups])",
        ]
    path = tmp_path / "script.py"
    path.write_text("\n".join([*script, "print(json.dumps(found))"]))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    for recipe, found in zip(recipes, json.loads(done.stdout), strict=True):
        model = build(NET)
        names = {id(p): n for n, p in model.named_parameters()}
        optimizer = torch.optim.AdamW(parameter_groups(model, recipe), lr=0.0001)
        still = {group.name for group in recipe.groups if group.frozen}
        assert found == [
            [g["lr"], g["weight_decay"], sorted(names[id(p)] for p in g["params"])]
            for g in optimizer.param_groups
            if g["name"] not in still
        ]
