"""The formula of a scheme with the numbers of one parameter, as LaTeX.

The results stand in torch's own law; what is written here is how they come about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import empty, nn

from builder.labs.initialisation.law import Law, law
from builder.schemes import SCHEMES, Shape
from builder.spec import Init


def formula(init: Init, shape: Shape) -> tuple[str, ...]:
    """Return the lines of a scheme's formula for a parameter that can start so."""
    row, found = SCHEMES[init.scheme], law(init, shape)
    if found is None:
        return ()
    write = _WRITTEN.get(init.scheme)
    args = row.complete(init.args)
    return (row.formula, *(write(args, shape, found) if write else ()))


def fans(shape: Shape) -> tuple[int, int]:
    """Return torch's n_in and n_out: axes 1 and 0, times the cells of the window."""
    return nn.init._calculate_fan_in_and_fan_out(empty(shape, device="meta"))


def number(value: float) -> str:
    """Return a number with four digits that count, as LaTeX: `0.05`, `1.2 \\cdot 10^{-5}`."""
    text = f"{value:.4g}"
    mantissa, _, power = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if power else mantissa


def _fans(shape: Shape) -> tuple[str, str]:
    window = "".join(rf" \cdot {size}" for size in shape[2:])
    into, out = (
        f"{axis}{window} = {n}" if window else f"{n}"
        for axis, n in zip((shape[1], shape[0]), fans(shape), strict=True)
    )
    return f"n_{{in}} = {into}", f"n_{{out}} = {out}"


def _xavier(args: Mapping[str, Any], shape: Shape, found: Law, *, uniform: bool) -> tuple[str, ...]:
    into, out = fans(shape)
    sign, top, result = ("r", 6, found.high) if uniform else (r"\sigma", 2, found.std)
    return (
        *_fans(shape),
        rf"{sign} = {number(args['gain'])} \cdot \sqrt{{\frac{{{top}}}{{{into} + {out}}}}} "
        rf"= {number(result)}",
        *_spread(found),
    )


def _kaiming(
    args: Mapping[str, Any], shape: Shape, found: Law, *, uniform: bool
) -> tuple[str, ...]:
    into, out = fans(shape)
    n = into if args["mode"] == "fan_in" else out
    gain = nn.init.calculate_gain(args["nonlinearity"], args["a"])
    how = ""
    if args["nonlinearity"] == "leaky_relu":
        how = rf"\sqrt{{\frac{{2}}{{1 + {number(args['a'])}^2}}}} = "
    words = args["nonlinearity"].replace("_", r"\_")
    sign, top, result = ("r", 3, found.high) if uniform else (r"\sigma", 1, found.std)
    return (
        *_fans(shape),
        rf"n = n_{{{args['mode'].removeprefix('fan_')}}} = {n}",
        rf"g_{{\text{{{words}}}}} = {how}{number(gain)}",
        rf"{sign} = {number(gain)} \cdot \sqrt{{\frac{{{top}}}{{{n}}}}} = {number(result)}",
        *_spread(found),
    )


def _spread(found: Law) -> tuple[str, ...]:
    """Return the spread of what lies evenly between two ends."""
    if not math.isfinite(found.high) or not found.std:
        return ()
    width = number(found.high - found.low)
    return (rf"\sigma = \frac{{{width}}}{{\sqrt{{12}}}} = {number(found.std)}",)


def _uniform(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    return (rf"\mathcal{{U}}({number(args['a'])}, {number(args['b'])})", *_spread(found))


def _normal(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    return (rf"\mathcal{{N}}({number(args['mean'])}, {number(args['std'])}^2)",)


def _truncated(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    return (
        rf"\mathcal{{N}}({number(args['mean'])}, {number(args['std'])}^2) \text{{ between }} "
        rf"{number(args['a'])} \text{{ and }} {number(args['b'])}",
        rf"\text{{what is left has mean }} {number(found.mean)} \text{{ and }} "
        rf"\sigma = {number(found.std)}",
    )


def _orthogonal(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    rows, columns = shape[0], math.prod(shape[1:])
    longer = max(rows, columns)
    return (
        rf"\text{{as a matrix: }} {rows} \times {columns}, \quad g = {number(args['gain'])}",
        rf"\text{{each number: }} \sigma = \frac{{g}}{{\sqrt{{{longer}}}}} = {number(found.std)}",
    )


def _sparse(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    rows, columns = shape
    zeros = math.ceil(args["sparsity"] * rows)
    return (
        rf"\lceil {number(args['sparsity'])} \cdot {rows} \rceil = {zeros} "
        rf"\text{{ zeros in each of }} {columns} \text{{ columns, else }} "
        rf"\mathcal{{N}}(0, {number(args['std'])}^2)",
    )


def _ones(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    count = round(found.mean * math.prod(shape))
    return (rf"{count} \text{{ ones among }} {math.prod(shape)} \text{{ numbers}}",)


def _constant(args: Mapping[str, Any], shape: Shape, found: Law) -> tuple[str, ...]:
    return (f"c = {number(args['val'])}",)


_WRITTEN: Mapping[str, Callable[[Mapping[str, Any], Shape, Law], tuple[str, ...]]] = {
    "xavier_uniform_": partial(_xavier, uniform=True),
    "xavier_normal_": partial(_xavier, uniform=False),
    "kaiming_uniform_": partial(_kaiming, uniform=True),
    "kaiming_normal_": partial(_kaiming, uniform=False),
    "uniform_": _uniform,
    "normal_": _normal,
    "trunc_normal_": _truncated,
    "orthogonal_": _orthogonal,
    "sparse_": _sparse,
    "eye_": _ones,
    "dirac_": _ones,
    "constant_": _constant,
}
