"""The list of a model's layers: select, insert, move, rename, switch off, mend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ui.components.bridge import Intent, mount, register
from ui.components.colours import group_colour

State = Literal["ok", "fault", "unreached", "off"]


@dataclass(frozen=True)
class LayerRow:
    """What the list shows of one layer.

    ``summary`` is text in parts, each with whether it was inferred; ``shape`` the output shape as
    text, empty where none is known; ``share`` the part of all parameters, 0 to 1; ``inputs`` names
    what feeds the layer when it is not simply the layer before.
    """

    name: str
    op: str
    title: str
    group: str
    summary: Sequence[tuple[str, bool]] = ()
    shape: str = ""
    params: int = 0
    share: float = 0.0
    state: State = "ok"
    message: str = ""
    fixes: Sequence[str] = ()
    warning: str = ""
    warning_fixes: Sequence[str] = ()
    inputs: str = ""


@dataclass(frozen=True)
class PortRow:
    """An input or an output of the model: its name, shape and dtype as text."""

    name: str
    shape: str
    dtype: str = ""
    selected: bool = False


_component = register(
    "layer_list",
    scripts=("vendor/sortable-1.15.7.min.js", "layer_rows.js"),
    styles=("layer_rows.css",),
    html="""
    <div class="ll layer-list">
      <div class="scroll">
        <div role="grid" aria-label="Layers of the model">
          <div class="head" role="row">
            <span aria-hidden="true"></span>
            <span role="columnheader">Layer</span>
            <span role="columnheader">Output shape</span>
            <span role="columnheader">Parameters</span>
          </div>
          <div class="inputs" role="rowgroup"></div>
          <div class="rows" role="rowgroup"></div>
          <div class="empty" hidden>
            No layers yet. Pick one from the palette, or drag it here.
          </div>
          <div class="outputs" role="rowgroup"></div>
        </div>
      </div>
    </div>
    """,
)


def layer_list(
    rows: Sequence[LayerRow],
    *,
    selected: str | None,
    key: str,
    on_intent: Callable[[Intent], None],
    inputs: Sequence[PortRow] = (),
    outputs: Sequence[PortRow] = (),
    insert_at: int | None = None,
    height: int | None = None,
) -> None:
    """Shows the layers between the model's inputs and outputs.

    ``insert_at`` marks the place, counted in layers, where the next one goes. ``height`` is the
    greatest height in pixels, beyond which the list scrolls; None lets it grow.

    ``on_intent`` is called before the script reruns, with one of::

        {"do": "select", "name": str}
        {"do": "input", "name": str}                  an input of the model was clicked
        {"do": "insert", "at": int | None}            where the next layer goes, if anywhere
        {"do": "add", "op": str, "at": int}           a layer dragged here from the palette
        {"do": "move", "name": str, "to": int}        ``to`` counts without the moved layer
        {"do": "duplicate", "name": str}
        {"do": "delete", "name": str}
        {"do": "rename", "name": str, "new": str}
        {"do": "toggle", "name": str, "on": bool}
        {"do": "fix", "name": str, "of": "fault" | "warning", "fix": int}
        {"do": "undo"}  {"do": "redo"}

    Names and numbers come from a browser: the receiver checks them against the model.
    """
    mount(
        _component,
        key=key,
        data={
            "rows": [_row(row) for row in rows],
            "inputs": [_port(port) for port in inputs],
            "outputs": [_port(port) for port in outputs],
            "selected": selected,
            "insertAt": insert_at,
            "height": height,
        },
        on_intent=lambda intent: on_intent(intent) if is_intent(intent) else None,
    )


# The fields of each intent beside "do", so that a forged message cannot reach the receiver.
_FIELDS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "select": {"name": str},
    "input": {"name": str},
    "insert": {"at": (int, type(None))},
    "add": {"op": str, "at": int},
    "move": {"name": str, "to": int},
    "duplicate": {"name": str},
    "delete": {"name": str},
    "rename": {"name": str, "new": str},
    "toggle": {"name": str, "on": bool},
    "fix": {"name": str, "of": str, "fix": int},
    "undo": {},
    "redo": {},
}


def is_intent(intent: Intent) -> bool:
    """Whether a message has the form of one of the intents above."""
    do = intent.get("do")
    fields = _FIELDS.get(do) if isinstance(do, str) else None
    return (
        fields is not None
        and intent.keys() == {"do", *fields}
        and all(isinstance(intent[name], kind) for name, kind in fields.items())
    )


def _row(row: LayerRow) -> dict[str, object]:
    return {
        "name": row.name,
        "op": row.op,
        "title": row.title,
        "group": row.group,
        "colour": group_colour(row.group),
        "summary": [list(part) for part in row.summary],
        "shape": row.shape,
        "params": row.params,
        "share": row.share,
        "state": row.state,
        "message": row.message,
        "fixes": list(row.fixes),
        "warning": row.warning,
        "warningFixes": list(row.warning_fixes),
        "inputs": row.inputs,
    }


def _port(port: PortRow) -> dict[str, object]:
    return {
        "name": port.name,
        "shape": port.shape,
        "dtype": port.dtype,
        "selected": port.selected,
    }
