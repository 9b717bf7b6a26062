"""What the Feature maps page holds for one session: a model, a picture, the work on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from builder import ModelSpec
from builder.data import DATASETS, Dataset, load
from builder.labs.feature_maps import Layer, look, output_of
from builder.labs.framing import Fit, Frame, as_picture, fit
from builder.labs.pictures import SAMPLES, Picture
from builder.labs.subject import loaded, twin
from builder.labs.walking import out_of_place
from builder.store import Run
from builder.train import Recipe
from ui import state
from ui.memo import Memo
from ui.subject import Subject, subject

# No input is larger, and no more of a photograph is kept than that.
SIDE = 1024
_KEY, _DATA = "feature-maps", "data:"


@dataclass
class Bench(Memo):
    """The choices of a session and the last work done.

    Args:
        source: `data:` and the name of a data set, a key of `uploads`, or one of `SAMPLES`; empty
            is the first that fits.
        number: which sample of a data set.
        how, invert: how a picture is fitted.
        layer, channel: what is looked at: a layer, one of its maps.
        pages: the page of each thing that has several.
        tone, shared: the colours of maps, and whether they have one scale.
        filtered, unit: the layer whose filters are looked at, and the output whose filters they
            are where it has one for each of many inputs.
        method, target, weighed: how a score is explained, of which class, and by which layer.
        targeted: the work that `target` was chosen for.
        uploads: pictures that came from outside, by a key of their own.
        refused: why the last file was not taken, or what else could not be done.
        found: what the last search for a mistake came to, where it found none.
    """

    source: str = ""
    number: int = 0
    how: Fit = "crop"
    invert: bool = False
    layer: str = ""
    channel: int = 0
    pages: dict[str, int] = field(default_factory=dict)
    tone: str = "rescale"
    shared: bool = False
    filtered: str = ""
    unit: int = 0
    method: str = "saliency"
    target: int = 0
    targeted: object = None
    weighed: str = ""
    uploads: dict[str, Picture] = field(default_factory=dict)
    refused: str = ""
    found: str = ""


@dataclass(frozen=True, eq=False)
class Pictured:
    """A model with weights that looks at pictures.

    Args:
        made_from: what tells it from any other.
        spec: as it is run, no layer writing over its input.
        model: built, the weights in it.
        frame: how its input holds a picture.
        run: whose weights they are, `None` for fresh ones.
        dataset: what it was trained on, if that are pictures.
        mended: whether layers that write over their input were made not to.
    """

    made_from: object
    spec: ModelSpec
    model: nn.Module
    frame: Frame
    run: Run | None = None
    dataset: str | None = None
    mended: bool = False

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """The data sets whose pictures fit without any change, its own first."""
        frame = self.frame
        shape = (frame.channels, frame.height, frame.width)
        rows = [row for row in DATASETS.values() if row.kind == "picture" and row.shape == shape]
        return tuple(sorted(rows, key=lambda row: row.name != self.dataset))


@dataclass(frozen=True, eq=False)
class Work:
    """A model run on a picture.

    Args:
        made_from: what tells it from any other.
        x: what the model got, (1, *shape of its input).
        shown: the same as a picture, (H, W, C) from 0 to 1.
        layers: what every layer gave.
        classes: names of the classes, where they are known.
        label: the class that the picture has, where that is known.
        output: what the model itself gave; `None` where no layer gave it.
    """

    made_from: object
    x: Tensor
    shown: np.ndarray[Any, np.dtype[np.float32]]
    layers: tuple[Layer, ...]
    classes: tuple[str, ...] = ()
    label: str | None = None
    output: Layer | None = None


def bench() -> Bench:
    """Return this session's bench."""
    found = state.get(_KEY)
    if found is None:
        found = Bench()
        state.put(_KEY, found)
    return found  # type: ignore[no-any-return]


def pictured(here: Bench) -> Pictured:
    """Return the model with the chosen weights.

    Raises:
        BuilderError: it cannot run, its input holds no picture, or the weights do not fit.
    """
    found = subject()
    return here.once("pictured", found.made_from, _pictured, found)


def _pictured(found: Subject) -> Pictured:
    frame, spec = Frame.of(found.spec), out_of_place(found.spec)
    # Explanations put hooks on it.
    own = twin(found.model) if spec == found.spec else loaded(spec, found.model.state_dict()).eval()
    dataset = None
    if found.run is not None:
        name = Recipe.from_json(found.run.recipe).dataset
        if name in DATASETS and DATASETS[name].kind == "picture":
            dataset = name
    return Pictured(
        found.made_from, spec, own, frame, found.run, dataset, mended=spec != found.spec
    )


def sources(here: Bench, model: Pictured) -> dict[str, str]:
    """Return what can be looked at, by its key: samples of data sets, uploads, photographs."""
    found = {_DATA + row.name: f"{row.title}, a sample" for row in model.datasets}
    found |= {key: picture.name for key, picture in here.uploads.items()}
    return found | {key: sample.title for key, sample in SAMPLES.items()}


def dataset_of(source: str) -> str | None:
    """Return the data set that a source stands for, `None` for a picture."""
    return source.removeprefix(_DATA) if source.startswith(_DATA) else None


def work(here: Bench, model: Pictured) -> Work:
    """Return the model's work on the chosen picture.

    Raises:
        BuilderError: the model refuses, or asks for too much.
    """
    picture = (here.source, here.number, here.how, here.invert)
    made_from = (model.made_from, picture)
    return here.once("work", made_from, lambda: _work(here, model, made_from))


def _work(here: Bench, model: Pictured, made_from: object) -> Work:
    frame, label = model.frame, None
    classes = load(model.dataset).classes if model.dataset else ()
    name = dataset_of(here.source)
    if name is not None:
        samples, numbers = samples_for(model, name)
        x = samples[here.number].unsqueeze(0)
        classes = load(name).classes
        label = classes[int(numbers[here.number])]
    else:
        picture = here.once("picture", here.source, _picture, here)
        values = picture.values(3 if frame.channels == 3 else 1)
        x = fit(values, frame, here.how, invert=here.invert)
    layers = tuple(look(model.model, model.spec, x))
    output = output_of(layers, model.spec)
    return Work(made_from, x, as_picture(x, frame), layers, classes, label, output)


def samples_for(model: Pictured, name: str) -> tuple[Tensor, Tensor]:
    """Return the samples of a data set as a model takes them, and their classes."""
    samples = load(name)
    return samples.x.reshape(-1, *model.frame.shape), samples.y


def _picture(here: Bench) -> Picture:
    return here.uploads.get(here.source) or SAMPLES[here.source].load().within(SIDE)
