"""The Inside page as AppTest sees it: whose weights, sections, messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, BuilderError, ModelSpec, Node, build, write_source
from builder.build import assemble
from builder.files import weights_pt
from builder.labs import inspection_hooks
from builder.labs.inspection import printed
from builder.labs.inspection_hooks import KINDS
from builder.spec import Init, Input
from builder.store import Store
from builder.train import Recipe
from ui.components.module_tree import is_intent
from ui.inside import effort
from ui.state import Workspace
from ui.training.settings import launcher

APP = str(Path(__file__).parents[1] / "app.py")


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The workbench with a store of its own, on the Inside page."""
    st.cache_resource.clear()
    yield AppTest.from_file(APP, default_timeout=120).run().switch_page("pages/inside.py").run()
    launcher().close()
    st.cache_resource.clear()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def opened(app: AppTest, spec: ModelSpec) -> AppTest:
    workspace(app).open(spec)
    return app.run()


def on(app: AppTest, section: str) -> AppTest:
    app.session_state["inside"] = section
    return app.run()


def trained(app: AppTest, home: Path, **files: int) -> str:
    """A finished run of the open model; weights by the stem of their file, drawn by a seed."""
    store, spec = Store.open(home), workspace(app).spec
    run_id = store.create_run(spec, Recipe().to_json(), model_id=workspace(app).model_id)
    for stem, seed in files.items():
        torch.manual_seed(seed)
        weights = weights_pt(build(spec).state_dict())
        (store.folder(run_id) / f"{stem.replace('_', '-')}.pt").write_bytes(weights)
    store.update_run(run_id, status="finished", epoch=3.0)
    return run_id


def said(app: AppTest) -> str:
    kinds = (app.error, app.warning, app.info, app.caption, app.markdown, app.code)
    return " ".join(element.value for kind in kinds for element in kind)


def test_every_template_has_its_tree_one_that_cannot_run_too(app: AppTest) -> None:
    app.segmented_control(key="walk").set_value("named_modules").run()
    for title, spec in TEMPLATES.items():
        opened(app, spec)
        assert not app.exception, title
        told = printed(assemble(spec), "named_modules").removesuffix("\n")
        assert app.code[1].value == told, title
        assert bool(app.warning) == ("broken" in title)
    assert "view" in app.warning[0].value
    assert "in_features=1024" in app.code[1].value


def test_the_weights_of_a_run_are_taken_and_any_that_it_kept(app: AppTest, home: Path) -> None:
    run_id = trained(app, home, weights=5, best=6, epoch_2=7)
    app.run()
    assert app.selectbox(key="subject:weights").value == run_id
    assert app.selectbox(key="subject:kept").options == ["Last", "Best", "Epoch 2"]
    app.selectbox(key="subject:kept").set_value("epoch 2").run()
    assert app.query_params["kept"] == "epoch 2"
    app.selectbox(key="subject:weights").set_value("fresh").run()
    app.number_input(key="subject:seed").set_value(7).run()
    assert app.query_params["seed"] == "7"
    assert not app.exception


# --- parameters --------------------------------------------------------------------------------


def test_every_tensor_of_every_template_is_in_the_table(app: AppTest) -> None:
    on(app, "Parameters")
    for title, spec in TEMPLATES.items():
        opened(app, spec)
        assert not app.exception, title
        model = assemble(spec)
        names = {name for name, _ in (*model.named_parameters(), *model.named_buffers())}
        assert set(app.dataframe[0].value["name"]) == names
        assert app.selectbox(key="inside:tensor-box").value in names


@pytest.mark.parametrize("title", ["SmallVGG", "LSTMClassifier", "MyModel", "CharLSTM"])
def test_every_kind_of_tensor_can_be_looked_at(app: AppTest, title: str) -> None:
    opened(app, TEMPLATES[title])
    on(app, "Parameters")
    for name in app.selectbox(key="inside:tensor-box").options[:8]:
        app.selectbox(key="inside:tensor-box").set_value(name).run()
        assert not app.exception, name
        assert f"`{name}`" in said(app)


