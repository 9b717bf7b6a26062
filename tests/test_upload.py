"""Files of weights from anywhere: every format that torch wrote, and what must not be read."""

import json
import pickle
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES, BuilderError, build
from builder.files import weights_pt, weights_safetensors
from builder.files.pickled import LEGACY, ZIP
from builder.files.upload import Upload, apart, read_upload, tied
from builder.files.weights import SAFETENSORS
from tests import hostile
from tests.hostile import TRILLION, Trap, saved

ROOT = Path(__file__).parents[1]
FILES = Path(__file__).with_name("files")
STATE: dict[str, Tensor] = {
    "conv.weight": torch.randn(4, 3, 3, 3),
    "conv.bias": torch.randn(4),
    "norm.num_batches_tracked": torch.tensor(7),
    "half": torch.randn(5).half(),
}


def read(data: bytes, name: str = "some.pt") -> Upload:
    return read_upload({name: data})


def same(found: Any, expected: dict[str, Tensor]) -> bool:
    return list(found) == list(expected) and all(
        torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype
        for name, tensor in expected.items()
    )


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (saved(STATE), ZIP),
        (hostile.as_torch_1_6(STATE), ZIP),
        (saved(STATE, legacy=True), LEGACY),
        (saved(OrderedDict(STATE), legacy=True), LEGACY),
        (saved({k: nn.Parameter(v, requires_grad=v.is_floating_point()) for k, v in STATE.items()}),
         ZIP),
        (weights_pt(STATE), ZIP),
    ],
    ids=["zip", "zip of 1.6", "legacy", "legacy, ordered", "parameters", "ours"],
)  # fmt: skip
def test_every_format_of_torch_is_read(data: bytes, format: str) -> None:
    found = read(data)
    assert found.format == format
    assert same(found.parts[""], STATE)
    assert not any(tensor.requires_grad for tensor in found.parts[""].values())
    assert found.size == len(data)


def test_safetensors_are_read() -> None:
    found = read(weights_safetensors(STATE))
    assert found.format == SAFETENSORS
    assert same(dict(sorted(found.parts[""].items())), dict(sorted(STATE.items())))


@pytest.mark.parametrize(("version", "lowest"), [("0.3", -1.0), ("0.4", 0.0)])
def test_files_that_old_versions_of_torch_wrote_are_read(version: str, lowest: float) -> None:
    found = read((FILES / f"torch-{version}.pth").read_bytes())
    assert found.format == LEGACY
    state = found.parts[""]
    assert [tuple(tensor.shape) for tensor in state.values()] == [
        (1, 64, 1, 1), (1, 192, 1, 1), (1, 384, 1, 1), (1, 256, 1, 1), (1, 256, 1, 1),
    ]  # fmt: skip
    # Its authors kept the weights of the later one from falling below 0.
    assert all(bool((tensor >= lowest).all()) for tensor in state.values())
    assert all(float(tensor.abs().max()) > 0.1 for tensor in state.values())


def test_a_file_from_a_graphics_card_is_read_without_one() -> None:
    data = saved({"w": torch.arange(4.0)}, legacy=True)
    moved = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    moved = moved.replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage")
    assert moved != data
    assert read(moved).parts[""]["w"].tolist() == [0, 1, 2, 3]


# dictionaries around a state_dict


def test_a_state_dict_inside_a_checkpoint_is_found_and_said() -> None:
    model = build(TEMPLATES["MLP"])
    of_one = {"step": torch.tensor(1.0), "exp_avg": torch.ones(9), "exp_avg_sq": torch.ones(9)}
    checkpoint = {
        "epoch": 3,
        "model_state_dict": model.state_dict(),
        "optimizer_state_dict": {"state": {0: of_one}, "param_groups": [{"lr": 0.1}]},
        "best": {"loss": 0.25},
    }
    for legacy in (False, True):
        found = read(saved(checkpoint, legacy=legacy))
        assert list(found.parts) == ["model_state_dict"]
        assert same(found.parts["model_state_dict"], dict(model.state_dict()))
        assert found.beside == ("epoch", "optimizer_state_dict", "best")


def test_of_several_state_dicts_the_usual_one_comes_first() -> None:
    state = {"w": torch.ones(3)}
    found = read(saved({"ema": {"shadow": state}, "scale": torch.ones(1), "model": state}))
    assert list(found.parts) == ["model", "ema.shadow", ""]
    assert list(found.parts[""]) == ["scale"]


def test_a_lone_number_beside_the_weights_is_left_out_and_said() -> None:
    found = read(saved({**STATE, "epoch": 3}))
    assert same(found.parts[""], STATE)
    assert found.beside == ("epoch",)


def test_a_checkpoint_that_holds_itself_is_read() -> None:
    around: dict[str, Any] = {"model": STATE}
    around["around"] = around
    found = read(saved(around))
    assert same(found.parts["model"], STATE)


