"""What is kept for the open model: look into it, train on it, freeze it, score it, take it away."""

from __future__ import annotations

import time

import streamlit as st

from builder import BuilderError, ModelSpec
from builder.data import title
from builder.files import weights_pt
from builder.files.loading import Verified, freeze_loaded
from builder.files.shelf import MOST, Shelved
from builder.train.scoring import validation_scores
from ui import state
from ui.inside.weights.bench import Bench
from ui.numbers import memory
from ui.subject import chosen, look_into, shelf
from ui.text import escaped
from ui.training.given import misfit, start, start_from
from ui.training.settings import recipe

_TRAIN = "pages/train.py"


def kept_weights(here: Bench) -> None:
    """Draw the weights on the shelf, the newest first."""
    found = shelf().listed()
    if not found:
        return
    st.markdown("**Kept for this model**")
    for one in found:
        with st.container(border=True, key=f"kept-{one.id}"):
            _one(here, one)
    st.caption(
        f"The last {MOST} are kept, also when the page is closed. A run that starts from them has "
        "a copy of its own."
    )


def _one(here: Bench, one: Shelved) -> None:
    looking = chosen().weights == one.id
    first = start()
    starting = first is not None and first.id == one.id
    badge = " :blue-badge[looked into]" * looking
    badge += " :green-badge[the next run starts from these]" * starting
    when = time.strftime("%d %b, %H:%M:%S", time.localtime(one.added))
    st.markdown(f"**{escaped(one.title)}**{badge} :gray[· {when} · {memory(one.size)}]")
    st.caption(_about(one))
    verified = here.verified.get(one.id)
    if verified is not None:
        _verified(verified, one)
    complaint = misfit(one)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Look inside", key=f"kept:look:{one.id}", icon=":material/search:", disabled=looking,
            on_click=look_into, args=(one.id,),
            help="Chooses them for this page, Feature maps and Activations.",
        )  # fmt: skip
        if starting:
            st.page_link(_TRAIN, label="To the Train page", icon=":material/show_chart:")
        else:
            st.button(
                "Train from these", key=f"kept:train:{one.id}", icon=":material/show_chart:",
                disabled=bool(complaint), on_click=start_from, args=(one.id,),
                help=complaint or "The next run starts from these weights.",
            )  # fmt: skip
        st.button(
            "Freeze what was loaded", key=f"kept:freeze:{one.id}", icon=":material/ac_unit:",
            disabled=bool(complaint), on_click=_freeze, args=(here, one),
            help=complaint or "On the Build page: the layers whose weights were all loaded.",
        )  # fmt: skip
        st.button(
            "Score", key=f"kept:score:{one.id}", icon=":material/speed:",
            on_click=_score, args=(here, one),
            help="On the validation samples of the data that are chosen on the Train page.",
        )  # fmt: skip
        with st.popover("Take away", icon=":material/download:"):
            _take(one)
        st.button(
            "", key=f"kept:remove:{one.id}", icon=":material/delete:", help="Let go of them.",
            on_click=shelf().remove, args=(one.id,),
        )  # fmt: skip
    _scores(here, one)


def _about(one: Shelved) -> str:
    model = ModelSpec.from_json(one.spec)
    words = [f"{len(one.loaded)} of {one.tensors} tensors of {model.name} were loaded"]
    if one.seed is not None:
        words.append(f"the others drawn from seed {one.seed}")
    words.append(f"SHA-256 `{one.digest[:16]}`")
    if model != state.workspace().spec:
        words.append("the model has been changed since")
    return " · ".join(words)


def _verified(found: Verified, one: Shelved) -> None:
    words = [f"{found.equal} tensors are in the model as in the file, to the bit"]
    if found.rounded:
        words = [
            f"{found.equal} tensors are in the model as in the file, rounded to its dtype by "
            f"{found.rounded:.1e} at most"
        ]
    if found.refused:
        words.append(f"a batch of random inputs does not pass: {escaped(found.refused)}")
    elif found.finite:
        shape = ", ".join(map(str, found.shape))
        words.append(f"a batch of random inputs gives ({shape}), all finite")
    else:
        words.append("a batch of random inputs gives NaN or infinite values")
    if found.broken:
        some = ", ".join(escaped(name) for name in found.broken[:3])
        words.append(f"NaN or infinite values are in {some}{' and more' * (len(found.broken) > 3)}")
    if found.sound:
        st.caption(f":green[:material/verified:] Verified: {'; '.join(words)}.")
    else:
        st.warning(f"Loaded, with something wrong: {'; '.join(words)}.", icon=":material/warning:")


def _freeze(here: Bench, one: Shelved) -> None:
    here.refused = here.said = ""
    ws = state.workspace()
    try:
        spec, layers, spared = freeze_loaded(ws.spec, one.loaded)
    except BuilderError as error:
        here.refused = error.message
        return
    ws.edit(lambda _: spec)
    frozen = f"Frozen: {', '.join(layers)}. " if layers else ""
    rest = f"{spared} learns on, for nothing would otherwise. " if spared else ""
    here.said = f"{frozen}{rest}Undo on the Build page takes it back."


def _score(here: Bench, one: Shelved) -> None:
    here.refused = here.said = ""
    settings = recipe()
    try:
        found = validation_scores(
            state.store().home, ModelSpec.from_json(one.spec), shelf().state(one.id), settings
        )
    except BuilderError as error:
        here.refused = error.message
        return
    here.scores[one.id, settings.to_json()] = found


def _scores(here: Bench, one: Shelved) -> None:
    settings = recipe()
    found = here.scores.get((one.id, settings.to_json()))
    if found is None:
        return
    words = " · ".join(f"{name} **{value:.4f}**" for name, value in found.items())
    st.markdown(f"Validation samples of {title(settings.dataset)}: {words}")


def _take(one: Shelved) -> None:
    name = ModelSpec.from_json(one.spec).name
    for suffix, data in (
        ("pt", lambda: weights_pt(shelf().state(one.id))),
        ("safetensors", lambda: shelf().path(one.id).read_bytes()),
    ):
        st.download_button(
            f"{name}.{suffix}",
            data=data,
            file_name=f"{name}.{suffix}",
            mime="application/octet-stream",
            on_click="ignore",
            key=f"kept:take:{suffix}:{one.id}",
        )
