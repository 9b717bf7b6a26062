"""A model that says which token comes next, writing on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from builder.data.samples import token_name
from builder.errors import DataError, shown
from builder.train.looks.given import evaluating

MAX_TEMPERATURE = 2.0
MAX_TOKENS = 2_000
_PADDING = 0


def next_shares(
    model: nn.Module, vocabulary: Sequence[str], start: str, *, window: int, temperature: float
) -> Tensor:
    """Return how likely each token of the vocabulary is to come next, (tokens,) float32.

    That is softmax(z / temperature) of the model's outputs z; at a temperature of 0 the likeliest
    has 1. Padding never comes.

    Args:
        model: takes (N, window) of int64 and gives (N, tokens).
        start: what has been written; its last `window` tokens are read, padding stands before it.

    Raises:
        DataError: the start holds a character that the vocabulary has not, or the temperature is
            none.
    """
    _check(temperature)
    return _shares(model, _numbers(vocabulary, start), window, temperature)


def write_on(
    model: nn.Module,
    vocabulary: Sequence[str],
    start: str,
    *,
    window: int,
    length: int,
    temperature: float,
    seed: int,
) -> Iterator[str]:
    """Write on from a start, a token at a time, each drawn by `next_shares`.

    Args:
        length: tokens to write.
        seed: of the draws; the same seed writes the same.

    Raises:
        DataError: as `next_shares`, and for a length out of range.
    """
    _check(temperature)
    if not 1 <= length <= MAX_TOKENS:
        raise DataError(f"{shown(length)} tokens are asked for; 1 to {MAX_TOKENS:,} work.")
    numbers = _numbers(vocabulary, start)
    draw = torch.Generator().manual_seed(seed)
    for _ in range(length):
        shares = _shares(model, numbers, window, temperature)
        number = int(torch.multinomial(shares, 1, generator=draw))
        numbers.append(number)
        yield vocabulary[number]


def _check(temperature: float) -> None:
    if not 0 <= temperature <= MAX_TEMPERATURE:
        raise DataError(f"The temperature is {shown(temperature)}; 0 to {MAX_TEMPERATURE:g} works.")


def _numbers(vocabulary: Sequence[str], text: str) -> list[int]:
    places = {token: number for number, token in enumerate(vocabulary) if token}
    unknown = sorted({character for character in text if character not in places})
    if unknown:
        words = ", ".join(token_name(character) for character in unknown[:10])
        raise DataError(
            f"The text that was learned has no {words}, so nothing is known of what follows it; "
            "start with characters that it has."
        )
    return [places[character] for character in text]


def _shares(model: nn.Module, numbers: Sequence[int], window: int, temperature: float) -> Tensor:
    read = [_PADDING] * (window - len(numbers)) + list(numbers[-window:])
    with evaluating(model), torch.no_grad():
        out: Tensor = model(torch.tensor([read]))[0].float().clone()
    out[_PADDING] = -torch.inf
    if temperature == 0:
        return torch.zeros_like(out).index_fill_(0, out.argmax(), 1.0)
    return (out / temperature).softmax(dim=0)
