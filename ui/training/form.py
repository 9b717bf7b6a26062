"""The form of the next run: data, loss, optimizer, and whether data and model fit."""

from __future__ import annotations

from typing import Any

import streamlit as st

from builder import BuilderError
from builder.build import DEFAULT_BUDGET
from builder.catalog import Field
from builder.data import DATASETS, Samples, load, mismatches, title
from builder.data.own.shelf import Shelf
from builder.data.split import METHODS
from builder.resolve import resolve
from builder.train import LOSSES, OPTIMIZERS, Recipe, devices
from builder.train.groups import optimizer_code
from builder.train.recipe import FIELDS, PRECISIONS
from ui import state
from ui.numbers import count
from ui.training.fields import argument, choose, number, said, switch
from ui.training.own import bring_panel, own_form
from ui.training.settings import RUN, change, choose_data, launcher, recipe
from ui.values import from_text

_RATES = [mantissa * 10.0**power for power in range(-6, 2) for mantissa in (1, 2, 5)]
# A template that reads data of a kind as they are, but for their size.
_READER = {"picture": "LeNet5", "sequence": "MyRNN", "series": "MyRNN", "text": "CharLSTM"}
_BUDGET = "budget"


def settings_panel() -> None:
    """Draw the settings and the button that starts a run."""
    samples = _data()
    if samples is None:
        return
    settings = recipe()
    fits = _fit(samples)
    left, right = st.columns(2)
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
    for name in optimizer.first:
        argument(optimizer.fields[name], settings.optimizer, "optimizer_args")
    left, right = st.columns(2)
    with left:
        number("Epochs", "epochs", step=1)
    with right:
        number("Batch size", "batch_size", step=1)
    _more(samples, settings)
    _start(fits)


def _data() -> Samples | None:
    """Draw the choice of data and their own settings; returns the samples, if they can be had."""
    settings = recipe()
    names = [*DATASETS, *(own.name for own in Shelf().listed())]
    if settings.dataset not in names:
        names.append(settings.dataset)
    choose("Data", names, "dataset", words=_title, then=_chose_data)
    row = DATASETS.get(settings.dataset)
    for option in row.options if row else ():
        _option(option.name, option, settings)
    own_form(settings.dataset)
    own = st.expander("Your own data", key="own-data", icon=":material/upload:", on_change="rerun")
    if own.open:
        with own:
            bring_panel()
    try:
        samples = load(settings.dataset, **settings.options)
    except BuilderError as error:
        st.error(error.message)
        return None
    if row:
        st.caption(f"{row.help}  \n:gray[{row.source}]")
    return samples


def _title(name: str) -> str:
    try:
        return title(name)
    except BuilderError:  # a file that was taken off the shelf
        return name


def _chose_data() -> None:
    choose_data(state.get("recipe:dataset"))


def _chose_loss() -> None:
    change(loss=state.get("recipe:loss"), loss_args={})


def _chose_optimizer() -> None:
    name = state.get("recipe:optimizer")
    change(optimizer=name, optimizer_args={}, lr=OPTIMIZERS[name].lr)


def _option(name: str, option: Any, settings: Recipe) -> None:
    cast = int if option.kind == "int" else float
    value = settings.options.get(name, option.default)
    key = state.show(f"option:{settings.dataset}:{name}", cast(value))

    def took() -> None:
        change(options={**recipe().options, name: state.get(key)})

    if name == "seed":
        st.number_input(
            "draw",
            int(option.low),
            int(option.high),
            int(value),
            key=key,
            help=option.help,
            on_change=took,
        )
        return
    st.slider(
        name,
        cast(option.low),
        cast(option.high),
        cast(value),
        step=cast(option.step),
        key=key,
        help=option.help,
        on_change=took,
    )


def _fit(samples: Samples) -> bool:
    """Say whether data and model fit, and offer what makes them."""
    ws = state.workspace()
    found = mismatches(ws.spec, samples, recipe().outputs(samples.outputs))
    if not found:
        resolution = resolve(ws.spec)
        st.success(
            f"{ws.spec.name} fits: {count(resolution.params)} parameters, "
            f"{resolution.macs:,} multiply-adds a sample.",
            icon=":material/check_circle:",
        )
        return True
    for position, mismatch in enumerate(found):
        st.warning(mismatch.message, icon=":material/warning:")
        for place, fix in enumerate(mismatch.fixes):
            st.button(
                fix.label,
                key=f"fit:{position}:{place}",
                type="primary" if place == 0 else "secondary",
                on_click=ws.edit,
                args=(fix.apply,),
            )
        if not mismatch.fixes:
            st.caption(
                "No single change mends it; a template for such data would fit, such as "
                f"{_READER.get(samples.kind, 'MLP')}."
            )
    return False


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


def _more(samples: Samples, settings: Recipe) -> None:
    """Draw what can stay as it is, a heading at a time."""
    optimizer = OPTIMIZERS[settings.optimizer]
    rest = [field for name, field in optimizer.fields.items() if name not in optimizer.first]
    own = LOSSES[settings.loss].form(samples.outputs)
    said_so = len(settings.loss_args) + sum(f.name in settings.optimizer_args for f in rest)
    with _section("Arguments", said_so):
        for field in own.values():
            argument(field, settings.loss, "loss_args")
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
            value=state.get(_BUDGET, DEFAULT_BUDGET),
            key=_BUDGET,
            help="A model with more parameters is refused before it takes memory.",
        )


_SMALL: dict[str, Any] = {"min_value": 0.0, "step": 1e-4, "format": "%g"}


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


def _start(fits: bool) -> None:
    help = None if fits else "Data and model do not fit yet."
    with st.container(horizontal=True, key="start-buttons"):
        start = st.button(
            "Start", type="primary", icon=":material/play_arrow:", disabled=not fits, help=help,
            width="stretch",
        )  # fmt: skip
        step = st.button(
            "Step by step", icon=":material/step_over:", disabled=not fits,
            help=help or "Start paused; then a batch or an epoch at a time.",
        )  # fmt: skip
    if start or step:
        ws = state.workspace()
        try:
            run_id = launcher().start(
                ws.spec,
                recipe(),
                model_id=ws.model_id,
                budget=state.get(_BUDGET, DEFAULT_BUDGET),
                paused=step,
            )
        except BuilderError as error:
            st.error(error.message, icon=":material/block:")
            return
        state.set_address(RUN, run_id)
        state.put(RUN, run_id)
