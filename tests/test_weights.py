"""Weights brought back: what fits where, loading and verifying, comparing, averaging, keeping."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from builder import TEMPLATES, BuilderError, ModelSpec, build, edit
from builder.errors import BudgetError, ModelError
from builder.files import distance
from builder.files.distance import average, compare, picture
from builder.files.loading import Loaded, digest_of, load_into, same_bits
from builder.files.matching import (
    CONVERTED,
    MATCHED,
    MISSING,
    SHAPE,
    UNEXPECTED,
    Rename,
    match,
    suggest,
    wanted_by,
)
from builder.files.shelf import MOST, WeightShelf

MLP, VGG = TEMPLATES["MLP"], TEMPLATES["SmallVGG"]


def weights(spec: ModelSpec, seed: int = 1) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return dict(build(spec).state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(same_bits(one[k], other[k]) for k in one)


# what fits


@pytest.mark.parametrize("name", ["MLP", "SmallVGG", "LSTMClassifier", "MyNet with SubNet"])
def test_a_models_own_weights_fit_it_strictly(name: str) -> None:
    spec = TEMPLATES[name]
    found = match(wanted_by(spec), weights(spec))
    assert found.strict
    assert found.complaint() == ""
    assert set(found.counts) == {MATCHED}
    assert suggest(wanted_by(spec), weights(spec)) == []


def test_every_disagreement_is_found_as_torch_finds_it() -> None:
    state = weights(MLP)
    first, *names = state
    given = {name: tensor for name, tensor in state.items() if name != names[-1]}
    given[first] = given[first].double()
    given[names[0]] = torch.zeros(3)
    given["extra"] = torch.zeros(1)
    found = match(wanted_by(MLP), given)
    verdicts = {row.name: row.verdict for row in found.rows}
    assert verdicts == {
        first: CONVERTED,
        names[0]: SHAPE,
        **dict.fromkeys(names[1:-1], MATCHED),
        names[-1]: MISSING,
        "extra": UNEXPECTED,
    }
    assert not found.strict
    said = found.complaint()
    assert f"lacks {names[-1]}" in said
    assert "has no extra" in said
    with pytest.raises(RuntimeError) as caught:
        build(MLP).load_state_dict(given)
    for row in found.rows:
        assert (row.name in str(caught.value)) == (not row.fits)


def test_matching_takes_no_memory_however_large_the_model_is() -> None:
    spec = edit.set_args(MLP, "0", {"out_features": 10**6})
    spec = edit.set_args(spec, "2", {"out_features": 10**6})
    found = match(wanted_by(spec), weights(MLP))
    assert {row.name for row in found.fitting} == {"4.bias"}
    with pytest.raises(BudgetError):
        load_into(spec, weights(MLP), strict=False)


def wrapped(state: dict[str, Tensor], change: Rename) -> dict[str, Tensor]:
    names = change(state)
    return {names.get(name, name): tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("model", "change", "label"),
    [
        (MLP, Rename("", "module."), "Take off module."),
        (MLP, Rename("", "_orig_mod."), "Take off _orig_mod."),
        (MLP, Rename("", "module._orig_mod."), "Take off module._orig_mod."),
        (MLP, Rename("", "_orig_mod.module."), "Take off module._orig_mod."),
        (MLP, Rename("", "net.backbone."), "Take off net.backbone."),
        (TEMPLATES["MyNet with SubNet"], Rename(".", ".module.", anywhere=True),
         "Take off module."),
    ],
)  # fmt: skip
def test_what_wrappers_put_before_names_is_taken_off(
    model: ModelSpec, change: Rename, label: str
) -> None:
    state = weights(model)
    found = suggest(wanted_by(model), wrapped(state, change))
    assert (found[0].label, found[0].fitting) == (label, len(state))
    loaded, verified = load_into(model, wrapped(state, change), found[0].names)
    assert same(dict(loaded.state), state)
    assert verified.equal == len(state)


def test_what_torch_itself_wraps_is_unwrapped() -> None:
    model = build(MLP)
    state = dict(nn.DataParallel(model).state_dict())
    (first, *_) = suggest(wanted_by(MLP), state)
    assert first.label == "Take off module."
    assert match(wanted_by(MLP), state, first.names).strict
    compiled = dict(torch.compile(model).state_dict())
    (first, *_) = suggest(wanted_by(MLP), compiled)
    assert first.label == "Take off _orig_mod."


@pytest.mark.parametrize("container", ["modulelist", "graph"])
def test_the_weights_of_a_model_fit_it_in_every_other_container(container: str) -> None:
    state = weights(MLP)
    other = edit.set_container(MLP, container)
    found = suggest(wanted_by(other), state)[0]
    loaded, _ = load_into(other, state, found.names)
    back = suggest(wanted_by(MLP), loaded.state)[0]
    again, _ = load_into(MLP, loaded.state, back.names)
    assert same(dict(again.state), state)


def test_a_rule_that_makes_two_names_one_is_refused() -> None:
    state = {"a.w": torch.ones(1), "b.w": torch.ones(1)}
    with pytest.raises(BuilderError, match=r"'a\.w' and 'b\.w' would both be called 'w'"):
        match({}, state, {"a.w": "w", "b.w": "w"})


@given(some.lists(some.text("ab.", min_size=1), unique=True), some.text("ab."), some.text("ab."))
def test_a_rule_changes_just_what_it_says(names: list[str], old: str, new: str) -> None:
    for anywhere in (False, True):
        changed = Rename(old, new, anywhere)(names)
        for name in names:
            plain = name.replace(old, new) if anywhere and old else name
            if (not anywhere or not old) and name.startswith(old):
                plain = new + name.removeprefix(old)
            assert changed.get(name, name) == plain


# loading


def test_strict_loading_refuses_and_leaves_nothing_behind() -> None:
    state = weights(MLP)
    state.pop("4.bias")
    with pytest.raises(ModelError, match=r"the file lacks 4\.bias"):
        load_into(MLP, state)
    with pytest.raises(ModelError, match="Nothing would be loaded"):
        load_into(MLP, {"other": torch.ones(1)}, strict=False)


def test_the_matching_ones_are_loaded_and_the_others_drawn_from_the_seed() -> None:
    state = weights(MLP)
    before = torch.random.get_rng_state()
    wider = edit.set_args(MLP, "4", {"out_features": 7})
    loaded, verified = load_into(wider, state, strict=False, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert loaded.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert loaded.seed == 5
    fresh = weights(wider, seed=5)
    for name, tensor in loaded.state.items():
        assert same_bits(tensor, (state if name in loaded.names else fresh)[name])
    assert (verified.equal, verified.drawn, verified.shape) == (4, 2, (4, 7))
    assert verified.sound


def test_other_dtypes_are_turned_into_the_models_and_the_rounding_is_told() -> None:
    state = weights(MLP)
    halves = {name: tensor.half() for name, tensor in state.items()}
    loaded, verified = load_into(MLP, halves)
    assert verified.rounded == 0  # every half is a float as well
    assert all(tensor.dtype == torch.float32 for tensor in loaded.state.values())
    doubles = {name: tensor.double() + 1e-12 for name, tensor in state.items()}
    _, verified = load_into(MLP, doubles)
    assert 0 < verified.rounded < 1e-7


def test_a_nan_in_the_weights_is_named() -> None:
    state = weights(MLP)
    state["2.bias"][3] = math.nan
    loaded, verified = load_into(MLP, state)
    assert verified.broken == ("2.bias",)
    assert not verified.finite
    assert not verified.sound
    assert same_bits(loaded.state["2.bias"], state["2.bias"])


@pytest.mark.parametrize("name", ["TextClassifier", "SmallVGG", "LSTMClassifier"])
def test_every_kind_of_input_is_tried_in_the_forward_pass(name: str) -> None:
    spec = TEMPLATES[name]
    _, verified = load_into(spec, weights(spec))
    assert verified.sound
    assert verified.shape[0] == 4


def test_a_digest_tells_numbers_shapes_dtypes_and_names_apart() -> None:
    one = {"a": torch.zeros(4), "b": torch.ones(2)}
    others = [
        {"a": torch.zeros(2, 2), "b": torch.ones(2)},
        {"a": torch.zeros(4, dtype=torch.int32), "b": torch.ones(2)},
        {"a": -torch.zeros(4), "b": torch.ones(2)},
        {"c": torch.zeros(4), "b": torch.ones(2)},
    ]
    assert digest_of(one) == digest_of(dict(reversed(one.items())))
    assert len({digest_of(one), *map(digest_of, others)}) == 5


# two of them, and several


def test_distances_are_those_of_the_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = weights(VGG, 1), weights(VGG, 2)
    found = compare(one, other)
    assert [row.name for row in found.rows] == list(one)
    for row in found.rows:
        a, b = one[row.name].double().flatten(), other[row.name].double().flatten()
        assert row.count == len(a)
        assert row.l2 == pytest.approx(float((a - b).norm()))
        assert row.largest == float((a - b).abs().max())
        if a.norm():
            assert row.relative == pytest.approx(float((a - b).norm() / a.norm()))
        if a.norm() and b.norm():
            assert row.cosine == pytest.approx(float(a @ b / a.norm() / b.norm()))
        assert row.equal == torch.equal(one[row.name], other[row.name])
    whole = [torch.cat([s[n].double().flatten() for n in one]) for s in (one, other)]
    assert found.whole.l2 == pytest.approx(float((whole[0] - whole[1]).norm()))
    assert found.whole.count == len(whole[0])
    monkeypatch.setattr(distance, "_PART", 1000)  # a part after the other gives the same
    for row, again in zip(found.rows, compare(one, other).rows, strict=True):
        assert (again.name, again.largest) == (row.name, row.largest)
        assert again.l2 == pytest.approx(row.l2)


def test_a_checkpoint_is_no_distance_from_itself() -> None:
    found = compare(weights(MLP), weights(MLP))
    assert all(row.equal and row.l2 == row.relative == row.largest == 0 for row in found.rows)
    assert found.whole.equal
    assert found.whole.cosine == pytest.approx(1)
    assert compare({}, {}).whole.equal


def test_what_cannot_be_compared_is_named() -> None:
    one = {"a": torch.ones(3), "b": torch.ones(3), "zero": torch.zeros(2)}
    other = {"a": torch.ones(4), "c": torch.ones(3), "zero": torch.ones(2)}
    found = compare(one, other)
    assert (found.unlike, found.first_only, found.second_only) == (("a",), ("b",), ("c",))
    (row,) = found.rows
    assert (row.relative, math.isnan(row.cosine)) == (math.inf, True)


def test_a_picture_of_a_large_tensor_keeps_its_extremes() -> None:
    tensor = torch.zeros(1000, 30, 30)
    tensor[17, 3, 4], tensor[999, 29, 29], tensor[0, 0, 0] = 5.0, -7.0, 1.0
    shown = picture(tensor, 64)
    assert shown.shape == (64, 64)
    assert sorted(shown[shown != 0].tolist()) == [-7.0, 1.0, 5.0]
    assert picture(torch.arange(6.0)).tolist() == [list(range(6))]
    assert picture(torch.tensor(3.0)).shape == (1, 1)


def test_the_mean_of_checkpoints_is_torchs_own() -> None:
    states = [weights(VGG, seed) for seed in (1, 2, 3)]
    model = build(VGG)
    model.load_state_dict(states[0])
    oracle = AveragedModel(model, use_buffers=True)
    for state in states:
        model.load_state_dict(state)
        oracle.update_parameters(model)
    expected = oracle.module.state_dict()
    found = average(states)
    assert list(found) == list(expected)
    for name, tensor in found.items():
        assert torch.allclose(tensor, expected[name], atol=1e-7)
        assert tensor.dtype == expected[name].dtype


def test_what_counts_is_not_averaged_and_other_models_have_no_mean() -> None:
    counts = [{"seen": torch.tensor(count), "w": torch.tensor([count / 2])} for count in (3, 8)]
    assert {name: tensor.tolist() for name, tensor in average(counts).items()} == {
        "seen": 8,
        "w": [2.75],
    }
    with pytest.raises(BuilderError, match=r"last and best are of different models.*'0\.weight'"):
        average([weights(MLP), weights(VGG)], ["last", "best"])
    with pytest.raises(BuilderError, match="two checkpoints or more"):
        average([weights(MLP)])


# the shelf


def test_weights_are_kept_for_their_model_and_found_again(tmp_path: Path) -> None:
    shelf = WeightShelf(tmp_path, "abc123")
    loaded, _ = load_into(MLP, weights(MLP))
    kept = shelf.keep(MLP, loaded, "some *file*.pt")
    assert shelf.keep(MLP, loaded, "some *file*.pt").id == kept.id
    (found,) = WeightShelf(tmp_path, "abc123").listed()
    assert found.title == "some *file*.pt"
    assert found.digest == digest_of(shelf.state(found.id))
    assert ModelSpec.from_json(found.spec) == MLP
    assert (len(found.loaded), found.tensors, found.seed) == (6, 6, None)
    assert found.size == shelf.path(found.id).stat().st_size
    assert WeightShelf(tmp_path, "other").listed() == []
    shelf.remove(kept.id)
    assert shelf.listed() == []
    with pytest.raises(BuilderError, match="not kept any more"):
        shelf.state(kept.id)


def test_the_oldest_weights_make_room_and_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    shelf = WeightShelf(tmp_path, "abc123")
    for seed in range(MOST + 2):
        shelf.keep(MLP, Loaded(weights(MLP, seed), ()), f"number {seed}")
    titles = [kept.title for kept in shelf.listed()]
    assert titles == [f"number {seed}" for seed in range(MOST + 1, 1, -1)]
    path = shelf.path(shelf.listed()[0].id)
    path.write_bytes(path.read_bytes()[:50])
    assert [kept.title for kept in shelf.listed()] == titles[1:]


@pytest.mark.parametrize("bad", ["", "../../etc", "a/b", "."])
def test_no_path_leads_out_of_the_shelf(bad: str, tmp_path: Path) -> None:
    with pytest.raises(BuilderError, match="no model"):
        WeightShelf(tmp_path, bad)
    with pytest.raises(BuilderError, match="no weights"):
        WeightShelf(tmp_path, "abc").path(bad)
