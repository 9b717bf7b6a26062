"""Schedules: how the learning rates change over a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.values import frozen


@dataclass(frozen=True)
class Phase:
    """A scheduler of `torch.optim.lr_scheduler` for a stretch of a run.

    Args:
        scheduler: its class.
        args: its arguments besides the optimizer.
        length: how many epochs, or steps where the recipe schedules by steps; `None` to the end,
            for the last phase only.
    """

    scheduler: str
    args: Mapping[str, Any] = field(default_factory=dict)
    length: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", frozen(self.args))
