"""The doctor: notes before a run, of a check-up and of the run on show, each with its fixes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import streamlit as st

from builder import BuilderError, ModelSpec
from builder.data import Samples, load, mismatches
from builder.store import Point, Run
from builder.train import Recipe
from builder.train.doctor import Fix, Note, Overfit, Probe, examine, overfit_check, probe, watch
from ui import state
from ui.memo import Memo
from ui.text import escaped
from ui.training.curves import settled
from ui.training.measured import points_of
from ui.training.settings import change, recipe

_EVERY = 2.0  # seconds; a note is read, not followed
_MEMO, _CHECKED = "doctor:memo", "doctor:checked"
_ICONS = {"warning": ":orange[:material/warning:]", "hint": ":blue[:material/lightbulb:]"}


@dataclass(frozen=True)
class _CheckUp:
    """What a check-up found, or why there was none, and of what."""

    spec: ModelSpec
    recipe: Recipe
    probe: Probe | None = None
    overfit: Overfit | None = None
    problem: str = ""


def doctor(run: Run | None = None) -> None:
    """Draw all that the doctor can say; `run` is the one on show, if there is one."""
    spec, settings = state.workspace().spec, recipe()
    try:
        samples = load(settings.dataset, **settings.options)
    except BuilderError as error:
        st.error(error.message)
        return
    _complaint()
    st.subheader("Before the start")
    _cards(
        "before",
        _before(samples),
        "The model, the data and the settings give no cause for a note.",
    )
    _check_up(spec, samples, settings)
    if run is not None:
        st.subheader("The run on show")
        st.fragment(_of_run, run_every=_EVERY if run.active else None)(run.id)


def notes_at_start(samples: Samples) -> None:
    """Draw a button that opens what the doctor says of the next run, if it says anything."""
    _opened("start", "before the start", _before(samples))


def notes_of_run(run: Run, points: Sequence[Point]) -> None:
    """Draw a button that opens what the doctor says of a run, if it says anything."""
    _opened("run-notes", "on this run", settled("notes", run, None, lambda: _watched(run, points)))


def _opened(where: str, what: str, notes: Sequence[Note]) -> None:
    if not notes:
        return
    warns = any(note.severity == "warning" for note in notes)
    with st.popover(
        f"{len(notes)} note{'s' * (len(notes) > 1)}",
        icon=":material/warning:" if warns else ":material/lightbulb:",
        key=f"doctor:{where}",
        help=f"What the doctor has to say {what}; more is in the tab Doctor.",
    ):
        _complaint()
        _cards(where, notes, "")


def _before(samples: Samples) -> tuple[Note, ...]:
    """Return the notes on the next run; they look at the data, so not at every click."""
    spec, settings = state.workspace().spec, recipe()
    notes: tuple[Note, ...] = _memo().once(
        "before", (spec, settings), lambda: _quietly(spec, samples, settings)
    )
    return notes


def _memo() -> Memo:
    found = state.get(_MEMO)
    if found is None:
        found = Memo()
        state.put(_MEMO, found)
    return found  # type: ignore[no-any-return]


def _quietly(spec: ModelSpec, samples: Samples, settings: Recipe) -> tuple[Note, ...]:
    """Return the notes before a start; where the model cannot run at all, the form says it."""
    try:
        return examine(spec, samples, settings)
    except BuilderError:
        return ()


# the check-up


def _check_up(spec: ModelSpec, samples: Samples, settings: Recipe) -> None:
    found: _CheckUp | None = state.get(_CHECKED)
    if found is not None and (found.spec, found.recipe) != (spec, settings):
        found = None
    st.subheader("Check-up")
    if st.button(
        "Check up",
        icon=":material/stethoscope:",
        key="doctor:check-up",
        help="One batch forward and back, then 20 samples to learn by heart: a few seconds.",
    ):
        with st.spinner("One batch forward and back, then 20 samples to learn by heart"):
            found = _checked(spec, samples, settings)
        state.put(_CHECKED, found)
    if found is None:
        st.caption(
            "Looks at the gradients of one batch by layer, at dead and saturated units, and at "
            "whether the model can learn 20 samples by heart. What it offers it has tried."
        )
    elif found.probe is None or found.overfit is None:
        st.warning(found.problem, icon=":material/block:")
    else:
        _cards("check-up", (*found.probe.notes, *found.overfit.notes), _healthy(found))


def _checked(spec: ModelSpec, samples: Samples, settings: Recipe) -> _CheckUp:
    try:
        wrong = mismatches(spec, samples, settings.outputs(samples.outputs))
        if wrong:
            return _CheckUp(spec, settings, problem=wrong[0].message)
        settings.check(samples.task)
        batch = probe(spec, samples, settings)
        return _CheckUp(spec, settings, batch, overfit_check(spec, samples, settings))
    except BuilderError as error:
        return _CheckUp(spec, settings, problem=error.message)


def _healthy(found: _CheckUp) -> str:
    steps = len(found.overfit.losses) if found.overfit else 0
    return (
        f"20 samples were learned by heart in {steps} steps; the gradients of one batch reach "
        "every layer, and no layer is dead or saturated."
    )


# the run on show


def _of_run(run_id: str) -> None:
    run = state.store().run(run_id)
    points = points_of(run_id)
    notes = _watched(run, points)
    if not points and not notes:
        st.caption("The first notes come as soon as the run has taken some steps.")
        return
    _cards("run", notes, "Its curves give no cause for a note.")
    if notes:
        st.caption("A fix changes the settings or the model for the next run, not this one.")


def _watched(run: Run, points: Sequence[Point]) -> tuple[Note, ...]:
    notes: tuple[Note, ...] = _memo().once(
        "run",
        (run.id, points[-1] if points else None, run.message),
        lambda: watch(
            ModelSpec.from_json(run.spec), Recipe.from_json(run.recipe), points, run.message
        ),
    )
    return notes


# notes


def _cards(where: str, notes: Sequence[Note], none: str) -> None:
    if not notes:
        st.success(none, icon=":material/check_circle:")
    for number, note in enumerate(notes):
        with st.container(border=True, key=f"doctor-{where}-{number}"):
            st.markdown(f"{_ICONS[note.severity]} **{escaped(note.title)}**")
            st.markdown(escaped(note.evidence))
            st.caption(note.why)
            if note.fixes:
                with st.container(horizontal=True):
                    for place, fix in enumerate(note.fixes):
                        st.button(
                            escaped(fix.label),
                            key=f"doctor:{where}:{number}:{place}",
                            type="primary" if place == 0 else "secondary",
                            on_click=_apply,
                            args=(fix,),
                        )


def _apply(fix: Fix) -> None:
    """Change the model, the settings, or both; what cannot be done is said above the notes."""
    ws = state.workspace()
    settings = recipe()
    if fix.model is not None and not ws.edit(lambda spec: fix.apply(spec, settings)[0]):
        return
    if fix.recipe is not None:
        after = fix.recipe(settings)
        change(**{field.name: getattr(after, field.name) for field in fields(after)})


def _complaint() -> None:
    complaint = state.workspace().complaint
    if complaint:
        st.error(complaint, icon=":material/block:")
