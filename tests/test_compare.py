"""What differs between runs: promises of builder.train.compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder import TEMPLATES, BuilderError, ModelSpec, Node, edit
from builder.store import Event, Run, Store
from builder.train import Recipe
from builder.train.compare import ABSENT, code_difference, differences, opened
from builder.train.groups import Group
from builder.train.schedules import Phase

SPEC, RECIPE = TEMPLATES["MLP"], Recipe()


def a_run(spec: ModelSpec | str = SPEC, recipe: Recipe | str = RECIPE, **facts: Any) -> Run:
    return Run(
        id="r", model_id="m", message="", status="finished", created=0.0, handed=0.0, started=0.0,
        ended=1.0, pid=None, pid_started=None, step=1, epoch=1.0, facts=facts,
        spec=spec if isinstance(spec, str) else spec.to_json(),
        recipe=recipe if isinstance(recipe, str) else recipe.to_json(),
    )  # fmt: skip


def lines(*runs: Run) -> dict[str, tuple[str, ...]]:
    return {f"{line.part}: {line.path}": line.values for line in differences(runs)}


def test_a_run_differs_in_nothing_from_itself() -> None:
    run = a_run(versions={"torch": "2.14"}, threads=1)
    assert differences([run, run, run]) == []
    assert differences([run]) == differences([]) == []
    assert code_difference(run, run) == ""


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_the_same_as_itself_and_another_than_the_first(name: str) -> None:
    assert lines(a_run(TEMPLATES[name]), a_run(TEMPLATES[name])) == {}
    first = next(iter(TEMPLATES))
    assert bool(lines(a_run(TEMPLATES[first]), a_run(TEMPLATES[name]))) == (name != first)


def test_one_changed_setting_is_the_only_line() -> None:
    assert lines(a_run(), a_run(recipe=replace(RECIPE, lr=0.1))) == {"recipe: lr": ("0.001", "0.1")}


def test_a_default_that_is_written_out_is_no_difference() -> None:
    written = replace(RECIPE, optimizer="SGD", optimizer_args={"momentum": 0.0})
    assert lines(a_run(recipe=replace(RECIPE, optimizer="SGD")), a_run(recipe=written)) == {}
    bias = edit.set_args(SPEC, SPEC.nodes[-1].name, {"bias": True})
    assert lines(a_run(), a_run(bias)) == {}


def test_a_changed_argument_of_a_layer_is_told_by_its_name() -> None:
    node = next(node for node in SPEC.nodes if node.op == "nn.Linear")
    wider = edit.set_args(SPEC, node.name, {"out_features": 77})
    before = str(node.args["out_features"])
    assert lines(a_run(), a_run(wider)) == {
        f"model: {node.name} Linear · out_features": (before, "77")
    }


@pytest.mark.parametrize("place", range(len(SPEC.nodes) + 1))
def test_an_added_layer_is_one_line_although_those_behind_it_are_renumbered(place: int) -> None:
    nodes = (*SPEC.nodes[:place], Node("99", "nn.Dropout", {"p": 0.3}), *SPEC.nodes[place:])
    renumbered = tuple(replace(node, name=str(i)) for i, node in enumerate(nodes))
    more = replace(SPEC, nodes=renumbered)
    assert lines(a_run(), a_run(more)) == {f"model: {place}": (ABSENT, "nn.Dropout(p=0.3)")}
    (values,) = lines(a_run(more), a_run()).values()
    assert values == ("nn.Dropout(p=0.3)", ABSENT)


def test_a_layer_in_another_layers_place_is_one_line() -> None:
    position = next(i for i, node in enumerate(SPEC.nodes) if node.op == "nn.ReLU")
    tanh = replace(SPEC.nodes[position], op="nn.Tanh")
    other = replace(SPEC, nodes=(*SPEC.nodes[:position], tanh, *SPEC.nodes[position + 1 :]))
    assert ("nn.ReLU()", "nn.Tanh()") in lines(a_run(), a_run(other)).values()


def test_three_runs_stand_beside_one_another() -> None:
    runs = [a_run(recipe=replace(RECIPE, seed=seed)) for seed in (1, 2, 1)]
    assert lines(*runs) == {"recipe: seed": ("1", "2", "1")}


def test_groups_and_phases_are_told_apart_by_name_and_number() -> None:
    slow, fast = (Group("convs", ("0",), lr=lr, args={"weight_decay": 0.1}) for lr in (0.01, 0.1))
    steps = Phase("StepLR", {"step_size": 3})
    found = lines(
        a_run(recipe=replace(RECIPE, groups=(slow,))),
        a_run(recipe=replace(RECIPE, groups=(fast,), schedule=(steps,))),
    )
    assert found["recipe: group convs.lr"] == ("0.01", "0.1")
    assert found["recipe: schedule"] == ("none", "StepLR(step_size=3)")
    assert "recipe: group convs.args.weight_decay" not in found


def test_data_and_surroundings_are_told_apart_from_the_recipe() -> None:
    found = lines(
        a_run(threads=1, versions={"torch": "2.14.1"}, metrics={"train loss": 1.0}),
        a_run(
            recipe=replace(RECIPE, dataset="digits", validation=0.3),
            threads=2, versions={"torch": "2.14.1"}, metrics={"train loss": 2.0},
        ),
    )  # fmt: skip
    assert set(found) == {"data: dataset", "data: validation", "surroundings: threads"}


def test_other_data_are_told_only_where_the_settings_do_not_say_why() -> None:
    one, other = {"digest": "aa", "train": 80}, {"digest": "bb", "train": 80}
    assert set(lines(a_run(data=one), a_run(data=other))) == {"data: data.digest"}
    split = replace(RECIPE, validation=0.3)
    assert set(lines(a_run(data=one), a_run(recipe=split, data=other))) == {"data: validation"}
    three = lines(a_run(data=one), a_run(recipe=split, data=other), a_run(data=other))
    assert set(three) == {"data: validation", "data: data.digest"}


def test_another_optimizer_loss_or_augmentation_is_one_line_with_its_arguments() -> None:
    sgd = replace(RECIPE, optimizer="SGD", optimizer_args={"momentum": 0.9})
    assert lines(a_run(), a_run(recipe=sgd)) == {"recipe: optimizer": ("Adam", "SGD(momentum=0.9)")}
    smooth = replace(RECIPE, loss_args={"label_smoothing": 0.1})
    assert lines(a_run(), a_run(recipe=smooth)) == {
        "recipe: loss_args.label_smoothing": ("0", "0.1")
    }
    margin = replace(RECIPE, loss="MultiMarginLoss")
    assert set(lines(a_run(recipe=smooth), a_run(recipe=margin))) == {"recipe: loss"}
    flip = replace(RECIPE, augment={"RandomRotation": {"degrees": (-9.0, 9.0)}})
    assert set(lines(a_run(), a_run(recipe=flip))) == {"data: augment.RandomRotation"}


def test_numbers_that_differ_in_their_last_digit_differ() -> None:
    one, other = (replace(RECIPE, lr=rate) for rate in (0.001, 0.0010000001))
    assert lines(a_run(recipe=one), a_run(recipe=other)) == {
        "recipe: lr": ("0.001", "0.0010000001")
    }


def test_what_was_done_by_hand_is_a_difference() -> None:
    divided = [Event(7, 0.5, "scale", {"factor": 0.1}), Event(9, 0.7, "resumed", {})]
    assert [
        (line.part, line.path, line.values) for line in differences([a_run()] * 2, [divided, []])
    ] == [("by hand", "learning rate divided by 10", ("at step 7", ABSENT))]
    assert differences([a_run()] * 2, [divided, divided]) == []


def test_layers_that_are_alike_are_told_apart_by_their_place() -> None:
    def spec(*sizes: int) -> ModelSpec:
        nodes = (Node(str(i), "nn.Linear", {"out_features": n}) for i, n in enumerate(sizes))
        return replace(SPEC, nodes=tuple(nodes))

    assert lines(a_run(spec(8, 4)), a_run(spec(4, 4))) == {
        "model: 0 Linear · out_features": ("8", "4")
    }


def test_code_that_differs_is_shown_as_a_diff() -> None:
    node = next(node for node in SPEC.nodes if node.op == "nn.Linear")
    diff = code_difference(
        a_run(), a_run(edit.set_args(SPEC, node.name, {"out_features": 77}), name="wider")
    )
    changed = [line for line in diff.splitlines() if line[0] in "+-"]
    assert "+++ wider" in changed
    assert any("77" in line and line.startswith("+") for line in changed)


def test_a_run_that_cannot_be_read_any_more_is_compared_as_far_as_it_can_be() -> None:
    old = a_run('{"format": 0}', '{"format": 0, "lr": 0.5}')
    assert "model" in opened(old).problem
    assert "recipe" in opened(old).problem
    found = lines(a_run(), old, a_run(recipe=replace(RECIPE, lr=0.1)))
    assert found["recipe: lr"] == ("0.001", "0.5", "0.1")
    assert found["model: model"] == (ABSENT, "cannot be read", ABSENT)
    assert all(len(values) == 3 for values in found.values())
    assert lines(a_run("nothing", "nothing"), a_run())
    with pytest.raises(BuilderError, match="cannot be read"):
        code_difference(a_run(), old)


def test_labels_of_a_stored_run_are_no_difference(home: Path) -> None:
    store = Store.open(home)
    ids = [store.create_run(SPEC, RECIPE.to_json(), name=name) for name in ("a", "b")]
    store.label_run(ids[0], tags=["x"], notes="a note")
    assert differences([store.run(run_id) for run_id in ids]) == []


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), max_size=7), st.lists(st.integers(0, 3), max_size=7))
def test_layers_differ_if_and_only_if_a_line_says_so(one: list[int], other: list[int]) -> None:
    ops = ("nn.ReLU", "nn.Tanh", "nn.Linear", "nn.Linear")

    def spec(kinds: list[int]) -> ModelSpec:
        nodes = (
            Node(str(i), ops[kind], {"out_features": kind} if kind > 1 else {})
            for i, kind in enumerate(kinds)
        )
        return replace(SPEC, nodes=tuple(nodes))

    found = differences([a_run(spec(one)), a_run(spec(other))])
    assert bool(found) == (one != other)
    assert all(len(set(line.values)) > 1 for line in found)