def test_the_slider_goes_over_what_a_run_has_kept_by_age(app: AppTest, home: Path) -> None:
    run_id = trained(app, home, weights=1, best=2, epoch_1=3, epoch_2=4)
    facts = {"best": {"step": 150, "loss": 0.1}}
    Store.open(home).update_run(run_id, epoch=3.0, step=300, facts=facts)
    on(app, "Parameters")
    slider = app.select_slider(key="inside:checkpoint")
    assert slider.options == ["epoch 1", "best, epoch 1.5", "epoch 2", "last, epoch 3"]
    assert slider.value == "last"
    means = []
    for name in ("epoch 1", "best"):
        app.select_slider(key="inside:checkpoint").set_value(name).run()
        assert not app.exception
        assert app.selectbox(key="subject:kept").value == name
        means.append(app.dataframe[0].value["mean"][0])
    torch.manual_seed(3)
    assert means[0] == pytest.approx(build(workspace(app).spec)[0].weight.mean().item(), rel=1e-5)
    assert means[0] != means[1]


def test_a_model_without_buffers_or_dropout_is_told_so_and_shown_one_that_has_them(
    app: AppTest,
) -> None:
    on(app, "Parameters")
    app.segmented_control(key="values").set_value("train() and eval()").run()
    assert not app.exception
    assert "SmallVGG" in app.info[0].value
    assert app.selectbox(key="buffer").options[0] == "1.running_mean"
    opened(app, TEMPLATES["ResidualNet"])
    assert not app.info
    assert "bn1.running_mean" in app.selectbox(key="buffer").options[0]
    assert "No dropout layer" in said(app)
    opened(app, TEMPLATES["MyNet with SubNet (broken)"])
    assert not app.exception
    assert app.info


# --- naming ------------------------------------------------------------------------------------


def test_every_template_has_its_names_taken_apart(app: AppTest) -> None:
    on(app, "Naming")
    for title, spec in TEMPLATES.items():
        opened(app, spec)
        assert not app.exception, title
        assert bool(app.info) == ("broken" in title)


def test_the_layers_of_every_template_are_held_in_three_ways_or_it_is_said_why_not(
    app: AppTest,
) -> None:
    on(app, "Naming")
    app.segmented_control(key="naming").set_value("Sequential, ModuleList, list").run()
    for title, spec in TEMPLATES.items():
        opened(app, spec)
        assert not app.exception, title
        try:
            write_source(spec, "sequential")
            assert not app.info, title
        except BuilderError:
            assert app.info, title


# --- step by step, and autograd ------------------------------------------------------------------


def test_a_batch_goes_forward_and_back_through_the_model(app: AppTest) -> None:
    on(app, "Step by step")
    assert not app.exception
    app.button(key="stepping:next").click().run()
    assert app.select_slider(key="stepping:slider").value == 1
    app.button(key="stepping:last").click().run()
    assert app.select_slider(key="stepping:slider").value == 12
    app.button(key="stepping:back").click().run()
    assert app.select_slider(key="stepping:slider").value == 11


def test_the_step_where_numbers_end_is_named(app: AppTest) -> None:
    large = {"weight": Init("constant_", {"val": 100.0})}
    nodes = (Node("0", "nn.Identity"), Node("1", "nn.Linear", {"out_features": 3}, init=large))
    on(opened(app, ModelSpec("Large", (Input("x", (4,)),), "sequential", nodes)), "Step by step")
    assert not app.error
    app.select_slider(key="stepping-power").set_value(38).run()
    assert app.error[0].value.startswith("**1** (`nn.Linear`) is the first to give NaN")


def test_a_frozen_layer_stands_still_and_the_page_says_why(app: AppTest) -> None:
    on(app, "Autograd")
    assert "reaches every parameter" in app.success[0].value
    app.multiselect(key="autograd-frozen").select("3").run()
    assert app.info[0].value.startswith("2 of 10 parameters would not move")
    app.multiselect(key="autograd-detached").select("11").run()
    assert "asks for a gradient" in app.info[0].value


# --- hooks -------------------------------------------------------------------------------------


