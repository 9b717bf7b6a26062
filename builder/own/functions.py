"""The functions that a formula may call: torch's own, those that only compute.

Nothing here writes to its input, makes a tensor out of nothing, looks a number up for Python, or
gives a shape that depends on the numbers: what runs on the `meta` device runs on numbers too.
"""

from __future__ import annotations

import ast
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

HOMES: Mapping[str, Any] = MappingProxyType({"torch": torch, "F": F, "Tensor": Tensor})
# What a tensor says of itself.
ATTRIBUTES = ("shape", "ndim", "T", "mT")

# By where torch has them, with the names and defaults that torch gives their arguments. What comes
# first is a tensor, and is what stands before the dot of a method.
_TABLE: tuple[tuple[str, str], ...] = (
    # element by element
    (
        "torch Tensor",
        "abs(x) acos(x) asin(x) atan(x) ceil(x) cos(x) cosh(x) erf(x) exp(x) expm1(x) floor(x) "
        "log(x) log1p(x) log2(x) log10(x) neg(x) reciprocal(x) round(x) rsqrt(x) sigmoid(x) "
        "sign(x) sin(x) sinh(x) sqrt(x) square(x) tan(x) tanh(x) relu(x) "
        "clamp(x, min=None, max=None) pow(x, exponent) maximum(x, other) minimum(x, other) "
        "lerp(x, end, weight) atan2(x, other)",
    ),
    ("torch", "where(condition, input, other) hypot(x, other)"),
    ("Tensor", "masked_fill(x, mask, value) detach(x) float(x) long(x) contiguous(x)"),
    (
        "F",
        "relu(x) leaky_relu(x, negative_slope=0.01) elu(x, alpha=1.0) selu(x) celu(x, alpha=1.0) "
        "gelu(x, approximate='none') silu(x) mish(x) relu6(x) hardsigmoid(x) hardswish(x) "
        "hardtanh(x, min_val=-1.0, max_val=1.0) softplus(x, beta=1.0, threshold=20.0) softsign(x) "
        "logsigmoid(x) tanhshrink(x) glu(x, dim=-1)",
    ),
    # along axes
    (
        "torch Tensor",
        "sum(x, dim=None, keepdim=False) mean(x, dim=None, keepdim=False) prod(x, dim, "
        "keepdim=False) amax(x, dim=(), keepdim=False) amin(x, dim=(), keepdim=False) "
        "var(x, dim=None, *, correction=1, keepdim=False) "
        "std(x, dim=None, *, correction=1, keepdim=False) argmax(x, dim=None, keepdim=False) "
        "argmin(x, dim=None, keepdim=False) logsumexp(x, dim, keepdim=False) cumsum(x, dim) "
        "cumprod(x, dim) softmax(x, dim) log_softmax(x, dim)",
    ),
    (
        "F",
        "softmax(x, dim) log_softmax(x, dim) normalize(x, p=2.0, dim=1, eps=1e-12) "
        "layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5) "
        "cosine_similarity(x, x2, dim=1, eps=1e-8)",
    ),
    # products
    ("torch Tensor", "matmul(x, other) mm(x, mat2) bmm(x, mat2) mv(x, vec)"),
    ("torch", "einsum(equation, *operands) addmm(x, mat1, mat2, *, beta=1, alpha=1)"),
    (
        "F",
        "linear(x, weight, bias=None) bilinear(x, input2, weight, bias=None) "
        "embedding(x, weight) "
        "conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) "
        "conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) "
        "scaled_dot_product_attention(x, key, value, attn_mask=None, dropout_p=0.0, "
        "is_causal=False)",
    ),
    # windows
    (
        "F",
        "max_pool1d(x, kernel_size, stride=None, padding=0) "
        "max_pool2d(x, kernel_size, stride=None, padding=0) "
        "avg_pool1d(x, kernel_size, stride=None, padding=0) "
        "avg_pool2d(x, kernel_size, stride=None, padding=0) "
        "adaptive_avg_pool1d(x, output_size) adaptive_avg_pool2d(x, output_size) "
        "pad(x, pad, mode='constant', value=None) pixel_shuffle(x, upscale_factor)",
    ),
    # forms
    (
        "Tensor",
        "view(x, *shape) reshape(x, *shape) permute(x, *dims) expand(x, *sizes) "
        "expand_as(x, other) view_as(x, other) repeat(x, *repeats) size(x, dim=None) dim(x) "
        "new_zeros(x, *size) new_ones(x, *size)",
    ),
    (
        "torch Tensor",
        "transpose(x, dim0, dim1) t(x) flatten(x, start_dim=0, end_dim=-1) "
        "unflatten(x, dim, sizes) squeeze(x, dim) unsqueeze(x, dim) flip(x, dims) "
        "roll(x, shifts, dims) chunk(x, chunks, dim=0) split(x, split_size, dim=0) "
        "narrow(x, dim, start, length) tril(x, diagonal=0) triu(x, diagonal=0) "
        "repeat_interleave(x, repeats, dim)",
    ),
    ("torch", "cat(tensors, dim=0) stack(tensors, dim=0) reshape(x, shape) permute(x, dims)"),
    # chance
    ("torch", "zeros_like(x) ones_like(x) rand_like(x) randn_like(x)"),
    (
        "F",
        "dropout(x, p=0.5, training=True) dropout1d(x, p=0.5, training=True) "
        "dropout2d(x, p=0.5, training=True) alpha_dropout(x, p=0.5, training=False)",
    ),
)


