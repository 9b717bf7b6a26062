"""What a layer of one's own is tried on: what it receives in the model, or a typed shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from builder import BuilderError, ModelSpec
from builder.own.row import own_row
from builder.resolve import Resolution, Step, TensorType, describe
from builder.resolve.formula import Followed, try_out
from builder.resolve.types import N, Type
from builder.spec import Input
from ui import state
from ui.own_layers.edited import Edited


@dataclass(frozen=True)
class Use:
    """One use of a layer in the model: its name there, its arguments, and what it receives."""

    node: str
    args: Mapping[str, Any]
    inputs: tuple[Type, ...]


@dataclass(frozen=True)
class Trial:
    """A layer followed for some input.

    Args:
        followed: how far that went.
        inputs: what it received.
        use: where in the model, `None` where its shape is typed.
    """

    followed: Followed
    inputs: tuple[Type, ...]
    use: Use | None


def trial(edited: Edited, resolution: Resolution) -> Trial:
    """Follow a layer as its first use in the model has it; without one, on a typed shape."""
    name, layer = edited.name, edited.layer
    row = own_row(name, layer)
    uses = (*_in_main(edited.ws.spec, resolution, name), *_inside(resolution.steps, name))
    use = next((one for one in uses if len(one.inputs) == len(layer.inputs)), None)
    if use is not None:
        args = {**row.initial_args(), **use.args}  # what a use does not say yet, its fault asks for
        return Trial(try_out(row, args, use.inputs), use.inputs, use)
    inputs = (TensorType((N, *_typed(edited))),) * len(layer.inputs)
    return Trial(try_out(row, row.initial_args(), inputs), inputs, None)


def draw_given(edited: Edited, found: Trial) -> None:
    """Say what the layer was tried on; where the model does not use it, let its shape be typed."""
    if found.use is not None:
        pairs = zip(edited.layer.inputs, found.inputs, strict=True)
        listed = " and ".join(f"`{one} {describe(kind)}`" for one, kind in pairs)
        st.caption(f"Followed as **{found.use.node}** receives it: {listed}.")
        return
    shape = ", ".join(map(str, _typed(edited)))
    key = state.show(edited.key("try"), shape)
    st.text_input(
        "Tried on",
        shape,
        key=key,
        help="The model does not use it yet: the shape of what comes in, without the batch axis.",
        on_change=lambda: _type(edited, key),
    )
    wrong = edited.ws.wrong.get(key)
    if wrong:
        st.caption(f":red[{wrong}]")


def _typed(edited: Edited) -> tuple[int, ...]:
    shape: tuple[int, ...] = state.get(edited.key("shape"), edited.ws.spec.inputs[0].shape)
    return shape


def _type(edited: Edited, key: str) -> None:
    """Take a typed shape; what is none is said under the field and changes nothing."""
    text, wrong = str(state.get(key)).strip(), edited.ws.wrong
    wrong.pop(key, None)
    try:
        sizes = tuple(int(part) for part in text.strip("()[]").split(",") if part.strip())
        state.put(edited.key("shape"), Input("x", sizes).shape)
    except (ValueError, BuilderError):
        wrong[key] = f"{text!r} is no shape; whole numbers with commas between are: 5, 8."


def _in_main(spec: ModelSpec, resolution: Resolution, name: str) -> Iterator[Use]:
    """Yield the uses in the main block of which it is known what they receive, faulty ones too."""
    known: dict[str, Type] = {
        entry.name: TensorType((N, *entry.shape), entry.dtype) for entry in spec.inputs
    }
    known |= {step.name: step.output for step in resolution.steps}
    for position, node in enumerate(spec.nodes):
        sources = spec.main.sources(position)
        if node.op == name and all(source in known for source in sources):
            yield Use(node.name, node.args, tuple(known[source] for source in sources))


def _inside(steps: tuple[Step, ...], name: str) -> Iterator[Use]:
    """Yield the uses inside blocks."""
    for step in steps:
        if step.op == name:
            yield Use(step.name, step.args, step.inputs)
        yield from _inside(step.steps, name)
