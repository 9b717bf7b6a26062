"""What the Weights section holds for one session, and the checkpoints that it can choose among."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st
from torch import Tensor

from builder import ModelSpec
from builder.files import kept, load_weights
from builder.files.loading import Verified
from builder.files.upload import Upload
from builder.labs.subject import fresh
from ui import state
from ui.memo import Memo
from ui.subject import run_title, runs, shelf

FRESH = "fresh"
OWN_RULE = "own"
_KEY = "weights-bench"

State = Mapping[str, Tensor]


@dataclass
class Bench(Memo):
    """The choices of a session and the last work done.

    Args:
        uploads: what is in the files that were brought last.
        refused: why the last thing could not be done.
        said: what was done just now.
        source: the checkpoint that is to be loaded, by its key among `sources`.
        rule: how its names are changed: the label of a suggestion, `own`, or empty for not at all.
        ruled: the checkpoint and the model that `rule` was chosen for.
        old, new, anywhere: the rule of one's own.
        seed: of what is not loaded.
        first, second: the checkpoints that are compared.
        looked: the tensor whose difference is shown, and which of the three pictures.
        verified: what was found of weights when they were loaded, by their id on the shelf.
        scores: what weights score, by their id and by what they were scored on.
    """

    uploads: tuple[Upload, ...] = ()
    refused: str = ""
    said: str = ""
    source: str = ""
    rule: str = ""
    ruled: object = None
    old: str = ""
    new: str = ""
    anywhere: bool = False
    seed: int = 0
    first: str = ""
    second: str = ""
    looked: str = ""
    verified: dict[str, Verified] = field(default_factory=dict)
    scores: dict[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Origin:
    """A dictionary of tensors in a file that was brought."""

    upload: Upload
    part: str


@dataclass(frozen=True, eq=False)
class Source:
    """A checkpoint that can be chosen.

    Args:
        name: what it is: a file, or which of a run's weights.
        load: reads it.
        of: what it is one of: a run.
        made_from: what tells it from what may stand under its key later.
        origin: where it is in a file that was brought, `None` if it is from elsewhere.
    """

    name: str
    load: Callable[[], State]
    of: str = ""
    made_from: object = None
    origin: Origin | None = None

    @property
    def title(self) -> str:
        """What it is called in a list."""
        return f"{self.name.capitalize()} · {self.of}" if self.of else self.name


def key_of(upload: Upload, part: str) -> str:
    """Return the key of a dictionary of tensors in a file."""
    return f"{upload.digest} {part}"


def bench() -> Bench:
    """Return this session's bench."""
    found = state.get(_KEY)
    if found is None:
        found = Bench()
        state.put(_KEY, found)
    return found  # type: ignore[no-any-return]


def sources(here: Bench) -> dict[str, Source]:
    """Return the checkpoints there are by their keys: the file's, the runs', those on the shelf."""
    found: dict[str, Source] = {}
    for upload in here.uploads:
        for part, tensors in upload.parts.items():
            name = f"{upload.title}, inside {part}" if part else upload.title
            origin = Origin(upload, part)
            found[key_of(upload, part)] = Source(name, partial(dict, tensors), origin=origin)
    store = state.store()
    for run in runs().values():
        for name, path in kept(store.folder(run.id)).items():
            found[f"{run.id} {name}"] = Source(
                name,
                partial(_read, path),
                run.name or run_title(run),
                path.stat().st_mtime_ns,
            )
    for one in shelf().listed():
        found[one.id] = Source(f"Kept: {one.title}", partial(shelf().state, one.id))
    return found


def _read(path: Path) -> State:
    return load_weights(path.read_bytes())


def untrained(spec: ModelSpec, seed: int) -> Source:
    """Return the weights that a model starts with."""
    return Source(
        f"Fresh, seed {seed}", lambda: fresh(spec, seed).state_dict(), made_from=(spec, seed)
    )


def choose_source(
    label: str, known: Mapping[str, Source], chosen: str, key: str, then: Callable[[str], None]
) -> str:
    """Draw the choice of a checkpoint; returns its key."""
    picked = chosen if chosen in known else next(iter(known))
    widget = state.show(key, picked)
    st.selectbox(
        label, list(known), key=widget, format_func=lambda one: known[one].title,
        on_change=lambda: then(str(state.get(widget))),
    )  # fmt: skip
    return picked


def loaded_once(here: Bench, what: str, key: str, source: Source) -> State:
    """Return the tensors of a checkpoint, read anew only when it is another.

    Raises:
        BuilderError: it cannot be read.
    """
    found: State = here.once(what, (key, source.made_from), source.load)
    return found
