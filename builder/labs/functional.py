"""The same layer as a module and as a function: who holds its state, and how dropout is told."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CALLS = 3


@dataclass(frozen=True)
class Way:
    """One way to write a layer.

    Args:
        title: what tells it from the others.
        code: its class, as it is run here.
        make: builds it; from the same random state every way draws the same numbers.
    """

    title: str
    code: str
    make: Callable[[], nn.Module]


@dataclass(frozen=True)
class Held:
    """What torch knows of the state of a layer, and what the layer gives.

    Args:
        keys: of its `state_dict`.
        parameters: how many numbers an optimizer is given by `parameters()`.
        output: of the input that all ways were given.
    """

    way: Way
    keys: tuple[str, ...]
    parameters: int
    output: Tensor


@dataclass(frozen=True)
class Dropped:
    """What a way to drop gave for one input of ones, call after call."""

    way: Way
    outputs: tuple[Tensor, ...]

    @property
    def steady(self) -> bool:
        """Whether every call gave the same."""
        return all(torch.equal(self.outputs[0], other) for other in self.outputs)


class _Module(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(x)
        return y


class _Parameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        made = nn.Linear(4, 3)
        self.weight = nn.Parameter(made.weight.detach())
        self.bias = nn.Parameter(made.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class _Tensors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        made = nn.Linear(4, 3)
        self.weight = made.weight.detach()
        self.bias = made.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


HOLDERS: tuple[Way, ...] = (
    Way(
        "nn.Linear: the module holds them",
        "def __init__(self):\n"
        "    super().__init__()\n"
        "    self.fc = nn.Linear(4, 3)\n\n"
        "def forward(self, x):\n"
        "    return self.fc(x)",
        _Module,
    ),
    Way(
        "F.linear, with nn.Parameter: you hold them",
        "def __init__(self):\n"
        "    super().__init__()\n"
        "    self.weight = nn.Parameter(weight)\n"
        "    self.bias = nn.Parameter(bias)\n\n"
        "def forward(self, x):\n"
        "    return F.linear(x, self.weight, self.bias)",
        _Parameters,
    ),
    Way(
        "F.linear, with plain tensors: torch sees none",
        "def __init__(self):\n"
        "    super().__init__()\n"
        "    self.weight = weight\n"
        "    self.bias = bias\n\n"
        "def forward(self, x):\n"
        "    return F.linear(x, self.weight, self.bias)",
        _Tensors,
    ),
)


def held(seed: int) -> tuple[Held, ...]:
    """Build every way with the same numbers, and give each the same input, (2, 4)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x = torch.randn(2, 4)
        found = []
        for way in HOLDERS:
            torch.manual_seed(seed)
            layer = way.make()
            count = sum(parameter.numel() for parameter in layer.parameters())
            with torch.no_grad():
                found.append(Held(way, tuple(layer.state_dict()), count, layer(x)))
    return tuple(found)


class _Forgetful(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p)


class _Told(_Forgetful):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, training=self.training)


def dropping(p: float) -> tuple[Way, ...]:
    """Return the ways to drop with this probability."""
    return (
        Way("The module", f"self.drop = nn.Dropout({p})\n...\nself.drop(x)", lambda: nn.Dropout(p)),
        Way(
            "The function, told",
            f"F.dropout(x, {p}, training=self.training)",
            lambda: _Told(p),
        ),
        Way("The function, not told", f"F.dropout(x, {p})", lambda: _Forgetful(p)),
    )


def dropped(p: float, size: int, *, training: bool, seed: int) -> tuple[Dropped, ...]:
    """Call every way to drop `CALLS` times on an input of ones, (size,), in one mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = []
        for way in dropping(p):
            layer = way.make().train(training)
            found.append(Dropped(way, tuple(layer(torch.ones(size)) for _ in range(CALLS))))
    return tuple(found)


# What a mark at the head of a line says.
MARKS: Mapping[str, str] = MappingProxyType({"same": "  ", "left": "- ", "right": "+ "})


def side_by_side(left: str, right: str) -> tuple[str, str]:
    """Return two texts with equal lines at equal heights, and those that differ marked.

    Every line has two letters in front: blank where both have it, `-` on the left and `+` on the
    right where only one has.
    """
    ours, theirs = left.splitlines(), right.splitlines()
    out: tuple[list[str], list[str]] = ([], [])
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, a, a_end, b, b_end in matcher.get_opcodes():
        for lines, side in ((ours[a:a_end], 0), (theirs[b:b_end], 1)):
            mark = MARKS["same" if tag == "equal" else ("left", "right")[side]]
            height = max(a_end - a, b_end - b)
            marked = [f"{mark}{line}".rstrip() for line in lines]
            out[side].extend(marked + [""] * (height - len(lines)))
    return "\n".join(out[0]), "\n".join(out[1])
