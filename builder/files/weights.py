"""Weights as files, and back: never a file that could run code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor

from builder.errors import BuilderError


def weights_pt(state: Mapping[str, Tensor]) -> bytes:
    """Return a `state_dict` as the bytes of a `.pt` file."""
    content = io.BytesIO()
    torch.save(dict(state), content)
    return content.getvalue()


def weights_safetensors(state: Mapping[str, Tensor]) -> bytes:
    """Return a `state_dict` as the bytes of a `.safetensors` file.

    The format knows no shared memory: weights used under two names are written twice.
    """
    return save_safetensors({name: tensor.contiguous().clone() for name, tensor in state.items()})


def load_weights(data: bytes) -> dict[str, Tensor]:
    """Return the `state_dict` in a `.pt` or `.safetensors` file.

    Raises:
        BuilderError: it is neither, or holds more than tensors.
    """
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        else:
            found = load_safetensors(data)
    except Exception as error:  # torch, pickle, zip and safetensors each have their own
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise BuilderError(
            f"The file holds no weights that can be loaded safely: {first}"
        ) from None
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise BuilderError("The file holds something other than a state_dict of tensors.")
    return found
