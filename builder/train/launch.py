"""Starting runs: a warm spare worker, a queue as long as it must be, and the word to stop."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from builder.home import HOME_VARIABLE
from builder.spec import ModelSpec
from builder.store import Run, Store
from builder.train.cores import at_once
from builder.train.recipe import Recipe
from builder.train.record import record, repeat, requeue
from builder.train.sweeps import drive
from builder.train.sweeps.plan import Plan

_ROOT = Path(__file__).resolve().parents[2]
_NICENESS = 5
_HANDED_SECONDS = 20.0
_TEND_SECONDS = 2.0

# Every worker this process has started and not yet seen end. They are the process's children, not
# a launcher's: one that is forgotten with its launcher would stay behind as a zombie.
started: set[subprocess.Popen[str]] = set()


class Launcher:
    """Starts workers for one store. One a process; safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.spare: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._tended = 0.0

    def start(self, spec: ModelSpec, recipe: Recipe, **facts: Any) -> str:
        """Record a run and set it going, or queue it if the cores are taken; see `record`."""
        run_id = record(self.store, spec, recipe, **facts)
        self.tend(now=True)
        return run_id

    def repeat(self, run: Run, recipe: Recipe | None = None) -> str:
        """Start a run once more as it was, or with other settings; see `record.repeat`."""
        run_id = repeat(self.store, run, recipe)
        self.tend(now=True)
        return run_id

    def stop(self, run_id: str) -> None:
        """Stop a run: a queued one at once, a running one at its next look at the store."""
        run = self.store.run(run_id)
        if run.status == "queued" and self.store.claim(run_id, at_once=10**6):
            self.store.update_run(run_id, status="stopped", ended=time.time())
        elif run.active:
            self.store.send(run_id, "stop")

    def resume(self, run_id: str, *commands: tuple[str, Mapping[str, Any]]) -> None:
        """Let a run that was cut short go on from its last checkpoint; see `requeue`."""
        requeue(self.store, run_id, *commands)
        self.tend(now=True)

    def sweep(self, plan: Plan, **facts: Any) -> str:
        """Record a sweep and set it going; returns its id. See `sweeps.drive.begin`."""
        sweep_id = drive.begin(self.store, plan, **facts)
        self.tend(now=True)
        return sweep_id

    def cancel(self, sweep_id: str) -> None:
        """Record no more runs of a sweep, and stop those that go on or wait."""
        for run_id in drive.cancel(self.store, sweep_id):
            self.stop(run_id)

    def take_up(self, sweep_id: str) -> None:
        """Go on with a sweep that was cancelled; see `sweeps.drive.take_up`."""
        drive.take_up(self.store, sweep_id)
        self.tend(now=True)

    def tend(self, *, now: bool = False) -> None:
        """Bury the dead, carry sweeps on and give free cores to those who wait.

        Cheap enough for every look.
        """
        with self._lock:
            if not now and time.monotonic() - self._tended < _TEND_SECONDS:
                return
            self._tended = time.monotonic()
            started.difference_update([child for child in started if child.poll() is not None])
        self.store.bury()
        drive.advance(self.store)  # it may have data to make, for which nobody else need wait
        with self._lock:
            running = len(self.store.runs(status="running"))
            waiting = self.store.runs(status="queued")[::-1]
            handed = [run for run in waiting if time.time() - run.handed < _HANDED_SECONDS]
            free = at_once() - running - len(handed)
            for run in [run for run in waiting if run not in handed][: max(0, free)]:
                self.store.update_run(run.id, handed=time.time())
                self._hand(run.id)

    def keep_warm(self) -> None:
        """See to it that a spare worker stands ready; returns at once."""
        with self._lock:
            if self.spare is not None and self.spare.poll() is not None:
                self._dismiss()
            if self.spare is None:
                self.spare = self._process("--spare", stdin=subprocess.PIPE)

    def close(self) -> None:
        """Dismiss the spare worker; runs go on."""
        with self._lock:
            self._dismiss()

    def _dismiss(self) -> None:
        if self.spare is not None and self.spare.stdin is not None:
            self.spare.stdin.close()
            self.spare.kill()  # it has nothing to finish
            self.spare.wait()
        self.spare = None

    def _hand(self, run_id: str) -> None:
        """Give a run to the spare worker, or to a fresh one if the spare is gone."""
        spare, self.spare = self.spare, None
        if spare is not None and spare.stdin is not None:
            with suppress(BrokenPipeError), spare.stdin:
                if spare.poll() is None:
                    spare.stdin.write(f"{run_id}\n")
                    return
        self._process(run_id, stdin=subprocess.DEVNULL)

    def _process(self, argument: str, *, stdin: int) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            HOME_VARIABLE: str(self.store.home),
        }
        with (self.store.home / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "builder.train.worker", argument],
                stdin=stdin,
                stdout=log,
                stderr=log,
                text=True,
                cwd=_ROOT,
                env=environment,
                # It outlives the server, and an interrupt at the server's terminal is not its own.
                start_new_session=True,
                preexec_fn=_give_way if os.name == "posix" else None,
            )
        started.add(worker)
        return worker


def _give_way() -> None:
    """Let the page's answers go before training."""
    os.nice(_NICENESS)
