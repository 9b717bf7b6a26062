"""The rows of what stands between layers: operators, tensor functions, `torch.nn.functional`.

A function holds no weights. Its row says how it is called.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F

from builder.catalog.fields import Field, Kind
from builder.catalog.layer import Args, Layer

Style: TypeAlias = Literal["call", "joined", "method", "operator", "index"]

_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@dataclass(frozen=True)
class Function(Layer):
    """A row for a function.

    Args:
        style: how it is called: `call` f(a, b), `joined` f((a, b)), `method` a.f(), `operator`
            a + b, `index` a[...].
        training: whether it must be told if the model is training (`F.dropout`).
        starred: argument that is written out number by number: `x.view(-1, 10)`.
    """

    style: Style = "call"
    training: bool = False
    starred: str | None = None

    @property
    def is_module(self) -> bool:
        return False

    def make(self, args: Args) -> Callable[..., Any]:
        """Return a callable of the inputs and the keyword `training`."""
        changed = self.changed(args)
        if self.style == "operator":
            combine = _OPERATORS[self.op]
            return lambda *inputs, training: reduce(combine, inputs)
        if self.style == "index":
            pick = self.index(args)
            return lambda value, *, training: value[pick]
        function = self._function()
        stars = tuple(changed.pop(self.starred)) if self.starred else ()
        if self.style == "joined":
            return lambda *inputs, training: function(inputs, **changed)
        if self.training:
            return lambda *inputs, training: function(*inputs, **changed, training=training)
        return lambda *inputs, training: function(*inputs, *stars, **changed)

    def _function(self) -> Callable[..., Any]:
        home = {"F": F, "torch": torch, "Tensor": torch.Tensor}[self.op.partition(".")[0]]
        found: Callable[..., Any] = getattr(home, self.title)
        return found

    def index(self, args: Args) -> Any:
        """Return what stands in the brackets, for the style `index`."""
        complete = self.complete(args)
        if self.op == "item":
            return complete["index"]
        return (slice(None),) * complete["dim"] + (-1,)


def _field(name: str, kind: Kind, help: str, initial: Any, **facts: Any) -> Field:
    facts.setdefault("required", True)
    return Field(name=name, kind=kind, help=help, initial=initial, **facts)


def _axis(initial: Any, help: str = "Axis; 0 is the batch, -1 the last.", **facts: Any) -> Field:
    return _field("dim", "int", help, initial, **{"low": -8, "high": 7, **facts})


def _function(
    op: str, help: str, *fields: Field, group: str = "Function", **facts: Any
) -> Function:
    named = {field.name: replace(field, stated=True) for field in fields}
    facts.setdefault("dtype", "any")
    first = tuple(named)
    return Function(op=op, group=group, help=help, fields=named, first=first, **facts)


def _between_layers() -> Iterator[Function]:
    pair: dict[str, Any] = {"inputs": (2, None), "examples": ((8,), (8,))}
    yield _function("+", "Adds; a skip connection.", formula="y = a + b", style="operator", **pair)
    yield _function(
        "-", "Subtracts the second from the first.", formula="y = a - b", style="operator", **pair
    )
    yield _function(
        "*",
        "Multiplies element by element; a gate.",
        formula=r"y = a \odot b",
        style="operator",
        **pair,
    )
    yield _function(
        "torch.hypot",
        "Length of the vector that two inputs make: the strength of a gradient.",
        formula=r"y = \sqrt{a^2 + b^2}",
        inputs=(2, 2),
        dtype="float",
        examples=((8,), (8,)),
    )
    yield _function("torch.abs", "Takes the sign away.", formula="y = |x|", dtype="float")
    yield _function(
        "torch.matmul",
        "Matrix product of two inputs.",
        formula=r"y = a\,b",
        inputs=(2, 2),
        examples=((3, 4), (4, 5)),
    )
    default_axis: dict[str, Any] = {"required": False, "default": 0}
    yield _function(
        "torch.cat",
        "Joins inputs along an axis; branches come together.",
        _axis(1, **default_axis),
        style="joined",
        **{**pair, "inputs": (1, None)},
    )
    yield _function(
        "torch.stack",
        "Joins inputs along a new axis.",
        _axis(1, **default_axis),
        style="joined",
        **{**pair, "inputs": (1, None)},
    )
    yield _function(
        "torch.flatten",
        "Joins axes into one.",
        _field("start_dim", "int", "First axis to flatten.", 1, required=False, default=0, low=-8),
        _field("end_dim", "int", "Last axis to flatten.", -1, required=False, default=-1, low=-8),
        examples=((4, 8, 8),),
        positional=1,
    )
    sizes = {"low": -1, "high": 10**9}
    for name, help in (("view", "Gives the same numbers another shape."), ("reshape", "")):
        yield _function(
            f"Tensor.{name}",
            help or "Like view, copying where the memory asks for it.",
            _field("shape", "ints", "New sizes, batch first; one may be -1.", (-1, 8), **sizes),
            style="method",
            starred="shape",
            examples=((2, 4),),
        )
    yield _function(
        "Tensor.permute",
        "Puts the axes in another order.",
        _field("dims", "ints", "Old axes in their new order; 0 is the batch.", (0, 2, 1), low=-8),
        style="method",
        starred="dims",
        examples=((4, 8),),
    )
    yield _function(
        "torch.transpose",
        "Swaps two axes.",
        _field("dim0", "int", "One axis.", 1, low=-8, high=7),
        _field("dim1", "int", "The other axis.", 2, low=-8, high=7),
        examples=((4, 8),),
        positional=2,
    )
    keepdim = _field("keepdim", "bool", "Keep the axis, with size 1.", False, required=False)
    keepdim = replace(keepdim, default=False)
    reduced = _field("dim", "size", "Axis to reduce, or several.", 1, low=-8, high=7)
    for name, help in (("mean", "Mean over axes."), ("sum", "Sum over axes.")):
        yield _function(
            f"Tensor.{name}",
            help,
            reduced,
            keepdim,
            style="method",
            positional=0,
            dtype="float" if name == "mean" else "any",
            examples=((4, 8),),
        )
    yield _function(
        "torch.amax",
        "Largest value over axes.",
        reduced,
        keepdim,
        positional=0,
        examples=((4, 8),),
    )
    yield _function(
        "torch.unsqueeze", "Adds an axis of size 1.", _axis(1), positional=0, examples=((8,),)
    )
    yield _function(
        "torch.squeeze", "Removes an axis of size 1.", _axis(1), positional=0, examples=((1, 8),)
    )
    yield _function(
        "last_step",
        "Takes the last time step: what a sequence model has understood at its end.",
        _field(
            "dim", "int", "Time axis; 0 is the batch.", 1, required=False, default=1, low=0, high=7
        ),
        formula=r"y = x_T",
        style="index",
        examples=((7, 8),),
    )
    yield _function(
        "item",
        "Takes one of several outputs: 0 of an LSTM is all steps, 1 its last state.",
        _field("index", "int", "Which one, counted from 0.", 0, low=-16, high=15),
        style="index",
        examples=((7, 8),),
    )


# nn.X and F.y are one function where the module holds no weights.
TWINS: Mapping[str, str] = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "RReLU": "rrelu",
    "ReLU6": "relu6",
    "ELU": "elu",
    "SELU": "selu",
    "CELU": "celu",
    "GELU": "gelu",
    "SiLU": "silu",
    "Mish": "mish",
    "LogSigmoid": "logsigmoid",
    "Hardsigmoid": "hardsigmoid",
    "Hardtanh": "hardtanh",
    "Hardswish": "hardswish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softshrink": "softshrink",
    "Hardshrink": "hardshrink",
    "Tanhshrink": "tanhshrink",
    "Threshold": "threshold",
    "GLU": "glu",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "Softmin": "softmin",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    **{f"MaxPool{n}d": f"max_pool{n}d" for n in (1, 2, 3)},
    **{f"AvgPool{n}d": f"avg_pool{n}d" for n in (1, 2, 3)},
    **{f"LPPool{n}d": f"lp_pool{n}d" for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": f"adaptive_max_pool{n}d" for n in (1, 2, 3)},
    **{f"AdaptiveAvgPool{n}d": f"adaptive_avg_pool{n}d" for n in (1, 2, 3)},
    **{f"MaxUnpool{n}d": f"max_unpool{n}d" for n in (1, 2, 3)},
    **{f"FractionalMaxPool{n}d": f"fractional_max_pool{n}d" for n in (2, 3)},
    "Dropout": "dropout",
    **{f"Dropout{n}d": f"dropout{n}d" for n in (1, 2, 3)},
    "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "feature_alpha_dropout",
    "PixelShuffle": "pixel_shuffle",
    "PixelUnshuffle": "pixel_unshuffle",
    "Upsample": "interpolate",
}
_TELL_TRAINING = ("Dropout", "RReLU")
# torch has the two both as torch.x and as F.x; people write torch.x.
_TORCH_HOME = ("sigmoid", "tanh")


def _twins(modules: Mapping[str, Layer]) -> Iterator[Function]:
    for module, function in TWINS.items():
        row = modules[f"nn.{module}"]
        home = "torch" if function in _TORCH_HOME else "F"
        groups = {"Activation": "Function activation", "Pooling": "Function pooling"}
        family = row.family and f"F.{function.replace(f'{row.rank}d', '{}d')}"
        yield Function(
            op=f"{home}.{function}",
            group=groups.get(row.group, "Function"),
            help=row.help,
            fields=row.fields,
            first=row.first,
            formula=row.formula,
            inputs=row.inputs,
            ndims=row.ndims,
            dtype=row.dtype,
            examples=row.examples,
            example_dtypes=row.example_dtypes,
            window=row.window,
            family=family,
            rank=row.rank,
            positional=row.positional,
            training=any(word in module for word in _TELL_TRAINING),
        )
    yield _function(
        "F.normalize",
        "Divides by the p-norm along an axis.",
        _field("p", "float", "The p of the p-norm.", 2.0, required=False, default=2.0, low=0),
        _axis(1, required=False, default=1),
        dtype="float",
    )
    yield _function(
        "F.scaled_dot_product_attention",
        "Attention itself: query, key and value in, mixed values out.",
        formula=r"\mathrm{softmax}\!\big(Q K^\top / \sqrt{d}\big) V",
        inputs=(3, 3),
        dtype="float",
        examples=((7, 8),) * 3,
    )


def function_rows(modules: Mapping[str, Layer]) -> Iterator[Function]:
    """Yield every function row; the twins take their facts from the module's row."""
    yield from _between_layers()
    yield from _twins(modules)
