"""The arguments of layers: what kind of value each takes, its range, its help.

One entry per argument name, shared by every layer that has it; a catalog row overrides what is
different for its layer. Names and defaults come from torch's own signatures.
"""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import torch
from torch import nn

from builder.errors import shown

Kind: TypeAlias = Literal["int", "float", "bool", "choice", "size", "ints", "scale", "floats"]
Value: TypeAlias = Any

MAX_SIZE = 100_000_000
_HIDDEN = frozenset(
    {
        "self",
        "device",
        "dtype",
        "mode_",
        "process_group",
        "custom_encoder",
        "custom_decoder",
        # Kept by torch for old programs only.
        "min_value",
        "max_value",
    }
)


@dataclass(frozen=True)
class Field:
    """One argument of a layer.

    Args:
        name: torch's name for it.
        kind: `int`, `float`, `bool`, `choice` (one of `choices`), `size` (a whole number, or one
            per spatial axis), `ints` (a list of whole numbers), `floats` (of numbers), `scale`
            (a number, or one per axis).
        required: whether torch has no default.
        default: torch's default.
        initial: what a layer fresh from the palette gets; the default unless a row says otherwise.
        stated: whether a fresh layer spells it out.
        optional: whether `None` is a value.
        low, high: allowed range, of each number in a list; `open_low` leaves `low` itself out.
        slider: first and last value of a slider, where a range is natural.
        choices: allowed words; a `size` may have some too (`padding="same"`).
        length: how many numbers a list must have, where that is fixed.
        help: a sentence for people.
    """

    name: str
    kind: Kind
    required: bool = False
    default: Value = None
    initial: Value = None
    stated: bool = False
    optional: bool = False
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    slider: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None
    help: str = ""

    def problem(self, value: Value) -> str | None:
        """Return what is wrong with `value` and what would work, `None` if it is fine."""
        if value is None:
            return None if self.optional else f"{self.name} is empty; {self.wanted} works."
        if self._fits(value):
            return None
        return f"{self.name} is {shown(value)}; {self.wanted} works."

    def _fits(self, value: Value) -> bool:
        if self.kind == "bool":
            return isinstance(value, bool)
        if isinstance(value, str):
            return value in self.choices
        if self.kind == "choice":
            return False
        if self.kind == "int":
            return _whole(value) and self._in_range(value)
        if self.kind == "float":
            return _number(value) and self._in_range(value)
        is_number = _number if self.kind in ("scale", "floats") else _whole
        if is_number(value):
            return self.kind not in ("ints", "floats") and self._in_range(value)
        return (
            isinstance(value, tuple)
            and 0 < len(value) <= (MAX_SIZE if self.kind == "floats" else 12)
            and (self.length is None or len(value) == self.length)
            and all(is_number(item) and self._in_range(item) for item in value)
        )

    def _in_range(self, value: float) -> bool:
        return (self.low < value if self.open_low else self.low <= value) and value <= self.high

    @property
    def wanted(self) -> str:
        """What would work, in words: "a whole number from 1 up"."""
        words = {"bool": "true or false", "choice": " or ".join(map(repr, self.choices))}
        if self.kind in words:
            text = words[self.kind]
        else:
            whole = self.kind not in ("float", "scale", "floats")
            text = ("a whole number" if whole else "a number") + self._range_words()
            if self.kind in ("ints", "floats"):
                count = f"{self.length} " if self.length else ""
                numbers = "whole numbers" if whole else "numbers"
                text = f"a list of {count}{numbers}{self._range_words()}"
            elif self.kind in ("size", "scale") and self.length != 1:
                text += f", or a list of {self.length or 'one per axis'}"
            if self.choices:
                text += ", or " + " or ".join(map(repr, self.choices))
        return text + (", or empty" if self.optional else "")

    def _range_words(self) -> str:
        low, high = _short(self.low), _short(self.high)
        if self.low == -math.inf:
            return "" if self.high == math.inf else f" of at most {high}"
        if self.open_low:
            return f" above {low}" + ("" if self.high == math.inf else f", at most {high}")
        return f" from {low} up" if self.high == math.inf else f" from {low} to {high}"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: float) -> str:
    return f"{int(value):,}" if math.isfinite(value) and value == int(value) else str(value)


