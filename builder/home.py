"""The folder in which LayerLab keeps what it keeps: models, runs, data."""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "LAYERLAB_HOME"


def home() -> Path:
    """Return the folder that `LAYERLAB_HOME` names, or `.layerlab/` beside `app.py`."""
    beside = Path(__file__).resolve().parents[1] / ".layerlab"
    return Path(os.environ.get(HOME_VARIABLE) or beside)
