"""One batch through a model, a step at a time: what passes, where it breaks, what a step costs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from builder.errors import ModelError
from builder.labs.batches import affordable
from builder.labs.inspection_values import Facts, facts
from builder.labs.walking import tensors, walk
from builder.resolve import Step
from builder.spec import ModelSpec

BINS = 60
_REPEATS = 5


@dataclass(frozen=True, eq=False)
class Passage:
    """What one step made of the batch.

    Args:
        name: the way to it, `subnet1.conv`; `lstm[1][0]` for one of several tensors.
        op: as in the document; empty for what goes in.
        reads: what it read, by the names within its block.
        value: the tensor that it gave, (N, ...).
        facts: of all its numbers.
    """

    name: str
    op: str
    reads: tuple[str, ...]
    value: Tensor
    facts: Facts


@dataclass(frozen=True)
class Passed:
    """A batch on its way through a model.

    Args:
        passages: what goes in, by the names of the inputs, and then every step in running order.
        problem: why it went no further, empty if it came through.
    """

    passages: tuple[Passage, ...]
    problem: str = ""

    @property
    def broken(self) -> Passage | None:
        """The first step that gave a NaN or an infinity, `None` if none did."""
        return next((passage for passage in self.passages if passage.facts.lost), None)


@dataclass(frozen=True)
class Cost:
    """What one step takes for the batch.

    Args:
        seconds: the least of several passes: what else the machine does only adds to it.
        memory: bytes that are there after it and were not before: what it gives, above all.
        macs: multiply-adds, as they are counted from the shapes.
    """

    seconds: float
    memory: int
    macs: int


def step_through(
    model: nn.Module, spec: ModelSpec, inputs: Sequence[Tensor], *, training: bool = False
) -> Passed:
    """Run a model on a batch and return what passed, up to the step that refused it.

    Args:
        model: `build(spec)`, with any weights, in the mode that `training` says. A pass in
            training moves the buffers of batch norm: give a copy of what others look at.
        inputs: one tensor for each input, (N, *shape).

    Raises:
        ModelError: the model cannot run, or all that it makes of the batch is too large.
    """
    affordable(spec, len(inputs[0]), budget=2**63)
    found = [
        _passage(entry.name, "", (), value)
        for entry, value in zip(spec.inputs, inputs, strict=True)
    ]

    def saw(way: tuple[str, ...], step: Step, value: object) -> None:
        name = ".".join(way)
        # A layer in place would write over what the one before it gave.
        found.extend(
            _passage(name + part, step.op, step.sources, tensor.clone())
            for part, tensor in tensors(value)
        )

    problem = ""
    with torch.no_grad():
        try:
            walk(model, spec, [value.clone() for value in inputs], saw, training=training)
        except ModelError as error:
            problem = error.message
    return Passed(tuple(found), problem)


def _passage(name: str, op: str, reads: tuple[str, ...], value: Tensor) -> Passage:
    return Passage(name, op, reads, value, facts(value, BINS))


def costs(
    model: nn.Module, spec: ModelSpec, inputs: Sequence[Tensor], *, training: bool = False
) -> dict[str, Cost]:
    """Measure what each step takes by torch's profiler, over several passes, without gradients.

    Args:
        model, inputs, training: as for `step_through`.

    Returns:
        The cost of each step by its name; blocks are left out, their steps are there.

    Raises:
        ModelError: torch refused a step.
    """
    batch = len(inputs[0])
    counted = {
        name: step.macs * batch
        for name, step in _leaves(affordable(spec, batch, budget=2**63).steps)
    }

    def once() -> None:
        walk(model, spec, [value.clone() for value in inputs], _nothing, training=training)

    with torch.no_grad():
        once()  # the first pass loads what is loaded late
        with profile(
            activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True
        ) as seen:
            for _ in range(_REPEATS):
                once()
    events: dict[str, list[tuple[float, int]]] = {name: [] for name in counted}
    for event in seen.events():
        if event.is_user_annotation and event.name in events:
            events[event.name].append((event.cpu_time_total / 1e6, event.cpu_memory_usage))
    return {
        name: Cost(
            min(seconds for seconds, _ in measured),
            int(statistics.median(memory for _, memory in measured)),
            counted[name],
        )
        for name, measured in events.items()
        if measured
    }


def _nothing(way: tuple[str, ...], step: Step, value: object) -> None:
    """Look at nothing of what passes."""


def _leaves(steps: Sequence[Step], path: str = "") -> Iterator[tuple[str, Step]]:
    """Yield every step that is no block, with the way to it."""
    for step in steps:
        if step.steps:
            yield from _leaves(step.steps, f"{path}{step.name}.")
        elif step.enabled:
            yield path + step.name, step
