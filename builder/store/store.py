"""The database: models, runs and sweeps, what they measured, and the commands sent to them.

One SQLite file, read and written by the page, by every worker and by scripts at the same time
(write-ahead log). Next to it stand a folder for each run (log, weights) and the data they train on.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import sqlite

from builder.errors import RunError, TakenError
from builder.home import home as default_home
from builder.spec import ModelSpec
from builder.store import tables
from builder.store.records import Member, Run
from builder.store.sweeps import Sweeps, add_member, forget_run
from builder.store.traces import Traces


class Store(Traces, Sweeps):
    """Models and runs in one home folder. Safe to use from several threads and processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._engine = tables.connect(home)

    @classmethod
    def open(cls, home: Path | str | None = None) -> Store:
        """Open the store at `home`, at `LAYERLAB_HOME`, or in `.layerlab/` beside `app.py`.

        Raises:
            BuilderError: the folder cannot be written, or another version of LayerLab made it.
        """
        return cls(Path(home or default_home()))

    def close(self) -> None:
        """Let go of the database; the store can be used again and then opens it anew."""
        self._engine.dispose()

    # models

    def save_model(self, model_id: str, spec: ModelSpec) -> None:
        """Keep a model under its id, in place of what was there."""
        values = {"name": spec.name, "spec": spec.to_json(), "updated": time.time()}
        statement = sqlite.insert(tables.models).values(id=model_id, **values)
        with self._engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def load_model(self, model_id: str) -> ModelSpec | None:
        """Return a model, `None` if there is none of that id."""
        query = sa.select(tables.models.c.spec).where(tables.models.c.id == model_id)
        with self._engine.connect() as db:
            text = db.execute(query).scalar()
        return ModelSpec.from_json(text) if text is not None else None

    # kernels

    def save_kernel(self, name: str, values: NDArray[np.float32]) -> None:
        """Keep a kernel, (kH, kW), under a name, in place of what was there."""
        text = json.dumps(values.tolist())
        statement = sqlite.insert(tables.kernels).values(name=name, values=text)
        update = statement.on_conflict_do_update(index_elements=["name"], set_={"values": text})
        with self._engine.begin() as db:
            db.execute(update)

    def kernels(self) -> dict[str, NDArray[np.float32]]:
        """Return the kernels that were kept, by name."""
        query = sa.select(tables.kernels).order_by(tables.kernels.c.name)
        with self._engine.connect() as db:
            rows = db.execute(query).mappings().all()
        return {row["name"]: np.array(json.loads(row["values"]), np.float32) for row in rows}

    def delete_kernel(self, name: str) -> None:
        """Let go of a kernel."""
        with self._engine.begin() as db:
            db.execute(tables.kernels.delete().where(tables.kernels.c.name == name))

    # runs

    def create_run(
        self,
        spec: ModelSpec,
        recipe: str,
        files: Mapping[str, bytes] | None = None,
        *,
        model_id: str | None = None,
        member: Member | None = None,
        **facts: Any,
    ) -> str:
        """Record a new run, queued, and return its id. Ids sort by time.

        Args:
            files: what is put into its folder before anyone can take it.
            member: what it is in its sweep.
            facts: what is known of it: its `name`, the `sweep` it belongs to, the `budget`.

        Raises:
            TakenError: the sweep has another member of that number by now.
        """
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        self.folder(run_id).mkdir(parents=True, exist_ok=True)
        for name, content in (files or {}).items():
            (self.folder(run_id) / name).write_bytes(content)
        with self._engine.begin() as db:
            mine = replace(member, run=run_id) if member is not None else None
            if mine is not None and not add_member(db, facts["sweep"], mine):
                shutil.rmtree(self.folder(run_id), ignore_errors=True)
                raise TakenError(f"Number {mine.number} of the sweep is taken.")
            db.execute(
                tables.runs.insert().values(
                    id=run_id,
                    model_id=model_id,
                    spec=spec.to_json(),
                    recipe=recipe,
                    status="queued",
                    created=time.time(),
                    facts=json.dumps(facts),
                )
            )
        return run_id

    def run(self, run_id: str) -> Run:
        """Return a run's record; raises `RunError` if there is none."""
        with self._engine.connect() as db:
            row = (
                db.execute(sa.select(tables.runs).where(tables.runs.c.id == run_id))
                .mappings()
                .first()
            )
        if row is None:
            raise RunError(f"There is no run {run_id!r}; it may have been deleted.")
        return _as_run(row)

    def runs(
        self,
        *,
        model_id: str | None = None,
        status: str | None = None,
        sweep: str | None = None,
        binned: bool | None = False,
    ) -> list[Run]:
        """Return runs, the newest first.

        Args:
            binned: whether those in the bin, those that are not, or, with `None`, both.
        """
        query = sa.select(tables.runs).order_by(tables.runs.c.created.desc())
        if model_id is not None:
            query = query.where(tables.runs.c.model_id == model_id)
        if status is not None:
            query = query.where(tables.runs.c.status == status)
        if sweep is not None:
            mine = sa.select(tables.members.c.run).where(tables.members.c.sweep == sweep)
            query = query.where(tables.runs.c.id.in_(mine))
        with self._engine.connect() as db:
            found = [_as_run(row) for row in db.execute(query).mappings()]
        return [run for run in found if binned in (None, run.binned is not None)]

    def label_run(
        self,
        run_id: str,
        *,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        notes: str | None = None,
    ) -> None:
        """Change what people call a run; what is left out stays."""
        labels = {"name": name, "tags": None if tags is None else sorted(set(tags)), "notes": notes}
        self.update_run(run_id, facts={k: v for k, v in labels.items() if v is not None})

    def bin_run(self, run_id: str) -> None:
        """Put a run that is over into the bin, from which it can come back."""
        if self.run(run_id).active:
            raise RunError("A run that is going on cannot be deleted; stop it first.")
        self.update_run(run_id, facts={"binned": time.time()})

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the bin."""
        self.update_run(run_id, facts={"binned": None})

    def empty_bin(self, *, older_than: float = 0.0) -> None:
        """Delete the runs that have been in the bin for so many seconds."""
        for run in self.runs(binned=True):
            if run.binned is not None and time.time() - run.binned >= older_than:
                self.delete_run(run.id)

    def update_run(self, run_id: str, **values: Any) -> None:
        """Change columns of a run's record; `facts` are merged into those there are."""
        with self._engine.begin() as db:
            db.execute(tables.change(run_id, values))

    def claim(self, run_id: str | None, *, at_once: int) -> str | None:
        """Take a queued run for this process, if fewer than `at_once` are running.

        Args:
            run_id: the run wanted, `None` for the one that has waited longest.

        Returns:
            The run's id, now `running` in this process's name; `None` if none can be had.
        """
        others = tables.runs.alias()
        running = sa.select(sa.func.count()).select_from(others).where(others.c.status == "running")
        chosen: Any = run_id
        if run_id is None:
            oldest = tables.runs.alias()
            chosen = (
                sa.select(oldest.c.id)
                .where(oldest.c.status == "queued")
                .order_by(oldest.c.created)
                .limit(1)
                .scalar_subquery()
            )
        statement = (
            tables.runs.update()
            .where(tables.runs.c.id == chosen, tables.runs.c.status == "queued")
            .where(running.scalar_subquery() < at_once)
            .values(
                status="running",
                started=time.time(),
                pid=os.getpid(),
                pid_started=_started(os.getpid()),
            )
            .returning(tables.runs.c.id)
        )
        with self._engine.begin() as db:
            return db.execute(statement).scalar()

    def unpause(self, run_id: str, *, at_once: int) -> bool:
        """Take back the place of a run that paused, if fewer than `at_once` are running."""
        others = tables.runs.alias()
        running = sa.select(sa.func.count()).select_from(others).where(others.c.status == "running")
        statement = (
            tables.runs.update()
            .where(tables.runs.c.id == run_id, running.scalar_subquery() < at_once)
            .values(status="running")
        )
        with self._engine.begin() as db:
            return db.execute(statement).rowcount > 0

    def place_in_queue(self, run_id: str) -> int:
        """Return how many queued runs come before this one."""
        mine = sa.select(tables.runs.c.created).where(tables.runs.c.id == run_id).scalar_subquery()
        query = (
            sa.select(sa.func.count())
            .select_from(tables.runs)
            .where(tables.runs.c.status == "queued", tables.runs.c.created < mine)
        )
        with self._engine.connect() as db:
            return int(db.execute(query).scalar() or 0)

    def bury(self) -> list[str]:
        """Mark runs whose process has vanished as died, and return their ids."""
        going = [*self.runs(status="running"), *self.runs(status="paused")]
        dead = [run for run in going if not _alive(run)]
        for run in dead:
            words = self.last_words(run.id)
            message = "The training process vanished" + (f": {words}" if words else ".")
            statement = (
                tables.runs.update()
                .where(tables.runs.c.id == run.id, tables.runs.c.status == run.status)
                .values(status="died", ended=time.time(), message=message)
            )
            with self._engine.begin() as db:
                db.execute(statement)
        return [run.id for run in dead]

    def last_words(self, run_id: str, lines: int = 6) -> str:
        """Return the end of a run's log."""
        log = self.folder(run_id) / "log.txt"
        if not log.exists():
            return ""
        return "\n".join(log.read_text(errors="replace").strip().splitlines()[-lines:])

    def delete_run(self, run_id: str) -> None:
        """Delete a run that is over, with its measurements and its files."""
        if self.run(run_id).active:
            raise RunError("A run that is going on cannot be deleted; stop it first.")
        with self._engine.begin() as db:
            for table in tables.OF_RUNS:
                db.execute(table.delete().where(table.c.run == run_id))
            emptied = forget_run(db, run_id)
            db.execute(tables.runs.delete().where(tables.runs.c.id == run_id))
        shutil.rmtree(self.folder(run_id), ignore_errors=True)
        if emptied is not None:
            self.delete_sweep(emptied)

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run's files."""
        return self.home / "runs" / run_id


def _as_run(row: Mapping[Any, Any]) -> Run:
    return Run(**{**row, "facts": json.loads(row["facts"])})


@functools.cache
def _started(pid: int) -> float:
    return psutil.Process(pid).create_time()


def _alive(run: Run) -> bool:
    """Whether a run's process is there; pids are used again, so the start time counts too."""
    if run.pid is None:
        return False
    try:
        process = psutil.Process(run.pid)
        same = abs(process.create_time() - (run.pid_started or 0.0)) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
