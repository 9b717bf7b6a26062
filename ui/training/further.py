"""The settings that can stay as they are: arguments, validation, gradients, ends, the machine."""

from __future__ import annotations

from typing import Any

import streamlit as st

from builder.catalog import Field
from builder.data import Samples
from builder.data.split import METHODS
from builder.train import LOSSES, OPTIMIZERS, Recipe, devices
from builder.train.groups import optimizer_code
from builder.train.recipe import FIELDS, PRECISIONS
from ui import state
from ui.training.fields import argument, choose, number, said, switch
from ui.training.settings import BUDGET, budget, change
from ui.values import from_text

_SMALL: dict[str, Any] = {"min_value": 0.0, "step": 1e-4, "format": "%g"}


def further(samples: Samples, settings: Recipe) -> None:
    """Draw the settings that can stay as they are, a heading at a time."""
    optimizer = OPTIMIZERS[settings.optimizer]
    rest = [field for name, field in optimizer.fields.items() if name not in optimizer.first]
    own = LOSSES[settings.loss].form(samples.outputs)
    if own:
        with _section("Loss arguments", len(settings.loss_args)):
            for field in own.values():
                argument(field, settings.loss, "loss_args")
    with _section("Optimizer arguments", sum(f.name in settings.optimizer_args for f in rest)):
        for field in rest:
            argument(field, settings.optimizer, "optimizer_args")
        if not settings.groups:
            st.code(optimizer_code(settings), language="python", wrap_lines=True)
    with _section("Validation", settings.split != "random"):
        _split(samples, settings)
        number("Seed", "seed", step=1)
    regular = (settings.clip_norm, settings.clip_value, settings.l1, settings.l2)
    with _section("Gradients", sum(map(bool, regular)) + (settings.accumulate > 1)):
        left, right = st.columns(2)
        with left:
            number("Clip the norm", "clip_norm", min_value=0.0, placeholder="off")
            number("L1", "l1", **_SMALL)
        with right:
            number("Clip values", "clip_value", min_value=0.0, placeholder="off")
            number("L2", "l2", **_SMALL)
        number("Batches a step", "accumulate", step=1)
    ends = (settings.patience, settings.minutes, settings.keep_epochs, settings.checkpoint_every)
    with _section("Ends and checkpoints", sum(map(bool, ends)) + (not settings.keep_best)):
        left, right = st.columns(2)
        with left:
            number("Patience", "patience", min_value=1, step=1, placeholder="off")
        with right:
            number("Minutes", "minutes", min_value=0.0, placeholder="no limit")
        switch("Keep the best weights", "keep_best")
        _epochs_to_keep(settings)
        number(
            "Steps between checkpoints", "checkpoint_every", min_value=1, step=1,
            placeholder="every few seconds",
        )  # fmt: skip
    with _section("Machine", settings.device != "cpu" or settings.precision != "float32"):
        choose("Device", list(devices()), "device")
        choose("Precision", PRECISIONS, "precision", help=FIELDS["precision"].help)
        st.number_input(
            "Parameter budget",
            min_value=1,
            value=budget(),
            key=BUDGET,
            help="A model with more parameters is refused before it takes memory.",
        )


def _section(label: str, changed: int) -> Any:
    return st.expander(f"{label} ({int(changed)} set)" if changed else label, key=f"more:{label}")


def _split(samples: Samples, settings: Recipe) -> None:
    choose("Split", list(METHODS), "split", help=FIELDS["split"].help)
    if settings.split == "folds":
        left, right = st.columns(2)
        with left:
            number("Folds", "folds", min_value=2, max_value=100, step=1)
        with right:
            number("Kept", "fold", min_value=0, step=1)
        return
    key = state.show("recipe:validation", settings.validation)
    by_time = samples.by_time or settings.split == "time"
    st.slider(
        "Kept for validation",
        0.05,
        0.5,
        settings.validation,
        step=0.05,
        key=key,
        help="Share of the samples that the model does not learn from"
        + (": the last ones in time." if by_time else ", drawn by the seed."),
        on_change=lambda: change(validation=state.get(key)),
    )


def _epochs_to_keep(settings: Recipe) -> None:
    key = state.show("recipe:keep_epochs", ", ".join(map(str, settings.keep_epochs)))
    st.text_input(
        "Keep the weights of epochs",
        ", ".join(map(str, settings.keep_epochs)),
        key=key,
        placeholder="1, 10",
        on_change=_typed_epochs,
        args=(key,),
        help=FIELDS["keep_epochs"].help,
    )
    said(key)


def _typed_epochs(key: str) -> None:
    field = Field("The list of epochs", "ints", low=1, optional=True)
    try:
        found = from_text(field, str(state.get(key))) or ()
    except ValueError as error:
        state.workspace().wrong[key] = str(error)
        return
    state.workspace().wrong.pop(key, None)
    change(keep_epochs=found)
