"""The weights that a run has left in its folder: the last, the best, those of chosen epochs."""

from __future__ import annotations

from pathlib import Path

LAST, BEST = "last", "best"
_EPOCH = "epoch-"


def kept(folder: Path) -> dict[str, Path]:
    """Return the files of weights in a run's folder by what they are: `last`, `best`, `epoch 3`.

    The last come first, then the best, then the epochs in their order.
    """
    epochs = sorted(
        (int(number), path)
        for path in folder.glob(f"{_EPOCH}*.pt")
        if (number := path.stem.removeprefix(_EPOCH)).isdigit()
    )
    found = {LAST: folder / "weights.pt", BEST: folder / "best.pt"}
    found |= {f"epoch {number}": path for number, path in epochs}
    return {name: path for name, path in found.items() if path.exists()}
