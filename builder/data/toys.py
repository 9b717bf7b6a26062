"""Points on a plane. Each function stands alone: the script that a run leaves behind carries it."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import make_circles, make_moons


def circles(samples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A ring around a disc."""
    return make_circles(samples, noise=noise, factor=0.5, random_state=seed)


def moons(samples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two half moons, each holding the other's end."""
    return make_moons(samples, noise=noise, random_state=seed)


def xor(samples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Opposite quarters of a square belong together."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (samples, 2))
    y = (x[:, 0] * x[:, 1] < 0).astype(int)
    return x + rng.normal(0, noise, x.shape), y


def gaussians(samples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds side by side."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 2
    centres = np.array([[-1.0, -1.0], [1.0, 1.0]])
    return centres[y] + rng.normal(0, 0.2 + noise, (samples, 2)), y


def spirals(samples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two spirals wound into each other."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 2
    turn = np.sqrt(rng.uniform(0.02, 1, samples)) * 3 * np.pi
    angle = turn + np.pi * y
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * turn[:, None] / (3 * np.pi)
    return x + rng.normal(0, noise, x.shape), y
