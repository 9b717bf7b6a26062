"""Asking torch: run one layer on the `meta` device, where shapes are real and numbers are not.

A layer is run with a batch of 2 and of 3: what differs between the two is the batch, wherever the
layer put it. Results are kept by layer, arguments and input types.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.flop_counter import FlopCounterMode

from builder.catalog import Layer
from builder.resolve.types import DTYPES, BatchDim, Dim, TensorType, Type

_CACHED_LAYERS = 20_000
# Filters of warnings belong to the whole process, and two sessions may resolve at a time.
_lock = threading.RLock()
_dtype_names = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a layer: its name within the layer and its shape."""

    name: str
    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class Call:
    """One question to torch.

    `identity` stands for the row, and `key` for the arguments, since 1, 1.0 and True are equal.
    """

    identity: str
    key: str
    inputs: tuple[Type, ...]
    args: Mapping[str, Any] = field(compare=False)
    row: Layer = field(compare=False)


@dataclass(frozen=True)
class Probe:
    """Torch's answer: what comes out, what the layer holds, what it costs, or why it refused.

    Args:
        output: type of what comes out.
        parameters: what it learns.
        buffers: number of values it keeps without learning them.
        macs: multiply-accumulates of matrix products and convolutions for one sample.
        notes: torch's own warnings.
        refusal: torch's words if the layer cannot run; everything else is then empty.
    """

    output: Type = ()
    parameters: tuple[Parameter, ...] = ()
    buffers: int = 0
    macs: int = 0
    notes: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def params(self) -> int:
        """Number of learned values."""
        return sum(parameter.size for parameter in self.parameters)


@lru_cache(maxsize=_CACHED_LAYERS)
def probe(call: Call) -> Probe:
    """Run a catalog layer on `meta`; never raises for what torch refuses."""
    with _lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = _unrolled(call) if _grows_with_time(call) else _run(call)
        except Exception as error:  # torch raises whatever it likes; all of it is a refusal
            return Probe(refusal=f"{error}".strip().splitlines()[0] if f"{error}" else repr(error))
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    return Probe(answer.output, answer.parameters, answer.buffers, answer.macs, notes)


def _run(call: Call) -> Probe:
    row = call.row
    with torch.device("meta"):
        made = row.make(call.args)
    if isinstance(made, _NormBase) and made.momentum is None:
        made.momentum = 0.0  # None averages over all batches, and `meta` cannot count them

    def run(batch: int) -> Any:
        given = [empty(value, batch) for value in call.inputs]
        given *= row.repeat if len(given) == 1 else 1
        return made(*given) if row.is_module else made(*given, training=True)

    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            two = run(2)
        macs = counter.get_total_flops() // 2 // 2
        three = run(3)
    if row.asks_training and isinstance(made, nn.Module):
        made.eval()
        with torch.no_grad():
            other = merged(run(2), run(3))
        if other != merged(two, three):
            raise TypeError("in eval() it gives another form than in train()")
    held: Sequence[tuple[str, nn.Parameter]] = ()
    buffers = 0
    if isinstance(made, nn.Module):
        held = list(made.named_parameters())
        buffers = sum(buffer.numel() for buffer in made.buffers())
    return Probe(
        output=merged(two, three),
        parameters=tuple(Parameter(name, tuple(p.shape), p.numel()) for name, p in held),
        buffers=buffers,
        macs=macs,
    )


def empty(value: Type, batch: int) -> Any:
    """Return a value of a type on `meta`, for a batch of this size."""
    if isinstance(value, TensorType):
        return torch.empty(value.at(batch), dtype=DTYPES[value.dtype], device="meta")
    return tuple(empty(item, batch) for item in value)


def merged(two: Any, three: Any) -> Type:
    """Return the type of an output from its values for a batch of 2 and of 3."""
    if isinstance(two, torch.Tensor):
        name = _dtype_names.get(two.dtype)
        if name is None:
            raise TypeError(f"the output has dtype {two.dtype}, which no other layer takes")
        if two.dim() != three.dim():
            raise TypeError("the number of axes depends on the size of the batch")
        return TensorType(tuple(map(_dim, two.shape, three.shape)), name)
    if isinstance(two, tuple | list):
        return tuple(merged(a, b) for a, b in zip(two, three, strict=True))
    if two is None:
        return ()
    raise TypeError(f"the output is {type(two).__name__}, not a tensor")


def _dim(two: int, three: int) -> Dim:
    return two if two == three else BatchDim(three - two, two - 2 * (three - two))


def _grows_with_time(call: Call) -> bool:
    first = call.inputs[0] if call.inputs else ()
    return (
        call.row.unrolls
        and call.args.get("batch_first", False)
        and isinstance(first, TensorType)
        and len(first.shape) == 3
        and isinstance(first.shape[1], int)
        and first.shape[1] > 2
    )


def _unrolled(call: Call) -> Probe:
    """Answer for a long sequence from one and two steps.

    On `meta` torch writes a recurrent layer out step by step, milliseconds each. Shapes and
    multiply-accumulates are linear in the number of steps, so two runs tell them all.
    """
    first, *rest = call.inputs
    assert isinstance(first, TensorType)
    steps = first.shape[1]
    assert isinstance(steps, int)

    def short(length: int) -> Probe:
        shape = (first.shape[0], length, *first.shape[2:])
        cut = (TensorType(shape, first.dtype), *rest)
        return _run(replace(call, inputs=cut))

    one, two = short(1), short(2)
    return Probe(
        output=_extend(one.output, two.output, steps),
        parameters=one.parameters,
        buffers=one.buffers,
        macs=one.macs + (two.macs - one.macs) * (steps - 1),
    )


def _extend(one: Type, two: Type, steps: int) -> Type:
    if isinstance(one, TensorType) and isinstance(two, TensorType):
        shape = tuple(
            a + (b - a) * (steps - 1) if isinstance(a, int) and isinstance(b, int) else a
            for a, b in zip(one.shape, two.shape, strict=True)
        )
        return TensorType(shape, one.dtype)
    assert isinstance(one, tuple)
    assert isinstance(two, tuple)
    return tuple(_extend(a, b, steps) for a, b in zip(one, two, strict=True))
