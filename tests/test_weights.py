"""Weights brought back: what fits where, loading and verifying, comparing, averaging, keeping."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given as for_all
from hypothesis import strategies as some
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from builder import TEMPLATES, BuilderError, ModelSpec, build, edit, write_source
from builder.build import parameter_names
from builder.errors import BudgetError, ModelError
from builder.files import distance, load_weights, weights_pt, weights_safetensors
from builder.files.averaging import average, keeps_statistics, with_statistics_of
from builder.files.distance import compare
from builder.files.loading import Loaded, digest_of, freeze_loaded, load_into, same_bits
from builder.files.loading_code import loading_code
from builder.files.matching import (
    CONVERTED,
    MATCHED,
    MISSING,
    SHAPE,
    UNEXPECTED,
    Rename,
    forms,
    match,
    suggest,
    wanted_by,
)
from builder.files.shelf import MOST, WeightShelf
from builder.files.upload import read_upload
from tests.hostile import saved

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
    found = match(wanted_by(spec), forms(weights(spec)))
    assert found.strict
    assert found.complaint() == ""
    assert set(found.counts) == {MATCHED}
    assert suggest(wanted_by(spec), forms(weights(spec))) == []


def test_every_disagreement_is_found_as_torch_finds_it() -> None:
    state = weights(MLP)
    first, *names = state
    given = {name: tensor for name, tensor in state.items() if name != names[-1]}
    given[first] = given[first].double()
    given[names[0]] = torch.zeros(3)
    given["extra"] = torch.zeros(1)
    found = match(wanted_by(MLP), forms(given))
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
    found = match(wanted_by(spec), forms(weights(MLP)))
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
    found = suggest(wanted_by(model), forms(wrapped(state, change)))
    assert (found[0].label, found[0].fitting) == (label, len(state))
    loaded, verified = load_into(model, wrapped(state, change), found[0].names)
    assert same(dict(loaded.state), state)
    assert verified.equal == len(state)


def test_what_torch_itself_wraps_is_unwrapped() -> None:
    model = build(MLP)
    state = dict(nn.DataParallel(model).state_dict())
    (first, *_) = suggest(wanted_by(MLP), forms(state))
    assert first.label == "Take off module."
    assert match(wanted_by(MLP), forms(state), first.names).strict
    compiled = dict(torch.compile(model).state_dict())
    (first, *_) = suggest(wanted_by(MLP), forms(compiled))
    assert first.label == "Take off _orig_mod."


@pytest.mark.parametrize("container", ["modulelist", "graph"])
def test_the_weights_of_a_model_fit_it_in_every_other_container(container: str) -> None:
    state = weights(MLP)
    other = edit.set_container(MLP, container)
    found = suggest(wanted_by(other), forms(state))[0]
    loaded, _ = load_into(other, state, found.names)
    back = suggest(wanted_by(MLP), forms(loaded.state))[0]
    again, _ = load_into(MLP, loaded.state, back.names)
    assert same(dict(again.state), state)


def test_a_rule_that_makes_two_names_one_is_refused() -> None:
    state = {"a.w": torch.ones(1), "b.w": torch.ones(1)}
    with pytest.raises(BuilderError, match=r"'a\.w' and 'b\.w' would both be called 'w'"):
        match({}, forms(state), {"a.w": "w", "b.w": "w"})


@for_all(some.lists(some.text("ab.", min_size=1), unique=True), some.text("ab."), some.text("ab."))
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


Case = tuple[ModelSpec, dict[str, Tensor], dict[str, str], bool]


def cases() -> list[Case]:
    """Return models, what goes into them, how it is renamed, and whether all of it fits."""
    sub, own = TEMPLATES["MyNet with SubNet"], weights(MLP)
    swapped = {"0.bias": "2.bias", "2.bias": "0.bias"}
    return [
        (MLP, own, {}, True),
        (MLP, wrapped(own, Rename("", "module.")), {}, True),
        (edit.set_container(MLP, "modulelist"), own, {}, True),
        (sub, wrapped(weights(sub), Rename(".", ".module.", anywhere=True)), {}, True),
        (edit.set_container(MLP, "graph"), own, {}, True),
        (edit.set_args(MLP, "4", {"out_features": 7}), own, {}, False),
        (MLP, own, swapped, True),
    ]


def test_the_code_loads_what_the_page_loads(tmp_path: Path) -> None:
    program = ["import torch"]
    expected = {}
    for number, (spec, given, names, strict) in enumerate(cases()):
        renamed = names or next(
            (offer.names for offer in suggest(wanted_by(spec), forms(given))), {}
        )
        loaded, _ = load_into(spec, given, renamed, strict=strict)
        expected[number] = {name: loaded.state[name] for name in loaded.names}
        shards = list(given.items())
        if number % 3 == 0:
            found = {f"{number}.pt": weights_pt(given)}
        elif number % 3 == 1:
            found = {f"{number}.pt": saved({"epoch": 1, "deep": {"model": given}})}
        else:
            found = {
                f"{number}-{half + 1}-of-2.safetensors": weights_safetensors(dict(shards[half::2]))
                for half in (0, 1)
            }
            given = {name: given[name] for name in [n for h in (0, 1) for n, _ in shards[h::2]]}
        for name, data in found.items():
            (tmp_path / name).write_bytes(data)
        upload = read_upload(found)
        (part,) = upload.parts
        source = write_source(edit.rename_model(spec, f"Net{number}"))
        code = loading_code(
            f"Net{number}", upload.files, format=upload.format, part=part, names=renamed,
            given=given, wanted=wanted_by(spec), strict=strict,
        )  # fmt: skip
        program += [source, code, f"torch.save(model.state_dict(), 'out{number}.pt')"]
    (tmp_path / "program.py").write_text("\n".join(program))
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for number, state in expected.items():
        found = load_weights((tmp_path / f"out{number}.pt").read_bytes())
        assert all(same_bits(found[name], tensor) for name, tensor in state.items()), number


@pytest.mark.parametrize(
    ("names", "given", "wanted", "line"),
    [
        ({"module.a": "a"}, ["module.a"], ["a"], 'name.removeprefix("module.")'),
        ({"a": "x.a", "b": "x.b"}, ["a", "b"], ["x.a", "x.b"], '"x." + name'),
        ({"e.module.a": "e.a"}, ["e.module.a", "b"], ["e.a", "b"], 'name.replace("module.", "")'),
        ({"p.w": "q.w", "r.w": "s.w"}, ["p.w", "r.w"], ["q.w", "s.w"], "dict(zip(model"),
        ({"p.w": "q.w", "r.w": "s.w"}, ["p.w", "r.w", "t"], ["t", "q.w"], "names.get(name, name)"),
    ],
)
def test_names_are_changed_by_the_shortest_line(
    names: dict[str, str], given: list[str], wanted: list[str], line: str
) -> None:
    assert line in loading_code("Net", ["a.pt"], names=names, given=given, wanted=wanted)


# freezing


@pytest.mark.parametrize("name", ["MLP", "ResidualNet", "MyModel (ModuleList)", "LSTMClassifier"])
def test_what_was_loaded_is_frozen_and_something_learns_on(name: str) -> None:
    spec = TEMPLATES[name]
    every = parameter_names(spec)
    frozen, layers, spared = freeze_loaded(spec, every)
    assert layers
    assert spared not in (*layers, None)
    learning = {n for n, p in build(frozen).named_parameters() if p.requires_grad}
    assert learning
    assert freeze_loaded(frozen, every)[0] == frozen
    some, layers, spared = freeze_loaded(spec, every[:-1])
    assert spared is None
    left = {n for n, p in build(some).named_parameters() if p.requires_grad}
    assert every[-1] in left
    assert freeze_loaded(spec, ()) == (spec, (), None)


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


def test_the_statistics_of_batch_norms_are_taken_anew_for_a_mean() -> None:
    spec = edit.insert(MLP, 1, "nn.BatchNorm1d", {})
    assert (keeps_statistics(MLP), keeps_statistics(spec)) == (False, True)
    state, x = weights(spec), torch.randn(600, 2) * 3 + 1
    found = with_statistics_of(spec, state, x)
    before = nn.functional.linear(x, state["0.weight"], state["0.bias"])
    parts = [part.mean(dim=0) for part in before.split(256)]
    assert torch.allclose(found["1.running_mean"], torch.stack(parts).mean(dim=0), atol=1e-5)
    learned = [name for name in state if "running" not in name and "num_batches" not in name]
    assert all(same_bits(found[name], state[name]) for name in learned)


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
