"""What can be done with the chosen runs: label, open, repeat, show, stop, delete and bring back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from builder import BuilderError
from builder.store import Run
from builder.train.compare import Opened, opened
from ui import state
from ui.runs.chosen import choose, chosen
from ui.text import escaped
from ui.training.settings import RUN, change, launcher

_DELETED, _SAID = "runs:deleted", "runs:said"
_KEPT_DAYS = 30


def actions(runs: Sequence[Run]) -> None:
    """Draw the buttons for the chosen runs."""
    one = opened(runs[0]) if len(runs) == 1 else None
    with st.container(horizontal=True, key="runs-actions"):
        if one is not None:
            _of_one(one)
        going = [run for run in runs if run.active]
        over = [run for run in runs if not run.active]
        if going:
            _button("Stop", "stop_circle", lambda: _stop(going))
        if over:
            _button("Delete", "delete", lambda: _delete(over), help="Undo brings them back.")
        if len(runs) > 1:
            _button("Untick all", "deselect", lambda: choose([]))
    if one is not None and one.problem:
        st.warning(escaped(one.problem), icon=":material/block:")
    if one is not None:
        _labels(one.run)


def _of_one(one: Opened) -> None:
    if one.spec is not None:
        _button(
            "Open its model", "stacks", lambda: open_model(one),
            help="Puts it in the place of the model on the Build page; Undo there brings yours "
            "back.",
        )  # fmt: skip
    if one.recipe is not None:
        _button("Use its recipe", "tune", lambda: use_recipe(one), help="On the Train page.")
    if not one.problem:
        _button("Run again", "replay", lambda: _again(one), help="The same model and recipe.")
    if st.button("Show on the Train page", icon=":material/show_chart:", key="runs:show"):
        state.put(RUN, one.run.id)
        state.set_address(RUN, one.run.id)
        st.switch_page("pages/train.py", query_params={RUN: one.run.id})


def _button(label: str, icon: str, then: object, *, help: str | None = None) -> None:
    key = f"runs:{label.split()[0].lower()}"
    st.button(label, icon=f":material/{icon}:", key=key, on_click=then, help=help)


def say(message: str, icon: str = "check") -> None:
    """Let the page say something when it is drawn next."""
    state.put(_SAID, (message, icon))


def said() -> None:
    """Draw what there is to say, and the undo of a deletion."""
    message = state.get(_SAID)
    if message:
        st.toast(escaped(message[0]), icon=f":material/{message[1]}:")
        state.put(_SAID, None)
    gone = state.get(_DELETED) or []
    if gone:
        with st.container(horizontal=True, vertical_alignment="center", key="runs-undo"):
            st.markdown(f"{_count(gone)} deleted.", width="content")
            st.button("Undo", icon=":material/undo:", key="runs:undo", on_click=_undo)


def _count(ids: Sequence[object]) -> str:
    return f"{len(ids)} run{'s' * (len(ids) != 1)}"


def _stop(runs: Sequence[Run]) -> None:
    for run in runs:
        launcher().stop(run.id)


def _delete(runs: Sequence[Run]) -> None:
    gone = []
    for run in runs:
        try:
            state.store().bin_run(run.id)
        except BuilderError as error:
            say(error.message, "block")
            continue
        gone.append(run.id)
    state.put(_DELETED, gone)
    choose([run_id for run_id in chosen() if run_id not in gone])


def _undo() -> None:
    gone = state.get(_DELETED) or []
    for run_id in gone:
        state.store().restore_run(run_id)
    state.put(_DELETED, [])
    choose([*chosen(), *gone])


def open_model(one: Opened) -> None:
    """Put the model of a run in the place of the one on the Build page."""
    if one.spec is not None:
        state.workspace().open(one.spec)
        say(f"{one.spec.name} is on the Build page; Undo there brings yours back.", "stacks")


def use_recipe(one: Opened) -> None:
    """Let the Train page have the settings of a run."""
    if one.recipe is not None:
        change(**{name: getattr(one.recipe, name) for name in one.recipe.__dataclass_fields__})
        say("The Train page has these settings now.", "tune")


def _again(one: Opened) -> None:
    run = one.run
    if one.spec is None or one.recipe is None:
        return
    try:
        run_id = launcher().repeat(run)
    except BuilderError as error:
        say(error.message, "block")
        return
    choose([run.id, run_id])
    say("It runs again; both are ticked.", "replay")


def _labels(run: Run) -> None:
    """Draw name, tags and notes; what is typed is kept at once."""
    store = state.store()
    name, tags, notes = (f"runs:{word}:{run.id}" for word in ("name", "tags", "notes"))
    known = sorted({tag for other in store.runs() for tag in other.tags})
    left, middle, right = st.columns([1, 1, 2])
    left.text_input(
        "Name", key=state.show(name, run.name), max_chars=80, placeholder="None yet",
        on_change=lambda: store.label_run(run.id, name=str(state.get(name)).strip()),
    )  # fmt: skip
    middle.multiselect(
        "Tags", known, key=state.show(tags, list(run.tags)), accept_new_options=True,
        placeholder="Choose or type",
        on_change=lambda: store.label_run(run.id, tags=[t.strip() for t in state.get(tags)]),
    )  # fmt: skip
    right.text_input(
        "Notes", key=state.show(notes, run.notes), max_chars=2000,
        placeholder="What was tried, what was seen",
        on_change=lambda: store.label_run(run.id, notes=str(state.get(notes))),
    )  # fmt: skip


def bin_of_runs() -> None:
    """Draw the runs that were deleted, to be brought back or let go of for good."""
    store = state.store()
    store.empty_bin(older_than=_KEPT_DAYS * 86_400)
    gone = store.runs(binned=True)
    if not gone:
        return
    with st.expander(
        f"Deleted: {_count(gone)}", on_change="rerun", key="runs:bin", icon=":material/delete:"
    ) as shelf:
        if not shelf.open:
            return
        st.caption(f"What is here is let go of after {_KEPT_DAYS} days.")
        for run in gone[:20]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    "Bring back", key=f"runs:back:{run.id}", icon=":material/undo:",
                    on_click=store.restore_run, args=(run.id,),
                )  # fmt: skip
                when = time.strftime("%d %b, %H:%M", time.localtime(run.created))
                st.markdown(f"{escaped(opened(run).title)} :gray[of {when}]")
        if len(gone) > 20:
            st.caption(f"And {len(gone) - 20:,} more.")
        with st.popover("Empty it", icon=":material/delete_forever:"):
            st.markdown(f"{_count(gone)} will be gone for good, weights and all.")
            st.button("Delete for good", type="primary", key="runs:empty", on_click=store.empty_bin)
