"""The graph that autograd keeps of one forward pass, and what one backward pass sends through it.

The graph is read from torch itself: `grad_fn` and its `next_functions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from builder.errors import LabError
from builder.labs.batches import affordable
from builder.labs.walking import tensors, walk
from builder.resolve import Step
from builder.spec import ModelSpec

# What a backward pass begins with, by the code that makes it of `output`.
LOSSES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "output.square().mean()": lambda output: output.square().mean(),
        "output.sum()": lambda output: output.sum(),
        "output.logsumexp(-1).mean()": lambda output: output.logsumexp(-1).mean(),
    }
)


@dataclass(frozen=True)
class Operation:
    """One node of the graph.

    Args:
        title: torch's name of it, `AddmmBackward0`.
        layer: the way to the step whose forward pass made it, `subnet1.conv`; empty for the loss.
        parameter: of `AccumulateGrad`, the parameter whose `grad` it adds to.
        next: the places, within the graph, of those it hands gradients on to.
        gradient: norm of what the backward pass brought to it, `None` if it brought nothing.
    """

    title: str
    layer: str
    parameter: str
    next: tuple[int, ...]
    gradient: float | None


@dataclass(frozen=True)
class Reached:
    """What came of one parameter.

    Args:
        gradient: norm of its `grad`, `None` where it has none.
        why: why there is no gradient or why it says nothing, empty where it is fine.
    """

    name: str
    shape: tuple[int, ...]
    gradient: float | None
    why: str


@dataclass(frozen=True)
class Backward:
    """One backward pass.

    Args:
        loss: where it began.
        operations: the graph, from the loss on, each before those it hands on to.
        parameters: every parameter of the model, in its order.
        stops: the steps whose output no gradient can pass, and why.
        saved: bytes that each step keeps for the backward pass, by its name.
    """

    loss: float
    operations: tuple[Operation, ...]
    parameters: tuple[Reached, ...]
    stops: Mapping[str, str]
    saved: Mapping[str, int]


def backward(
    model: nn.Module,
    spec: ModelSpec,
    inputs: Sequence[Tensor],
    *,
    loss: str = "output.square().mean()",
    frozen: Collection[str] = (),
    detached: Collection[str] = (),
    training: bool = False,
) -> Backward:
    """Run a model forward and backward and return the graph and what reached the parameters.

    Args:
        model: a copy of the model that may be changed.
        inputs: one tensor for each input, (N, *shape).
        loss: a row of `LOSSES`.
        frozen: the beginnings of names of parameters that do not ask for a gradient, `conv1`.
        detached: the ways to steps whose output is detached.

    Raises:
        ModelError: the model cannot run, or all that it makes of the batch is too large.
        LabError: nothing in the model asks for a gradient, its output holds no fractions, or
            autograd refused, as it does where a layer has written over what it needs.
    """
    affordable(spec, len(inputs[0]), budget=2**63)
    named = dict(model.named_parameters())
    for name, parameter in named.items():
        parameter.grad = None
        parameter.requires_grad_(
            parameter.requires_grad and not any(_inside(name, layer) for layer in frozen)
        )
    recorder = _Recorder(frozenset(detached), {value.data_ptr() for value in named.values()})
    with torch.enable_grad():
        given = walk(model, spec, inputs, recorder.saw, training=training)
    output = next((tensor for _, tensor in tensors(given)), None)
    if output is None or not output.is_floating_point():
        raise LabError(f"{spec.name} gives whole numbers, which have no gradient.")
    value = LOSSES[loss](output)
    if value.grad_fn is None:
        raise LabError(
            "Nothing that the loss depends on asks for a gradient, so `loss.backward()` would "
            "raise: element 0 of tensors does not require grad. Leave something to learn."
        )
    nodes = _in_order(value.grad_fn)
    brought: dict[Node, float] = {}
    for node in nodes:
        if not hasattr(node, "variable"):
            node.register_prehook(_noting(brought, node))
    try:
        value.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise LabError(f"The backward pass through {spec.name} was refused: {reason}") from None
    names = {id(parameter): name for name, parameter in named.items()}
    places = {node: place for place, node in enumerate(nodes)}
    return Backward(
        float(value.detach()),
        tuple(_operation(node, recorder, places, brought, names) for node in nodes),
        tuple(_reached(name, parameter) for name, parameter in named.items()),
        recorder.stops,
        recorder.saved,
    )


def gathered(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return the graph with one operation for all that belong to one step.

    Those of the loss, and those that add to a parameter's `grad`, stay as they are.
    """
    heads: dict[str, int] = {}
    new: list[Operation] = []
    place_of: list[int] = []
    for operation in operations:
        alone = bool(operation.parameter) or not operation.layer
        place = len(new) if alone else heads.setdefault(operation.layer, len(new))
        place_of.append(place)
        if place == len(new):
            new.append(operation)
    sizes = Counter(place_of)
    followers: list[dict[int, None]] = [{} for _ in new]
    for operation, place in zip(operations, place_of, strict=True):
        followers[place] |= {place_of[n]: None for n in operation.next if place_of[n] != place}
    return tuple(
        replace(
            operation,
            title=operation.title if sizes[place] == 1 else f"{sizes[place]} operations",
            next=tuple(followers[place]),
        )
        for place, operation in enumerate(new)
    )


