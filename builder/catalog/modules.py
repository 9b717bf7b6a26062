"""Every row of `torch.nn`: those with help of their own, the others by introspection."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from torch import nn

from builder.catalog.layer import Layer, forward_arity, layer
from builder.catalog.linear import activations, distances, linear
from builder.catalog.sequences import attention, embeddings, recurrent
from builder.catalog.spatial import convolutions, dropouts, normalisations, paddings, pools, shapes

# In torch.nn, and yet not a layer of a model: containers, bases, what wraps other modules, and the
# lazy twins, whose work the wire does here.
_NOT_LAYERS = frozenset(
    {
        "AdaptiveLogSoftmaxWithLoss",
        "Container",
        "CrossMapLRN2d",
        "DataParallel",
        "Module",
        "ModuleDict",
        "ModuleList",
        "ParameterDict",
        "ParameterList",
        "RNNBase",
        "RNNCellBase",
        "Sequential",
        "SyncBatchNorm",
    }
)


def _introspected(known: set[str]) -> Iterator[Layer]:
    """Make a row for every other layer of `torch.nn` from its signature and its docstring."""
    for name in dir(nn):
        cls = getattr(nn, name)
        if (
            f"nn.{name}" in known
            or not (inspect.isclass(cls) and issubclass(cls, nn.Module))
            or name in _NOT_LAYERS
            or name.startswith("Lazy")
            or name.endswith(("Loss", "Loss2d"))
        ):
            continue
        arity = forward_arity(cls)
        yield layer(
            f"nn.{name}",
            "Other",
            (inspect.getdoc(cls) or name).partition(".")[0].replace("\n", " ") + ".",
            inputs=arity,
            examples=((8,),) * arity[0],
            positional=0,
        )


def module_rows() -> Iterator[Layer]:
    """Yield every row of `torch.nn`, those with help of their own first."""
    known: set[str] = set()
    for rows in (
        linear,
        convolutions,
        pools,
        normalisations,
        activations,
        recurrent,
        embeddings,
        attention,
        dropouts,
        paddings,
        shapes,
        distances,
    ):
        for row in rows():
            known.add(row.op)
            yield row
    yield from _introspected(known)
