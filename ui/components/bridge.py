"""How a component's script and Python talk: assets in, intents out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from ui import state

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "components"

Intent = dict[str, Any]


def register(
    name: str, *, html: str, scripts: tuple[str, ...] = (), styles: tuple[str, ...] = ()
) -> ComponentRenderer:
    """Registers the component whose script and style are ``name.js`` and ``name.css``.

    ``common.js`` and the further ``scripts`` come before its own script, ``base.css`` before its
    own style and the further ``styles`` after it.
    """
    scripts = ("common.js", *scripts, f"{name}.js")
    styles = ("base.css", f"{name}.css", *styles)
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
    """Shows the component; ``on_intent`` is called once an intent, before the script reruns.

    ``on_intent`` should read from the session first and change things then: Streamlit may break
    off a callback wherever it touches the session, because a newer click has come in. An intent
    that was broken off is given again.
    """
    mailbox = state.get(_MAILBOX)
    if mailbox is None:
        mailbox = Mailbox()
        state.put(_MAILBOX, mailbox)
    component(
        key=key,
        data={**data, "ack": mailbox.answered.get(key)},
        on_intent_change=lambda: _receive(key, on_intent),
    )


@dataclass
class Mailbox:
    """The last intent of each component that has been carried out, for one session.

    A newer click starts a second script thread while the first may still be in a callback; the
    lock lets one of them work at a time. The session keeps this object and never another, so that
    both see one truth.
    """

    lock: Lock = field(default_factory=Lock)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, key: str, message: object, on_intent: Callable[[Intent], None]) -> None:
        """Hands on the intents of a message that were not handed on before.

        A message repeats what its script has seen no answer to.
        """
        if not isinstance(message, dict):
            return
        client, intents = message.get("client"), message.get("intents")
        if not isinstance(client, str) or not isinstance(intents, list):
            return
        with self.lock:
            for intent in intents:
                seq = intent.get("seq") if isinstance(intent, dict) else None
                if not isinstance(seq, int) or seq <= self._last(key, client):
                    continue
                answer = {"client": client, "seq": seq}
                try:
                    on_intent({name: value for name, value in intent.items() if name != "seq"})
                except Exception:
                    # It failed and would fail again. (What breaks a callback off is no Exception.)
                    self.answered[key] = answer
                    raise
                self.answered[key] = answer

    def _last(self, key: str, client: str) -> int:
        answer = self.answered.get(key)
        return answer["seq"] if answer and answer["client"] == client else 0


_MAILBOX = "components:mailbox"


def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _receive(key: str, on_intent: Callable[[Intent], None]) -> None:
    mailbox: Mailbox = state.get(_MAILBOX)
    mailbox.take(key, (state.get(key) or {}).get("intent"), on_intent)
