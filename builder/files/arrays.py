"""Arrays as files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def npy(values: NDArray[Any]) -> bytes:
    """Return an array as the bytes of a `.npy` file, in C order."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(values), allow_pickle=False)
    return file.getvalue()
