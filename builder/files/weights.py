"""Weights as files, and back: never a file that could run code."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from builder.errors import BuilderError, shown
from builder.files.pickled import CUT_OFF, TENSORS_ONLY, is_pickled, read_pickled

SAFETENSORS = "safetensors"
_HEADER = 8  # bytes that give the length of the JSON that follows
_LFS = b"version https://git-lfs"


def weights_pt(state: Mapping[str, Tensor]) -> bytes:
    """Return a `state_dict` as the bytes of a `.pt` file, on the CPU.

    Weights used under two names are written once.
    """
    content = io.BytesIO()
    torch.save({name: _whole(tensor.detach().cpu()) for name, tensor in state.items()}, content)
    return content.getvalue()


def weights_safetensors(
    state: Mapping[str, Tensor], about: Mapping[str, str] | None = None
) -> bytes:
    """Return a `state_dict` as the bytes of a `.safetensors` file.

    The format knows no shared memory: weights used under two names are written twice.

    Args:
        about: texts to write into its header.
    """
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in state.items()
    }
    return save_safetensors(copies, metadata={"format": "pt", **(about or {})})


def read_file(data: bytes) -> tuple[str, Any]:
    """Return the format of a `.pt` or `.safetensors` file, in words, and what it holds.

    Nothing in the file is run, and it takes no more memory than it has bytes.

    Raises:
        BuilderError: it is neither, would run code, is cut off, or announces more than it holds.
    """
    if is_pickled(data):
        return read_pickled(data)
    if data[_HEADER : _HEADER + 1] != b"{":
        raise BuilderError(_neither(data))
    try:
        return SAFETENSORS, load_safetensors(data)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise BuilderError(_reason(error)) from None


def load_weights(data: bytes) -> dict[str, Tensor]:
    """Return the `state_dict` in a `.pt` or `.safetensors` file that holds nothing else.

    Raises:
        BuilderError: as `read_file`, or it holds more than tensors by their names.
    """
    _, found = read_file(data)
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise BuilderError(f"The file holds no state_dict; {TENSORS_ONLY}")
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise BuilderError(
                f"The file holds {shown(name)} of type {type(value).__name__}; {TENSORS_ONLY}"
            )
    return {name: value.detach() for name, value in found.items()}


def _neither(data: bytes) -> str:
    if not data:
        return "The file is empty."
    if data.startswith(_LFS):
        return (
            "The file is a pointer of Git LFS, not the weights that it stands for; `git lfs pull` "
            "fetches them."
        )
    return (
        "The file is no file of weights: it is neither a .pt that torch.save wrote nor a "
        ".safetensors."
    )


def _reason(error: Exception) -> str:
    said = (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")
    if "not fully covered" in said or "invalid header length" in said.lower():
        return CUT_OFF.format("it does not hold the bytes that its header tells of")
    return f"The weights cannot be read: {said}."


def _whole(tensor: Tensor) -> Tensor:
    """Return the tensor, or a copy if it is a part of a larger one, which would be written too."""
    own = tensor.numel() * tensor.element_size()
    return tensor if tensor.untyped_storage().nbytes() <= own else tensor.clone()
