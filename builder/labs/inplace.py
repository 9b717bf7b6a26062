"""What `inplace=True` changes: the tensor itself, the memory, and what autograd makes of it.

Everything here is really run. The source that the page shows is the source of what ran.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from builder.labs.activation import ACTIVATIONS, make

IN_PLACE = tuple(op for op, row in ACTIVATIONS.items() if "inplace" in row.fields)


@dataclass(frozen=True)
class Overwritten:
    """A tensor before and after an activation, called plainly and in place.

    Args:
        before: the numbers that went in.
        result: what came out, the same both ways.
        after_plain: the input after the plain call.
        after: the input after the call in place.
        addresses: where input and output start in memory, plainly and in place.
    """

    before: Tensor
    result: Tensor
    after_plain: Tensor
    after: Tensor
    addresses: Mapping[str, tuple[int, int]]


def overwrite(op: str, args: Mapping[str, Any], x: Tensor) -> Overwritten:
    """Run an activation of `IN_PLACE` over a tensor both ways; `x` itself stays as it is."""
    plain, kept = x.clone(), x.clone()
    with torch.no_grad():
        y = make(op, {**args, "inplace": False})(plain)
        z = make(op, {**args, "inplace": True})(kept)
    addresses = {
        "plain": (plain.data_ptr(), y.data_ptr()),
        "in place": (kept.data_ptr(), z.data_ptr()),
    }
    return Overwritten(x, y, plain, kept, addresses)


@dataclass(frozen=True)
class Memory:
    """Bytes that input, output and what autograd keeps of them take together, by way of calling."""

    evaluating: Mapping[str, int]
    training: Mapping[str, int]


def memory(op: str, args: Mapping[str, Any], count: int = 1_000_000) -> Memory:
    """Measure an activation of `IN_PLACE` on `count` float32 numbers.

    In place, training takes as much as before where torch computes the derivative from the input
    and so keeps a copy of it.
    """
    evaluating, training = {}, {}
    for name, inplace in (("plain", False), ("in place", True)):
        module = make(op, {**args, "inplace": inplace})
        with torch.no_grad():
            x = torch.zeros(count)
            evaluating[name] = _bytes([x, module(x)])
        kept: list[Tensor] = []
        x = torch.zeros(count).requires_grad_() + 0  # no leaf, which cannot be overwritten

        def keep(tensor: Tensor, kept: list[Tensor] = kept) -> Tensor:
            kept.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            y = module(x)
        training[name] = _bytes([x, y, *kept])
    return Memory(evaluating, training)


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Sum the memory under some tensors, counting once what several of them share."""
    storages = (tensor.untyped_storage() for tensor in tensors)
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _of_a_leaf(activation: nn.Module) -> Any:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    y = activation(x)
    y.sum().backward()
    return y


def _behind_a_sigmoid(activation: nn.Module) -> Any:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    s = torch.sigmoid(x)
    y = activation(s)
    y.sum().backward()
    return y


def _behind_a_product(activation: nn.Module) -> Any:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    h = 3 * x
    y = activation(h)
    y.sum().backward()
    return y


def _beside_a_skip(activation: nn.Module) -> Any:
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    h = 3 * x
    y = activation(h) + h
    y.sum().backward()
    return y


@dataclass(frozen=True)
class _Case:
    title: str
    run: Callable[[nn.Module], Any]
    why: str


_CASES = (
    _Case(
        "On a tensor that is learned",
        _of_a_leaf,
        "A leaf is what the gradient is asked for, a weight for instance. Its value from before "
        "the call would be gone, and with it the point at which the gradient was to be taken; "
        "torch refuses at once.",
    ),
    _Case(
        "Behind a sigmoid",
        _behind_a_sigmoid,
        "The derivative of a sigmoid is computed from its output, s (1 − s), which autograd kept "
        "and the activation has overwritten. The way forward runs; the way back finds another "
        "version of the tensor than it kept, and refuses.",
    ),
    _Case(
        "Behind a product",
        _behind_a_product,
        "The derivative of 3 x is 3, whatever came out; nothing that was overwritten is missed. "
        "A Linear or a convolution in front is as harmless: they keep their input and weights.",
    ),
    _Case(
        "Beside a skip connection",
        _beside_a_skip,
        "Nothing is refused: addition needs neither of its inputs on the way back. But the skip "
        "connection was to carry h as it was, and h has been overwritten: other numbers come out, "
        "and nobody is told.",
    ),
)


@dataclass(frozen=True)
class Attempt:
    """A use of an activation in place, as it went.

    Args:
        source: the lines that ran, with `activation` made in place.
        refusal: torch's message, `None` if it ran.
        plain, result: what came out plainly and in place; `None` where torch refused.
        why: the reason in words.
    """

    title: str
    source: str
    refusal: str | None
    plain: tuple[float, ...]
    result: tuple[float, ...] | None
    why: str

    @property
    def wrong(self) -> bool:
        """Whether it ran and gave other numbers than the plain call."""
        return self.result is not None and self.result != self.plain


Args: TypeAlias = Mapping[str, Any]


def attempts(op: str, args: Args) -> tuple[Attempt, ...]:
    """Use an activation of `IN_PLACE` in place where it is refused, where it works, and where not.

    Returns an attempt a case; a refusal by torch is caught and told.
    """
    return tuple(_attempt(case, op, args) for case in _CASES)


def _attempt(case: _Case, op: str, args: Args) -> Attempt:
    plain = case.run(make(op, {**args, "inplace": False}))
    refusal = result = None
    try:
        result = _listed(case.run(make(op, {**args, "inplace": True})))
    except RuntimeError as error:
        refusal = str(error)
    return Attempt(case.title, _source(case.run), refusal, _listed(plain), result, case.why)


def _listed(y: Tensor) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in y.detach().flatten().tolist())


def _source(run: Callable[..., Any]) -> str:
    """Return the lines inside a function, without what a reader of the page does not need."""
    text = textwrap.dedent(inspect.getsource(run).partition("\n")[2])
    return "\n".join(line for line in text.splitlines() if not line.startswith("return"))
