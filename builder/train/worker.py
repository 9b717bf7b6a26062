"""The training process.

    python -m builder.train.worker RUN      train this run, then any that wait
    python -m builder.train.worker --spare  import everything, wait for a run on standard input

It takes its work from the store and leaves there what it measures. It outlives the page and the
server; the store's commands stop it.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import torch
from torch import nn

from builder.build import DEFAULT_BUDGET, build
from builder.errors import BuilderError
from builder.spec import ModelSpec
from builder.store import Run, Store
from builder.train import loop
from builder.train.cores import at_once, threads
from builder.train.data import load_data
from builder.train.given import start_from_given
from builder.train.loop import Progress
from builder.train.metrics import scores
from builder.train.recipe import Recipe
from builder.train.sweeps.drive import advance
from builder.train.trainer import Trainer
from builder.train.watcher import Watcher


def main(arguments: list[str]) -> int:
    """Run the process; returns its exit status."""
    store = Store.open()
    if arguments == ["--spare"]:
        _warm_up()
        run_id: str | None = sys.stdin.readline().strip() or None
        if run_id is None:  # nobody wanted it
            return 0
    elif len(arguments) == 1:
        run_id = arguments[0]
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    claimed = store.claim(run_id, at_once=at_once())
    while claimed is not None:
        work(store, store.run(claimed))
        _carry_on(store)
        claimed = store.claim(None, at_once=at_once())
    return 0


def _carry_on(store: Store) -> None:
    """Record what comes next in a sweep: the page may be closed."""
    try:
        advance(store)
    except (OSError, sa.exc.OperationalError):  # a full disk; a page that looks will try again
        traceback.print_exc()


def _warm_up() -> None:
    """Take one step of a tiny model and score it, so that what is loaded late is loaded."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 2))
    x = torch.zeros(4, 1, 3, 3)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss = nn.functional.cross_entropy(model(x), torch.zeros(4, dtype=torch.long))
    torch.autograd.backward(loss)
    optimizer.step()
    scores("classification", model(x), torch.arange(4) % 2)


def work(store: Store, run: Run, also: Callable[[Progress], None] = lambda _: None) -> str:
    """Train one run to its end, whatever that is, record it, and return its status.

    Args:
        also: called with the progress at each look.
    """
    folder = store.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    with _logging_to(folder / "log.txt"):
        try:
            status, message = _train(store, run, also)
        except BuilderError as error:
            status, message = "failed", error.message
        except (RuntimeError, ValueError, IndexError, TypeError, MemoryError) as error:
            traceback.print_exc()
            first = str(error).strip().splitlines()
            status, message = "failed", f"torch stopped: {first[0] if first else repr(error)}"
        except (OSError, sa.exc.OperationalError) as error:
            traceback.print_exc()
            status, message = "failed", f"What was measured could not be written: {error}"
    store.update_run(run.id, status=status, message=message, ended=time.time())
    return status


def _train(store: Store, run: Run, also: Callable[[Progress], None]) -> tuple[str, str]:
    recipe = Recipe.from_json(run.recipe)
    # Another number of threads adds up in another order, so a run that goes on keeps its own.
    count = run.facts.get("threads") or threads(len(store.runs(status="running")))
    torch.set_num_threads(count)
    store.update_run(run.id, facts={"threads": count})
    found = load_data(store.home, recipe)
    torch.manual_seed(recipe.seed)
    random.seed(recipe.seed)
    np.random.seed(recipe.seed)
    model = build(ModelSpec.from_json(run.spec), budget=run.facts.get("budget", DEFAULT_BUDGET))
    start_from_given(store, run, model)
    trainer = Trainer(
        model.to(recipe.device), found.data.to(recipe.device), recipe, task=found.task
    )
    watcher = Watcher(
        store,
        run.id,
        trainer,
        found.kind,
        at_once=at_once(),
        paused=bool(run.facts.get("paused")),
        also=also,
    )
    watcher.resume()
    store.update_run(run.id, facts={"frozen": trainer.frozen()})
    try:
        progress = loop.run(trainer, watcher.tick)
    finally:
        watcher.event_file.close()
    watcher.save()
    samples = progress.epoch * len(found.data.x)
    store.update_run(run.id, facts={"samples_per_second": samples / max(trainer.seconds, 1e-9)})
    if watcher.stopped and not trainer.over:
        return "stopped", ""
    return "finished", trainer.ended


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send what this process says, Python's and torch's own, to the run's log."""
    sys.stderr.flush()
    kept = os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
