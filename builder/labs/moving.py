"""A model moved: to another dtype or device, what that takes, and what it does to the outputs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

from builder.labs.subject import twin

# What a module is told, and the dtype that its floating-point tensors have after it.
DTYPES: dict[str, torch.dtype] = {
    "double()": torch.float64,
    "float()": torch.float32,
    "bfloat16()": torch.bfloat16,
    "half()": torch.float16,
}
_PASSES = 5


@dataclass(frozen=True)
class Tensors:
    """A parameter or a buffer, before and after.

    Args:
        was, is_now: dtype and device, as torch writes them.
        before, after: bytes.
    """

    name: str
    was: str
    is_now: str
    before: int
    after: int


@dataclass(frozen=True)
class Outputs:
    """What the moved model gives for a batch, beside what it gave where it was.

    Args:
        dtype: of the outputs.
        largest: the largest absolute difference among numbers that are finite in both.
        relative: L2 norm of the difference over that of the outputs before.
        agree: share of the samples whose largest output is the same one, `None` where a sample has
            a single output.
        lost: how many outputs are NaN or infinite now, and were not.
        before, after: seconds that the batch takes, the median of several.
    """

    dtype: torch.dtype
    largest: float
    relative: float
    agree: float | None
    lost: int
    before: float
    after: float


@dataclass(frozen=True)
class Moved:
    """A model that was moved.

    Args:
        tensors: all that it holds, in the order of its `state_dict`.
        unmoved: what torch says when the batch stays where it was, empty where it does not mind.
        outputs: what it gives for the batch that was moved with it; `None` if torch cannot run it.
        refused: why it cannot, in torch's words.
    """

    tensors: tuple[Tensors, ...]
    unmoved: str
    outputs: Outputs | None
    refused: str

    @property
    def before(self) -> int:
        """Bytes of all tensors where they were."""
        return sum(one.before for one in self.tensors)

    @property
    def after(self) -> int:
        """Bytes of all tensors where they are now."""
        return sum(one.after for one in self.tensors)


def devices() -> list[str]:
    """Return where a model can be moved to here: the CPU, graphics cards, and `meta`."""
    found = ["cpu"]
    found += ["cuda"] if torch.cuda.is_available() else []
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "meta"]


def move(model: nn.Module, inputs: Sequence[Tensor], dtype: torch.dtype, device: str) -> Moved:
    """Move a copy of a model, `model.to(device, dtype)`, and run a batch through both.

    The model itself stays as it is, its mode included.

    Args:
        inputs: a tensor for each input of the model, (N, *shape).
    """
    there = twin(model).eval()
    first = {name: (_place(t), t.numel() * t.element_size()) for name, t in _held(there)}
    there.to(device=device, dtype=dtype)
    tensors = tuple(
        Tensors(name, first[name][0], _place(t), first[name][1], _bytes(t, device))
        for name, t in _held(there)
    )
    outputs, refused = None, ""
    moved = [
        value.to(device=device, dtype=dtype if value.is_floating_point() else None)
        for value in inputs
    ]
    if device != "meta":
        try:
            outputs = _compared(twin(model).eval(), inputs, there, moved)
        except (RuntimeError, NotImplementedError) as error:
            refused = _first_line(error)
    return Moved(tensors, _without_the_batch(there, inputs), outputs, refused)


def _held(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.state_dict().items()


def _place(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} · {tensor.device}"


def _bytes(tensor: Tensor, device: str) -> int:
    return 0 if device == "meta" else tensor.numel() * tensor.element_size()


@torch.no_grad()
def _without_the_batch(model: nn.Module, inputs: Sequence[Tensor]) -> str:
    try:
        model(*inputs)
    except (RuntimeError, NotImplementedError, ValueError) as error:
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]


@torch.no_grad()
def _compared(
    here: nn.Module, inputs: Sequence[Tensor], there: nn.Module, moved: Sequence[Tensor]
) -> Outputs:
    one, before = _timed(here, inputs)
    other, after = _timed(there, moved)
    a, b = one.double().cpu(), other.double().cpu()
    known = a.isfinite() & b.isfinite()
    gap = torch.where(known, b - a, 0.0)
    norm = float(torch.where(known, a, 0.0).norm())
    agree = None
    if a.dim() > 1 and a.shape[1] > 1:
        agree = float((a.argmax(dim=1) == b.argmax(dim=1)).double().mean())
    return Outputs(
        other.dtype,
        float(gap.abs().max()) if gap.numel() else 0.0,
        float(gap.norm()) / norm if norm else 0.0,
        agree,
        int((a.isfinite() & ~b.isfinite()).sum()),
        before,
        after,
    )


def _timed(model: nn.Module, inputs: Sequence[Tensor]) -> tuple[Tensor, float]:
    """Return the first output of a model, and the median of the seconds that it takes."""
    seconds = []
    out = _first(model(*inputs))  # the first pass makes what is made once
    for _ in range(_PASSES):
        start = time.perf_counter()
        out = _first(model(*inputs))
        if out.device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return out, median(seconds)


def _first(outputs: Tensor | tuple[Tensor, ...]) -> Tensor:
    return outputs[0] if isinstance(outputs, tuple) else outputs
