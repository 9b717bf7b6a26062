"""Which activations are looked at, with what arguments, and in what colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.catalog import Field
from builder.labs.activation import ACTIVATIONS, View, make, view
from ui.activations import style

# The five of the notes that LayerLab grew from.
FIRST = ("nn.Sigmoid", "nn.Tanh", "nn.ReLU", "nn.LeakyReLU", "nn.Softmax")
# What is set where it is seen: in the table of numbers, in the model, or by hand in its own view.
_ELSEWHERE = {"inplace", "dim"}
_RANGE = (-3.0, 3.0)
_WIDTH = 230
MOST_CHANNELS = 8
_SLOTS = "activation-slots"


@dataclass(frozen=True)
class Chosen:
    """An activation as it is looked at.

    Args:
        args: the arguments set here; torch's own defaults are not among them.
        slot: its place in the order of colours, kept while it is chosen.
    """

    op: str
    args: Mapping[str, Any]
    slot: int

    @property
    def title(self) -> str:
        """Its name, with the arguments that are not torch's defaults."""
        row = ACTIVATIONS[self.op]
        changed = {k: v for k, v in row.changed(self.args).items() if k != "dim"}
        inside = ", ".join(f"{value:g}" if isinstance(value, float) else str(value)
                           for value in changed.values())  # fmt: skip
        return f"{row.title}({inside})" if inside else row.title

    @property
    def view(self) -> View:
        """How it can be drawn without a lie."""
        return view(self.op, self.args)

    @property
    def colour(self) -> str:
        """Its colour in every chart."""
        return style.colour(self.slot)

    @property
    def dash(self) -> str:
        """How its line is drawn, so that a ninth is told from the first."""
        return style.dash(self.slot)


def choose() -> list[str]:
    """Draw the choice and return the ops, in the catalog's order."""
    titles = {row.title: op for op, row in ACTIVATIONS.items()}
    picked = st.pills(
        "Activations",
        list(titles),
        selection_mode="multi",
        default=[ACTIVATIONS[op].title for op in FIRST],
        wrap=True,
        key="show",
        bind="query-params",
        label_visibility="collapsed",
    )
    return [op for title, op in titles.items() if title in picked]


def parameters(ops: Sequence[str]) -> list[Chosen]:
    """Draw the sliders of the chosen activations; return those whose arguments torch takes."""
    slots = style.slots(_SLOTS, ops)
    fields = {op: _fields(op) for op in ops}
    found = []
    with st.container(key="activation-parameters", horizontal=True, gap="medium"):
        for op in ops:
            args = {field.name: _parameter(op, field) for field in fields[op]}
            found.append(Chosen(op, args, slots[op]))
    return [chosen for chosen in found if _taken(chosen)]


def _fields(op: str) -> list[Field]:
    return [f for name, f in ACTIVATIONS[op].fields.items() if name not in _ELSEWHERE]


def _parameter(op: str, field: Field) -> Any:
    title = ACTIVATIONS[op].title
    label, key = f"{title} {field.name}", f"{title}.{field.name}"
    if field.kind == "choice":
        return st.segmented_control(
            label, field.choices, default=field.initial, required=True, key=key,
            help=field.help, bind="query-params",
        )  # fmt: skip
    low, high = field.slider or _RANGE
    if field.kind == "int":
        return st.slider(
            label, 1, MOST_CHANNELS, key=key, help=field.help, width=_WIDTH, bind="query-params"
        )
    return st.slider(
        label,
        float(low),
        float(high),
        float(field.initial),
        step=0.01,
        format="%.3g",
        key=key,
        help=field.help,
        width=_WIDTH,
        bind="query-params",
    )


def _taken(chosen: Chosen) -> bool:
    """Say what torch does not take, beside the sliders."""
    try:
        make(chosen.op, chosen.args)
    except BuilderError as error:
        st.caption(f":red[{error.message}]")
        return False
    return True
