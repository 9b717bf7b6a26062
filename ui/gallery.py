"""The gallery of starting points: a picture, a size and a use for each template."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import streamlit as st

from builder.resolve import resolve
from builder.templates import GALLERY, Template
from ui import state
from ui.numbers import count
from ui.picture import thumbnail


@st.dialog("Starting points", width="large")
def gallery() -> None:
    """Show the templates; one click puts one in the place of the open model."""
    st.caption("Opening one replaces the model on the page; Undo brings yours back.")
    for group, templates in groupby(GALLERY, key=lambda template: template.group):
        st.subheader(group)
        with st.container(horizontal=True, key=f"gallery-{group}"):
            for template in templates:
                _card(template)


def _card(template: Template) -> None:
    with st.container(border=True, width=222, gap="xsmall", key=f"open-{template.title}"):
        st.image(_picture(template.title), width="stretch")
        st.markdown(f"**{template.title}**")
        st.caption(f"{template.use}  \n:gray[{_size(template.title)}]")
        if st.button("Open", key=f"open:{template.title}", width="stretch"):
            state.workspace().open(template.spec)
            st.rerun()


@cache
def _picture(title: str) -> str:
    template = next(t for t in GALLERY if t.title == title)
    return thumbnail(template.spec)


@cache
def _size(title: str) -> str:
    template = next(t for t in GALLERY if t.title == title)
    resolution = resolve(template.spec)
    layers = len(template.spec.nodes)
    if not resolution.runs:
        return f"{layers} layers · broken on purpose"
    return f"{layers} layers · {count(resolution.params)} parameters"
