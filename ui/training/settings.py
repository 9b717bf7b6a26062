"""The settings of a run: data, loss, optimizer, and whether data and model fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from builder import BuilderError
from builder.build import DEFAULT_BUDGET
from builder.catalog import Field
from builder.data import DATASETS, Samples, load, mismatches
from builder.resolve import resolve
from builder.train import LOSSES, OPTIMIZERS, Recipe, devices
from builder.train.launch import Launcher
from builder.train.losses import suggest_loss
from ui import state
from ui.numbers import count
from ui.values import from_text, to_text

_RATES = [mantissa * 10.0**power for power in range(-6, 2) for mantissa in (1, 2, 5)]
# What to start from by the kind of data: epochs, and the optimizer's usual rate times this.
_FIRST = {"picture": (10, 1), "sequence": (50, 5), "series": (50, 1)}
_SMALL = (200, 10)
# A template that reads data of a kind as they are, but for their size.
_READER = {"picture": "LeNet5", "sequence": "MyRNN", "series": "MyRNN"}
_RECIPE, _BUDGET = "recipe", "budget"
RUN = "run"


@st.cache_resource
def launcher() -> Launcher:
    """Return what starts workers, shared by all sessions."""
    return Launcher(state.store())


def recipe() -> Recipe:
    """Return this session's settings: those it has, those of the model's last run, or the first."""
    found = state.get(_RECIPE)
    if found is None:
        ws = state.workspace()
        runs = state.store().runs(model_id=ws.model_id)
        found = Recipe.from_json(runs[0].recipe) if runs else _first_recipe(ws)
        state.put(_RECIPE, found)
    return found  # type: ignore[no-any-return]


def _first_recipe(ws: state.Workspace) -> Recipe:
    """Return settings whose data have the shape that the model takes, where there are such."""
    shape = ws.spec.inputs[0].shape
    for row in DATASETS.values():
        if row.shape == shape:
            return _for_dataset(Recipe(), row.name)
    return Recipe()


def change(**values: Any) -> None:
    """Change some of the settings."""
    state.put(_RECIPE, replace(recipe(), **values))


def _for_dataset(settings: Recipe, name: str) -> Recipe:
    task = DATASETS[name].task
    if DATASETS[settings.dataset].task != task:
        settings = replace(settings, loss=suggest_loss(task))
    epochs, factor = _FIRST.get(DATASETS[name].kind, _SMALL)
    return replace(
        settings,
        dataset=name,
        options={},
        epochs=epochs,
        batch_size=32,
        lr=OPTIMIZERS[settings.optimizer].lr * (1 if settings.optimizer == "SGD" else factor),
    ).with_loss_for(task)


def settings_panel() -> None:
    """Draw the settings and the button that starts a run."""
    settings = recipe()
    row = DATASETS[settings.dataset]
    _choose("Data", list(DATASETS), "dataset", lambda n: DATASETS[n].title, _chose_dataset)
    for option in row.options:
        _option(option.name, option, settings)
    try:
        samples = load(settings.dataset, **settings.options)
    except BuilderError as error:
        st.error(error.message)
        return
    st.caption(f"{row.help}  \n:gray[{row.source}]")
    fits = _fit(samples)
    left, right = st.columns(2)
    with left:
        fitting = [name for name, loss in LOSSES.items() if row.task in loss.tasks]
        if settings.loss not in fitting:
            fitting.append(settings.loss)
        _choose("Loss", fitting, "loss", str, help=_loss_help(settings.loss))
    with right:
        _choose(
            "Optimizer", list(OPTIMIZERS), "optimizer", str, _chose_optimizer,
            help=OPTIMIZERS[settings.optimizer].help,
        )  # fmt: skip
    _rate(settings)
    optimizer = OPTIMIZERS[settings.optimizer]
    for name in optimizer.first:
        _argument(optimizer.fields[name], settings)
    left, right = st.columns(2)
    with left:
        _number("Epochs", "epochs", "Passes over the training samples.")
    with right:
        _number("Batch size", "batch_size", "Samples a step.")
    with st.expander("More"):
        for name, field in optimizer.fields.items():
            if name not in optimizer.first:
                _argument(field, settings)
        _number("Seed", "seed", "Of the weights, the split and the order of the samples.")
        _share(samples.by_time)
        _choose("Device", list(devices()), "device", str)
        st.number_input(
            "Parameter budget",
            min_value=1,
            value=state.get(_BUDGET, DEFAULT_BUDGET),
            key=_BUDGET,
            help="A model with more parameters is refused before it takes memory.",
        )
        st.caption(f"`{settings.optimizer_code()}`")
    _start(fits)


def _choose(
    label: str,
    options: list[str],
    name: str,
    words: Any,
    then: Any = None,
    help: str | None = None,
) -> None:
    key = state.show(f"recipe:{name}", getattr(recipe(), name))
    st.selectbox(
        label,
        options,
        key=key,
        format_func=words,
        help=help,
        on_change=then or (lambda: change(**{name: state.get(key)})),
    )


def _chose_dataset() -> None:
    state.put(_RECIPE, _for_dataset(recipe(), state.get("recipe:dataset")))


def _chose_optimizer() -> None:
    name = state.get("recipe:optimizer")
    change(optimizer=name, optimizer_args={}, lr=OPTIMIZERS[name].lr)


def _loss_help(name: str) -> str:
    loss = LOSSES[name]
    return f"{loss.help} Expects {loss.expects}."


def _option(name: str, option: Any, settings: Recipe) -> None:
    cast = int if option.kind == "int" else float
    value = settings.options.get(name, option.default)
    key = state.show(f"option:{settings.dataset}:{name}", cast(value))

    def took() -> None:
        change(options={**recipe().options, name: state.get(key)})

    if name == "seed":
        st.number_input(
            "draw", int(option.low), int(option.high), key=key, help=option.help, on_change=took
        )
        return
    st.slider(
        name,
        cast(option.low),
        cast(option.high),
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
    for number, mismatch in enumerate(found):
        st.warning(mismatch.message, icon=":material/warning:")
        for position, fix in enumerate(mismatch.fixes):
            st.button(
                fix.label,
                key=f"fit:{number}:{position}",
                type="primary" if position == 0 else "secondary",
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
            key=slid,
            format_func=lambda rate: f"{rate:g}",
            on_change=lambda: change(lr=state.get(slid)),
            help="How far each step goes. The slider is logarithmic.",
        )
    with right:
        typed = state.show("recipe:lr", f"{settings.lr:g}")
        st.text_input(
            "Learning rate, exactly",
            key=typed,
            label_visibility="collapsed",
            on_change=_typed_rate,
            args=(typed,),
        )
    _said(typed)


def _typed_rate(key: str) -> None:
    field = Field("The learning rate", "float", low=0)
    try:
        value = float(from_text(field, str(state.get(key))))
    except (ValueError, TypeError) as error:
        state.workspace().wrong[key] = str(error)
        return
    state.workspace().wrong.pop(key, None)
    change(lr=value)


def _argument(field: Field, settings: Recipe) -> None:
    value = settings.optimizer_args.get(field.name, field.default)
    key = f"optimizer:{settings.optimizer}:{field.name}"
    if field.kind == "bool":
        st.toggle(
            field.name,
            key=state.show(key, bool(value)),
            help=field.help,
            on_change=lambda: _set_argument(field, state.get(key)),
        )
        return
    st.text_input(
        field.name,
        key=state.show(key, to_text(value)),
        help=f"{field.help} Takes {field.wanted}.",
        on_change=_typed_argument,
        args=(key, field),
    )
    _said(key)


def _typed_argument(key: str, field: Field) -> None:
    wrong = state.workspace().wrong
    try:
        value = from_text(field, str(state.get(key)))
    except ValueError as error:
        wrong[key] = str(error)
        return
    problem = field.problem(value)
    if problem is not None:
        wrong[key] = problem
        return
    wrong.pop(key, None)
    _set_argument(field, value)


def _set_argument(field: Field, value: Any) -> None:
    given: Mapping[str, Any] = {**recipe().optimizer_args, field.name: value}
    change(optimizer_args={k: v for k, v in given.items() if (k, v) != (field.name, field.default)})


def _number(label: str, name: str, help: str) -> None:
    key = state.show(f"recipe:{name}", getattr(recipe(), name))
    st.number_input(
        label,
        step=1,
        key=key,
        help=help,
        on_change=lambda: change(**{name: state.get(key)}),
    )


def _share(by_time: bool) -> None:
    key = state.show("recipe:validation", recipe().validation)
    st.slider(
        "Kept for validation",
        0.05,
        0.5,
        step=0.05,
        key=key,
        help="Share of the samples that the model does not learn from"
        + (": the last ones in time." if by_time else ", drawn by the seed."),
        on_change=lambda: change(validation=state.get(key)),
    )


def _said(key: str) -> None:
    message = state.workspace().wrong.get(key)
    if message:
        st.caption(f":red[{message}]")


def _start(fits: bool) -> None:
    if st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not fits,
        help=None if fits else "Data and model do not fit yet.",
    ):
        ws = state.workspace()
        try:
            run_id = launcher().start(
                ws.spec, recipe(), model_id=ws.model_id, budget=state.get(_BUDGET, DEFAULT_BUDGET)
            )
        except BuilderError as error:
            st.error(error.message, icon=":material/block:")
            return
        state.set_address(RUN, run_id)
        state.put(RUN, run_id)