@dataclass(frozen=True)
class Function:
    """One function of the allow-list.

    Args:
        home: where torch has it: `torch`, `F` or `Tensor`, whose functions are methods.
        name: torch's own.
        signature: what it takes, by torch's names; the tensor that comes first has no name.
    """

    home: str
    name: str
    signature: inspect.Signature = field(compare=False)

    @property
    def called(self) -> str:
        """How it stands in a formula, without its arguments: `torch.exp`, `.view`."""
        return f".{self.name}" if self.home == "Tensor" else f"{self.home}.{self.name}"

    @property
    def usage(self) -> str:
        """How it is called: `torch.softmax(x, dim)`, `x.view(*shape)`."""
        given = [str(one) for one in self.signature.parameters.values()]
        if self.home == "Tensor":
            return f"x.{self.name}({', '.join(given[1:])})".replace("(*, ", "(")
        return f"{self.home}.{self.name}({', '.join(given)})"

    def problem(self, given: int, names: tuple[str, ...]) -> str | None:
        """Say what is wrong with so many arguments and these named ones, `None` if nothing is."""
        try:
            self.signature.bind(*range(given), **dict.fromkeys(names))
        except TypeError as error:
            return f"{error}"
        return None

    def __call__(self, *args: Any, **named: Any) -> Any:
        function: Callable[..., Any] = getattr(HOMES[self.home], self.name)
        return function(*args, **named)


def _signature(text: str) -> tuple[str, inspect.Signature]:
    declared = ast.parse(f"def {text}: ...").body[0]
    assert isinstance(declared, ast.FunctionDef)
    names = declared.args
    plain: list[Any] = [ast.literal_eval(value) for value in names.defaults]
    plain = [inspect.Parameter.empty] * (len(names.args) - len(plain)) + plain
    kind = inspect.Parameter
    parameters = [
        kind(
            one.arg,
            kind.POSITIONAL_OR_KEYWORD if place else kind.POSITIONAL_ONLY,
            default=default,
        )
        for place, (one, default) in enumerate(zip(names.args, plain, strict=True))
    ]
    if names.vararg is not None:
        parameters.append(kind(names.vararg.arg, kind.VAR_POSITIONAL))
    for one, value in zip(names.kwonlyargs, names.kw_defaults, strict=True):
        assert value is not None
        parameters.append(kind(one.arg, kind.KEYWORD_ONLY, default=ast.literal_eval(value)))
    return declared.name, inspect.Signature(parameters)


def _split(text: str) -> Iterator[str]:
    """Yield the signatures that stand one after another in a text."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and not depth:
            yield text[start : place + 1].strip()
            start = place + 1


def _collect() -> Mapping[tuple[str, str], Function]:
    found: dict[tuple[str, str], Function] = {}
    for homes, signatures in _TABLE:
        for text in _split(signatures):
            name, signature = _signature(text)
            for home in homes.split():
                found[home, name] = Function(home, name, signature)
    return MappingProxyType(found)


FUNCTIONS: Mapping[tuple[str, str], Function] = _collect()


def allowed(home: str) -> tuple[str, ...]:
    """Return the names of the functions of one home, in the order of the alphabet."""
    return tuple(sorted(name for place, name in FUNCTIONS if place == home))


def nearest(home: str, name: str) -> str:
    """Return what is allowed in place of a function: those of the nearest names, or some of all."""
    near = difflib.get_close_matches(name, allowed(home), n=3, cutoff=0.6)
    words = [FUNCTIONS[home, one].called for one in near]
    words = words or [row.called for (_, known), row in FUNCTIONS.items() if known == name]
    if words:
        return f"did you mean {' or '.join(words)}?"
    some = {"torch": "exp, matmul, softmax, cat", "F": "relu, linear, conv2d, dropout"}
    rest = some.get(home, "mm, view, sum, transpose")
    return f"those that are compute and change nothing, such as {rest}."
