"""What a person may tell a run while it goes on. One row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from builder.train.trainer import Trainer


def _rate(trainer: Trainer, lr: float, group: str | None = None) -> None:
    trainer.set_rate(lr, group)


def _scale(trainer: Trainer, factor: float, group: str | None = None) -> None:
    trainer.scale_rate(factor, group)


def _freeze(trainer: Trainer, group: str) -> None:
    trainer.freeze(group)


def _unfreeze(trainer: Trainer, group: str) -> None:
    trainer.freeze(group, frozen=False)


# Those that change how it learns: each is marked on the curves and part of the run's record.
CHANGES: Mapping[str, Callable[..., None]] = MappingProxyType(
    {"rate": _rate, "scale": _scale, "freeze": _freeze, "unfreeze": _unfreeze}
)


def in_words(name: str, args: Mapping[str, Any]) -> str:
    """Return what was done to a run, as a mark on its curves says it."""
    where = f" of {args['group']}" if args.get("group") else ""
    if name == "rate":
        return f"learning rate{where} set to {args['lr']:g}"
    if name == "scale":
        factor = args["factor"]
        by = f"divided by {1 / factor:g}" if factor < 1 else f"multiplied by {factor:g}"
        return f"learning rate{where} {by}"
    if name == "refused":
        return f"refused: {args['message']}"
    plain = {"freeze": "frozen", "unfreeze": "learns again", "resumed": "went on", "pause": "pause"}
    return f"{args['group']} {plain[name]}" if args.get("group") else plain.get(name, name)
