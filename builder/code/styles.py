"""The styles that code is written in: each is the same layers as another spec.

sequential    a chain, `nn.Sequential`
modulelist    `self.layers = nn.ModuleList([...])`
module        named attributes and a forward pass
functional    the same, and what holds no weights is called: `F.relu(self.fc1(x))`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from builder.edit import set_container
from builder.spec import Block, ModelSpec, Node
from builder.twins import as_function


def functional(spec: ModelSpec) -> ModelSpec:
    """Return the model as a graph in which functions do what holds no weights.

    Keys of the `state_dict` are those of the graph. A block that is a Sequential or a ModuleList
    keeps its modules: functions would shift its keys.
    """
    spec = set_container(spec, "graph")
    blocks = {
        name: replace(block, nodes=_called(block)) if block.container == "graph" else block
        for name, block in spec.blocks.items()
    }
    return replace(spec, nodes=_called(spec.main), blocks=blocks)


def _called(block: Block) -> tuple[Node, ...]:
    return tuple(as_function(node) or node for node in block.nodes)


STYLES: Mapping[str, Callable[[ModelSpec], ModelSpec]] = {
    "sequential": partial(set_container, container="sequential"),
    "modulelist": partial(set_container, container="modulelist"),
    "module": partial(set_container, container="graph"),
    "functional": functional,
}
