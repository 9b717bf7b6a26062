"""A run that starts from given weights: exactly repeatable, told in its record, at the terminal."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from builder import TEMPLATES, build, edit
from builder.__main__ import main
from builder.errors import ModelError, RunError
from builder.files import load_weights, weights_pt, weights_safetensors
from builder.files.loading import load_into, same_bits
from builder.store import Run, Store
from builder.train import Recipe
from builder.train.compare import differences
from builder.train.given import FILE, Given, given_to
from builder.train.record import record, repeat
from builder.train.worker import work

MLP = TEMPLATES["MLP"]
SHORT = Recipe("moons", epochs=2, keep_epochs=(1,))


def given(seed: int = 11, title: str = "some.pt") -> Given:
    torch.manual_seed(seed)
    state = dict(build(MLP).state_dict())
    return Given(state, title, tuple(state))


def trained(store: Store, run_id: str) -> Run:
    work(store, store.run(run_id))
    run = store.run(run_id)
    assert (run.status, run.message) == ("finished", "")
    return run


def left(store: Store, run: Run) -> dict[str, Tensor]:
    return load_weights((store.folder(run.id) / "weights.pt").read_bytes())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)


def test_a_run_starts_from_the_weights_it_is_given(store: Store) -> None:
    still = Recipe("moons", optimizer="SGD", lr=0.0, epochs=1)  # it learns nothing
    run = trained(store, record(store, MLP, still, given=given()))
    assert same(left(store, run), dict(given().state))
    assert run.facts["given"]["title"] == "some.pt"
    assert run.facts["given"]["loaded"] == list(given().state)
    drawn = trained(store, record(store, MLP, still))
    assert "given" not in drawn.facts
    assert given_to(store, drawn) is None


def test_it_is_repeated_to_the_bit_and_differs_from_one_with_other_weights(store: Store) -> None:
    first = trained(store, record(store, MLP, SHORT, given=given()))
    again = trained(store, repeat(store, first))
    other = trained(store, record(store, MLP, SHORT, given=given(12, "other.pt")))
    drawn = trained(store, record(store, MLP, SHORT))
    assert same(left(store, first), left(store, again))
    assert not same(left(store, first), left(store, other))
    assert differences([first, again]) == []
    (line,) = differences([first, other, drawn])
    assert (line.part, line.path) == ("model", "starts from")
    assert line.values[0].startswith("some.pt (")
    assert line.values[1].startswith("other.pt (")
    assert line.values[2] == "weights drawn from the seed"


def test_a_run_cut_short_goes_on_from_its_checkpoint_and_not_from_the_start(store: Store) -> None:
    whole = trained(store, record(store, MLP, SHORT, given=given()))
    cut = record(store, MLP, SHORT, given=given(), paused=True)
    store.send(cut, "batch")
    store.send(cut, "stop")
    assert work(store, store.run(cut)) == "stopped"
    assert store.run(cut).step < whole.step
    assert same(left(store, trained(store, cut)), left(store, whole))


def test_weights_that_do_not_fit_start_nothing(store: Store) -> None:
    wider = edit.set_args(MLP, "2", {"out_features": 5})
    with pytest.raises(ModelError, match=r"start from some\.pt.*2\.weight"):
        record(store, wider, SHORT, given=given())
    assert store.runs() == []


def test_a_run_whose_given_weights_were_changed_or_lost_fails_in_words(store: Store) -> None:
    run_id = record(store, MLP, SHORT, given=given())
    path = store.folder(run_id) / FILE
    path.write_bytes(given(12).content())
    assert work(store, store.run(run_id)) == "failed"
    assert "were changed" in store.run(run_id).message
    path.unlink()
    assert work(store, store.run(run_id)) == "failed"
    assert "are not there" in store.run(run_id).message
    with pytest.raises(RunError, match="are not there"):
        repeat(store, store.run(run_id))


def test_the_terminal_starts_from_a_file_renamed_if_need_be(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = given().state
    plain, wrapped = tmp_path / "plain.safetensors", tmp_path / "wrapped.pt"
    plain.write_bytes(weights_safetensors(state))
    wrapped.write_bytes(weights_pt({f"module.{name}": tensor for name, tensor in state.items()}))
    recipe = tmp_path / "recipe.json"
    recipe.write_text(SHORT.to_json())
    start = ["train", "MLP", "--recipe", str(recipe), "--weights"]
    assert main([*start, str(plain)]) == 0
    assert "6 of 6 tensors loaded" in capsys.readouterr().err
    assert main([*start, str(wrapped)]) == 0
    assert "Take off module." in capsys.readouterr().err
    store = Store(home)
    other, one = store.runs()
    assert same(left(store, one), left(store, other))
    assert main(["export", one.id, str(tmp_path / "out")]) == 0
    assert same(load_weights((tmp_path / "out" / FILE).read_bytes()), dict(state))
    store.close()


def test_the_terminal_loads_what_matches_when_it_is_told_to(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = {name: tensor for name, tensor in given().state.items() if not name.startswith("4")}
    file, recipe = tmp_path / "some.pt", tmp_path / "recipe.json"
    file.write_bytes(weights_pt(some))
    recipe.write_text(SHORT.to_json())
    start = ["train", "MLP", "--recipe", str(recipe), "--weights", str(file)]
    assert main(start) == 2
    assert "the file lacks 4.weight, 4.bias" in capsys.readouterr().err
    assert main([*start, "--matching"]) == 0
    assert "4 of 6 tensors loaded" in capsys.readouterr().err
    store = Store(home)
    (run,) = store.runs()
    expected, _ = load_into(MLP, some, strict=False, seed=SHORT.seed)
    found = given_to(store, run)
    store.close()
    assert found is not None
    assert same(dict(found.state), dict(expected.state))
    file.write_bytes(b"nothing")
    assert main(start) == 2
    assert "no file of weights" in capsys.readouterr().err