def test_tied_weights_are_read_once_and_said() -> None:
    one = torch.randn(6, 6)
    state = {"inner.weight": one, "outer.weight": one, "other": torch.randn(6, 6), "t": one.T}
    for data in (saved(state), saved(state, legacy=True)):
        found = read(data).parts[""]
        assert same(found, state)
        assert tied(found) == [("inner.weight", "outer.weight")]
    assert tied(read(weights_safetensors(state)).parts[""]) == []


# several files


def shards(
    state: dict[str, Tensor], count: int, *, suffix: str = "safetensors"
) -> dict[str, bytes]:
    """Return a state_dict in several files with their index, as large models come."""
    names = [f"model-{n:05}-of-{count:05}.{suffix}" for n in range(1, count + 1)]
    where = {key: names[place % count] for place, key in enumerate(state)}
    written = weights_safetensors if suffix == "safetensors" else saved
    files = {
        name: written({key: state[key] for key, home in where.items() if home == name})
        for name in names
    }
    index = {"metadata": {"total_size": 1}, "weight_map": where}
    return {**files, f"model.{suffix}.index.json": json.dumps(index).encode()}


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("indexed", [True, False])
def test_shards_are_put_together(suffix: str, indexed: bool) -> None:
    files = shards(STATE, 3, suffix=suffix)
    if not indexed:
        del files[f"model.{suffix}.index.json"]
    found = read_upload(files)
    assert same(dict(sorted(found.parts[""].items())), dict(sorted(STATE.items())))
    assert found.title == f"model.{suffix} (3 shards)"
    assert "3 shards" in found.format


def test_shards_that_do_not_make_a_whole_are_refused_in_words() -> None:
    files = shards(STATE, 3)
    names = list(files)
    index = json.loads(files[names[3]])
    with pytest.raises(BuilderError, match=r"model-00002-of-00003\.safetensors did not come"):
        read_upload({name: data for name, data in files.items() if name != names[1]})
    with pytest.raises(BuilderError, match=r"model-00001-of-00003\.safetensors, model-00002"):
        read_upload({names[3]: files[names[3]]})
    with pytest.raises(BuilderError, match="is no index of shards"):
        read_upload({**files, names[3]: b"[1, 2]"})
    index["weight_map"]["more"] = names[0]
    with pytest.raises(BuilderError, match="holds 'more', and it does not"):
        read_upload({**files, names[3]: json.dumps(index).encode()})
    with pytest.raises(BuilderError, match=r"both hold 'conv\.weight'"):
        read_upload({"a.pt": saved(STATE), "b.pt": saved(STATE)})
    with pytest.raises(BuilderError, match="no file of weights"):
        read_upload({"model.index.json": b'{"weight_map": {}}'})


def test_files_that_came_together_are_taken_apart() -> None:
    files = shards(STATE, 3)
    other = shards(STATE, 2, suffix="bin")
    alone = {"a.pt": saved(STATE), "b.safetensors": weights_safetensors(STATE), "c.json": b"[]"}
    found = apart({**files, **alone, **other})
    assert sorted(map(sorted, found)) == sorted(
        [sorted(files), sorted(other), ["a.pt"], ["b.safetensors"], ["c.json"]]
    )
    renamed = {f"part{n}": data for n, data in enumerate(shards(STATE, 2).values())}
    index = {"weight_map": {key: f"part{n % 2}" for n, key in enumerate(STATE)}}
    renamed = {"part0": renamed["part0"], "part1": renamed["part1"]}
    renamed["of.json"] = json.dumps(index).encode()
    (group,) = apart(renamed)
    assert same(dict(sorted(read_upload(group).parts[""].items())), dict(sorted(STATE.items())))


# what must not be read


