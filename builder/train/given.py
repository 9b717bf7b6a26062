"""Weights that a run is given to start from, where it does not draw them.

They lie in the run's folder, so that the run can be repeated and gone on with whatever becomes of
the file they came from; the run's facts tell where they are from, and their digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from builder.errors import ModelError, RunError
from builder.files.loading import digest_of
from builder.files.matching import forms, match, wanted_by
from builder.files.weights import load_weights, weights_safetensors
from builder.spec import ModelSpec
from builder.store import Run, Store

FILE, FACT = "given.safetensors", "given"


@dataclass(frozen=True, eq=False)
class Given:
    """All weights of a model, as a run is to start.

    Args:
        state: the whole `state_dict`.
        title: where they are from, for people.
        loaded: names of those that came from elsewhere; the others were drawn with them.
    """

    state: Mapping[str, Tensor]
    title: str
    loaded: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return what a run's record says of them."""
        return {
            "title": self.title,
            "digest": digest_of(self.state),
            "tensors": len(self.state),
            "loaded": list(self.loaded),
        }

    def content(self) -> bytes:
        """Return the file that goes into a run's folder."""
        return weights_safetensors(self.state)

    def check(self, spec: ModelSpec) -> None:
        """Raise `ModelError` if a model cannot start from them."""
        complaint = match(wanted_by(spec), forms(self.state)).complaint()
        if complaint:
            raise ModelError(
                f"The run was to start from {self.title}. {complaint} Load them into the model as "
                "it is now, or start from fresh weights."
            )


def given_to(store: Store, run: Run) -> Given | None:
    """Return the weights that a run was given, `None` if it drew its own.

    Raises:
        RunError: they are not in its folder any more, or are not what its record says.
    """
    told = run.facts.get(FACT)
    return read_given(store.folder(run.id), told) if told is not None else None


def read_given(folder: Path, told: Mapping[str, Any]) -> Given:
    """Return the weights that lie in a folder.

    Args:
        told: their `facts`.

    Raises:
        RunError: they are not there any more, or are not what was told of them.
    """
    path = folder / FILE
    if not path.exists():
        raise RunError(f"The weights that the run starts from ({told['title']}) are not there.")
    state = load_weights(path.read_bytes())
    if digest_of(state) != told["digest"]:
        raise RunError(f"The weights that the run starts from ({told['title']}) were changed.")
    return Given(state, told["title"], tuple(told["loaded"]))


def start_from_given(store: Store, run: Run, model: nn.Module) -> None:
    """Put the weights that a run was given into its model; one that drew its own stays.

    Raises:
        RunError: as `given_to`.
    """
    given = given_to(store, run)
    if given is not None:
        model.load_state_dict(given.state)
