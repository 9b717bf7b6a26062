"""The words or the characters of many short texts, as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

MAX_TOKENS = 5_000  # different ones; those that come seldom are unknown
PADDING, UNKNOWN = "", "unknown"
_PADDING, _UNKNOWN = 0, 1
_WORDS = re.compile(r"\w+|[^\w\s]")
_MANY_WORDS = 3
_MOST, _COVERED = 64, 95  # tokens to start with, and the share of texts that they hold, percent

WAYS: Mapping[str, Callable[[str], list[str]]] = MappingProxyType(
    {"characters": lambda text: list(text), "words": lambda text: _WORDS.findall(text.lower())}
)


def suggest_way(texts: Sequence[str]) -> str:
    """Return what to cut texts into: words, if they have a few of them."""
    words = [len(WAYS["words"](text)) for text in texts]
    return "words" if words and np.mean(words) > _MANY_WORDS else "characters"


def suggest_length(texts: Sequence[str], way: str) -> int:
    """Return how many tokens hold nearly every text whole."""
    sizes = [len(WAYS[way](text)) for text in texts]
    return int(min(_MOST, max(1, np.percentile(sizes, _COVERED)))) if sizes else 1


def encode(texts: Sequence[str], way: str, length: int) -> tuple[Tensor, tuple[str, ...]]:
    """Return texts as numbers of tokens (n, length), int64, and what each number stands for.

    A shorter text is padded at its beginning, so that a model that takes the last step takes the
    last token; of a longer one the beginning is read. The numbers go by how often a token comes.
    """
    cut = [WAYS[way](text)[:length] for text in texts]
    counts = Counter(token for tokens in cut for token in tokens)
    common = sorted(counts, key=lambda token: (-counts[token], token))[:MAX_TOKENS]
    vocabulary = (PADDING, UNKNOWN, *common)
    numbers = {token: number for number, token in enumerate(common, _UNKNOWN + 1)}
    x = np.full((len(texts), length), _PADDING, dtype=np.int64)
    for row, tokens in enumerate(cut):
        if tokens:
            x[row, -len(tokens) :] = [numbers.get(token, _UNKNOWN) for token in tokens]
    return torch.from_numpy(x), vocabulary
