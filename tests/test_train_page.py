"""The tabs of the Train page: groups and schedules are made by a few clicks, and said in words."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES
from builder.train import Recipe
from builder.train.groups import Group
from builder.train.schedules import CHAINS, Phase
from ui.components.group_board import is_move

_PAGE = """
import streamlit as st
from ui import state
from ui.training.{module} import {name}
state.workspace()
{name}(None)
"""


def opened(module: str, name: str, model: str = "MLP", **recipe: object) -> AppTest:
    app = AppTest.from_string(_PAGE.format(module=module, name=name), default_timeout=120)
    app.session_state["recipe"] = Recipe("moons", **recipe)  # type: ignore[arg-type]
    app.run()
    app.session_state["workspace:model"].open(TEMPLATES[model])
    return app.run()


def recipe(app: AppTest) -> Recipe:
    found: Recipe = app.session_state["recipe"]
    return found


def test_the_three_groups_of_the_notes_are_one_click_away(home: Path) -> None:
    app = opened("board", "board")
    app.button(key="board:Three of the notes").click().run()
    assert not app.exception
    assert [(group.members, group.lr) for group in recipe(app).groups] == [
        (("0",), None), (("2",), 0.01), (("4",), 0.001),
    ]  # fmt: skip
    assert recipe(app).lr == 0.0001
    assert 'model.get_submodule("2").parameters(), "lr": 0.01' in app.code[0].value


@pytest.mark.parametrize("label", ["No decay", "One a module", "Freeze all but the last"])
@pytest.mark.parametrize("optimizer", ["Adam", "SGD", "Rprop"])
def test_every_click_makes_groups_that_work(home: Path, label: str, optimizer: str) -> None:
    app = opened("board", "board", optimizer=optimizer)
    app.button(key=f"board:{label}").click().run()
    assert not app.exception
    assert not app.error
    assert recipe(app).groups
    app.button(key="board:clear").click().run()
    assert recipe(app).groups == ()


def test_a_group_is_named_given_a_rate_frozen_and_removed(home: Path) -> None:
    app = opened("board", "board", groups=(Group("a", ("0",)),))
    app.text_input(key="board:0:lr").set_value("0.5").run()
    app.text_input(key="board:0:name").set_value("first").run()
    app.text_input(key="board:0:weight_decay").set_value("0.1").run()
    assert recipe(app).groups == (Group("first", ("0",), lr=0.5, args={"weight_decay": 0.1}),)
    app.text_input(key="board:0:lr").set_value("fast").run()
    assert "lr is 'fast'" in " ".join(caption.value for caption in app.caption)
    app.text_input(key="board:0:name").set_value("").run()
    assert "any other name works" in app.error[0].value
    app.toggle(key="board:0:frozen").set_value(True).run()
    assert recipe(app).groups[0].frozen
    app.button(key="board:0:remove").click().run()
    assert recipe(app).groups == ()
    assert not app.exception


def test_groups_of_a_model_that_has_changed_are_mended_at_a_click(home: Path) -> None:
    groups = (Group("gone", ("layer9",)), Group("a", ("0", "2")), Group("b", ("2", "4")))
    app = opened("board", "board", groups=groups)
    assert "layer9" in app.error[0].value
    app.button(key="board:mend").click().run()
    assert not app.error
    assert [group.members for group in recipe(app).groups] == [("0",), ("2", "4")]


def test_only_parts_and_groups_that_there_are_can_be_moved() -> None:
    move = {"do": "move", "paths": ["fc"], "to": "a"}
    assert is_move(move, {"fc"}, {"a"})
    assert is_move({**move, "to": None}, {"fc"}, {"a"})
    for wrong in ({"paths": ["rnn"]}, {"paths": []}, {"paths": "fc"}, {"to": "b"}, {"do": "drop"},
                  {"paths": [["fc"]]}, {"more": 1}):  # fmt: skip
        assert not is_move({**move, **wrong}, {"fc"}, {"a"}), wrong


def test_lbfgs_is_told_to_have_one_group(home: Path) -> None:
    app = opened("board", "board", optimizer="LBFGS")
    assert "one group" in app.info[0].value


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("by", ["epoch", "step"])
def test_every_chain_is_planned_over_the_run(home: Path, chain: str, by: str) -> None:
    app = opened("schedule", "schedule_panel", schedule_by=by)
    app.button(key=f"schedule:{chain}").click().run()
    assert not app.exception
    assert recipe(app).schedule
    if (chain, by) == ("On a plateau", "step"):
        assert "once an epoch" in app.error[0].value
    else:
        assert not app.error
        assert len(app.get("plotly_chart")) == 1
        assert "scheduler = torch.optim.lr_scheduler." in app.code[0].value


def test_phases_are_added_changed_and_removed(home: Path) -> None:
    app = opened("schedule", "schedule_panel", epochs=20)
    app.button(key="schedule:add").click().run()
    app.button(key="schedule:add").click().run()
    assert [phase.length for phase in recipe(app).schedule] == [10, None]
    app.selectbox(key="phase:0:scheduler").set_value("StepLR").run()
    app.text_input(key="phase:0:StepLR:gamma").set_value("0.5").run()
    app.text_input(key="phase:0:length").set_value("30").run()
    assert recipe(app).schedule[0] == Phase("StepLR", {"gamma": 0.5}, 30)
    assert "longer than the run" in app.error[0].value
    app.text_input(key="phase:0:StepLR:gamma").set_value("much").run()
    assert "gamma is 'much'" in " ".join(caption.value for caption in app.caption)
    app.button(key="phase:0:remove").click().run()
    assert [phase.scheduler for phase in recipe(app).schedule] == ["CosineAnnealingLR"]
    assert not app.error
    assert not app.exception
