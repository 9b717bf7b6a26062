"""Average: the mean of several checkpoints, loaded like a file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from builder import BuilderError
from builder.files.averaging import average, keeps_statistics, with_statistics_of
from builder.files.loading import load_into
from builder.train.data import load_data
from ui import state
from ui.inside.weights.bench import Bench, Source, sources
from ui.subject import look_into, shelf
from ui.training.settings import recipe

_CHOSEN = "weights:averaged"


def mean(here: Bench) -> None:
    """Draw the choice of checkpoints, and the button that takes their mean."""
    known = sources(here)
    if len(known) < 2:
        st.info(
            "A mean needs two checkpoints or more: those that a run has kept (*Keep the weights of "
            "epochs* on the Train page), or files that were brought back.",
            icon=":material/functions:",
        )
        return
    st.multiselect(
        "Checkpoints", list(known), key=_CHOSEN, persist_state="session",
        format_func=lambda key: known[key].title if key in known else "",
        placeholder="Choose two or more",
    )  # fmt: skip
    picked = [key for key in state.get(_CHOSEN) or [] if key in known]
    spec = state.workspace().spec
    anew = False
    try:
        if keeps_statistics(spec):
            anew = st.toggle(
                "Take the statistics of batch norms anew", True, key="weights:anew",
                help="From the training samples of the data that are chosen on the Train page. The "
                "mean of the statistics are not those of the mean of the weights.",
            )  # fmt: skip
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        return

    def take() -> None:
        here.refused = here.said = ""
        chosen = [known[key] for key in picked]
        try:
            found = average([one.load() for one in chosen], [one.title for one in chosen])
            if anew:
                data = load_data(state.store().home, recipe()).data
                found = with_statistics_of(spec, found, data.x)
            loaded, verified = load_into(spec, found)
            one = shelf().keep(spec, loaded, _title(chosen))
        except BuilderError as error:
            here.refused = error.message
            return
        here.verified[one.id] = verified
        here.said = f"The mean of {len(picked)} checkpoints is in {spec.name}."
        look_into(one.id)

    st.button(
        "Take the mean", type="primary", icon=":material/functions:", key="weights:mean",
        disabled=len(picked) < 2, on_click=take,
    )  # fmt: skip


def _title(chosen: Sequence[Source]) -> str:
    """Return what the mean is called: by the run once, where all are of one."""
    runs = {one.of for one in chosen}
    if len(runs) == 1 and runs != {""}:
        return f"Mean of {', '.join(one.name for one in chosen)} · {runs.pop()}"
    return f"Mean of {', '.join(one.title for one in chosen)}"
