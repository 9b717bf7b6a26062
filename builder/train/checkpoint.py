"""Checkpoints: all that a run needs to go on, written whole or not at all, with a digest."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

_MARK = b"LayerLab checkpoint 1\n"
_DIGEST = hashlib.sha256
_SLOTS = ("checkpoint-a", "checkpoint-b")


class Checkpoints:
    """The checkpoints of a run: the last one, and the one before in case the last is damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._next = 0

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a state in place of the older one of two; raises `OSError` if it cannot be."""
        content = io.BytesIO()
        torch.save(dict(state), content)
        payload = content.getvalue()
        write_whole(self.folder / _SLOTS[self._next], _MARK + _DIGEST(payload).digest() + payload)
        self._next = 1 - self._next

    def load(self) -> dict[str, Any] | None:
        """Return the newest state that is whole, `None` if there is none."""
        found = [(state, slot) for slot in (0, 1) if (state := _read(self.folder / _SLOTS[slot]))]
        if not found:
            return None
        state, slot = max(found, key=lambda pair: pair[0]["step"])
        self._next = 1 - slot
        return state

    @property
    def exist(self) -> bool:
        """Whether there is anything to go on from."""
        return any((self.folder / slot).exists() for slot in _SLOTS)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    content = path.read_bytes()
    start = len(_MARK) + _DIGEST().digest_size
    mark, digest, payload = content[: len(_MARK)], content[len(_MARK) : start], content[start:]
    if mark != _MARK or _DIGEST(payload).digest() != digest:
        return None
    state: dict[str, Any] = torch.load(io.BytesIO(payload), weights_only=True)
    return state


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that neither a kill nor a power cut leaves half."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
