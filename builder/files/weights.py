"""Weights as files, and back: never a file that could run code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from builder.errors import BuilderError, shown

_SAFETENSORS_HEADER = 8  # bytes that give the length of the JSON that follows
_TENSORS_ONLY = "weights are tensors only, as torch.save(model.state_dict(), path) writes them"


def weights_pt(state: Mapping[str, Tensor]) -> bytes:
    """Return a `state_dict` as the bytes of a `.pt` file, on the CPU.

    Weights used under two names are written once.
    """
    content = io.BytesIO()
    torch.save({name: _whole(tensor.detach().cpu()) for name, tensor in state.items()}, content)
    return content.getvalue()


def weights_safetensors(state: Mapping[str, Tensor]) -> bytes:
    """Return a `state_dict` as the bytes of a `.safetensors` file.

    The format knows no shared memory: weights used under two names are written twice.
    """
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in state.items()
    }
    return save_safetensors(copies, metadata={"format": "pt"})


def load_weights(data: bytes) -> dict[str, Tensor]:
    """Return the `state_dict` in a `.pt` or `.safetensors` file.

    Nothing in the file is run, and it takes no more memory than it has bytes.

    Raises:
        BuilderError: it is neither, holds more than tensors, or announces more than it holds.
    """
    zipped = zipfile.is_zipfile(io.BytesIO(data))
    if not zipped and data[_SAFETENSORS_HEADER : _SAFETENSORS_HEADER + 1] != b"{":
        raise BuilderError(
            "The file is no file of weights: it is neither a .pt that torch.save wrote "
            "(torch 1.6 or later) nor a .safetensors."
        )
    try:
        found = _load_pt(data) if zipped else load_safetensors(data)
    except BuilderError:
        raise
    except Exception as error:  # torch, pickle, zip and safetensors each have their own
        raise BuilderError(f"The weights cannot be read: {_reason(error)}.") from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise BuilderError(f"The file holds no state_dict; {_TENSORS_ONLY}.")
    for name, value in found.items():
        if not isinstance(value, Tensor):
            raise BuilderError(
                f"The file holds {shown(name)} of type {type(value).__name__}; {_TENSORS_ONLY}."
            )
        _check(name, value, len(data))
    return found


def _reason(error: Exception) -> str:
    # torch goes on to say how to load the file all the same, and so run what is in it.
    if "Weights only load failed" in str(error):
        return f"the file asks for code to be run, and nothing of it was; {_TENSORS_ONLY}"
    return (str(error).strip() or repr(error)).splitlines()[0].rstrip(".")


def _load_pt(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > len(data):  # torch writes without compression
        raise BuilderError(
            f"The file has {len(data):,} bytes and unpacks to {unpacked:,}; what torch.save writes "
            "is not packed."
        )
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def _check(name: str, tensor: Tensor, limit: int) -> None:
    """Raise `BuilderError` for a tensor that is larger than what the file holds of it."""
    if tensor.layout is not torch.strided:
        raise BuilderError(f"The file holds {shown(name)} as {tensor.layout}; weights are dense.")
    held = tensor.device.type == "cpu"
    if not held or tensor.numel() * tensor.element_size() > limit:
        raise BuilderError(
            f"The file announces {shown(name)} of shape {shown(tuple(tensor.shape))}, and does not "
            f"hold so many values: it has {limit:,} bytes."
        )


def _whole(tensor: Tensor) -> Tensor:
    """Return the tensor, or a copy if it is a part of a larger one, which would be written too."""
    own = tensor.numel() * tensor.element_size()
    return tensor if tensor.untyped_storage().nbytes() <= own else tensor.clone()