def changed(entry: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Return a zip of torch in which one entry is another, or missing."""
    return hostile.rezipped(
        saved(STATE), lambda name, data: change(data) if name.endswith(f"/{entry}") else data
    )


@pytest.mark.parametrize(
    "file",
    [
        lambda trap: saved({"w": trap}),
        lambda trap: saved({"w": trap}, legacy=True),
        lambda trap: saved({"w": torch.ones(2), "model": {"deep": [trap]}}),
        lambda trap: pickle.dumps(trap, 2),
        lambda trap: pickle.dumps(trap),
        lambda trap: saved({"w": trap}, pickle_protocol=4),
    ],
    ids=["zip", "legacy", "inside", "pickle", "pickle of today", "protocol 4"],
)
def test_a_file_that_would_run_code_is_refused_and_runs_nothing(file: Any, tmp_path: Path) -> None:
    mark = tmp_path / "sprung"
    data = file(Trap(mark))
    with pytest.raises(BuilderError, match=r"mkdir|run what it says|protocol 4") as caught:
        read(data)
    assert not mark.exists()
    assert "weights_only" not in caught.value.message  # no advice to load it all the same
    pickle.loads(pickle.dumps(Trap(mark)))  # the trap is a real one
    assert mark.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, world: this is no model", "no file of weights"),
        (b"\0" * 1000, "no file of weights"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"<!DOCTYPE html><html>", "no file of weights"),
        (hostile.as_tar(), "a tar, as torch wrote before 0.1.10"),
        (saved(STATE)[:-40], "cut off"),
        (saved(STATE)[:400], "cut off"),
        (saved(STATE, legacy=True)[:-40], "cut off"),
        (saved(STATE, legacy=True)[:300], "cut off"),
        (weights_safetensors(STATE)[:-40], "cut off"),
        (weights_safetensors(STATE)[:60], "cut off"),
        (b"\xff" * 8 + b"{" * 50, "header too large"),
        (saved(torch.ones(2)), "a single tensor of shape"),
        (saved([torch.ones(2)]), "of type list"),
        (saved({1: torch.ones(2)}), "dictionary of 1"),
        (saved({"epoch": 3}), "dictionary of 'epoch'"),
        (saved(nn.Linear(2, 2)), "'torch.nn.modules.linear.Linear' to be called.*state_dict"),
        (saved({"w": torch.ones(2), "f": slice}), "'.*slice' to be called"),
        (saved({"w": torch.zeros(10**9, device="meta")}), "meta device"),
        (saved({"w": torch.eye(3).to_sparse()}), "a sparse tensor"),
        (saved({"w": torch.zeros(1).expand(10**9)}), "announces 'w' of shape .1000000000,."),
        (hostile.packed(saved({"w": torch.zeros(10**6)})), "unpacks to 4,0"),
        (changed("data.pkl", lambda _: None), "a zip without a data.pkl"),
        (changed("data/1", lambda _: None), "cannot be read"),
        (changed("data/0", lambda data: data[:-4]), "another size than it holds"),
    ],
)
def test_what_holds_no_weights_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(BuilderError, match=words) as caught:
        read(data)
    assert len(caught.value.message) < 420
    assert "\n" not in caught.value.message
    assert "weights_only" not in caught.value.message


def test_a_file_cut_off_anywhere_is_refused_in_words() -> None:
    state = {"w": torch.arange(300.0), "b": torch.ones(3)}
    for data in (saved(state), saved(state, legacy=True), weights_safetensors(state)):
        for end in range(1, len(data), 37):
            with pytest.raises(BuilderError, match=r"cut off|no file|torch.save did not"):
                read(data[:end])


_FRUGAL = """
import json, resource, sys
from pathlib import Path
import psutil
from builder.errors import BuilderError
from builder.files.upload import read_upload

folder = Path(sys.argv[1])
read_upload({"small.pt": (folder / "small.pt").read_bytes()})
read_upload({"old.pt": (folder / "old.pt").read_bytes()})
files = {path.name: path.read_bytes() for path in sorted(folder.glob("hostile-*"))}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
room = psutil.Process().memory_info().vms + 256 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (room, room))
said = {}
for name, data in files.items():
    try:
        read_upload({name: data})
        said[name] = "it was read"
    except BuilderError as error:
        said[name] = error.message
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"said": said, "grown": grown}))
"""


def test_a_small_file_that_asks_for_much_memory_takes_none_of_it(tmp_path: Path) -> None:
    expected = {
        "hostile-deflated": (hostile.bomb(), "unpacks to 536,8"),
        "hostile-numbers": (
            hostile.announcing(TRILLION),
            "announces 'w' of shape (1000000000000,)",
        ),
        "hostile-shape": (
            hostile.announcing(TRILLION, of_its_file=False),
            "announces 'w' of shape (1000000000000,)",
        ),
        "hostile-gigabyte": (hostile.announcing(2**28), "announces 'w'"),
        "hostile-legacy": (hostile.announcing_legacy(TRILLION), "announces 'w'"),
        "hostile-legacy-gigabyte": (hostile.announcing_legacy(2**28), "announces 'w'"),
        "hostile-zeros": (hostile.asking_for_zeros(10**10), "bytearray' to be called"),
    }
    assert 500_000 < len(expected["hostile-deflated"][0]) < 540_000
    assert len(expected["hostile-numbers"][0]) < 2_100
    for name, (data, _) in expected.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "small.pt").write_bytes(saved(STATE))
    (tmp_path / "old.pt").write_bytes(saved(STATE, legacy=True))
    done = subprocess.run(
        [sys.executable, "-c", _FRUGAL, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, (_, words) in expected.items():
        assert words in found["said"][name], name
    assert found["grown"] < 48 * 1024  # kilobytes
