"""The view of a model's own layers as AppTest sees it: made, edited, wrong, mended, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES, ModelSpec, edit, resolve
from builder.own.examples import EXAMPLES
from ui.own_layers.view import VIEW
from ui.state import Workspace

APP = str(Path(__file__).parents[1] / "app.py")


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The Build page with the view of own layers."""
    st.cache_resource.clear()
    app = AppTest.from_file(APP, default_timeout=30)
    app.session_state["view"] = VIEW
    yield app.run()
    st.cache_resource.clear()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def opened(app: AppTest, title: str) -> AppTest:
    workspace(app).open(TEMPLATES[title])
    return app.run()


def spec(app: AppTest) -> ModelSpec:
    assert not app.exception
    return workspace(app).spec


def typed(app: AppTest, key: str, text: str) -> AppTest:
    return app.text_input(key=f"own:Linear:{key}").set_value(text).run()


def formula(app: AppTest, text: str, name: str = "Linear") -> AppTest:
    return app.text_area(key=f"own:{name}:forward").set_value(text).run()


def shown(app: AppTest) -> str:
    return "\n".join(block.value for block in app.code)


def said(app: AppTest) -> str:
    return " ".join(one.value for kind in (app.error, app.caption) for one in kind)


@pytest.mark.parametrize("name", [*EXAMPLES, "An empty one"])
def test_a_new_layer_is_followed_written_and_used(app: AppTest, name: str) -> None:
    title = name if name in EXAMPLES else "MyLayer"
    workspace(app).edit(lambda s: edit.set_input(s, "x", shape=(28, 28)))
    workspace(app).edit(lambda s: edit.set_container(s, "graph"))
    app.menu_button(key="own:new").click(name).run()
    assert list(spec(app).layers) == [title]
    assert app.selectbox(key="own:chosen").value == title
    if name != "Linear":  # its mm takes no pictures, and says so
        assert f"class {title}(nn.Module):" in shown(app)
        assert "(N, 28, 28)" in shown(app)
    app.button(key="own:use").click().run()
    assert spec(app).nodes[-1].op == title
    app.button(key="own:delete").click().run()
    assert spec(app).layers == {}
    assert all(node.op != title for node in spec(app).nodes)


def test_a_fault_of_a_formula_stands_at_its_place_and_in_the_list_until_it_is_mended(
    app: AppTest,
) -> None:
    opened(app, "Perceptron")
    formula(app, "x = x.mm(w)\nreturn x + q.expand_as(x)")
    assert "`q` is not known here; known are b, in_features, out_features" in said(app)
    assert "return x + q.expand_as(x)\n           ^" in shown(app)
    assert "line 2" in resolve(spec(app)).faults[0].message
    formula(app, "y = x + 1\nreturn y.mm(w.mT) + b")
    assert "`y.mm(w.mT)` cannot be computed of `y` (N, 3) and `w.mT` (4, 3)" in said(app)
    assert "(N, 3)   y = x + 1" in shown(app)
    formula(app, "return x @ w + b")
    assert not app.error
    assert resolve(spec(app)).runs
    app.button(key="undo").click().run()
    assert spec(app).layers["Linear"].forward.startswith("y = x + 1")


def test_names_shapes_and_kinds_are_edited_and_the_model_follows(app: AppTest) -> None:
    opened(app, "Perceptron")
    typed(app, "setting:out_features:name", "width")
    typed(app, "parameter:w:name", "weight")
    layer = spec(app).layers["Linear"]
    assert (layer.parameters[0].name, layer.parameters[0].shape) == (
        "weight",
        "(in_features, width)",
    )
    assert layer.forward.startswith("x = x.mm(weight)")
    assert spec(app).nodes[0].args == {"width": 4}
    typed(app, "parameter:b:shape", "(height,)")
    assert "`height` is not known here; known are in_features, width" in said(app)
    typed(app, "parameter:b:shape", "(width,)")
    app.selectbox(key="own:Linear:setting:width:told").set_value("by default").run()
    typed(app, "setting:width:default:int", "6")
    assert spec(app).layers["Linear"].settings[1].default == 6
    typed(app, "setting:width:default:int", "six")
    assert "default is 'six'" in said(app)
    assert spec(app).layers["Linear"].settings[1].default == 6
    app.selectbox(key="own:Linear:parameter:b:start:scheme").set_value("zeros_").run()
    assert spec(app).layers["Linear"].parameters[1].init.scheme == "zeros_"
    typed(app, "name", "Dense")
    assert [node.op for node in spec(app).nodes] == ["Dense", "torch.sigmoid", "Dense"]
    assert resolve(spec(app)).runs


def test_what_cannot_be_is_said_and_changes_nothing(app: AppTest) -> None:
    before = opened(app, "Perceptron") and spec(app)
    for key, text, words in (
        ("name", "Perceptron", "both called 'Perceptron'"),
        ("setting:in_features:name", "for", "a word of Python itself"),
        ("parameter:w:name", "b", "Two parts of the layer are called 'b'"),
        ("inputs", "", "1 to 4 inputs"),
        ("help", 'say "it"', "without quotes"),
    ):
        typed(app, key, text)
        assert words in said(app)
        assert spec(app) == before


def test_parts_are_added_and_removed(app: AppTest) -> None:
    opened(app, "Linear")
    app.button(key="own:Linear:add-setting").click().run()
    app.button(key="own:Linear:add-parameter").click().run()
    layer = spec(app).layers["Linear"]
    assert [one.name for one in layer.settings] == ["in_features", "out_features", "size"]
    assert [one.name for one in layer.parameters] == ["w", "b", "w2"]
    assert resolve(spec(app)).runs
    typed(app, "inputs", "x, y")
    assert spec(app).layers["Linear"].inputs == ("x", "y")
    assert "takes 2 inputs and receives 1" in resolve(spec(app)).faults[0].message
    assert "x (N, 4)" not in said(app), "it is tried on a typed shape, not on what one input gives"
    typed(app, "try", "7, a")
    assert "'7, a' is no shape" in said(app)
    typed(app, "try", "5, 4")
    assert "(N, 5, 4)" in said(app)
    app.button(key="own:Linear:settings:size:remove").click().run()
    app.button(key="own:Linear:parameters:w2:remove").click().run()
    assert len(spec(app).layers["Linear"].settings) == len(layer.settings) - 1
    assert len(spec(app).layers["Linear"].parameters) == len(layer.parameters) - 1


def test_the_panel_of_such_a_layer_leads_to_its_formula(app: AppTest) -> None:
    app.session_state["view"] = "Diagram"
    opened(app, "Perceptron")
    workspace(app).select("layer2")
    app.run()
    assert EXAMPLES["Linear"].forward in shown(app)
    app.button(key="edit-own").click().run()
    assert app.text_area(key="own:Linear:forward").value == EXAMPLES["Linear"].forward
