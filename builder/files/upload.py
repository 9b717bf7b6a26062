"""Files of weights from anywhere: one file or several, a `state_dict` or what stands around one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from builder.errors import BuilderError, shown
from builder.files.weights import read_file

# The largest model that the budget allows has 400 MB; an optimizer's state may come with it.
MAX_BYTES = 1024 * 2**20
SUFFIXES = ("pt", "pth", "bin", "ckpt", "safetensors", "json")
_DEPTH = 4  # dictionaries within one another
# What checkpoints call the model's own weights, where several dictionaries hold as many.
_USUAL = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module")
_SHARD = re.compile(r"^(?P<stem>.*)-(?P<number>\d+)-of-(?P<count>\d+)(?P<suffix>\.\w+)$")


@dataclass(frozen=True)
class Upload:
    """What was found in files that came together.

    Args:
        title: name of the file, or of the files.
        files: names of the files that hold tensors.
        format: in words.
        size: bytes of all files.
        digest: SHA-256 of all files.
        parts: the dictionaries of tensors in it by the keys that lead to them, such as `model` or
            `ema.params`, the likeliest first; a bare `state_dict` stands under the empty text.
        beside: what else is in it and is no tensor, such as `epoch`.
    """

    title: str
    files: tuple[str, ...]
    format: str
    size: int
    digest: str
    parts: Mapping[str, Mapping[str, Tensor]]
    beside: tuple[str, ...] = ()


def read_upload(files: Mapping[str, bytes]) -> Upload:
    """Return what is in a file of weights, or in the shards of one and their index.

    Args:
        files: contents by name.

    Raises:
        BuilderError: as `read_file`; there is no tensor by a name in it; a shard is missing, or two
            hold the same tensor.
    """
    size = sum(map(len, files.values()))
    if not files:
        raise BuilderError("No file was given.")
    if size > MAX_BYTES:
        raise BuilderError(
            f"The files have {size / 2**20:,.0f} MB; {MAX_BYTES / 2**20:,.0f} MB at most are read."
        )
    names = sorted(files)
    indexes = [name for name in names if name.lower().endswith(".json")]
    shards = [name for name in names if name not in indexes]
    listed = _index(files, indexes)
    _check_shards(shards, listed)
    if not shards:
        raise BuilderError("There is an index, and no file of weights.")
    if len(shards) == 1 and not listed:
        format, found = read_file(files[shards[0]])
        parts, beside = _parts(found)
    else:
        format, joined = _joined({name: files[name] for name in shards}, listed)
        parts, beside = {"": joined}, ()
    if not parts:
        raise BuilderError(
            f"The file holds no tensors by name: {_kind(found)}. A state_dict is a dictionary of "
            "names and tensors, on its own or inside another."
        )
    digest = hashlib.sha256()
    for name in names:
        digest.update(hashlib.sha256(files[name]).digest())
    title = _title(shards)
    return Upload(title, tuple(shards), format, size, digest.hexdigest(), parts, beside)


def apart(files: Mapping[str, bytes]) -> list[dict[str, bytes]]:
    """Return files that came together as those that are one checkpoint each.

    Shards stand together by their names and with the index that lists them; any other file is a
    checkpoint by itself.
    """
    groups: dict[str, dict[str, bytes]] = {}
    homes: dict[str, str] = {}
    for name in sorted(files):
        shard = _SHARD.match(name)
        home = f"{shard['stem']} {shard['count']} {shard['suffix']}" if shard else name
        if not name.lower().endswith(".json"):
            homes[name] = home
            groups.setdefault(home, {})[name] = files[name]
    for name in sorted(set(files) - set(homes)):
        try:
            listed = set(_index(files, [name]).values())
        except BuilderError:
            listed = set()  # who reads it will say what is wrong with it
        home = next((homes[one] for one in sorted(listed) if one in homes), name)
        groups.setdefault(home, {})[name] = files[name]
        for other in [homes[one] for one in sorted(listed) if one in homes]:
            groups[home] |= groups.pop(other, {}) if other != home else {}
    return list(groups.values())


def tied(state: Mapping[str, Tensor]) -> list[tuple[str, ...]]:
    """Return the names that stand for the same numbers in memory, in groups of two or more."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, tensor in state.items():
        if tensor.numel():
            place = tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype
            groups.setdefault(place, []).append(name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def _kind(found: Any) -> str:
    if isinstance(found, Tensor):
        return f"it is a single tensor of shape {shown(tuple(found.shape))}"
    if isinstance(found, Mapping):
        keys = ", ".join(shown(key) for key in list(found)[:5]) or "nothing"
        return f"it is a dictionary of {keys}"
    return f"it is of type {type(found).__name__}"


# dictionaries around a state_dict


def _parts(found: Any) -> tuple[dict[str, dict[str, Tensor]], tuple[str, ...]]:
    """Return the dictionaries of tensors in nested ones, and what of the outermost is neither."""
    if not isinstance(found, Mapping):
        return {}, ()
    every = list(_walk(found, (), set()))
    every.sort(key=_likelihood)
    parts = {".".join(path): state for path, state in every}
    inside = {path[0] for path, _ in every if path}
    beside = tuple(
        str(key)
        for key, value in found.items()
        if not isinstance(value, Tensor) and key not in inside
    )
    return parts, beside


def _walk(
    found: Mapping[Any, Any], path: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    # An optimizer keeps its tensors under numbers, so a key that is no text leads to no weights.
    if len(path) > _DEPTH or not all(isinstance(key, str) for key in found):
        return
    own = {key: value.detach() for key, value in found.items() if isinstance(value, Tensor)}
    if own or (not found and not path):  # a model of activations alone has an empty one
        yield path, own
    if id(found) in seen:  # it may stand in itself, or in many places
        return
    seen.add(id(found))
    for key, value in found.items():
        if isinstance(value, Mapping):
            yield from _walk(value, (*path, key), seen)


def _likelihood(entry: tuple[tuple[str, ...], dict[str, Tensor]]) -> tuple[int, int]:
    path, state = entry
    last = path[-1] if path else ""
    rank = _USUAL.index(last) if last in _USUAL else len(_USUAL)
    return -sum(tensor.numel() for tensor in state.values()), rank


# several files


def _index(files: Mapping[str, bytes], names: Sequence[str]) -> dict[str, str]:
    """Return which file each tensor is in, as an index says; nothing if there is none."""
    listed: dict[str, str] = {}
    for name in names:
        try:
            found = json.loads(files[name])
            where = found["weight_map"]
            entries = {str(key): str(value) for key, value in where.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BuilderError(
                f'{shown(name)} is no index of shards, which is a JSON object with a "weight_map" '
                "of names and files; leave it out."
            ) from None
        listed |= entries
    return listed


def _check_shards(shards: Sequence[str], listed: Mapping[str, str]) -> None:
    missing = set(listed.values()) - set(shards)
    for name in shards:
        found = _SHARD.match(name)
        if found and int(found["count"]) <= 10_000:
            digits = len(found["number"])
            for number in range(1, int(found["count"]) + 1):
                other = f"{found['stem']}-{number:0{digits}}-of-{found['count']}{found['suffix']}"
                missing |= {other} - set(shards)
    if missing:
        some = ", ".join(sorted(missing)[:4]) + (" and others" if len(missing) > 4 else "")
        raise BuilderError(
            f"The weights are in several files, and {some} did not come with the others; upload "
            "all of them together, the index as well."
        )


def _joined(
    shards: Mapping[str, bytes], listed: Mapping[str, str]
) -> tuple[str, dict[str, Tensor]]:
    """Return the tensors of all shards together."""
    joined: dict[str, Tensor] = {}
    homes: dict[str, str] = {}
    formats = dict.fromkeys("")
    for name, data in shards.items():
        format, found = read_file(data)
        formats[format] = None
        parts, _ = _parts(found)
        for key, tensor in parts.get("", {}).items():
            if listed and listed.get(key) != name:
                continue  # the index is what counts
            if key in joined:
                raise BuilderError(
                    f"{homes[key]} and {name} both hold {shown(key)}. Shards hold different "
                    "tensors; two checkpoints are compared one after the other."
                )
            joined[key], homes[key] = tensor, name
    absent = [key for key in listed if key not in joined]
    if absent:
        raise BuilderError(
            f"The index says that {listed[absent[0]]} holds {shown(absent[0])}, and it does not."
        )
    return f"{' and '.join(formats)}, {len(shards)} shards", joined


def _title(shards: Sequence[str]) -> str:
    first = _SHARD.match(shards[0])
    if len(shards) > 1 and first:
        return f"{first['stem']}{first['suffix']} ({len(shards)} shards)"
    return ", ".join(shards)
