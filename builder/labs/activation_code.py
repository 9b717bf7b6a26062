"""The PyTorch code that applies activations to a tensor, as `nn` modules and as functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from torch import Tensor

from builder.catalog import CATALOG
from builder.catalog.functions import TWINS
from builder.code.layout import Call, Code, lines, statement
from builder.labs.activation import ACTIVATIONS, view
from builder.labs.numbers import Numbers
from builder.names import free_name

Applied: TypeAlias = tuple[str, Mapping[str, Any]]
Style: TypeAlias = Literal["module", "functional"]

FUNCTIONS = tuple(row for row in CATALOG.values() if row.group == "Function activation")
MOST_WRITTEN = 200
FILE = "x.npy"


def write_numbers(numbers: Numbers, applied: Sequence[Applied], style: Style) -> str:
    """Return a script that makes the tensor, applies each activation and prints what comes out.

    Args:
        applied: op and arguments of each activation.
        style: `module` for `nn.ReLU()(x)`, `functional` for `F.relu(x)`.
    """
    write = _modules if style == "module" else _functions
    body = write(applied)
    text = "\n".join([*_tensor(numbers), "", *body])
    head = ["import numpy as np"] * ("np." in text) + ["import torch"]
    if style == "module":
        head.append("from torch import nn")
    elif "F." in text:
        head.append("import torch.nn.functional as F")
    return "\n".join([*head, "", text]) + "\n"


def made(op: str, args: Mapping[str, Any]) -> Call:
    """Return the expression that makes an activation, every argument by its name."""
    return Call(op, tuple(_keywords(op, args)))


def _tensor(numbers: Numbers) -> list[str]:
    values = numbers.values
    if numbers.seed is not None:
        sizes = ", ".join(map(str, values.shape))
        return [f"torch.manual_seed({numbers.seed})", f"x = torch.randn({sizes})"]
    if values.numel() > MOST_WRITTEN:
        return [f'x = torch.from_numpy(np.load("{FILE}"))']
    return lines(Call("torch.tensor", (_written(values),)), indent=0, lead="x = ")


def _written(values: Tensor) -> Code:
    """Return numbers as nested lists, each the shortest that gives the same float32."""
    if values.ndim == 0:
        return repr(float(str(values.numpy()[()])))
    return Call("", tuple(map(_written, values)), brackets="[]")


def _modules(applied: Sequence[Applied]) -> list[str]:
    taken = {"torch", "nn", "np", "x"}
    written = []
    for op, args in applied:
        row = ACTIVATIONS[op]
        name = free_name(row.attribute, taken)
        taken.add(name)
        tail = ".eval()" if view(op, args) == "random" else ""
        written += lines(made(op, args), indent=0, lead=f"{name} = ", tail=tail)
        written.append(f'print("{row.title}:", {name}(x))')
    return written


def _functions(applied: Sequence[Applied]) -> list[str]:
    written = []
    for op, args in applied:
        title = ACTIVATIONS[op].title
        written += statement(Call("print", (f'"{title}:"', _function(op, args))), indent=0)
    return written


def _function(op: str, args: Mapping[str, Any]) -> Call:
    row = ACTIVATIONS[op]
    if op == "nn.PReLU":  # its weight is its own, and has to be handed over
        known = row.complete(args)
        weight = Call("torch.full", (f"({known['num_parameters']},)", repr(known["init"])))
        return Call("F.prelu", ("x", weight))
    if op == "nn.Softmax2d":
        return Call("F.softmax", ("x", "dim=-3"))
    twin = next(found for found in FUNCTIONS if found.title == TWINS[row.title])
    return Call(twin.op, ("x", *_keywords(op, args)))


def _keywords(op: str, args: Mapping[str, Any]) -> list[str]:
    """Return the arguments that are worth saying: those that say what the layer is here."""
    row = ACTIVATIONS[op]
    said = {**row.initial_args(), **row.changed(args)}
    return [f"{name}={_value(said[name])}" for name in row.fields if name in said]


def _value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
