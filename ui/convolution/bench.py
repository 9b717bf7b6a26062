"""What the Convolution page holds for one session: its pictures, and the chain's work on one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from builder import BuilderError, ModelSpec, build
from builder.edit import set_input
from builder.labs import chain, filtering
from builder.labs.filtering import Stage
from builder.labs.learning import KernelLearner
from builder.labs.pictures import SAMPLES, Picture
from builder.labs.tones import encode_png, to_pixels
from builder.resolve import Resolution, resolve
from ui import state
from ui.memo import Memo

# What is worked on while things are tried is no larger than the page shows it.
MOST_HEIGHT, MOST_WIDTH = 512, 768
FIRST_SAMPLE = "cat"
_KEY = "convolution"

Values = NDArray[np.float32]


@dataclass
class Bench(Memo):
    """The pictures of a session and the last work done on one.

    Args:
        uploads: pictures that came from outside, by a key of their own.
        refused: what is wrong with files that are no pictures, by the same keys.
        chosen: key of the picture that is worked on, in `uploads` or `SAMPLES`.
        channel: which channel is shown of a stage that has neither 1 nor 3.
        point: the (row, column) of the result that is looked at.
        lesson: the training of a kernel, or why there is none.
        learning: whether it goes on.
    """

    uploads: dict[str, Picture] = field(default_factory=dict)
    chosen: str = FIRST_SAMPLE
    refused: dict[str, str] = field(default_factory=dict)
    channel: int = 0
    point: tuple[int, int] | None = None
    lesson: KernelLearner | BuilderError | None = None
    learning: bool = False

    @property
    def picture(self) -> Picture:
        """The picture that is worked on."""
        if self.chosen in self.uploads:
            return self.uploads[self.chosen]
        return self.once("sample", self.chosen, SAMPLES[self.chosen].load)

    @property
    def preview(self) -> Picture:
        """The same, no larger than the page shows it."""
        return self.once("preview", self.chosen, _smaller, self.picture)


def _smaller(picture: Picture) -> Picture:
    share = min(MOST_HEIGHT / picture.height, MOST_WIDTH / picture.width, 1.0)
    return picture.within(max(1, round(max(picture.height, picture.width) * share)))


@dataclass(frozen=True, eq=False)
class Work:
    """The chain run over a picture.

    Args:
        made_from: what tells this work from any other of the session.
        values: what went in, (H, W, C) from 0 to 1.
        resolution: the chain for a picture of this size.
        model: the chain built.
        stages: what each layer gave, by name; those before a fault.
        refusal: why there are no stages, in words.
    """

    made_from: object
    values: Values
    resolution: Resolution
    model: nn.Module | None
    stages: Mapping[str, Stage]
    refusal: str = ""

    def given(self, name: str) -> Values:
        """Return what a layer of one input received."""
        source = self.resolution.by_name[name].sources[0]
        return self.stages[source].values if source in self.stages else self.values

    def tensor(self, name: str) -> Tensor:
        """Return the same as torch has it, (C, H, W)."""
        return torch.from_numpy(np.ascontiguousarray(self.given(name).transpose(2, 0, 1)))


def bench() -> Bench:
    """Return this session's bench."""
    found = state.get(_KEY)
    if found is None:
        ws = state.lab()
        found = Bench()
        if ws.spec.nodes:
            ws.select(ws.spec.nodes[0].name)
        chosen = state.address("picture")
        if chosen in SAMPLES:
            found.chosen = chosen
        state.put(_KEY, found)
    return found


def fitted(spec: ModelSpec, picture: Picture) -> ModelSpec:
    """Return the chain for a picture's size."""
    entry = spec.inputs[0]
    return set_input(spec, entry.name, shape=(entry.shape[0], picture.height, picture.width))


def channels_in(spec: ModelSpec) -> int:
    """Return how many channels the chain reads: 1 of a grey picture, 3 of a coloured one."""
    return spec.inputs[0].shape[0]


def work(here: Bench, spec: ModelSpec) -> Work:
    """Return the chain's work on the preview."""
    channels = channels_in(spec)
    picture = (here.chosen, channels)
    spec = fitted(spec, here.preview)
    values = here.once("values", picture, lambda: here.preview.values(channels))
    made_from = (spec, picture)
    return here.once("work", made_from, lambda: run(spec, values, made_from=made_from))


def run(spec: ModelSpec, values: Values, *, keep: bool = True, made_from: object = None) -> Work:
    """Run a chain over values, as far as it goes; what cannot run is said, not raised."""
    resolution = resolve(spec)
    reach, refusal = spec, ""
    if resolution.faults:
        refusal = resolution.faults[0].message
        reach = replace(spec, nodes=spec.nodes[: len(resolution.steps)], outputs=())
    model, stages = None, []
    try:
        if reach.nodes:
            model = build(reach).eval()
            stages = filtering.run(model, resolution.steps, values, keep=keep)
    except BuilderError as error:
        refusal = error.message
    named = {stage.name: stage for stage in stages}
    return Work(made_from, values, resolution, model, named, refusal)


def visible(here: Bench, values: Values) -> Values:
    """Return what of a stage can be shown: grey and RGB whole, of other numbers one channel."""
    channels = values.shape[2]
    if channels in (chain.GREY, chain.COLOUR):
        return values
    channel = min(here.channel, channels - 1)
    return np.ascontiguousarray(values[:, :, channel : channel + 1])


def shown(here: Bench, done: Work, name: str | None, tone: str) -> bytes:
    """Return a stage, or what went in, as the PNG that the page shows; encoded once."""
    values = visible(here, done.values if name is None else done.stages[name].values)
    made_from = (done.made_from, tone, here.channel) if name else done.made_from[1]
    tone = tone if name else "clip"
    return here.once(f"png:{name or ''}", made_from, lambda: encode_png(to_pixels(values, tone)))
