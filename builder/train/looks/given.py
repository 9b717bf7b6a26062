"""What a look is given: a model as it trains, its data, and what its loss is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from builder.train.data import Data
from builder.train.measure import Measure, predict

_MOST = 2000  # validation samples while it goes on; all of them at the end

# Of torch and torch.nn.functional; the modules of these names call them.
# fmt: off
ACTIVATIONS = frozenset({
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leaky_relu", "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid",
    "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
})
# fmt: on


@dataclass(frozen=True)
class Given:
    """What a look may read; it leaves all of it as it was.

    Args:
        kind: of the data.
        over: whether the run has ended, so that a look may take its time.
    """

    model: nn.Module
    data: Data
    measure: Measure
    kind: str
    over: bool = False

    def answers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return outputs, targets and row numbers of validation samples, spread over all."""
        count = len(self.data.x_validation)
        rows = torch.arange(count)
        if not self.over and count > _MOST:
            rows = torch.linspace(0, count - 1, _MOST).long()
        at = rows.to(self.data.x_validation.device)
        with evaluating(self.model), torch.no_grad():
            out = predict(self.model, self.data.x_validation.index_select(0, at))
        return out, self.data.y_validation.index_select(0, at), rows

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of a batch."""
        measure = self.measure
        loss: Tensor = measure.function(self.model(x), measure.row.prepare(y, measure.outputs))
        return loss


@contextlib.contextmanager
def evaluating(model: nn.Module, *, backward: bool = False) -> Iterator[None]:
    """Let a model evaluate: batch norm learns nothing, dropout rests; random states stay.

    Args:
        backward: whether gradients are taken; cuDNN gives recurrent layers none while evaluating.
    """
    was = model.training
    model.eval()
    cudnn = torch.backends.cudnn
    try:
        with torch.random.fork_rng(devices=[]), cudnn.flags(enabled=cudnn.enabled and not backward):
            yield
    finally:
        model.train(was)


class Activations(TorchFunctionMode):
    """Notes what activations give, modules and functions alike, under the layer they follow.

    Args:
        note: called with the name of the activation, that of the function, and the output.
    """

    def __init__(self, model: nn.Module, note: Callable[[str, str, Tensor], None]) -> None:
        super().__init__()
        self.note = note
        self._inside, self._before = "", "input"
        self._seen: dict[str, int] = {}
        self._handles: list[Any] = []
        self._leaves = {
            name: module for name, module in model.named_modules() if not any(module.children())
        }

    def __enter__(self) -> Activations:
        for name, module in self._leaves.items():
            self._handles += [
                module.register_forward_pre_hook(partial(self._enter, name)),
                module.register_forward_hook(self._leave),
            ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for handle in self._handles:
            handle.remove()

    def _enter(self, name: str, *_: Any) -> None:
        self._inside = name

    def _leave(self, *_: Any) -> None:
        self._before, self._inside = self._inside, ""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        called = getattr(func, "__name__", "").rstrip("_")
        if called in ACTIVATIONS and isinstance(found, Tensor):
            inside = f"{self._inside} ({called})" if self._inside else ""
            name = inside or f"{called} after {self._before}"
            self._seen[name] = self._seen.get(name, 0) + 1
            again = self._seen[name]
            self.note(name if again == 1 else f"{name}, call {again}", called, found.detach())
        return found