def _inside(parameter: str, layer: str) -> bool:
    return parameter == layer or parameter.startswith(f"{layer}.")


class _Recorder:
    """Notes, step by step, which nodes of the graph a step has made, and what it keeps for them.

    The nodes are held here: one that nobody holds is made anew when it is next asked for.
    """

    def __init__(self, detached: frozenset[str], weights: set[int]) -> None:
        self.detached = detached
        self.layers: dict[Node, str] = {}
        self.stops: dict[str, str] = {}
        self.saved: dict[str, int] = {}
        self._counted = weights  # where what is kept lies; weights are there anyway

    def saw(self, way: tuple[str, ...], step: Step, value: Any) -> Any:
        """Take a step that has just run."""
        name = ".".join(way)
        for _, tensor in tensors(value):
            if tensor.grad_fn is not None:
                for node in _in_order(tensor.grad_fn, known=self.layers):
                    self.layers[node] = name
                    self._count(node, name)
            elif not tensor.is_floating_point():
                self.stops[name] = "gives whole numbers, which have no gradient"
        if name not in self.detached:
            return None
        self.stops[name] = "detached: what comes out is a number without a past"
        return _detached(value)

    def _count(self, node: Node, name: str) -> None:
        """Add what a node keeps; hooks on saved tensors would hide what was written over."""
        for word in dir(node):
            if not word.startswith("_saved_"):
                continue
            for _, tensor in tensors(getattr(node, word)):
                if tensor.data_ptr() not in self._counted:
                    self._counted.add(tensor.data_ptr())
                    size = tensor.numel() * tensor.element_size()
                    self.saved[name] = self.saved.get(name, 0) + size


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    return type(value)(map(_detached, value)) if isinstance(value, tuple | list) else value


def _in_order(first: Node, known: Collection[Node] = ()) -> list[Node]:
    """Return a node and all behind it that are not known, each before those it hands on to."""
    found: list[Node] = []
    done: set[Node] = set()
    stack: list[tuple[Node, Iterator[tuple[Node | None, int]]]] = []

    def enter(node: Node) -> None:
        done.add(node)
        stack.append((node, iter(node.next_functions)))

    if first not in known:
        enter(first)
    while stack:  # no recursion: a long sequence makes a deep graph
        node, rest = stack[-1]
        follower = next((n for n, _ in rest if n is not None and n not in done), None)
        if follower is None:
            found.append(node)
            stack.pop()
        elif follower not in known:
            enter(follower)
    return found[::-1]


def _noting(brought: dict[Node, float], node: Node) -> Callable[..., None]:
    def note(gradients: tuple[Tensor | None, ...]) -> None:
        squares = [float(g.detach().double().square().sum()) for g in gradients if g is not None]
        if squares:
            brought[node] = brought.get(node, 0.0) + sum(squares) ** 0.5

    return note


def _operation(
    node: Node,
    recorder: _Recorder,
    places: Mapping[Node, int],
    brought: Mapping[Node, float],
    names: Mapping[int, str],
) -> Operation:
    variable = getattr(node, "variable", None)
    gradient = brought.get(node)
    if variable is not None and variable.grad is not None:
        gradient = float(variable.grad.norm())
    return Operation(
        node.name().removeprefix("torch::autograd::"),
        recorder.layers.get(node, ""),
        names.get(id(variable), ""),
        tuple(places[follower] for follower, _ in node.next_functions if follower is not None),
        gradient,
    )


def _reached(name: str, parameter: nn.Parameter) -> Reached:
    gradient = None if parameter.grad is None else float(parameter.grad.norm())
    if not parameter.requires_grad:
        why = "frozen: it asks for no gradient"
    elif gradient is None:
        why = "not reached: no way leads from the loss to it"
    elif gradient == 0:
        why = "reached, and exactly 0: nothing here would change the loss"
    elif gradient != gradient or gradient == float("inf"):
        why = "not a number: the optimizer would spoil the weights"
    else:
        why = ""
    return Reached(name, tuple(parameter.shape), gradient, why)
