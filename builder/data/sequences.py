"""Sequences. Each function stands alone: the script that a run leaves behind carries it."""

from __future__ import annotations

import numpy as np


def sine(samples: int, length: int, noise: float, seed: int) -> tuple[np.ndarray, ...]:
    """A wave of 25 steps: each window, and the value that comes next."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(samples + length) / 25 + rng.uniform(0, 2 * np.pi)
    series = np.sin(angle) + rng.normal(0, noise, len(angle))
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]


def sines(samples: int, length: int, noise: float, seed: int) -> tuple[np.ndarray, ...]:
    """Waves of 11, 29 and 67 steps on one another: windows, and what comes next."""
    rng = np.random.default_rng(seed)
    turns = np.arange(samples + length)[:, None] / np.array([11, 29, 67])
    waves = np.sin(2 * np.pi * (turns + rng.uniform(0, 1, 3)))
    series = waves.mean(axis=1) + rng.normal(0, noise, len(waves))
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]


def adding(samples: int, length: int, seed: int) -> tuple[np.ndarray, ...]:
    """Numbers from 0 to 1, two of them marked, one in each half: the sum of the two."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 1, (samples, length))
    first = rng.integers(0, length // 2, samples)
    second = rng.integers(length // 2, length, samples)
    rows, marks = np.arange(samples), np.zeros((samples, length))
    marks[rows, first] = marks[rows, second] = 1
    return np.stack([values, marks], axis=2), values[rows, first] + values[rows, second]


def parity(samples: int, length: int, seed: int) -> tuple[np.ndarray, ...]:
    """Strings of bits, no two alike: whether the number of ones is odd."""
    rng = np.random.default_rng(seed)
    size = min(samples, 2**length)
    numbers = rng.choice(2**length, size, replace=False)
    bits = numbers[:, None] >> np.arange(length) & 1
    return bits[:, :, None].astype(float), bits.sum(axis=1) % 2
