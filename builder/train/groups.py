"""Parameter groups: parts of a model that have settings of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.values import frozen


@dataclass(frozen=True)
class Group:
    """Parameters whose settings differ from the recipe's.

    Args:
        name: for people; no two groups of a recipe have the same.
        members: paths of modules or of parameters, as `named_modules` and `named_parameters` give
            them. A longer path wins over a shorter one: `fc.bias` over `fc`.
        lr: learning rate; `None` for the recipe's.
        args: arguments of the optimizer that differ from the recipe's, such as `weight_decay`.
        frozen: whether they are left as they are.
    """

    name: str
    members: tuple[str, ...]
    lr: float | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    frozen: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        object.__setattr__(self, "args", frozen(self.args))
