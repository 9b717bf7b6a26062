"""The parameters of a model, and edits of how many of them start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from builder import edit, initial
from builder.errors import EditError
from builder.labs.initialisation.torchs_own import torchs_own
from builder.resolve import Step, resolve
from builder.rows import row_of
from builder.spec import Init, ModelSpec


@dataclass(frozen=True)
class Place:
    """A parameter where the document says how it starts.

    Args:
        block: the named block that its layer stands in, `None` for the model itself.
        node: its layer.
        op: of its layer.
        name: within the layer.
        shape: of the parameter.
        init: how the document says that it starts, `None` for as torch draws it.
        own: how torch draws it if nothing is said.
        keys: its names in the `state_dict`; several where its block is used more than once.
    """

    block: str | None
    node: str
    op: str
    name: str
    shape: tuple[int, ...]
    init: Init | None
    own: Init | None
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        """How a person finds it: `fc1.weight`, `SubNet.fc1.weight` within a block."""
        return ".".join(filter(None, (self.block, self.node, self.name)))

    @property
    def starts_by(self) -> Init | None:
        """How it starts in truth."""
        return self.init or self.own

    @property
    def layer(self) -> str:
        """Its layer, as a person finds it."""
        return ".".join(filter(None, (self.block, self.node)))

    @property
    def kind(self) -> str:
        """Parameters of one kind have the same name in the same kind of layer."""
        return f"{self.op.removeprefix('nn.')} {self.name}"


def places(spec: ModelSpec) -> tuple[Place, ...]:
    """Return the parameters of a model in running order, up to the layer that fails.

    A block that is used twice stands once: its layers are written once.
    """
    found: dict[tuple[str | None, str, str], Place] = {}
    for place in _places(spec, None, resolve(spec).steps, ""):
        key = (place.block, place.node, place.name)
        known = found.get(key)
        keys = (*known.keys, *place.keys) if known else place.keys
        found[key] = replace(place, keys=keys)
    return tuple(found.values())


def _places(
    spec: ModelSpec, block: str | None, steps: Sequence[Step], prefix: str
) -> Iterator[Place]:
    for step in steps:
        if step.shared is not None:
            continue
        if step.op in spec.blocks:
            yield from _places(spec, step.op, step.steps, f"{prefix}{step.key}.")
            continue
        node = spec.block(block).node(step.name)
        row = row_of(spec, step.op)
        own = torchs_own(row, step.args) if row and step.parameters else {}
        for parameter in step.parameters:
            yield Place(
                block,
                step.name,
                step.op,
                parameter.name,
                parameter.shape,
                node.init.get(parameter.name),
                own.get(parameter.name),
                (f"{prefix}{step.key}.{parameter.name}",),
            )


def weights(found: Iterable[Place]) -> tuple[Place, ...]:
    """Return the parameters that mix their inputs: those of two axes and more."""
    return tuple(place for place in found if len(place.shape) > 1)


def start(spec: ModelSpec, chosen: Sequence[Place], init: Init | None) -> ModelSpec:
    """Say how parameters start; those whose shape cannot start so stay as they are.

    Raises:
        EditError: none of them can.
    """
    wrong = {place: initial.problem(init, place.shape) for place in chosen} if init else {}
    if wrong and all(wrong.values()):
        first, problem = next(iter(wrong.items()))
        raise EditError(f"{first.title} cannot start so: {problem}.", node=first.node)
    for place in chosen:
        if not wrong.get(place):
            spec = edit.start(spec, place.node, place.name, init, block=place.block)
    return spec
