"""Rows of what has no axes of its own: Linear and its kin, distances, activations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from builder.catalog.layer import LAST, Layer, Wire, layer


def linear() -> Iterator[Layer]:
    yield layer(
        "nn.Linear",
        "Linear",
        "Fully connected: every output is a weighted sum of all inputs, plus an offset.",
        formula=r"y = x W^\top + b",
        first="out_features bias",
        infer={"in_features": LAST},
        initial={"out_features": 64},
        positional=2,
    )
    yield layer(
        "nn.Bilinear",
        "Linear",
        "Combines two inputs: every output is a weighted sum of all products of their features.",
        formula=r"y = x_1^\top A\, x_2 + b",
        first="out_features bias",
        infer={"in1_features": LAST, "in2_features": Wire(-1, input=1)},
        initial={"out_features": 16},
        inputs=(2, 2),
        examples=((6,), (5,)),
        positional=3,
    )
    yield layer(
        "nn.Identity",
        "Linear",
        "Hands its input on unchanged; holds a place.",
        formula="y = x",
        dtype="any",
    )


def distances() -> Iterator[Layer]:
    pair: dict[str, Any] = {"inputs": (2, 2), "examples": ((8,), (8,))}
    yield layer(
        "nn.CosineSimilarity",
        "Linear",
        "How far two inputs point the same way, from -1 to 1.",
        formula=r"y = \frac{a \cdot b}{\max(\|a\| \|b\|, \epsilon)}",
        first="dim",
        **pair,
    )
    yield layer(
        "nn.PairwiseDistance",
        "Linear",
        "Distance between two inputs, sample by sample.",
        formula=r"y = \|a - b + \epsilon\|_p",
        first="p keepdim",
        fields={"p": {"high": 100, "slider": (1, 8), "help": "The p of the p-norm."}},
        **pair,
    )


ACTIVATIONS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "ReLU": ("Keeps positive numbers, makes the rest zero.", r"\max(0, x)", {}),
    "LeakyReLU": (
        "Like ReLU, with a small slope for negative numbers.",
        r"\max(0, x) + a \min(0, x)",
        {"first": "negative_slope", "initial": {"negative_slope": 0.01}, "positional": 0},
    ),
    "PReLU": (
        "Like LeakyReLU, with a slope that is learned.",
        r"\max(0, x) + a \min(0, x)",
        {"first": "num_parameters init", "examples": ((4, 16, 16),)},
    ),
    "RReLU": (
        "Like LeakyReLU, with a slope drawn at random while training.",
        r"\max(0, x) + a \min(0, x),\ a \sim U(l, u)",
        {"first": "lower upper"},
    ),
    "ReLU6": ("ReLU that stops at 6.", r"\min(\max(0, x), 6)", {}),
    "ELU": (
        "Like ReLU, bending smoothly to -alpha.",
        r"\max(0, x) + \min(0, \alpha (e^x - 1))",
        {"first": "alpha"},
    ),
    "SELU": (
        "ELU scaled so that activations keep mean 0 and variance 1.",
        r"\lambda\,(\max(0, x) + \min(0, \alpha (e^x - 1)))",
        {},
    ),
    "CELU": (
        "ELU whose slope is continuous for every alpha.",
        r"\max(0, x) + \min(0, \alpha (e^{x/\alpha} - 1))",
        {"first": "alpha"},
    ),
    "GELU": (
        "Weighs each number by how likely a normal variable is to be smaller.",
        r"x\,\Phi(x)",
        {"first": "approximate"},
    ),
    "SiLU": ("x times its sigmoid, also called swish.", r"x\,\sigma(x)", {}),
    "Mish": ("A smooth ReLU that dips below zero.", r"x \tanh(\mathrm{softplus}(x))", {}),
    "Sigmoid": (
        "Squeezes every number into 0 to 1.",
        r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        {},
    ),
    "LogSigmoid": ("Logarithm of the sigmoid.", r"\log \sigma(x)", {}),
    "Hardsigmoid": (
        "Sigmoid made of three straight lines.",
        r"\mathrm{clip}(x / 6 + 1 / 2,\ 0,\ 1)",
        {},
    ),
    "Tanh": (
        "Squeezes every number into -1 to 1.",
        r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
        {},
    ),
    "Hardtanh": (
        "Cuts off below min_val and above max_val.",
        r"\mathrm{clip}(x, a, b)",
        {"first": "min_val max_val"},
    ),
    "Hardswish": ("SiLU made of simple pieces.", r"x \cdot \mathrm{clip}(x / 6 + 1 / 2, 0, 1)", {}),
    "Softplus": (
        "A smooth ReLU.",
        r"\frac{1}{\beta} \log(1 + e^{\beta x})",
        {"first": "beta threshold"},
    ),
    "Softsign": ("Squeezes into -1 to 1, slowly.", r"\frac{x}{1 + |x|}", {}),
    "Softshrink": (
        "Pulls every number towards zero by lambd.",
        r"\mathrm{sign}(x) \max(|x| - \lambda, 0)",
        {"first": "lambd"},
    ),
    "Hardshrink": (
        "Makes small numbers zero, keeps the rest.",
        r"x \cdot [\,|x| > \lambda\,]",
        {"first": "lambd"},
    ),
    "Tanhshrink": ("x minus its tanh.", r"x - \tanh(x)", {}),
    "Threshold": (
        "Keeps numbers above the threshold, replaces the rest.",
        r"x \text{ if } x > t \text{ else } v",
        {"first": "threshold value", "initial": {"threshold": 0.1, "value": 0.0}},
    ),
    "GLU": (
        "Halves the axis: one half is gated by the sigmoid of the other.",
        r"a \cdot \sigma(b)",
        {"first": "dim"},
    ),
    "Softmax": (
        "Turns scores into probabilities that sum to 1.",
        r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "LogSoftmax": (
        "Logarithm of softmax; goes with NLLLoss.",
        r"\log \frac{e^{x_i}}{\sum_j e^{x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "Softmin": (
        "Softmax of the negated scores.",
        r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "Softmax2d": (
        "Softmax over the channels of each pixel.",
        r"\frac{e^{x_c}}{\sum_{c'} e^{x_{c'}}}",
        {"ndims": (4,), "examples": ((4, 16, 16),)},
    ),
}


def activations() -> Iterator[Layer]:
    for name, (help, formula, facts) in ACTIVATIONS.items():
        yield layer(f"nn.{name}", "Activation", help, formula=f"y = {formula}", **facts)
