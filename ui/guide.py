"""Help for a newcomer, on the page itself."""

from __future__ import annotations

import streamlit as st

_BUILD = """
**Build a model in five steps**

1. Open a **starting point**, or pick layers from the palette on the left; type to search it.
2. Click a layer for its settings. Sizes marked :gray-badge[inferred] come from the layer before.
3. Every shape is shown as `(N, ...)`, where N is the batch. A layer that cannot run says why, in
   red, and its buttons mend it.
4. The views on the right show the same model as a diagram, a table, PyTorch code, or JSON.
5. Go to **Train**, choose data, press Start, and take weights and code with you.

**In the list**: arrow keys select, Alt + Up or Down moves, F2 renames, Del deletes, Ctrl + Z goes
back. The **+** of a row marks where the next layer goes; rows and palette entries can be dragged.

**Containers**: a Sequential is a chain; in a ModuleList or a Graph a layer's *Reads* may name any
earlier layers, for branches and skip connections. Functions such as `+` and `torch.cat` live there.

Everything is kept as you go: the address of the page brings this model back.
"""


def guide() -> None:
    """Draw the help button."""
    with st.popover("How it works", icon=":material/help:", width="stretch"):
        st.markdown(_BUILD)
