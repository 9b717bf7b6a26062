"""The training process.

    python -m builder.train.worker RUN      train this run, then any that wait
    python -m builder.train.worker --spare  import everything, wait for a run on standard input

It takes its work from the store and leaves there what it measures. It outlives the page and the
server; the store's commands stop it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from builder.build import DEFAULT_BUDGET, build
from builder.errors import BuilderError
from builder.spec import ModelSpec
from builder.store import Run, Store
from builder.train.data import load_data
from builder.train.live import LIVE
from builder.train.loop import Data, Progress, train
from builder.train.recipe import Recipe

_CHECKPOINT_EVERY = 3.0
_LIVE_EVERY = 0.5


def at_once() -> int:
    """Return how many runs train at a time: as many as there are cores."""
    return max(1, os.cpu_count() or 1)


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
        _work(store, store.run(claimed))
        claimed = store.claim(None, at_once=at_once())
    return 0


def _warm_up() -> None:
    """Take one step of a tiny model, so that what torch loads late is loaded."""
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 2))
    x = torch.zeros(4, 1, 3, 3)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss = nn.functional.cross_entropy(model(x), torch.zeros(4, dtype=torch.long))
    torch.autograd.backward(loss)
    optimizer.step()


def _work(store: Store, run: Run) -> None:
    """Train one run to its end, whatever that is, and record it."""
    folder = store.folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    with _logging_to(folder / "log.txt"):
        try:
            status, message = _train(store, run)
        except BuilderError as error:
            status, message = "failed", error.message
        except (RuntimeError, ValueError, IndexError, TypeError, MemoryError) as error:
            traceback.print_exc()
            first = str(error).strip().splitlines()
            status, message = "failed", f"torch stopped: {first[0] if first else repr(error)}"
    store.add_points(run.id, [], status=status, message=message, ended=time.time())


def _train(store: Store, run: Run) -> tuple[str, str]:
    recipe = Recipe.from_json(run.recipe)
    active = len(store.runs(status="running"))
    # Threads that outnumber the cores wait for one another: two workers of two threads on two
    # cores train at a hundredth of the speed of one. One core is left to the page.
    threads = max(1, ((os.cpu_count() or 1) - 1) // max(1, active))
    torch.set_num_threads(threads)
    store.update_run(run.id, facts={"threads": threads, "torch": torch.__version__})
    spec = ModelSpec.from_json(run.spec)
    facts = load_data(store.home, recipe)
    torch.manual_seed(recipe.seed)
    model = build(spec, budget=run.facts.get("budget", DEFAULT_BUDGET))
    model.to(recipe.device)
    data = facts.data.to(recipe.device)
    watcher = Watcher(store, run.id, model, data, facts.kind)
    began = time.perf_counter()
    progress = train(model, data, recipe, task=facts.task, on_tick=watcher.tick)
    seconds = time.perf_counter() - began
    watcher.save()
    samples = progress.epoch * len(data.x)
    store.update_run(run.id, facts={"seconds": seconds, "samples_per_second": samples / seconds})
    return ("stopped", "") if watcher.stopped else ("finished", "")


class Watcher:
    """Stands between the loop and the store: writes what was measured, reads what is wanted."""

    def __init__(self, store: Store, run_id: str, model: nn.Module, data: Data, kind: str) -> None:
        self.store, self.run_id, self.model, self.data, self.kind = store, run_id, model, data, kind
        self.stopped = False
        self.saved = self.drawn = time.perf_counter()

    def tick(self, progress: Progress) -> bool:
        now = time.perf_counter()
        self.stopped = any(name == "stop" for name, _ in self.store.take_commands(self.run_id))
        last = {f"{split} {metric}": value for _, _, split, metric, value in progress.measured}
        self.store.add_points(
            self.run_id, progress.measured, step=progress.step, epoch=progress.epoch
        )
        if progress.done or self.stopped:
            self.store.update_run(self.run_id, facts={"metrics": last})
        over = progress.done or self.stopped
        if self.kind in LIVE and (over or now - self.drawn > _LIVE_EVERY or progress.step < 99):
            name, look = LIVE[self.kind]
            picture = look(self.model, self.data)
            if picture is not None:
                self.store.put_live(self.run_id, name, progress.step, picture)
            self.drawn = now
        if now - self.saved > _CHECKPOINT_EVERY:
            self.save()
        return not self.stopped

    def save(self) -> None:
        """Write the weights, whole or not at all."""
        folder = self.store.folder(self.run_id)
        content = io.BytesIO()
        torch.save({k: v.detach().cpu() for k, v in self.model.state_dict().items()}, content)
        part = folder / "weights.part"
        part.write_bytes(content.getvalue())
        part.replace(folder / "weights.pt")
        self.saved = time.perf_counter()


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
