"""A model that has learned what comes next, writing on from what the user typed."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st
from torch import nn

from builder import BuilderError, ModelSpec, build
from builder.build import DEFAULT_BUDGET
from builder.data import Samples, load
from builder.data.samples import token_name
from builder.files import kept, load_weights
from builder.store import Run
from builder.train import Recipe
from builder.train.writing import MAX_TEMPERATURE, MAX_TOKENS, next_shares, write_on
from ui import state

_KEY = "write"
_AT_ONCE = 12  # tokens between two pictures of the text
_SHOWN = 12


def writes(run: Run | None) -> bool:
    """Whether a run learns what comes next in a text."""
    samples = _samples(run)
    return samples is not None and samples.continues


def _samples(run: Run | None) -> Samples | None:
    if run is None or run.facts.get("data", {}).get("kind") != "text":
        return None
    recipe = Recipe.from_json(run.recipe)
    try:
        return load(recipe.dataset, **recipe.options)
    except BuilderError:  # the file was taken off the shelf
        return None


def writing_panel(run: Run | None) -> None:
    """Draw what the model of a run would write."""
    samples = _samples(run)
    if run is None or samples is None:
        st.info("Train on a text first; then the model writes on here.")
        return
    found = kept(state.store().folder(run.id))
    if not found:
        st.info("The run has left no weights yet; it does at its first checkpoint.")
        return
    left, right = st.columns([2, 1])
    with left:
        start = st.text_input(
            "Start with", _first(samples), key=f"{_KEY}:start:{samples.name}", max_chars=500,
            help="The model reads the last characters of it, as many as its window holds.",
        )  # fmt: skip
        temperature = st.slider(
            "Temperature", 0.0, MAX_TEMPERATURE, 0.8, 0.05, key=f"{_KEY}:temperature",
            help="The outputs are divided by it before the softmax. At 0 the likeliest character "
            "is always taken, above 1 the unlikely ones get their chance.",
        )  # fmt: skip
    with right:
        which = st.selectbox(
            "Weights", list(found), key=f"{_KEY}:weights", format_func=str.capitalize
        )
        length = st.number_input("Characters", 1, MAX_TOKENS, 300, 50, key=f"{_KEY}:length")
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key=f"{_KEY}:seed")
    path = found[which or next(iter(found))]
    window = samples.shape[0]
    try:
        model = _model(run, str(path), path.stat().st_mtime_ns)
        shares = next_shares(
            model, samples.vocabulary, start, window=window, temperature=temperature
        )
    except BuilderError as error:
        st.error(error.message, icon=":material/error:")
        return
    st.plotly_chart(
        _chart(samples, shares.tolist(), temperature), key=f"{_KEY}:shares",
        config={"displaylogo": False},
    )  # fmt: skip
    asked = (run.id, path.name, path.stat().st_mtime_ns, start, temperature, length, seed)
    pressed = st.button("Write", icon=":material/edit:", type="primary", key=f"{_KEY}:go")
    place = st.empty()
    if pressed:
        written = start
        for number, token in enumerate(
            write_on(
                model, samples.vocabulary, start, window=window, length=int(length),
                temperature=temperature, seed=int(seed),
            ),
            1,
        ):  # fmt: skip
            written += token
            if number % _AT_ONCE == 0:
                place.code(written, language=None, wrap_lines=True)
        state.put(f"{_KEY}:written", (asked, written))
    was, written = state.get(f"{_KEY}:written", (None, ""))
    if written and was is not None and was[0] == run.id:
        place.code(written, language=None, wrap_lines=True)
        if was != asked:
            st.caption("Written with other settings; press Write again.")


def _first(samples: Samples) -> str:
    """Return the beginning of the text, up to the end of a word."""
    row = samples.x[samples.x[:, 0] == 0][-1]  # the longest that padding stands before
    text = "".join(samples.vocabulary[int(number)] for number in row)
    return text.partition("\n")[0].rpartition(" ")[0] or text[:1].strip()


@st.cache_resource(max_entries=4, show_spinner=False)
def _model(_run: Run, path: str, changed: int) -> nn.Module:
    """Return the model of a run with the weights of a file; kept by the file's name and time."""
    del changed
    model = build(ModelSpec.from_json(_run.spec), budget=_run.facts.get("budget", DEFAULT_BUDGET))
    with open(path, "rb") as file:
        model.load_state_dict(load_weights(file.read()))
    return model


def _chart(samples: Samples, shares: list[float], temperature: float) -> go.Figure:
    likely = sorted(range(len(shares)), key=lambda number: -shares[number])[:_SHOWN]
    figure = go.Figure(
        go.Bar(
            x=[token_name(samples.vocabulary[number]) for number in likely],
            y=[shares[number] for number in likely],
            hovertemplate="%{x}: %{y:.1%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=200,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        title={
            "text": f"what comes next, at a temperature of {temperature:g}",
            "font": {"size": 15},
        },
        xaxis={"type": "category"},
        yaxis={"tickformat": ".0%", "rangemode": "tozero"},
    )
    return figure
