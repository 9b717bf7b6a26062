"""What a recurrent model keeps in mind step by step, and which steps its loss hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from builder.train.looks.given import Given, evaluating

SAMPLES = 4
_STEPS, _UNITS = 500, 64


@dataclass(frozen=True)
class Memory:
    """The hidden state and the gradient by time step, for the first validation samples.

    Args:
        states: by recurrent layer, (samples, steps, units) float16.
        gradients: (samples, steps) float32: the norm of the gradient of each sample's loss with
            respect to what goes in at each step, an embedding where tokens do.
    """

    states: dict[str, Tensor]
    gradients: Tensor

    @classmethod
    def from_bytes(cls, data: bytes) -> Memory:
        """Read what `memory` returned."""
        held = load(data)
        gradients = held.pop("gradients")
        return cls({name.partition(" ")[2]: held[name] for name in sorted(held)}, gradients)


def is_recurrent(given: Given) -> bool:
    """Whether the model has a recurrent layer, and its samples have steps of time."""
    recurs = any(isinstance(module, nn.RNNBase) for module in given.model.modules())
    return recurs and given.data.x.dim() in (2, 3)


def memory(given: Given) -> bytes | None:
    """Return states and gradients, `None` if the recurrent layers saw no steps of the samples."""
    x, y = given.data.x_validation[:SAMPLES], given.data.y_validation[:SAMPLES]
    x = x.clone()
    entered: list[Tensor] = []
    states: dict[str, Tensor] = {}

    def enter(out: Tensor) -> Tensor:
        found = out.detach().requires_grad_()
        entered.append(found)
        return found

    handles = [
        module.register_forward_hook(_kept(name, module, states))
        for name, module in given.model.named_modules()
        if isinstance(module, nn.RNNBase)
    ]
    if x.is_floating_point():
        x = enter(x)
    else:
        handles += [
            module.register_forward_hook(lambda _module, _given, out: enter(out))
            for module in given.model.modules()
            if isinstance(module, nn.Embedding)
        ]
    try:
        with evaluating(given.model, backward=True), torch.enable_grad():
            loss = given.loss(x, y)
            found = torch.autograd.grad(loss, entered[0]) if entered else ()
    finally:
        for handle in handles:
            handle.remove()
    kept = {name: state for name, state in states.items() if len(state) == len(x)}
    if not kept or not found or found[0].shape[:2] != x.shape[:2]:
        return None
    # The mean over the samples divides each one's gradient by their number.
    share = len(x) if getattr(given.measure.function, "reduction", "mean") == "mean" else 1
    norms = (found[0] * share).flatten(2).norm(dim=2) if found[0].dim() > 2 else found[0].abs()
    numbered = {f"{number:02d} {name}": state for number, (name, state) in enumerate(kept.items())}
    return save({**numbered, "gradients": norms[:, :_STEPS].float().cpu().contiguous()})


def _kept(name: str, module: nn.RNNBase, states: dict[str, Tensor]) -> Any:
    def keep(_module: nn.Module, _given: Any, out: Any) -> None:
        sequence: Tensor = out[0]
        if isinstance(sequence, Tensor) and sequence.dim() == 3:
            if not module.batch_first:
                sequence = sequence.transpose(0, 1)
            kept = sequence[:, :_STEPS, :_UNITS].detach().half().cpu()
            states[name] = kept.contiguous()

    return keep
