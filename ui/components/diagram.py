"""The diagram of a model: layers as boxes, to pan, zoom, pick from and take away as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ui.components.bridge import Intent, mount, register
from ui.components.colours import group_colour
from ui.components.layer_list import State


@dataclass(frozen=True)
class DiagramNode:
    """A box: ``subtitle`` is the output shape as text or another short line."""

    id: str
    title: str
    subtitle: str = ""
    group: str = "Other"
    state: State = "ok"


@dataclass(frozen=True)
class DiagramEdge:
    """A line from one box to a later one, by their ids."""

    source: str
    target: str
    label: str = ""


_component = register(
    "diagram",
    scripts=(
        "vendor/dagre-3.1.3.min.js",
        "vendor/panzoom-4.6.2.min.js",
        "diagram_layout.js",
        "diagram_boxes.js",
    ),
    html="""
    <div class="ll diagram">
      <svg class="stage" tabindex="0" role="application" aria-roledescription="diagram"
        aria-label="Diagram of the model. Arrow keys pan, plus and minus zoom, 0 shows everything,
        Page Up and Page Down pick a layer."></svg>
      <div class="tools" role="toolbar" aria-label="View"></div>
      <div class="empty" hidden>Nothing to draw yet.</div>
      <div class="sr" role="status"></div>
    </div>
    """,
)


def diagram(
    nodes: Sequence[DiagramNode],
    edges: Sequence[DiagramEdge],
    *,
    key: str,
    selected: str | None = None,
    height: int = 480,
    name: str = "model",
    on_select: Callable[[str], None] | None = None,
) -> None:
    """Draws the nodes, given in running order, and the edges between them.

    ``height`` is in pixels. ``name`` names the downloaded file. ``on_select`` is called with the id
    of a node that was picked, before the script reruns; without it nothing can be picked.
    """
    known = {node.id for node in nodes}

    def handle(intent: Intent) -> None:
        picked = intent.get("select")
        if on_select is not None and isinstance(picked, str) and picked in known:
            on_select(picked)

    mount(
        _component,
        key=key,
        data={
            "nodes": [
                {
                    "id": node.id,
                    "title": node.title,
                    "subtitle": node.subtitle,
                    "colour": group_colour(node.group),
                    "state": node.state,
                }
                for node in nodes
            ],
            "edges": [
                {"source": edge.source, "target": edge.target, "label": edge.label}
                for edge in edges
            ],
            "selected": selected,
            "height": height,
            "name": name,
            "pickable": on_select is not None,
        },
        on_intent=handle,
    )
