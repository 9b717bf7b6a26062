"""A layer of one's own as an `nn.Module`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from builder import initial
from builder.errors import FormulaError
from builder.own.layer import OwnLayer
from builder.own.parts import Run
from builder.own.reading import TRAINING
from builder.schemes import SCHEMES


def make_module(name: str, layer: OwnLayer, settings: Mapping[str, Any]) -> nn.Module:
    """Return the layer with its parameters drawn; it prints under its own name.

    Raises:
        FormulaError: its formula or a shape cannot be read, or a size is none.
    """
    made: nn.Module = type(name, (_Own,), {"__module__": __name__})(layer, settings)
    return made


class _Own(nn.Module):
    """A module whose forward pass follows a formula.

    Its own attributes have two underscores, out of the way of the parameters' names.
    """

    def __init__(self, layer: OwnLayer, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self.__plan = layer.plan
        self.__inputs = layer.inputs
        self.__settings = dict(settings)
        for parameter in layer.parameters:
            held = nn.Parameter(torch.empty(layer.shape(parameter, settings)))
            wrong = initial.problem(parameter.init, tuple(held.shape))
            if wrong is not None:
                raise FormulaError(f"{parameter.name} cannot start as it says: {wrong}.")
            SCHEMES[parameter.init.scheme].fill(held, parameter.init.args)
            self.register_parameter(parameter.name, held)
        self.__names = tuple(parameter.name for parameter in layer.parameters)

    def forward(self, *inputs: Tensor) -> Any:
        held = {name: getattr(self, name) for name in self.__names}
        given = zip(self.__inputs, inputs, strict=True)
        values = {**dict(given), **self.__settings, **held, TRAINING: self.training}
        count = sum(one.numel() for one in held.values()) if inputs[0].is_meta else 0
        return self.__plan.follow(Run(values, held=count))
