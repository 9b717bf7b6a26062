"""Hooks on any module of a model: when they fire, and what they are given."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from builder.build import check
from builder.errors import LabError, ModelError
from builder.labs.inspection_values import Facts, facts
from builder.labs.subject import loaded, twin
from builder.labs.walking import out_of_place, tensors
from builder.spec import ModelSpec

# A pass alone keeps little; one with a way back keeps what every layer gave.
MOST_MACS, MOST_BYTES = 10**12, 2**31
# Figures of a larger tensor are over its first samples: hooks must not slow the pass.
_NUMBERS = 2**18


@dataclass(frozen=True)
class Kind:
    """One of the kinds of hooks.

    Args:
        label: what a switch for it is called.
        method: of `nn.Module`, which puts one on.
        kept: the dictionary that holds it.
        args: what it is called with, in order.
        help: when it is called.
    """

    label: str
    method: str
    kept: str
    args: tuple[str, ...]
    help: str


KINDS: Mapping[str, Kind] = {
    "pre": Kind(
        "pre", "register_forward_pre_hook", "_forward_pre_hooks", ("module", "args"),
        "Called before forward, with what goes in.",
    ),
    "forward": Kind(
        "forward", "register_forward_hook", "_forward_hooks", ("module", "args", "output"),
        "Called after forward, with what went in and what came out.",
    ),
    "backward": Kind(
        "backward", "register_full_backward_hook", "_backward_hooks",
        ("module", "grad_input", "grad_output"),
        "Called on the way back, with the gradients of what went in and of what came out.",
    ),
}  # fmt: skip

Hook: TypeAlias = tuple[str, str]  # the path of a module, a key of `KINDS`


@dataclass(frozen=True)
class Given:
    """A tensor that a hook was called with.

    Args:
        part: where in its arguments: `args[0]`, `output`, `grad_output[0]`.
        shape, dtype: of the tensor; `None` and empty where there was none instead.
        facts: its figures.
        over: how many samples the figures are over, `None` for all.
    """

    part: str
    shape: tuple[int, ...] | None
    dtype: str
    facts: Facts | None
    over: int | None


@dataclass(frozen=True)
class Firing:
    """One call of a hook: of which module, of which kind, and with what."""

    path: str
    kind: str
    given: tuple[Given, ...]


@dataclass(frozen=True)
class Observed:
    """A batch passed with hooks on.

    Args:
        firings: in the order in which they came.
        on: how many hooks the dictionaries of all modules held meanwhile, by their name.
        left: how many they hold now.
        difference: the largest difference between the outputs with hooks and without.
        silent: hooks that were never called.
        refusal: what torch said of layers in place, where it refused them; they ran out of place.
    """

    firings: tuple[Firing, ...]
    on: Mapping[str, int]
    left: Mapping[str, int]
    difference: float
    silent: tuple[Hook, ...]
    refusal: str = ""


def observe(
    model: nn.Module,
    spec: ModelSpec,
    inputs: Sequence[Tensor],
    hooks: Collection[Hook],
    *,
    seed: int = 0,
) -> Observed:
    """Pass a batch with hooks on a model in evaluation, take them off, and tell what they saw.

    With backward hooks there is a way back, from standard normal gradients of the outputs. A full
    backward hook makes what its module gives a view, which torch lets no layer write over: where it
    refuses layers in place, they run out of place, which gives the same numbers. The model itself
    is left as it is.

    Args:
        model: `build(spec)`, with any weights.
        inputs: one tensor for each input, (N, *shape).
        hooks: on which modules, of which kinds.
        seed: of the gradients that the way back starts from.

    Raises:
        LabError: too much would be kept, or nothing has a gradient.
        ModelError: the model cannot run, or torch refused these numbers.
    """
    back = any(kind == "backward" for _, kind in hooks)
    _affordable(spec, len(inputs[0]), back=back)
    refusal, own = "", twin(model).eval()
    try:
        found = _observed(own, inputs, hooks, seed, back)
    except RuntimeError as error:
        other, refusal = out_of_place(spec), _first_line(error)
        if other == spec:
            raise ModelError(f"{spec.name} does not run on these numbers: {refusal}") from None
        own = loaded(other, model.state_dict()).eval()
        try:
            found = _observed(own, inputs, hooks, seed, back)
        except RuntimeError as again:
            words = _first_line(again)
            raise ModelError(f"{spec.name} does not run on these numbers: {words}") from None
    firings, on, difference = found
    fired = {(one.path, one.kind) for one in firings}
    return Observed(
        firings,
        on,
        _held(own),
        difference,
        tuple(hook for hook in hooks if hook not in fired),
        refusal,
    )


def _affordable(spec: ModelSpec, batch: int, *, back: bool) -> None:
    resolution = check(spec)
    macs = resolution.macs * batch * (3 if back else 1)
    # On the way forward alone, what a layer gave is let go of when the next has read it.
    held = (step.activation_bytes for step in resolution.steps)
    size = (resolution.activation_bytes if back else 2 * max(held, default=0)) * batch
    if macs > MOST_MACS or size > MOST_BYTES:
        raise LabError(
            f"{batch} samples through {spec.name} take {size / 1e9:,.1f} GB and "
            f"{macs / 1e9:,.0f} billion multiply-adds{', there and back' if back else ''}; up to "
            f"{MOST_BYTES / 1e9:,.1f} GB and {MOST_MACS / 1e9:,.0f} billion are done here. Fewer "
            "samples do it."
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]


@contextmanager
def hooked(model: nn.Module, hooks: Collection[Hook]) -> Iterator[list[Firing]]:
    """Keep hooks on a model as long as the context lasts; what they see is added to the list."""
    firings: list[Firing] = []
    handles: list[RemovableHandle] = []
    try:
        for path, kind in hooks:
            register = getattr(model.get_submodule(path), KINDS[kind].method)
            handles.append(register(partial(_fired, path, kind, firings)))
        yield firings
    finally:
        for handle in handles:
            handle.remove()


def _observed(
    model: nn.Module, inputs: Sequence[Tensor], hooks: Collection[Hook], seed: int, back: bool
) -> tuple[tuple[Firing, ...], dict[str, int], float]:
    bare = _passed(model, inputs, seed, back=False)
    with hooked(model, hooks) as firings:
        on = _held(model)
        heard = _passed(model, inputs, seed, back=back)
    pairs = zip(bare, heard, strict=True)
    apart = [(one.double() - other.double()).abs().max().item() for one, other in pairs]
    return tuple(firings), on, max(apart, default=0.0)


def _held(model: nn.Module) -> dict[str, int]:
    return {
        kind.kept: sum(len(getattr(module, kind.kept)) for module in model.modules())
        for kind in KINDS.values()
    }


def _fired(path: str, kind: str, firings: list[Firing], _: nn.Module, *given: Any) -> None:
    names = KINDS[kind].args[1:]
    told = [entry for name, value in zip(names, given, strict=True) for entry in _told(name, value)]
    firings.append(Firing(path, kind, tuple(told)))


def _told(part: str, value: Any) -> list[Given]:
    if isinstance(value, tuple | list):
        return [
            entry for index, item in enumerate(value) for entry in _told(f"{part}[{index}]", item)
        ]
    if not isinstance(value, Tensor):
        return [Given(part, None, "", None, None)]
    shape, over = tuple(value.shape), None
    if value.numel() > _NUMBERS and value.dim() > 1:
        over = max(1, _NUMBERS * shape[0] // value.numel())
        value = value[:over]
    dtype = str(value.dtype).removeprefix("torch.")
    return [Given(part, shape, dtype, facts(value), over)]


def _passed(model: nn.Module, inputs: Sequence[Tensor], seed: int, *, back: bool) -> list[Tensor]:
    """Return what a model gives; with a way back, gradients have passed through it."""
    with torch.set_grad_enabled(back):
        leaves = [entry.detach() for entry in inputs]
        for leaf in leaves:
            leaf.requires_grad_(back and leaf.is_floating_point())
        # A layer in place writes over what it is given, which no leaf allows.
        outputs = [tensor for _, tensor in tensors(model(*(leaf.clone() for leaf in leaves)))]
    if back:
        generator = torch.Generator().manual_seed(seed)
        ends = [tensor for tensor in outputs if tensor.requires_grad]
        if not ends:
            raise LabError(
                "Nothing that the model gives has a gradient, so there is no way back for a "
                "backward hook to see."
            )
        starts = [torch.randn(end.shape, generator=generator, dtype=end.dtype) for end in ends]
        with warnings.catch_warnings():
            # The page says so itself, where there is no gradient.
            warnings.filterwarnings("ignore", message="Full backward hook is firing")
            torch.autograd.backward(ends, starts)
    return [tensor.detach() for tensor in outputs]
