"""What a run came to: the scores by which runs are listed, ranked and compared."""

from __future__ import annotations

from builder.store import Run
from builder.train.metrics import METRICS

BEST_LOSS = "best validation loss"
LAST_LOSS = "validation loss"
_SPLIT = "validation "


def scores(run: Run) -> dict[str, float]:
    """Return a run's last validation scores and its best validation loss, by name.

    The last ones are those of the weights as they are at the end: on one machine the same seed
    gives the same. The best loss is the lowest that was seen, and it is looked for by the clock.
    """
    found = {
        name: float(value)
        for name, value in run.facts.get("metrics", {}).items()
        if name.startswith(_SPLIT) and value is not None
    }
    best = run.facts.get("best", {}).get("loss")
    return found | ({BEST_LOSS: float(best)} if best is not None else {})


def measures(task: str) -> list[str]:
    """Return the names of the scores that a run of a task can have, the losses first."""
    fitting = [name for name, row in METRICS.items() if row.task == task]
    return [BEST_LOSS, LAST_LOSS, *(_SPLIT + name for name in fitting)]


def higher_is_better(measure: str) -> bool:
    """Return whether a higher score is the better one; of a loss it is the lower one."""
    row = METRICS.get(measure.removeprefix(_SPLIT))
    return row is not None and row.better == "higher"
