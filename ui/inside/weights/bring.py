"""Bring back: choose a file or a checkpoint, see what fits, rename, load, and have it verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from builder import BuilderError, ModelSpec
from builder.build import DEFAULT_BUDGET
from builder.files.loading import load_into
from builder.files.loading_code import loading_code
from builder.files.matching import (
    CONVERTED,
    MATCHED,
    MISSING,
    SHAPE,
    UNEXPECTED,
    Form,
    Match,
    Rename,
    Row,
    best_part,
    forms,
    match,
    suggest,
    wanted_by,
)
from builder.files.upload import MAX_BYTES, SUFFIXES, apart, read_upload, tied
from builder.labs.numbers import LARGEST_SEED
from ui import state
from ui.inside.weights.bench import (
    OWN_RULE,
    Bench,
    Origin,
    Source,
    State,
    choose_source,
    key_of,
    loaded_once,
    sources,
)
from ui.numbers import count, memory
from ui.subject import look_into, shelf
from ui.text import escaped

# Verdict: colour of its badge, its sign in the table, what it means.
_LOOKS = {
    MATCHED: ("green", "✓", "the same name, shape and dtype"),
    CONVERTED: ("blue", "≈", "its numbers are turned into the model's dtype"),
    SHAPE: ("red", "≠", "the same name, and another shape"),
    MISSING: ("orange", "–", "the model wants it, the file has none"),
    UNEXPECTED: ("orange", "+", "the file has it, the model has no such name"),
}
_ROWS, _ROW = 12, 35
_OFFERS = 3  # rules that are offered
_FILES = "weights:files"


def bring(here: Bench) -> None:
    """Draw what is to be loaded into the open model, and how."""
    spec = state.workspace().spec
    left, right = st.columns(2, gap="large")
    with left:
        _files(here)
    with right:
        known = sources(here)
        if not known:
            st.caption(
                f"Weights go into **{escaped(spec.name)}** as it is on the Build page. Nothing in "
                "a file is run: tensors are read, code is not."
            )
            return
        key = choose_source("Load", known, here.source, "weights:source", _chosen(here))
        if known[key].origin is not None:
            _about(known[key].origin)
    try:
        given = loaded_once(here, "given", key, known[key])
        wanted = wanted_by(spec)
        names = _names(here, (spec, key), wanted, forms(given))
        found = match(wanted, forms(given), names)
    except BuilderError as error:
        st.warning(error.message, icon=":material/block:")
        return
    _table(spec, found)
    _buttons(here, spec, known[key], given, names, found)


def _chosen(here: Bench) -> Any:
    def then(key: str) -> None:
        here.source, here.refused, here.said = key, "", ""

    return then


# the file


def _files(here: Bench) -> None:
    st.file_uploader(
        "Weights from a file",
        type=list(SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=MAX_BYTES // 2**20,
        key=_FILES,
        on_change=_brought,
        args=(here,),
        help="A `.pt` or `.pth` of `torch.save`, a `.safetensors`, or all shards of one together "
        "with their index. It stays on this machine.",
    )


def _brought(here: Bench) -> None:
    """Read the files that came; what is in them stays when the page is left and found again."""
    files = state.get(_FILES) or []
    found, problems = [], []
    for group in apart({file.name: file.getvalue() for file in files}):
        try:
            found.append(read_upload(group))
        except BuilderError as error:
            name = f"**{escaped(next(iter(group)))}**: " if len(files) > 1 else ""
            problems.append(f"{name}{escaped(error.message)}")
    known = {upload.digest for upload in here.uploads}
    here.uploads, here.refused, here.said = tuple(found), "  \n".join(problems), ""
    new = [upload for upload in found if upload.digest not in known]
    if new:
        wanted = wanted_by(state.workspace().spec)
        here.source = key_of(new[-1], best_part(wanted, new[-1].parts))


def _about(origin: Origin) -> None:
    """Say what is in the file that the chosen checkpoint is of."""
    upload, part = origin.upload, origin.part
    tensors = upload.parts[part]
    numbers = sum(tensor.numel() for tensor in tensors.values())
    words = [
        f"{upload.format}, {memory(upload.size)}",
        f"{len(tensors):,} tensors of {count(numbers)} numbers",
    ]
    if part:
        words.append(f"inside a dictionary, under {escaped(part)}")
    if len(upload.parts) > 1:
        words.append(f"{len(upload.parts)} dictionaries of tensors are in it")
    if upload.beside:
        beside = ", ".join(escaped(name) for name in upload.beside[:6])
        words.append(f"left out: {beside}{' and more' * (len(upload.beside) > 6)}")
    shared = tied(tensors)
    if shared:
        words.append(f"tied, the same numbers under both names: {escaped(' = '.join(shared[0]))}")
    st.caption(" · ".join(words))


# names


def _names(
    here: Bench,
    made_from: object,
    wanted: Mapping[str, Form],
    given: Mapping[str, Form],
) -> Mapping[str, str]:
    """Draw the choice of a rule to rename by; returns what names become."""
    rules = {offer.label: offer for offer in suggest(wanted, given)[:_OFFERS]}
    if here.ruled != made_from:  # another file, or another model: what helps most with these
        here.ruled, here.rule = made_from, next(iter(rules), "")
    plain = len(match(wanted, given).fitting)
    titles = {"": f"As they are ({plain} fit)"}
    titles |= {label: f"{label} ({offer.fitting} fit)" for label, offer in rules.items()}
    titles |= {OWN_RULE: "A rule of your own"}
    here.rule = here.rule if here.rule in titles else ""
    key = state.show("weights:rule", here.rule)
    st.segmented_control(
        "Names in the file",
        list(titles),
        format_func=lambda rule: escaped(titles[rule]),
        key=key,
        required=True,
        on_change=lambda: setattr(here, "rule", state.get(key)),
    )
    if here.rule == OWN_RULE:
        return _own_rule(here)(given)
    if here.rule:
        st.caption(f"{rules[here.rule].why}. The table shows what each name becomes.")
        return rules[here.rule].names
    return {}


def _own_rule(here: Bench) -> Rename:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, name, example in (("Replace", "old", "module."), ("By", "new", "nothing")):
            key = state.show(f"weights:{name}", getattr(here, name))
            st.text_input(
                label, key=key, width=200, placeholder=example, max_chars=200,
                on_change=lambda name=name, key=key: setattr(here, name, str(state.get(key))),  # type: ignore[misc]
            )  # fmt: skip
        key = state.show("weights:anywhere", here.anywhere)
        st.toggle(
            "Anywhere in a name", key=key, help="Else at the beginning alone.",
            on_change=lambda: setattr(here, "anywhere", state.get(key)),
        )  # fmt: skip
    return Rename(here.old, here.new, here.anywhere)


# what fits


def _table(spec: ModelSpec, found: Match) -> None:
    badges = [
        f":{colour}-badge[{sign} {found.counts[verdict]} {verdict}]"
        for verdict, (colour, sign, _) in _LOOKS.items()
        if found.counts[verdict]
    ]
    st.markdown(" ".join(badges))
    table = pd.DataFrame([_line(row) for row in found.rows])
    if not table["becomes"].any():
        table = table.drop(columns="becomes")
    st.dataframe(
        table,
        key="weights:table",
        hide_index=True,
        width="stretch",
        height=_ROW * (min(len(found.rows), _ROWS) + 1) + 2,
        row_height=_ROW,
        column_config={
            "model": st.column_config.TextColumn(spec.name, help="Name in the model."),
            "file": st.column_config.TextColumn("file", help="Name in the file, as it stands."),
        },
    )
    st.caption(
        " ".join(
            f"{sign} {verdict}: {words}."
            for verdict, (_, sign, words) in _LOOKS.items()
            if found.counts[verdict]
        )
    )


def _line(row: Row) -> dict[str, str]:
    sign = _LOOKS[row.verdict][1]
    return {
        "": f"{sign} {row.verdict}",
        "file": row.source or "",
        "becomes": row.name if row.source not in (None, row.name) else "",
        "model": row.name if row.wanted else "",
        "shape · file": _shape(row.given),
        "shape · model": _shape(row.wanted),
        "dtype · file": _dtype(row.given),
        "dtype · model": _dtype(row.wanted),
    }


def _shape(form: Form | None) -> str:
    if form is None:
        return ""
    return " × ".join(map(str, form.shape)) or "a number"


def _dtype(form: Form | None) -> str:
    return str(form.dtype).removeprefix("torch.") if form else ""


# loading


def _buttons(
    here: Bench,
    spec: ModelSpec,
    source: Source,
    given: State,
    names: Mapping[str, str],
    found: Match,
) -> None:
    fitting, strict = len(found.fitting), found.strict and bool(found.rows)

    def load(strict: bool) -> None:
        here.refused = here.said = ""
        try:
            loaded, verified = load_into(
                spec, given, names, strict=strict, seed=here.seed, budget=DEFAULT_BUDGET
            )
            one = shelf().keep(spec, loaded, source.title)
        except BuilderError as error:
            here.refused = error.message
            return
        here.verified[one.id] = verified
        count = f"{len(loaded.names)} of {len(loaded.state)}"
        here.said = f"{count} tensors are in {spec.name}. The page looks into them now."
        look_into(one.id)

    with st.container(horizontal=True, vertical_alignment="bottom", key="weights-load"):
        st.button(
            "Load strictly", type="primary", icon=":material/input:", disabled=not strict,
            key="weights:strict", on_click=load, args=(True,),
            help=escaped(found.complaint()) or "Every name and every shape fits.",
        )  # fmt: skip
        if not strict:
            st.button(
                f"Load the {fitting} that fit", icon=":material/rule:", disabled=not fitting,
                key="weights:matching", on_click=load, args=(False,),
                help="All others are drawn as the model draws them.",
            )  # fmt: skip
            key = state.show("weights:seed", here.seed)
            st.number_input(
                "Seed of the others", 0, LARGEST_SEED, step=1, key=key, width=160,
                on_change=lambda: setattr(here, "seed", state.get(key)),
            )  # fmt: skip
    with st.expander("The same in PyTorch", icon=":material/code:", key="weights:code"):
        st.code(_code(spec, source.origin, given, names, found))


def _code(
    spec: ModelSpec, origin: Origin | None, given: State, names: Mapping[str, str], found: Match
) -> str:
    """Return the code that loads the file; of a run's checkpoint, of the file one downloads."""
    files: tuple[str, ...] = (f"{spec.name}.pt",)
    format = part = ""
    if origin is not None:
        files, format, part = origin.upload.files, origin.upload.format, origin.part
    wanted = [row.name for row in found.rows if row.wanted]
    return loading_code(
        spec.name, files, format=format, part=part, names=names, given=given, wanted=wanted,
        strict=found.strict,
    )  # fmt: skip
