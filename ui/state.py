"""The session: the model that is open, its history, what is selected.

This is the only module that reads or writes Streamlit's session state and the address bar. The
model is kept in the session under a key that belongs to no widget, and in the store after every
edit, under the id that stands in the address: a refresh, a crash or a second tab loses nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from builder import TEMPLATES, BuilderError, ModelSpec
from builder.labs.chain import first_chain
from builder.store import Store

_MODEL, _CHAIN = "model", "chain"
FIRST_MODEL = "LeNet5"


@dataclass
class Workspace:
    """The open model and how it came to be.

    Args:
        model_id: its id in the store and in the address.
        spec: the model.
        past, future: specs to go back to and forward to.
        selected: name of the selected layer within `block`.
        block: the named block that is being edited, `None` for the model itself.
        insert_at: where the next layer goes; `None` is behind the selected one, or at the end.
        complaint: why the last edit could not be made.
        wrong: what is wrong with typed text, by the key of its widget.
        uploads: counts uploads, so that the same file can be brought in twice.
    """

    model_id: str
    spec: ModelSpec
    past: list[ModelSpec] = field(default_factory=list)
    future: list[ModelSpec] = field(default_factory=list)
    selected: str | None = None
    block: str | None = None
    insert_at: int | None = None
    complaint: str | None = None
    wrong: dict[str, str] = field(default_factory=dict)
    uploads: int = 0

    def edit(self, change: Callable[[ModelSpec], ModelSpec]) -> bool:
        """Apply an edit and keep the old spec to go back to; say why if it cannot be made."""
        self.complaint = None
        try:
            spec = change(self.spec)
        except BuilderError as error:
            self.complaint = error.message
            return False
        if spec == self.spec:
            return True
        self.past.append(self.spec)
        self.future.clear()
        self._show(spec)
        return True

    def open(self, spec: ModelSpec) -> None:
        """Put another model in the place of this one; undo brings this one back."""
        self.edit(lambda _: spec)
        self.block = self.insert_at = None
        self.selected = None

    def undo(self) -> None:
        """Go back one edit."""
        if self.past:
            self.future.append(self.spec)
            self._show(self.past.pop())

    def redo(self) -> None:
        """Go forward one edit."""
        if self.future:
            self.past.append(self.spec)
            self._show(self.future.pop())

    def select(self, name: str | None) -> None:
        """Select a layer of the block that is being edited."""
        self.selected = name
        self.insert_at = None

    @property
    def place(self) -> int:
        """Where the next layer goes."""
        block = self.spec.block(self.block)
        if self.insert_at is not None:
            return min(self.insert_at, len(block.nodes))
        if self.selected in block:
            return block.positions[self.selected] + 1
        return len(block.nodes)

    def _show(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.complaint = None
        self.wrong.clear()
        if self.block not in (None, *spec.blocks):
            self.block = None
        block = spec.block(self.block)
        if self.selected not in block and self.selected not in block.inputs:
            self.selected = None
        store().save_model(self.model_id, spec)


@st.cache_resource(on_release=Store.close)
def store() -> Store:
    """Return the database of models and runs, shared by all sessions."""
    return Store.open()


def workspace() -> Workspace:
    """Return this session's workspace: the one it has, the one in the address, or a new one."""
    return _opened(_MODEL, lambda: TEMPLATES[FIRST_MODEL])


def lab() -> Workspace:
    """Return the workspace of the Convolution page: its chain of layers is a model as well."""
    return _opened(_CHAIN, first_chain)


def _opened(name: str, first: Callable[[], ModelSpec]) -> Workspace:
    key = f"workspace:{name}"
    if key not in st.session_state:
        st.session_state[key] = _restore(name) or _new(first())
    found: Workspace = st.session_state[key]
    if st.query_params.get(name) != found.model_id:
        st.query_params[name] = found.model_id
    return found


def _restore(name: str) -> Workspace | None:
    model_id = st.query_params.get(name)
    spec = store().load_model(model_id) if model_id else None
    return Workspace(model_id, spec) if model_id and spec else None


def _new(spec: ModelSpec) -> Workspace:
    made = Workspace(uuid.uuid4().hex[:12], spec)
    store().save_model(made.model_id, spec)
    return made


def get(key: str, default: Any = None) -> Any:
    """Return what the session keeps under `key`."""
    return st.session_state.get(key, default)


def put(key: str, value: Any) -> None:
    """Keep `value` under `key`; for a widget's key only before the widget is drawn."""
    st.session_state[key] = value


def show(key: str, value: Any) -> str:
    """Make the widget with this key show `value`, and return the key.

    The model is the truth: undo, a fix or another widget may have changed what this one shows.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def address(name: str) -> str | None:
    """Return what the address says under `name`."""
    found: str | None = st.query_params.get(name)
    return found


def set_address(name: str, value: str | None) -> None:
    """Let the address say `value` under `name`, so that a refresh finds it again."""
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
