"""The form of the next run: data, whether they fit the model, loss, optimizer, and its start."""

from __future__ import annotations

import streamlit as st

from builder import BuilderError
from builder.catalog import Field
from builder.data import Samples
from builder.train import LOSSES, OPTIMIZERS, Recipe
from ui import state
from ui.training.data import data_panel
from ui.training.doctor import notes_at_start
from ui.training.fields import abreast, argument, choose, number, said
from ui.training.fit import fit_panel
from ui.training.further import further
from ui.training.given import given, start_line
from ui.training.settings import RUN, budget, change, launcher, recipe
from ui.values import from_text

_RATES = [mantissa * 10.0**power for power in range(-6, 2) for mantissa in (1, 2, 5)]


def settings_panel() -> None:
    """Draw the settings and the button that starts a run."""
    samples = data_panel()
    if samples is None:
        return
    settings = recipe()
    fits = fit_panel(samples)
    left, right = st.columns([1.35, 1])
    with left:
        fitting = [name for name, loss in LOSSES.items() if samples.task in loss.tasks]
        if settings.loss not in fitting:
            fitting.append(settings.loss)
        loss = LOSSES[settings.loss]
        choose(
            "Loss", fitting, "loss", help=f"{loss.help} Expects {loss.expects}.",
            then=_chose_loss,
        )  # fmt: skip
    optimizer = OPTIMIZERS[settings.optimizer]
    with right:
        choose(
            "Optimizer", list(OPTIMIZERS), "optimizer", help=optimizer.help, then=_chose_optimizer
        )
    _rate(settings)
    for name in abreast(optimizer.first):
        argument(optimizer.fields[name], settings.optimizer, "optimizer_args")
    left, right = st.columns(2)
    with left:
        number("Epochs", "epochs", step=1)
    with right:
        number("Batch size", "batch_size", step=1)
    further(samples, settings)
    _start(samples, fits, start_line())


def _chose_loss() -> None:
    change(loss=state.get("recipe:loss"), loss_args={})


def _chose_optimizer() -> None:
    name = state.get("recipe:optimizer")
    change(optimizer=name, optimizer_args={}, lr=OPTIMIZERS[name].lr)


def _rate(settings: Recipe) -> None:
    left, right = st.columns([2.2, 1], vertical_alignment="bottom")
    options = sorted({*_RATES, settings.lr})
    slid = state.show("recipe:lr:slider", settings.lr)
    with left:
        st.select_slider(
            "Learning rate",
            options,
            settings.lr,
            key=slid,
            format_func=lambda rate: f"{rate:g}",
            on_change=lambda: change(lr=state.get(slid)),
            help="How far each step goes. The slider is logarithmic.",
        )
    with right:
        typed = state.show("recipe:lr", f"{settings.lr:g}")
        st.text_input(
            "Learning rate, exactly",
            f"{settings.lr:g}",
            key=typed,
            label_visibility="collapsed",
            on_change=_typed_rate,
            args=(typed,),
        )
    said(typed)


def _typed_rate(key: str) -> None:
    field = Field("The learning rate", "float", low=0)
    try:
        value = float(from_text(field, str(state.get(key))))
    except (ValueError, TypeError) as error:
        state.workspace().wrong[key] = str(error)
        return
    state.workspace().wrong.pop(key, None)
    change(lr=value)


def _start(samples: Samples, fits: bool, startable: bool) -> None:
    """Draw what starts a run; it stays in sight while the settings scroll past."""
    help = None if startable else "The weights that it is to start from do not fit."
    help = help if fits else "Data and model do not fit yet."
    fits = fits and startable
    with st.container(horizontal=True, key="start-buttons"):
        start = st.button(
            "Start", type="primary", icon=":material/play_arrow:", disabled=not fits, help=help,
            width="stretch",
        )  # fmt: skip
        step = st.button(
            "Step by step", icon=":material/step_over:", disabled=not fits,
            help=help or "Start paused; then a batch or an epoch at a time.",
        )  # fmt: skip
        notes_at_start(samples)
    if start or step:
        ws = state.workspace()
        try:
            run_id = launcher().start(
                ws.spec,
                recipe(),
                model_id=ws.model_id,
                budget=budget(),
                paused=step,
                given=given(),
            )
        except BuilderError as error:
            st.error(error.message, icon=":material/block:")
            return
        state.set_address(RUN, run_id)
        state.put(RUN, run_id)
