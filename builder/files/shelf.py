"""Weights that were brought back, kept for the model they are in: each a file under its digest."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from builder.errors import BuilderError, shown
from builder.files.loading import Loaded
from builder.files.weights import load_weights, weights_safetensors
from builder.spec import ModelSpec
from builder.train.checkpoint import write_whole

MOST, MOST_BYTES = 8, 2 * 2**30  # of one model
_ID_LENGTH = 16
_ABOUT = "layerlab"


@dataclass(frozen=True)
class Shelved:
    """What is known of weights on a shelf.

    Args:
        id: the first digits of their digest.
        title: for people: the file, or what they are the mean of.
        digest: SHA-256 of names, dtypes, shapes and numbers.
        spec: JSON of the model that they are in.
        loaded: names of the tensors that came from elsewhere.
        tensors: how many there are in all.
        seed: of those that did not come from elsewhere, `None` where all did.
        added: seconds since 1970.
        size: bytes.
    """

    id: str
    title: str
    digest: str
    spec: str
    loaded: tuple[str, ...]
    tensors: int
    seed: int | None
    added: float
    size: int = 0


class WeightShelf:
    """The weights kept for one model; the oldest go when there are too many.

    Args:
        home: the home folder of the store.
        model_id: of the model, as the store knows it.
    """

    def __init__(self, home: Path, model_id: str) -> None:
        if not model_id.isalnum():
            raise BuilderError(f"There is no model {shown(model_id)}.")
        self.folder = home / "weights" / model_id

    def keep(self, spec: ModelSpec, weights: Loaded, title: str) -> Shelved:
        """Keep weights, once however often they are brought.

        Raises:
            BuilderError: they cannot be written.
        """
        about = Shelved(
            id=weights.digest[:_ID_LENGTH],
            title=title,
            digest=weights.digest,
            spec=spec.to_json(),
            loaded=weights.names,
            tensors=len(weights.state),
            seed=weights.seed,
            added=time.time(),
        )
        content = weights_safetensors(weights.state, {_ABOUT: json.dumps(asdict(about))})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.path(about.id), content)
        except OSError as error:
            raise BuilderError(f"The weights cannot be kept: {error.strerror}.") from None
        self._make_room()
        return self.about(about.id)

    def listed(self) -> list[Shelved]:
        """Return what is kept, the newest first; a damaged file is passed over."""
        found = [about for path in self.folder.glob("*.safetensors") if (about := _about(path))]
        return sorted(found, key=lambda about: about.added, reverse=True)

    def about(self, id: str) -> Shelved:
        """Return what is known of weights; raises `BuilderError` if they are not there."""
        found = _about(self.path(id))
        if found is None:
            raise BuilderError("These weights are not kept any more; bring them back once more.")
        return found

    def state(self, id: str) -> dict[str, Tensor]:
        """Return weights; raises `BuilderError` if they are not there."""
        self.about(id)
        return load_weights(self.path(id).read_bytes())

    def remove(self, id: str) -> None:
        """Let go of weights; runs that started from them have a copy of their own."""
        self.path(id).unlink(missing_ok=True)

    def path(self, id: str) -> Path:
        """Return where weights lie; raises `BuilderError` for what is no id."""
        if not id.isalnum():
            raise BuilderError(f"There are no weights {shown(id)}.")
        return self.folder / f"{id}.safetensors"

    def _make_room(self) -> None:
        total = 0
        for number, about in enumerate(self.listed()):
            total += about.size
            if number and (number >= MOST or total > MOST_BYTES):
                self.remove(about.id)


def _about(path: Path) -> Shelved | None:
    try:
        with safe_open(path, framework="pt") as file:
            found: Mapping[str, Any] = json.loads(file.metadata()[_ABOUT])
        size = path.stat().st_size
        return Shelved(**{**found, "loaded": tuple(found["loaded"]), "size": size})
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