def signature(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the arguments of a torch layer by name, those not meant for people left out.

    RNN, LSTM and GRU take `*args`; torch declares their true arguments as typing overloads.
    """
    init = target.__init__ if inspect.isclass(target) else target
    overloads = typing.get_overloads(init)
    parameters = inspect.signature(overloads[0] if overloads else target).parameters
    if inspect.isclass(target) and issubclass(target, nn.RNNBase) and not overloads:
        parameters = inspect.signature(nn.RNNBase.__init__).parameters
    return {
        name: parameter
        for name, parameter in parameters.items()
        if name not in _HIDDEN
        and not name.startswith("_")
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }


def _count(
    help: str, *, top: float = 512, low: float = 1, high: float = MAX_SIZE
) -> dict[str, Any]:
    return {"kind": "int", "low": low, "high": high, "slider": (low, top), "help": help}


def _size(help: str, *, low: float, top: float, **more: Any) -> dict[str, Any]:
    return {
        "kind": "size",
        "low": low,
        "high": 1_000_000,
        "slider": (low, top),
        "help": help,
        **more,
    }


def _flag(help: str) -> dict[str, Any]:
    return {"kind": "bool", "help": help}


def _real(help: str, **more: Any) -> dict[str, Any]:
    return {"kind": "float", "help": help, **more}


def _share(help: str) -> dict[str, Any]:
    return {"kind": "float", "low": 0, "high": 1, "slider": (0, 1), "help": help}


_AXIS = {"kind": "int", "low": -8, "high": 7}
_POSITIVE = {"low": 0, "open_low": True}

ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    # sizes told by the wire
    "in_features": _count("Size of the last axis of what comes in."),
    "in1_features": _count("Size of the last axis of the first input."),
    "in2_features": _count("Size of the last axis of the second input."),
    "in_channels": _count("Number of channels that come in (axis 1)."),
    "num_features": _count("Number of channels or features that come in (axis 1)."),
    "num_channels": _count("Number of channels that come in (axis 1)."),
    "input_size": _count("Number of features at each time step."),
    "embed_dim": _count("Size of each token's vector."),
    "d_model": _count("Size of each token's vector."),
    "normalized_shape": {
        "kind": "size",
        "low": 1,
        "high": MAX_SIZE,
        "help": "Trailing sizes to normalise over.",
    },
    # sizes a person chooses
    "out_features": _count("Size of the last axis of what comes out."),
    "out_channels": _count("Number of filters, and so of channels that come out.", top=256),
    "hidden_size": _count("Number of features in the hidden state."),
    "proj_size": _count("Project the hidden state to this size; 0 for no projection.", low=0),
    "num_layers": _count("Layers stacked on one another.", top=6, high=64),
    "num_encoder_layers": _count("Encoder layers.", top=12, high=64),
    "num_decoder_layers": _count("Decoder layers.", top=12, high=64),
    "num_embeddings": _count("Size of the vocabulary: indices run from 0 to one less.", top=20_000),
    "embedding_dim": _count("Size of the vector that each index becomes."),
    "num_heads": _count("Parallel heads; must divide the vector size.", top=16, high=4096),
    "nhead": _count("Parallel attention heads; must divide d_model.", top=16, high=4096),
    "num_groups": _count("Groups of channels; must divide their number.", top=64),
    "dim_feedforward": _count("Width of the feed-forward part.", top=4096),
    "num_parameters": _count("1 slope for all channels, or one per channel.", top=256),
    "kdim": _count("Size of the keys, if not that of the queries.") | {"optional": True},
    "vdim": _count("Size of the values, if not that of the queries.") | {"optional": True},
    "groups": _count("Split channels into groups that don't mix; must divide them.", top=64),
    "upscale_factor": _count("How many times larger each side becomes.", top=8, high=1000),
    "downscale_factor": _count("How many times smaller each side becomes.", top=8, high=1000),
    # windows
    "kernel_size": _size("Size of the window.", low=1, top=11),
    "stride": _size("Step of the window.", low=1, top=8),
    "padding": _size("Cells added on each side before the window slides.", low=0, top=8),
    "output_padding": _size("Cells added to one side of the output.", low=0, top=4),
    "dilation": _size("Distance between the cells of the window.", low=1, top=6),
    "output_size": _size("Size of the output's spatial axes.", low=1, top=64),
    "size": _size("Size of the output's spatial axes.", low=1, top=128, optional=True),
    "scale_factor": {
        "kind": "scale",
        "low": 0,
        "open_low": True,
        "high": 1000,
        "optional": True,
        "help": "How many times larger each spatial axis becomes.",
    },
    "output_ratio": {
        "kind": "scale",
        "low": 0,
        "open_low": True,
        "high": 0.999_999,
        "optional": True,
        "help": "Size of the output as a share of the input.",
    },
    "padding_mode": {
        "kind": "choice",
        "choices": ("zeros", "reflect", "replicate", "circular"),
        "help": "What the padded cells hold.",
    },
    "ceil_mode": _flag("Round the output size up rather than down."),
    "count_include_pad": _flag("Count padded zeros in the average."),
    "divisor_override": _count("Divide by this rather than by the window's size.")
    | {"optional": True, "slider": None},
    "return_indices": _flag("Also return where each maximum was; MaxUnpool needs it."),
    # switches
    "bias": _flag("Add a learned offset."),
    "affine": _flag("Learn a scale and an offset for each channel."),
    "elementwise_affine": _flag("Learn a scale and an offset for each element."),
    "track_running_stats": _flag("Keep running mean and variance for evaluation."),
    "inplace": _flag("Overwrite the input; saves memory, and autograd may refuse it."),
    "batch_first": _flag("Input is (batch, time, features), as LayerLab hands it on."),
    "bidirectional": _flag("Read the sequence in both directions."),
    "add_bias_kv": _flag("Add a learned key and value."),
    "add_zero_attn": _flag("Add a key and value of zeros."),
    "norm_first": _flag("Normalise before each part rather than after."),
    "enable_nested_tensor": _flag("Let torch pack padded sequences when evaluating."),
    "mask_check": _flag("Check the mask's form when evaluating."),
    "scale_grad_by_freq": _flag("Scale gradients by how often an index occurs in the batch."),
    "sparse": _flag("Sparse gradients; few optimizers take them."),
    "include_last_offset": _flag("The offsets hold the end of the last bag too."),
    "align_corners": _flag("Align the corner pixels of input and output.") | {"optional": True},
    "recompute_scale_factor": _flag("Compute the scale again from the sizes.") | {"optional": True},
    "keepdim": _flag("Keep the reduced axis with size 1."),
    # words
    "nonlinearity": {
        "kind": "choice",
        "choices": ("tanh", "relu"),
        "help": "Function applied to the hidden state at each step.",
    },
    "activation": {
        "kind": "choice",
        "choices": ("relu", "gelu"),
        "help": "Function between the two feed-forward layers.",
    },
    "approximate": {
        "kind": "choice",
        "choices": ("none", "tanh"),
        "help": "Compute exactly, or by a tanh approximation.",
    },
    "mode": {
        "kind": "choice",
        "choices": ("nearest", "linear", "bilinear", "bicubic", "trilinear"),
        "help": "How new values are computed.",
    },
    # numbers
    "p": _share("Probability of setting a value to zero."),
    "dropout": _share("Probability of dropout between the parts."),
    "eps": _real("Added to the denominator so that nothing divides by zero.", low=0),
    "layer_norm_eps": _real("Added to the denominator in layer norm.", low=0),
    "momentum": _share("Weight of the newest batch in the running statistics.")
    | {"optional": True},
    "negative_slope": _real("Slope for negative numbers.", slider=(0, 1)),
    "alpha": _real("Strength of the function.", slider=(0.01, 3)),
    "beta": _real("Strength of the function.", **_POSITIVE, slider=(0.1, 5)),
    "k": _real("Offset in the denominator."),
    "lambd": _real("Values between -lambd and lambd become zero.", low=0, slider=(0, 3)),
    "threshold": _real("Where the function changes.", slider=(-3, 20)),
    "value": _real("Value used instead."),
    "min_val": _real("Lowest value that comes out.", slider=(-5, 0)),
    "max_val": _real("Highest value that comes out.", slider=(0, 5)),
    "lower": _real("Lower end of the random slope.", low=0, slider=(0, 1)),
    "upper": _real("Upper end of the random slope.", low=0, slider=(0, 1)),
    "init": _real("First value of the slope.", slider=(-1, 1)),
    "norm_type": _real("The p of the p-norm.", **_POSITIVE, slider=(1, 8)),
    "max_norm": _real("Vectors longer than this are shortened.", optional=True, **_POSITIVE),
    "padding_idx": {
        "kind": "int",
        "low": -MAX_SIZE,
        "high": MAX_SIZE,
        "optional": True,
        "help": "Index whose vector stays zero.",
    },
    # axes
    "dim": _AXIS | {"help": "Axis to work along; 0 is the batch, -1 the last."},
    "start_dim": _AXIS | {"help": "First axis to flatten; 0 is the batch."},
    "end_dim": _AXIS | {"help": "Last axis to flatten."},
    "unflattened_size": {
        "kind": "ints",
        "low": -1,
        "high": MAX_SIZE,
        "help": "Sizes that the axis is split into; one may be -1.",
    },
}


def field_for(
    name: str, parameter: inspect.Parameter | None, overrides: Mapping[str, Any]
) -> Field:
    """Return the field for one argument: the shared entry, the row's overrides, torch's default."""
    facts = {**_guess(parameter), **ARGUMENTS.get(name, {}), **overrides}
    required = parameter is None or parameter.default is parameter.empty
    default = None if required or parameter is None else parameter.default
    if callable(default):  # activation=F.relu: the word is what people write
        default = getattr(default, "__name__", None)
    facts.setdefault("optional", not required and default is None)
    if not required and default is None:
        facts["optional"] = True
    stated = required or "initial" in facts
    initial = facts.pop("initial", default)
    return Field(
        name=name, required=required, default=default, initial=initial, stated=stated, **facts
    )


def _guess(parameter: inspect.Parameter | None) -> dict[str, Any]:
    """Guess the kind of an argument that has no entry, from its default and annotation."""
    if parameter is None:
        return {"kind": "float"}
    default, note = parameter.default, str(parameter.annotation)
    if isinstance(default, bool) or note.startswith(("bool", "<class 'bool'")):
        return {"kind": "bool"}
    if isinstance(default, float) or "float" in note:
        return {"kind": "float"}
    if isinstance(default, tuple) or "tuple" in note or "list" in note or "Size" in note:
        return {"kind": "ints"}
    if isinstance(default, str):
        return {"kind": "choice", "choices": (default,)}
    return {"kind": "int", "low": -MAX_SIZE, "high": MAX_SIZE}


def fields_for(
    target: Callable[..., Any], overrides: Mapping[str, Mapping[str, Any]]
) -> dict[str, Field]:
    """Return the fields of a torch layer in the order of its signature."""
    fields = {
        name: field_for(name, parameter, overrides.get(name, {}))
        for name, parameter in signature(target).items()
        if parameter.annotation is not torch.Tensor
    }
    unknown = set(overrides) - set(fields)
    if unknown:
        raise ValueError(f"{target.__name__} has no argument called {sorted(unknown)}")
    return fields


def with_length(field: Field, length: int | None) -> Field:
    """Return the field with a list length, for `kernel_size` of a 2-D layer."""
    return replace(field, length=length)
