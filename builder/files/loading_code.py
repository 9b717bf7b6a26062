"""The code that loads a file of weights into a model, as one would write it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from builder.files.matching import Rename
from builder.files.weights import SAFETENSORS


def loading_code(
    class_name: str,
    files: Sequence[str],
    *,
    format: str = "",
    part: str = "",
    names: Mapping[str, str] | None = None,
    given: Iterable[str] = (),
    wanted: Iterable[str] = (),
    strict: bool = True,
) -> str:
    """Return code that leaves `model`, an instance of a class, with the weights of files.

    Args:
        class_name: of the model's code, built without arguments.
        files: name of the file, or of the shards.
        format: of the files, as `read_upload` tells it.
        part: the keys that lead to the `state_dict` in a file, with dots between them.
        names: what names become; those left out stay.
        given, wanted: all names in the files, and all in the model, in their order.
        strict: whether all must fit, or those that do are loaded.
    """
    tensors = format.startswith(SAFETENSORS)
    keys = "".join(f"[{json.dumps(key)}]" for key in part.split(".") if part)
    options = ")" if tensors else f', map_location="cpu", weights_only=True){keys}'
    load = "load_file(" if tensors else "torch.load("
    lines = ["from safetensors.torch import load_file" if tensors else "import torch"]
    lines += ["", f"model = {class_name}()"]
    if len(files) == 1:
        lines.append(f"state = {load}{json.dumps(files[0])}{options}")
    else:
        listed = "".join(f"    {json.dumps(file)},\n" for file in files)
        lines += [f"files = [\n{listed}]", "state = {}", "for file in files:"]
        lines.append(f"    state |= {load}file{options}")
    if names:
        lines.append(_renaming(names, list(given), list(wanted)))
    if not strict:
        lines += _FITTING
    return "\n".join([*lines, f"model.load_state_dict(state{'' if strict else ', strict=False'})"])


# `strict=False` leaves out names, and still refuses other shapes.
_FITTING = (
    "own = model.state_dict()",
    "state = {",
    "    name: value",
    "    for name, value in state.items()",
    "    if name in own and value.shape == own[name].shape",
    "}",
)


def _renaming(names: Mapping[str, str], given: list[str], wanted: list[str]) -> str:
    """Return the line that renames: by the shortest rule that does just that."""
    changed = "state = {{{}: value for name, value in state.items()}}"
    old, new = next(iter(names.items()))
    if old.endswith(new):
        prefix = old[: len(old) - len(new)]
        if prefix.endswith(".") and Rename(prefix, "")(given) == names:
            return changed.format(f"name.removeprefix({json.dumps(prefix)})")
    if new.endswith(old):
        prefix = new[: len(new) - len(old)]
        if prefix.endswith(".") and Rename("", prefix)(given) == names:
            return changed.format(f"{json.dumps(prefix)} + name")
    start = _alike(old, new)
    end = _alike(old[start:][::-1], new[start:][::-1])
    words = old[start : len(old) - end], new[start : len(new) - end]
    if Rename(*words, anywhere=True)(given) == names:
        return changed.format(f"name.replace({json.dumps(words[0])}, {json.dumps(words[1])})")
    if [names.get(name, name) for name in given] == wanted:
        return "state = dict(zip(model.state_dict(), state.values(), strict=True))"
    listed = "".join(f"    {json.dumps(a)}: {json.dumps(b)},\n" for a, b in names.items())
    return f"names = {{\n{listed}}}\n" + changed.format("names.get(name, name)")


def _alike(one: str, other: str) -> int:
    """Return how many letters two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