def test_hooks_on_every_template_fire_and_are_taken_off_again(app: AppTest) -> None:
    on(app, "Hooks")
    assert list(app.dataframe[0].value["module"]) == [
        str(number) for number in range(12) for _ in ("args[0]", "output")
    ]
    for title, spec in TEMPLATES.items():
        paths = [name for name, _ in assemble(spec).named_modules()]
        app.session_state["inside:hooks"] = {(path, kind) for path in paths for kind in KINDS}
        opened(app, spec)
        assert not app.exception, title
        if "broken" in title:
            assert app.info
            continue
        assert "they hold **0**" in said(app), title
        assert set(app.dataframe[0].value["hook"]) == set(KINDS), title
        assert app.dataframe[0].value["#"].is_monotonic_increasing


def test_hooks_are_put_on_everywhere_and_taken_off_by_a_click(app: AppTest) -> None:
    on(app, "Hooks")
    app.button(key="hooks:pre").click().run()
    table = app.dataframe[0].value
    assert set(table["module"][table["hook"] == "pre"]) == {"LeNet5", *map(str, range(12))}
    app.button(key="hooks:off").click().run()
    assert "Put a hook on" in app.info[0].value
    assert not app.dataframe


def test_much_work_is_done_when_it_is_asked_for_and_too_much_is_refused(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effort, "_AT_ONCE", 0)
    on(app, "Hooks")
    assert not app.dataframe
    app.button(key="inside:observe").click().run()
    assert len(app.dataframe) == 1
    app.select_slider(key="samples").set_value(2).run()
    assert not app.dataframe
    monkeypatch.setattr(inspection_hooks, "MOST_MACS", 1000)
    app.button(key="inside:observe").click().run()
    assert "Fewer samples do it" in app.info[0].value


@pytest.mark.parametrize(
    "message",
    [
        {"do": "pick", "id": "9"},
        {"do": "pick"},
        {"do": "switch", "id": "0", "what": "sideways"},
        {"do": "switch", "id": "0"},
        {"do": "pick", "id": "0", "what": "pre"},
        {"do": "open", "id": "0"},
        {"do": "pick", "id": 0},
    ],
)
def test_a_message_that_names_no_row_or_switch_is_none(message: dict[str, object]) -> None:
    assert is_intent({"do": "pick", "id": "0"}, {"", "0"}, {"pre"})
    assert is_intent({"do": "switch", "id": "0", "what": "pre"}, {"", "0"}, {"pre"})
    assert not is_intent(message, {"", "0"}, {"pre"})


# --- functional and module ---------------------------------------------------------------------


def test_the_same_layer_is_shown_as_module_and_as_function(app: AppTest) -> None:
    opened(app, TEMPLATES["LeNet5"])
    on(app, "Functional and Module")
    assert not app.exception
    assert "`state_dict` sees `fc.weight`, `fc.bias`" in " ".join(m.value for m in app.markdown)
    assert "`state_dict` sees nothing" in " ".join(m.value for m in app.markdown)
    assert "equal to the last bit" in said(app)
    assert "it goes on dropping" in app.error[0].value
    assert len(app.success) == 2
    left, right = (block.value for block in app.code[-2:])
    assert "-         self.relu1 = nn.ReLU()" in left
    assert "+         x = F.max_pool2d(F.relu(self.conv1(x)), 2)" in right
    app.segmented_control(key="functional-mode").set_value("train()").run()
    assert not app.error
    app.selectbox(key="functional-Left").set_value("sequential").run()
    assert not app.exception
    opened(app, TEMPLATES["MyNet with SubNet"])
    assert "in a Sequential" in " ".join(one.value for one in app.info)


@pytest.mark.parametrize("name", ["MLP", "TextClassifier"])
def test_a_model_is_moved_to_half_and_to_meta(app: AppTest, name: str) -> None:
    opened(app, TEMPLATES[name])
    on(app, "Moving")
    assert not app.exception
    assert [metric.label for metric in app.metric][:3] == [
        "Tensors were", "and take now", "Largest difference",
    ]  # fmt: skip
    assert app.metric[1].delta == "-50%"
    assert "model.half()" in app.code[0].value
    assert ("x.to(torch.float16)" in app.code[0].value) == (name == "MLP")
    app.segmented_control(key="moving-device").set_value("meta").run()
    assert not app.exception
    assert "there is nothing to run" in said(app)
