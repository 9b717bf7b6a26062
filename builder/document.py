"""Reading a document from JSON: every complaint says where it is and what would work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from builder.catalog import CATALOG, did_you_mean
from builder.errors import SpecError, shown
from builder.own.layer import OwnLayer, OwnParameter, Setting
from builder.spec import (
    CONTAINERS,
    DTYPES,
    FORMAT,
    MAX_JSON_BYTES,
    Block,
    Init,
    Input,
    ModelSpec,
    Node,
)

T = TypeVar("T")
_KINDS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def read_document(text: str | bytes) -> ModelSpec:
    """Return the model that a JSON document describes.

    Raises:
        SpecError: the text is no JSON, is too large, has another format number, a part of a wrong
            type, an unknown key, op or container, or a name that cannot be used.
    """
    if len(text) > MAX_JSON_BYTES:
        raise SpecError(
            f"The file has {len(text) / 1e6:.0f} MB; a model is a few kilobytes, and "
            f"{MAX_JSON_BYTES / 1e6:.0f} MB at most are read."
        )
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise SpecError("The file is not text, so it cannot be a model in JSON.") from None
    except json.JSONDecodeError as error:
        raise SpecError(
            f"The file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise SpecError("The file is nested too deeply to be a model.") from None
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise SpecError("The file holds a number of thousands of digits.") from None
    if not isinstance(found, dict):
        raise SpecError(f"A model is a JSON object; the file holds {_kind(found)}.")
    number = found.get("format")
    if number != FORMAT or isinstance(number, bool):
        raise SpecError(
            f"The file has format {shown(number)}; this LayerLab reads format {FORMAT}."
            if "format" in found
            else f'The file has no "format" number; a model starts with "format": {FORMAT}.'
        )
    known = {"format", "name", "inputs", "container", "nodes", "outputs", "blocks", "layers"}
    _only(found, known, "the model")
    blocks = _get(found, "blocks", dict, "the model", {})
    layers = {}
    for name, entry in _get(found, "layers", dict, "the model", {}).items():
        with _at(f"layers.{name}"):
            layers[name] = _own(entry)
    inputs = []
    for i, entry in enumerate(_get(found, "inputs", list, "the model")):
        with _at(f"inputs[{i}]"):
            inputs.append(_input(entry))
    if not inputs:
        raise SpecError("inputs: a model needs at least one input.")
    ops = {*CATALOG, *blocks, *layers}
    main = _block({**found, "inputs": [entry.name for entry in inputs]}, "", ops)
    named = {}
    for name, entry in blocks.items():
        with _at(f"blocks.{name}"):
            named[name] = _named(name, entry, ops)
    name = _get(found, "name", str, "the model")
    with _at("the model"):
        return ModelSpec(
            name, tuple(inputs), main.container, main.nodes, main.outputs, named, layers
        )


def _named(name: str, entry: object, ops: set[str]) -> Block:
    if not isinstance(entry, dict):
        raise SpecError(f"a block is an object, not {_kind(entry)}.")
    _only(entry, {"container", "nodes", "inputs", "outputs"}, "a block")
    return _block(entry, f"blocks.{name}.", ops)


def _block(found: dict[str, Any], where: str, ops: set[str]) -> Block:
    container = _get(found, "container", str, where or "the model", "sequential")
    if container not in CONTAINERS:
        raise SpecError(
            f"{where}container is {shown(container)}; known are {', '.join(map(repr, CONTAINERS))}."
        )
    entries = _get(found, "nodes", list, where or "the model", [])
    # A node may call one that has been moved behind it: such a model does not run, and opens.
    known = ops | {name for entry in entries if isinstance(name := _name_in(entry), str)}
    nodes = []
    for i, entry in enumerate(entries):
        with _at(f"{where}nodes[{i}]"):
            nodes.append(_node(entry, known))
    inputs = _names(found, "inputs", where, ["x"])
    outputs = _names(found, "outputs", where, [])
    with _at(where.rstrip(".") or "the model"):
        return Block(container, tuple(nodes), inputs, outputs)


def _input(entry: object) -> Input:
    if not isinstance(entry, dict):
        raise SpecError(f"an input is an object, not {_kind(entry)}.")
    _only(entry, {"name", "shape", "dtype"}, "an input")
    dtype = _get(entry, "dtype", str, "the input", "float32")
    if dtype not in DTYPES:
        raise SpecError(f"dtype is {shown(dtype)}; known are {', '.join(map(repr, DTYPES))}.")
    shape = tuple(_get(entry, "shape", list, "the input"))
    return Input(_get(entry, "name", str, "the input"), shape, dtype)


def _name_in(entry: object) -> object:
    return entry.get("name") if isinstance(entry, dict) else None


def _node(entry: object, ops: set[str]) -> Node:
    if not isinstance(entry, dict):
        raise SpecError(f"a layer is an object, not {_kind(entry)}.")
    _only(entry, {"name", "op", "args", "inputs", "enabled", "init", "frozen"}, "a layer")
    op = _get(entry, "op", str, "the layer")
    if op not in ops:
        raise SpecError(
            f"op {shown(op)} is no layer, no block and no other node.{did_you_mean(op)}"
        )
    return Node(
        name=_get(entry, "name", str, "the layer"),
        op=op,
        args=_get(entry, "args", dict, "the layer", {}),
        inputs=_names(entry, "inputs", "", []),
        enabled=_get(entry, "enabled", bool, "the layer", True),
        init={
            name: _init(name, start)
            for name, start in _get(entry, "init", dict, "the layer", {}).items()
        },
        frozen=_get(entry, "frozen", bool, "the layer", False),
    )


def _init(name: str, found: object) -> Init:
    if not isinstance(found, dict):
        raise SpecError(f"init of {shown(name)} is an object with a scheme, not {_kind(found)}.")
    args = {key: value for key, value in found.items() if key != "scheme"}
    return Init(_get(found, "scheme", str, f"init of {shown(name)}"), args)


def _own(entry: object) -> OwnLayer:
    what = "a layer of one's own"
    if not isinstance(entry, dict):
        raise SpecError(f"{what} is an object, not {_kind(entry)}.")
    _only(entry, {"help", "inputs", "settings", "parameters", "forward"}, what)
    settings, parameters = [], []
    for i, one in enumerate(_get(entry, "settings", list, what, [])):
        with _at(f"settings[{i}]"):
            settings.append(_setting(one))
    for i, one in enumerate(_get(entry, "parameters", list, what, [])):
        with _at(f"parameters[{i}]"):
            parameters.append(_parameter(one))
    return OwnLayer(
        tuple(settings),
        tuple(parameters),
        _get(entry, "forward", str, what),
        _names(entry, "inputs", "", ["x"]),
        _get(entry, "help", str, what, ""),
    )


def _setting(entry: object) -> Setting:
    if not isinstance(entry, dict):
        raise SpecError(f"a setting is an object, not {_kind(entry)}.")
    _only(entry, {"name", "kind", "default", "axis", "input"}, "a setting")
    name = _get(entry, "name", str, "the setting")
    kind = _get(entry, "kind", str, "the setting", "int")
    axis = _get(entry, "axis", int, "the setting") if "axis" in entry else None
    source = _get(entry, "input", str, "the setting", "")
    return Setting(name, kind, entry.get("default"), axis, source)


def _parameter(entry: object) -> OwnParameter:
    if not isinstance(entry, dict):
        raise SpecError(f"a parameter is an object, not {_kind(entry)}.")
    _only(entry, {"name", "shape", "init"}, "a parameter")
    name = _get(entry, "name", str, "the parameter")
    shape = _get(entry, "shape", str, "the parameter")
    if "init" not in entry:
        return OwnParameter(name, shape)
    return OwnParameter(name, shape, _init(name, entry["init"]))


def _names(found: Mapping[str, Any], key: str, where: str, default: list[str]) -> tuple[str, ...]:
    names = _get(found, key, list, where or "the layer", default)
    for name in names:
        if not isinstance(name, str):
            raise SpecError(f"{where}{key} holds {shown(name)}; it is a list of names.")
    return tuple(names)


_REQUIRED: Any = object()


def _get(
    found: Mapping[str, Any], key: str, kind: type[T], what: str, default: Any = _REQUIRED
) -> T:
    if key not in found:
        if default is _REQUIRED:
            raise SpecError(f'"{key}" is missing from {what}.')
        return default  # type: ignore[no-any-return]
    value = found[key]
    if not isinstance(value, kind):
        raise SpecError(f'"{key}" is {_kind(value)}; it should be {_KINDS[kind]}.')
    return value


def _only(found: Mapping[str, Any], known: set[str], what: str) -> None:
    unknown = sorted(set(found) - known)
    if unknown:
        raise SpecError(
            f"{shown(unknown[0])} is no part of {what}; known are {', '.join(sorted(known))}."
        )


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Put the place in front of what the lines inside complain about."""
    try:
        yield
    except SpecError as error:
        if error.message.startswith((where, "blocks.", "layers.", "nodes[", "inputs[")):
            raise
        raise SpecError(f"{where}: {error.message}", node=error.node) from None


def _no_constant(word: str) -> float:
    raise SpecError(f"The file holds {word}, which is no number a layer can use.")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a number"
    return _KINDS.get(type(value), type(value).__name__)
