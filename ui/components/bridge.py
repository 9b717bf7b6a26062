"""How a component's script and Python talk: assets in, intents out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "components"

Intent = dict[str, Any]


def register(name: str, *, html: str, scripts: tuple[str, ...] = ()) -> ComponentRenderer:
    """Registers the component whose script and style are ``name.js`` and ``name.css``.

    The shared script and style and the further ``scripts`` are put in front of its own.
    """
    scripts = (*scripts, "common.js", f"{name}.js")
    styles = ("base.css", f"{name}.css")
    return st.components.v2.component(
        f"layerlab_{name}",
        html=html,
        css="\n".join(_read(style) for style in styles),
        js="\n".join(_read(script) for script in scripts),
    )


def mount(
    component: ComponentRenderer,
    *,
    key: str,
    data: Mapping[str, Any],
    on_intent: Callable[[Intent], None],
) -> None:
    """Shows the component; ``on_intent`` is called once an intent, before the script reruns."""
    component(
        key=key,
        data={**data, "ack": st.session_state.get(_ack_key(key))},
        on_intent_change=lambda: _receive(key, on_intent),
    )


def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _ack_key(key: str) -> str:
    return f"{key}:answered"


def _receive(key: str, on_intent: Callable[[Intent], None]) -> None:
    """Hands on the intents of a message that were not handed on before.

    A message repeats what the script has seen no answer to, since a rerun may overtake another.
    """
    message = st.session_state[key].get("intent")
    if not isinstance(message, dict):
        return
    client, intents = message.get("client"), message.get("intents")
    if not isinstance(client, str) or not isinstance(intents, list):
        return
    answered = st.session_state.get(_ack_key(key)) or {}
    last = answered.get("seq", 0) if answered.get("client") == client else 0
    for intent in intents:
        if not isinstance(intent, dict) or not isinstance(intent.get("seq"), int):
            continue
        if intent["seq"] <= last:
            continue
        last = intent["seq"]
        # Noted first: an intent that raises is not tried again with the next one.
        st.session_state[_ack_key(key)] = {"client": client, "seq": last}
        on_intent({name: value for name, value in intent.items() if name != "seq"})
