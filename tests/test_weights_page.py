"""The Weights section as AppTest sees it, and what the Train page makes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest
from torch import Tensor

from builder import TEMPLATES, ModelSpec, build, edit
from builder.files import load_weights, weights_pt, weights_safetensors
from builder.files.loading import load_into, same_bits
from builder.files.shelf import Shelved, WeightShelf
from builder.store import Store
from builder.train import Recipe
from builder.train.given import FILE
from builder.train.record import record
from builder.train.worker import work
from tests.conftest import wait
from tests.hostile import Trap, saved
from ui.state import Workspace
from ui.training.settings import launcher

APP = str(Path(__file__).parents[1] / "app.py")
MLP, RECIPE = TEMPLATES["MLP"], Recipe("moons", epochs=3, keep_epochs=(1, 2), lr=0.01)


@pytest.fixture
def app(home: Path) -> Iterator[AppTest]:
    """The Weights section of a model that fits its data, in a store of its own."""
    st.cache_resource.clear()
    app = AppTest.from_file(APP, default_timeout=60).run()
    workspace(app).open(MLP)
    app.session_state["recipe"] = RECIPE
    app.session_state["inside"] = "Weights"
    yield app.switch_page("pages/inside.py").run()
    launcher().close()
    st.cache_resource.clear()


def workspace(app: AppTest) -> Workspace:
    found: Workspace = app.session_state["workspace:model"]
    return found


def kept(app: AppTest, home: Path) -> list[Shelved]:
    return WeightShelf(home, workspace(app).model_id).listed()


def weights(spec: ModelSpec = MLP, seed: int = 1) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return dict(build(spec).state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)


def upload(app: AppTest, **files: bytes) -> AppTest:
    sent = [(name.replace("_", "."), data, "") for name, data in files.items()]
    return app.file_uploader(key="weights:files").set_value(sent).run()


def part(app: AppTest, name: str) -> AppTest:
    app.session_state["weights-part"] = name
    return app.run()


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def said(app: AppTest) -> str:
    kinds = (app.error, app.warning, app.info, app.success, app.caption, app.markdown)
    return " ".join(element.value for kind in kinds for element in kind)


def test_a_checkpoint_of_another_shape_of_names_is_renamed_loaded_and_verified(
    app: AppTest, home: Path
) -> None:
    state = weights()
    wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
    upload(app, run_pth=saved({"epoch": 3, "model": wrapped}))
    assert not app.exception
    assert "inside a dictionary, under model" in said(app)
    assert "left out: epoch" in said(app)
    assert "6 matched" in said(app)
    table = app.dataframe[0].value
    assert list(table["file"]) == list(wrapped)
    assert list(table["becomes"]) == list(state)
    app.segmented_control(key="weights:rule").set_value("").run()
    assert "6 missing" in said(app)
    assert app.button(key="weights:strict").disabled
    app.segmented_control(key="weights:rule").set_value("own").run()
    app.text_input(key="weights:old").set_value("module.").run()
    assert "6 matched" in said(app)
    assert 'name.removeprefix("module.")' in app.code[0].value
    press(app, "weights:strict")
    (one,) = kept(app, home)
    assert same(WeightShelf(home, workspace(app).model_id).state(one.id), state)
    assert "6 tensors are in the model as in the file, to the bit" in said(app)
    assert app.selectbox(key="subject:weights").value == one.id
    app.session_state["inside"] = "Parameters"
    assert not app.run().exception
    again = AppTest.from_file(APP, default_timeout=60)
    for name in ("model", "weights"):
        again.query_params[name] = app.query_params[name]
    again.run().switch_page("pages/inside.py").run()
    assert not again.exception
    assert again.selectbox(key="subject:weights").value == one.id


def test_what_fits_is_loaded_and_the_rest_is_drawn(app: AppTest, home: Path) -> None:
    state = weights()
    del state["4.weight"]
    state["2.bias"] = torch.zeros(3)
    state["0.bias"] = state["0.bias"].half()
    upload(app, some_pt=weights_pt({**state, "extra": torch.ones(1)}))
    for words in ("3 matched", "1 other dtype", "1 other shape", "1 missing", "1 unexpected"):
        assert words in said(app)
    assert app.button(key="weights:strict").disabled
    app.number_input(key="weights:seed").set_value(5).run()
    press(app, "weights:matching")
    (one,) = kept(app, home)
    assert (len(one.loaded), one.tensors, one.seed) == (4, 6, 5)
    assert "4 of 6 tensors of MLP were loaded · the others drawn from seed 5" in said(app)
    press(app, f"kept:freeze:{one.id}")
    assert [node.name for node in workspace(app).spec.nodes if node.frozen] == ["0"]
    assert "Frozen: 0." in said(app)
    press(app, f"kept:remove:{one.id}")
    assert kept(app, home) == []
    assert not app.exception


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved({"w": Trap(Path(os.sep) / "nowhere")}), "mkdir.* to be called"),
        (weights_pt(weights())[:-40], "cut off"),
        (b"PNG", "no file of weights"),
        (saved([1, 2]), "no tensors by name"),
    ],
)
def test_a_bad_file_is_refused_in_words_and_a_good_one_beside_it_is_read(
    app: AppTest, data: bytes, words: str
) -> None:
    upload(app, bad_pt=data)
    assert len(app.error) == 1
    assert re.search(words, app.error[0].value)
    upload(app, bad_pt=data, good_safetensors=weights_safetensors(weights()))
    assert app.error[0].value.startswith("**bad.pt**")
    assert "6 matched" in said(app)
    assert not app.exception


def test_two_files_are_compared_and_their_mean_is_loaded(app: AppTest, home: Path) -> None:
    one, other = weights(seed=1), weights(seed=2)
    upload(app, a_pt=weights_pt(one), b_safetensors=weights_safetensors(other))
    part(app, "Compare")
    keys = app.selectbox(key="weights:first").options
    assert {"a.pt", "b.safetensors", "Fresh, seed 0"} <= set(keys)
    bench = app.session_state["weights-bench"]
    first, second = (f"{file.digest} " for file in bench.uploads)
    app.selectbox(key="weights:first").set_value(first).run()
    app.selectbox(key="weights:second").set_value(second).run()
    gap = torch.cat([(one[k] - other[k]).double().flatten() for k in one]).norm()
    assert app.metric[0].value == f"{float(gap):.4g}"
    assert list(app.dataframe[0].value["tensor"]) == list(one)
    app.selectbox(key="weights:second").set_value(first).run()
    assert "the same to the bit" in said(app)
    part(app, "Average")
    app.multiselect(key="weights:averaged").set_value([first, second]).run()
    press(app, "weights:mean")
    (mean,) = kept(app, home)
    state = WeightShelf(home, workspace(app).model_id).state(mean.id)
    for name, tensor in state.items():
        assert torch.allclose(tensor, (one[name] + other[name]) / 2)
    assert mean.title == "Mean of a.pt, b.safetensors"
    assert not app.exception


def trained(app: AppTest, home: Path, **how: Any) -> str:
    store = Store(home)
    spec = workspace(app).spec
    run_id = record(store, spec, RECIPE, model_id=workspace(app).model_id, **how)
    assert work(store, store.run(run_id)) == "finished"
    store.close()
    return run_id


def test_a_runs_weights_score_here_what_the_run_scored(app: AppTest, home: Path) -> None:
    run_id = trained(app, home)
    app.run()
    press(app, "weights:strict")
    (one,) = kept(app, home)
    assert one.title.startswith("Last · Run of")
    press(app, f"kept:score:{one.id}")
    store = Store(home)
    expected = store.run(run_id).facts["metrics"]["validation accuracy"]
    store.close()
    assert f"accuracy **{expected:.4f}**" in said(app)
    part(app, "Average")
    known = app.multiselect(key="weights:averaged").options
    assert [name.partition(" ")[0] for name in known[:4]] == ["Last", "Best", "Epoch", "Epoch"]


def test_the_next_run_starts_from_what_was_chosen_until_it_is_let_go(
    app: AppTest, home: Path
) -> None:
    state = weights()
    upload(app, some_pt=weights_pt(state))
    press(app, "weights:strict")
    (one,) = kept(app, home)
    press(app, f"kept:train:{one.id}")
    assert "the next run starts from these" in said(app)
    app.switch_page("pages/train.py").run()
    assert "Starts from **some.pt**" in said(app)
    assert app.query_params["start"] == one.id
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    store = Store(home)
    wait(lambda: store.runs() and not store.runs()[0].active)
    (run,) = store.runs()
    assert (run.status, run.facts["given"]["digest"]) == ("finished", one.digest)
    assert same(load_weights((store.folder(run.id) / FILE).read_bytes()), state)
    store.close()
    workspace(app).edit(lambda spec: edit.set_args(spec, "2", {"out_features": 5}))
    app.run()
    assert "do not fit the model" in app.error[0].value
    assert next(button for button in app.button if button.label == "Start").disabled
    press(app, "start-from:drop")
    assert "Starts from" not in said(app)
    assert "start" not in app.query_params
    assert not next(button for button in app.button if button.label == "Start").disabled


_RANGE = """
from ui import state
from ui.training.range_test import range_panel
state.workspace()
range_panel()
"""


def test_rates_are_tested_from_the_weights_that_the_next_run_starts_from(home: Path) -> None:
    app = AppTest.from_string(_RANGE, default_timeout=60)
    app.session_state["recipe"] = RECIPE
    workspace(app.run()).open(MLP)
    state = {name: tensor * 3 for name, tensor in weights().items()}
    loaded, _ = load_into(MLP, state)
    one = WeightShelf(home, workspace(app).model_id).keep(MLP, loaded, "some.pt")
    losses = []
    for start in ("", one.id):
        app.session_state["start"] = start
        press(app.run(), "range-test:start")
        losses.append(app.session_state["range-test"].test.losses[0])
    assert not app.exception
    assert losses[0] != losses[1]


def test_a_model_that_cannot_run_says_so_in_every_part(app: AppTest) -> None:
    workspace(app).open(TEMPLATES["MyNet with SubNet (broken)"])
    for name in ("Bring back", "Compare", "Average"):
        part(app, name)
        assert not app.exception, name
