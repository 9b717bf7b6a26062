"""Your numbers: a tensor of one's own through the chosen activations, as table, bars and code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import streamlit as st
from torch import Tensor

from builder import BuilderError
from builder.files import npy
from builder.labs.activation import ACTIVATIONS
from builder.labs.activation_code import FILE, MOST_WRITTEN, write_numbers
from builder.labs.numbers import (
    LARGEST_SEED,
    Numbers,
    apply,
    draw,
    read_file,
    read_shape,
    read_text,
)
from ui import state
from ui.activations.chosen import Chosen
from ui.activations.style import CONFIG, chart

Result: TypeAlias = tuple[Chosen, Mapping[str, Any], Tensor]

_SHAPE, _SEED = "1, 10", 0
_TYPED = "-2, -1, -0.5, 0, 0.5, 1, 2"
_GREY = "#7D8593"
_ROW, _BARS, _SHOWN = 92, 40, 1000
_MEGABYTES = 4


def section(chosen: Sequence[Chosen]) -> None:
    """Draw the section."""
    numbers = _numbers()
    if numbers is None:
        return
    with st.container(horizontal=True, gap="medium"):
        axes = {one.op: _axis(one, numbers.values) for one in chosen}
    results: list[Result] = []
    for one in chosen:
        args = {**one.args, **axes[one.op]}
        try:
            results.append((one, args, apply(one.op, args, numbers.values)))
        except BuilderError as error:
            st.caption(f":red[{error.message}]")
    same = [(one, y) for one, _, y in results if y.shape == numbers.values.shape]
    left, right = st.columns([2, 3])
    with left:
        _table(numbers.values, same)
    with right:
        _bars(numbers.values, same)
    for one, _, y in results:
        if y.shape != numbers.values.shape:
            _halved(one, y)
    _sums(results)
    _code(numbers, [(one.op, args) for one, args, _ in results])


def _numbers() -> Numbers | None:
    """Draw where the numbers come from; say what is wrong with them beside the field."""
    ways = {"random": _random, "typed": _typed, "uploaded": _uploaded}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        way = st.segmented_control(
            "Numbers", list(ways), default="random", required=True, key="numbers",
            bind="query-params",
        )  # fmt: skip
        try:
            return ways[way]()
        except BuilderError as error:
            message = error.message
    st.caption(f":red[{message}]")
    return None


def _random() -> Numbers:
    shape = st.text_input("Shape", _SHAPE, key="shape", width=160, bind="query-params")
    seed = st.number_input(
        "Seed", 0, LARGEST_SEED, _SEED, key="seed", width=160, bind="query-params"
    )
    st.button(
        "Random",
        icon=":material/casino:",
        key="draw",
        help="Draw other numbers: the next seed.",
        on_click=lambda: state.put("seed", (state.get("seed", _SEED) + 1) % LARGEST_SEED),
    )
    return draw(read_shape(shape), seed)


def _typed() -> Numbers:
    text = st.text_area(
        "A line is a row; brackets as Python, numpy or torch print them work too",
        _TYPED,
        key="typed",
        height=104,
        persist_state="session",
    )
    return read_text(text)


def _uploaded() -> Numbers | None:
    file = st.file_uploader(
        "A .npy file, or a table as .csv or .txt",
        type=["npy", "csv", "txt"],
        max_upload_size=_MEGABYTES,
        key="tensor-file",
    )
    return read_file(file.name, file.getvalue()) if file is not None else None


def _axis(one: Chosen, x: Tensor) -> Mapping[str, Any]:
    """Let people choose the axis of an activation that has one."""
    row = ACTIVATIONS[one.op]
    if "dim" not in row.fields:
        return {}
    axis = st.segmented_control(
        f"{row.title} dim",
        range(x.ndim),
        default=min(1, x.ndim - 1),
        format_func=lambda dim: f"{dim} (of size {x.shape[dim]})",
        required=True,
        key=f"{row.title}.dim.{x.ndim}",
        help=row.fields["dim"].help,
        bind="query-params",
    )
    return {"dim": axis}


def _table(x: Tensor, results: Sequence[tuple[Chosen, Tensor]]) -> None:
    frame = _frame(x, results)
    st.dataframe(
        frame.head(_SHOWN),
        width="stretch",
        height=_height(len(results)) if len(frame) > 10 else "content",
        column_config={name: st.column_config.NumberColumn(format="%.4f") for name in frame},
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = f"The first {_SHOWN:,} of " if len(frame) > _SHOWN else ""
        size = " × ".join(map(str, x.shape))
        st.caption(f"{shown}{x.numel():,} numbers, {size}")
        st.download_button(
            "CSV",
            data=lambda: frame.to_csv(index_label="index"),
            file_name="activations.csv",
            mime="text/csv",
            on_click="ignore",
            key="numbers-csv",
            icon=":material/download:",
        )


def _frame(x: Tensor, results: Sequence[tuple[Chosen, Tensor]]) -> pd.DataFrame:
    """Return one row a number: where it stands, what it is, what becomes of it."""
    columns = {"input": x.flatten().numpy()}
    columns |= {one.title: y.flatten().numpy() for one, y in results}
    return pd.DataFrame(columns, index=_places(x))


def _places(x: Tensor) -> list[str]:
    return [", ".join(map(str, place)) for place in np.ndindex(*x.shape)]


def _height(charts: int) -> int:
    return _ROW * (charts + 1) + 60


def _bars(x: Tensor, results: Sequence[tuple[Chosen, Tensor]]) -> None:
    """Draw one row of bars for the input and one for each output, above each other."""
    last = x.numel() - _BARS
    first = 0
    if last > 0:
        first = st.slider(
            "First number shown", 0, last, 0, step=min(_BARS, x.shape[-1]), key="first-bar"
        )
    rows = [("input", _GREY, x), *((one.title, one.colour, y) for one, y in results)]
    places = _places(x)[first : first + _BARS]
    data, axes = [], {}
    for row, (title, colour, values) in enumerate(reversed(rows), 1):
        number = "" if row == 1 else str(row)
        shown = values.flatten()[first : first + _BARS]
        data.append({**_bar(title, colour, places, shown), "yaxis": f"y{number}"})
        axes[f"yaxis{number}"] = {
            "title": title, "nticks": 4, "domain": [(row - 0.85) / len(rows), row / len(rows)],
        }  # fmt: skip
    figure = chart(data, "", _height(len(results)), "numbers-bars", bargap=0.25, **axes)
    st.plotly_chart(figure, key="numbers-bars", config=CONFIG)


def _bar(title: str, colour: str, places: Sequence[str], values: Tensor) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": [f"({where})" for where in places],
        "y": values.tolist(),
        "name": title,
        "marker": {"color": colour},
        "hovertemplate": f"{title} %{{y:.4f}}<br>at %{{x}}<extra></extra>",
    }


def _halved(one: Chosen, y: Tensor) -> None:
    """Draw what comes out with another shape than went in."""
    size = " × ".join(map(str, y.shape))
    st.markdown(f"**{one.title}** gives half as many numbers, {size}.")
    bar = _bar(one.title, one.colour, _places(y)[:_BARS], y.flatten()[:_BARS])
    figure = chart([bar], "", 180, f"halved-{one.op}")
    st.plotly_chart(figure, key=f"halved-{one.op}", config=CONFIG)


def _sums(results: Sequence[Result]) -> None:
    """Say what the outputs of a softmax and its kin sum to."""
    for one, args, y in results:
        if one.view != "scores":
            continue
        axis = args.get("dim", -3) % y.ndim
        log = bool((y <= 0).all())
        totals = (y.exp() if log else y).sum(axis)
        low, high = f"{totals.min():.4f}", f"{totals.max():.4f}"
        what = "The exponentials of" if log else "The outputs of"
        total = low if low == high else f"from {low} to {high}"
        st.caption(f"{what} {one.title} sum to {total} along axis {axis}.")


def _code(numbers: Numbers, applied: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    if not applied:
        return
    written = numbers.seed is None and numbers.values.numel() > MOST_WRITTEN
    if written:
        st.download_button(
            FILE,
            data=lambda: npy(numbers.values.numpy()),
            file_name=FILE,
            mime="application/octet-stream",
            on_click="ignore",
            key="numbers-npy",
            icon=":material/download:",
            help="The tensor that the code below loads.",
        )
    left, right = st.columns(2)
    left.caption("As `nn` modules")
    left.code(write_numbers(numbers, applied, "module"), language="python")
    right.caption("As functions")
    right.code(write_numbers(numbers, applied, "functional"), language="python")
