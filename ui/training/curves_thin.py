"""Long lines, drawn by as many points as a screen can show, with their shape and their spikes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tsdownsample import MinMaxLTTBDownsampler

MOST = 1000


def thinned(
    x: ArrayLike, y: ArrayLike, most: int = MOST
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most `most` points of a line that look like all of them.

    The largest triangles of three buckets are kept, chosen among the lowest and the highest point
    of each stretch (MinMaxLTTB, Van Der Donckt et al. 2023, arXiv:2305.00332). The first and the
    last point, the lowest and the highest are among them.

    Args:
        x: `(n,)`, in the order in which the points are joined.
        y: `(n,)`; points that are not finite are left out.
        most: at least 4.
    """
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    sound = np.isfinite(up)
    if not sound.all():
        across, up = across[sound], up[sound]
    if len(up) <= most:
        return across, up
    # Without x: the library panics at lines in which many points stand at one x.
    # Its triangles weigh neighbours, so they may pass over a spike beside a larger one.
    picked = MinMaxLTTBDownsampler().downsample(up, n_out=max(most - 2, 3))
    kept = np.union1d(picked, [up.argmin(), up.argmax()]).astype(np.intp)
    return across[kept], up[kept]
