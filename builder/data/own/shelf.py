"""The files that people brought, each under its digest, with what is known of it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from builder.errors import DataError, shown
from builder.home import home

PREFIX = "own:"
_ID_LENGTH = 16


@dataclass(frozen=True)
class Own:
    """What is known of a file.

    Args:
        id: the first digits of the digest of kind and content.
        kind: a row of `KINDS`.
        title: for people; the file's name at first.
        size: bytes.
        added: seconds since 1970.
    """

    id: str
    kind: str
    title: str
    size: int
    added: float

    @property
    def name(self) -> str:
        """What a recipe calls it."""
        return PREFIX + self.id


class Shelf:
    """The files of one home folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or home()) / "own"

    def keep(self, kind: str, title: str, content: bytes) -> str:
        """Keep a file, once however often it is brought, and return what a recipe calls it.

        Raises:
            DataError: it cannot be written.
        """
        digest = hashlib.sha256(kind.encode() + b"\0" + content).hexdigest()[:_ID_LENGTH]
        about = Own(digest, kind, title, len(content), time.time())
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self._content(digest).exists():
                _write(self._content(digest), content)
            if not self._about(digest).exists():
                _write(self._about(digest), json.dumps(asdict(about)).encode())
        except OSError as error:
            raise DataError(f"{title} cannot be kept: {error.strerror}.") from None
        return about.name

    def about(self, name: str) -> Own:
        """Return what is known of a file; raises `DataError` if it is not there."""
        path = self._about(name.removeprefix(PREFIX))
        if not name.startswith(PREFIX) or not name.removeprefix(PREFIX).isalnum():
            raise DataError(f"There is no data set {shown(name)}.")
        if not path.exists():
            raise DataError(
                f"The data {shown(name)} are not on this machine; bring the file again, and they "
                "will be."
            )
        return Own(**json.loads(path.read_text()))

    def path(self, name: str) -> Path:
        """Return where a file lies; raises `DataError` if it is not there."""
        return self._content(self.about(name).id)

    def listed(self) -> list[Own]:
        """Return all files, the newest first."""
        found = [Own(**json.loads(path.read_text())) for path in self.folder.glob("*.json")]
        return sorted(found, key=lambda own: own.added, reverse=True)

    def remove(self, name: str) -> None:
        """Let go of a file; what was trained on it stays."""
        about = self.about(name)
        self._about(about.id).unlink()
        self._content(about.id).unlink(missing_ok=True)

    def _content(self, digest: str) -> Path:
        return self.folder / f"{digest}.data"

    def _about(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"


def called(path: Path) -> str:
    """Return what people call a file: its title on the shelf, or its name if it has none."""
    try:
        return str(json.loads(path.with_suffix(".json").read_text())["title"])
    except (OSError, ValueError, KeyError):
        return path.name


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
