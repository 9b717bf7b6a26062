"""Where a score comes from: saliency, Grad-CAM and their kin over the picture."""

from __future__ import annotations

import numpy as np
import streamlit as st

from builder import BuilderError
from builder.labs import attribution
from builder.labs.attribution import METHODS, Explanation
from builder.labs.map_sheet import strip
from builder.labs.predictions import predictions
from builder.labs.walking import modules_of
from ui import state
from ui.feature_maps.bench import Bench, Pictured, Work

_MOST_CLASSES = 200
_WIDTH = 340


def reasons(here: Bench, model: Pictured, done: Work) -> None:
    """Draw the choice of method, class and layer, and the heat; say why where there is none."""
    try:
        _reasons(here, model, done)
    except BuilderError as error:
        st.info(error.message)


def _reasons(here: Bench, model: Pictured, done: Work) -> None:
    attribution.scores(model.spec)
    names = attribution.layers_for_grad_cam(done.layers, modules_of(model.model, model.spec))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = _method(here)
        target = _target(here, done)
        layer = _layer(here, done, names) if METHODS[method].of_layer else ""
    st.caption(METHODS[method].help)
    if model.mended:
        st.caption("Layers in place are run out of place here: what they got is still needed.")
    if METHODS[method].of_layer and not layer:
        st.info(
            f"{model.spec.name} has no layer that gives maps of more than one pixel, and Grad-CAM "
            "weighs maps. The other methods look at the picture alone."
        )
        return
    with st.spinner("Following the score back to the picture", show_time=True):
        found: Explanation = here.once(
            "why",
            (done.made_from, method, target, layer),
            lambda: attribution.explain(
                method, model.model, model.spec, done.x, target, layer or ""
            ),
        )
    _draw(done, found)


def _method(here: Bench) -> str:
    key = state.show("maps:method", here.method)
    st.segmented_control(
        "Method",
        list(METHODS),
        format_func=lambda name: METHODS[name].title,
        key=key,
        required=True,
        on_change=lambda: setattr(here, "method", state.get(key)),
    )
    return here.method


def _target(here: Bench, done: Work) -> int:
    """Draw the choice of a class, the likeliest first; it is that one until another is chosen."""
    assert done.output is not None  # it gives scores
    found = predictions(done.output.value, done.classes, _MOST_CLASSES)
    if not found:
        return 0
    titles = {row.index: f"{row.name} ({row.share:.1%})" for row in found}
    if here.target not in titles or here.targeted != done.made_from:
        here.target, here.targeted = found[0].index, done.made_from
    key = state.show("maps:target", here.target)
    st.selectbox(
        "Class",
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        width=180,
        on_change=lambda: setattr(here, "target", state.get(key)),
    )
    return here.target


def _layer(here: Bench, done: Work, names: tuple[str, ...]) -> str | None:
    if not names:
        return None
    if here.weighed not in names:
        here.weighed = attribution.default_layer(done.layers, names) or names[-1]
    ops = {layer.name: layer.op for layer in done.layers}
    key = state.show("maps:weighed", here.weighed)
    st.selectbox(
        "Layer",
        list(names),
        format_func=lambda name: f"{name} · {ops[name].rpartition('.')[2]}",
        key=key,
        width=220,
        on_change=lambda: setattr(here, "weighed", state.get(key)),
    )
    return here.weighed


def _draw(done: Work, found: Explanation) -> None:
    picture = np.rint(done.shown * 255).astype(np.uint8)
    picture = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    tiles = (picture, attribution.overlay(done.shown, found), attribution.colours(found))
    titles = ("what the model sees", "the heat over it", "the heat alone")
    with st.container(horizontal=True):
        for tile, title in zip(tiles, titles, strict=True):
            st.image(strip(tile[None], side=2 * _WIDTH), caption=title, width=_WIDTH)
    low, high = float(found.heat.min()), float(found.heat.max())
    if low == high == 0:
        st.info("The heat is 0 everywhere: nothing in the picture speaks for this class here.")
        return
    meaning = "red speaks for the class, blue against it" if found.signed else "bright is strong"
    st.caption(f"from {low:.3g} to {high:.3g}; {meaning}")
