"""Own layers: choose one, make one, and its form from its name down to its class."""

from __future__ import annotations

from functools import partial

import streamlit as st

from builder.code.own import own_class
from builder.own import edits
from builder.own.examples import EXAMPLES
from builder.own.layer import OwnLayer
from builder.own.row import own_row
from builder.resolve import Resolution
from ui import intents, state
from ui.own_layers.edited import Edited
from ui.own_layers.formula import formula
from ui.own_layers.parts import parameters, settings
from ui.own_layers.trial import trial
from ui.state import Workspace

VIEW = "Own layers"
_CHOSEN = "own:chosen"
_EMPTY = "An empty one"
_NEW = "own:new"


def open_layer(name: str) -> None:
    """Let the views show this layer of the open model."""
    state.put("view", VIEW)
    state.put(_CHOSEN, name)


def own_layers(resolution: Resolution) -> None:
    """Draw the view."""
    ws = state.workspace()
    name = _choice(ws)
    if name is None:
        st.caption(
            "A layer of your own is made of **settings**, of **parameters** whose shapes are "
            "written in settings, and of a **formula** for what comes out. It then stands in the "
            "palette, and is built, trained, counted and written as a class like any other. Start "
            "from one of those under *New*."
        )
        return
    edited = Edited(ws, name)
    found = trial(edited, resolution)
    _head(edited)
    settings(edited, found)
    parameters(edited, found)
    formula(edited, found)
    if found.followed.fault is None:
        st.code("\n".join(own_class(own_row(name, edited.layer))), language="python")


def _choice(ws: Workspace) -> str | None:
    """Draw which layer is shown, and what makes a new one; return its name."""
    names = list(ws.spec.layers)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = state.get(_CHOSEN)
        if names:
            chosen = chosen if chosen in names else names[0]
            st.selectbox(
                "Layer", names, names.index(chosen), key=state.show(_CHOSEN, chosen), width=170
            )
        st.menu_button(
            "New",
            [*EXAMPLES, _EMPTY],
            key=_NEW,
            icon=":material/add:",
            help="  \n".join(f"**{name}** {one.help}" for name, one in EXAMPLES.items()),
            on_click=_new,
            args=(ws,),
        )
        if names:
            name = str(state.get(_CHOSEN))
            st.button(
                "Use it",
                key="own:use",
                icon=":material/playlist_add:",
                help="Put one into the model, at the marked place or at the end.",
                on_click=intents.add,
                args=(ws, name),
            )
            used = len(edits.uses(ws.spec, name))
            st.button(
                "",
                key="own:delete",
                icon=":material/delete:",
                help=f"Delete {name}, and the {used} that are in the model. Undo brings all back."
                if used
                else f"Delete {name}. Undo brings it back.",
                on_click=ws.edit,
                args=(partial(edits.forget, name=name),),
            )
    return str(state.get(_CHOSEN)) if names else None


def _new(ws: Workspace) -> None:
    wanted = str(state.get(_NEW))
    layer = EXAMPLES.get(wanted, OwnLayer())
    name = edits.new_layer_name(ws.spec, wanted if wanted in EXAMPLES else "MyLayer")
    if ws.edit(partial(edits.define, name=name, layer=layer)):
        state.put(_CHOSEN, name)


def _head(edited: Edited) -> None:
    layer = edited.layer
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = state.show(edited.key("name"), edited.name)
        st.text_input(
            "Name", edited.name, key=name, width=130, help="The name of the class in the code.",
            on_change=lambda: _rename(edited, str(state.get(name)).strip()),
        )  # fmt: skip
        told = state.show(edited.key("help"), layer.help)
        st.text_input(
            "What it does", layer.help, key=told, width=250,
            help="In a sentence, for the palette; the docstring of its class.",
            on_change=lambda: edited.put(help=str(state.get(told))),
        )  # fmt: skip
        names = ", ".join(layer.inputs)
        read = state.show(edited.key("inputs"), names)
        st.text_input(
            "Receives", names, key=read, width=100,
            help="Names of what comes in, with commas between: `x`, or `x, y`.",
            on_change=lambda: _receive(edited, str(state.get(read))),
        )  # fmt: skip


def _rename(edited: Edited, new: str) -> None:
    if edited.ws.edit(partial(edits.rename_layer, name=edited.name, new=new)):
        state.put(_CHOSEN, new)


def _receive(edited: Edited, text: str) -> None:
    """Take other names of inputs; a single other name is a new name of the same input."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    old = edited.layer.inputs
    differ = [place for place, pair in enumerate(zip(old, names, strict=False)) if len({*pair}) > 1]
    if len(names) == len(old) and len(differ) == 1:
        edited.rename(old[differ[0]], names[differ[0]])
    else:
        edited.put(inputs=names)
