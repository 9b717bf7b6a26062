"""The database: models, runs, what they measured, and the commands sent to them.

One SQLite file, read and written by the page, by every worker and by scripts at the same time
(write-ahead log). Next to it stand a folder for each run (log, weights) and the data they train on.
"""

from __future__ import annotations

import functools
import json
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.dialects import sqlite

from builder.errors import BuilderError, RunError
from builder.spec import ModelSpec

HOME_VARIABLE = "LAYERLAB_HOME"
VERSION = 1
ACTIVE = ("queued", "running")

_meta = sa.MetaData()
_models = sa.Table(
    "models",
    _meta,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
)
_runs = sa.Table(
    "runs",
    _meta,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("model_id", sa.String, index=True),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("recipe", sa.Text, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("handed", sa.Float, nullable=False, default=0.0),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("pid", sa.Integer),
    sa.Column("pid_started", sa.Float),
    sa.Column("step", sa.Integer, nullable=False, default=0),
    sa.Column("epoch", sa.Float, nullable=False, default=0.0),
    sa.Column("facts", sa.Text, nullable=False, default="{}"),
)
_points = sa.Table(
    "points",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Float, nullable=False),
    sa.Column("split", sa.String, nullable=False),
    sa.Column("metric", sa.String, nullable=False),
    sa.Column("value", sa.Float),
    sa.Index("points_of_run", "run", "id"),
)
_commands = sa.Table(
    "commands",
    _meta,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("args", sa.Text, nullable=False, default="{}"),
)
_live = sa.Table(
    "live",
    _meta,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Run:
    """The record of one training run.

    Args:
        spec, recipe: JSON of the model and of the settings, as they were at the start.
        status: `queued`, `running`, `finished`, `stopped` (by a person), `failed` (with a message)
            or `died` (the process vanished).
        message: what went wrong, in words; the last lines of the log for one that died.
        created, started, ended: seconds since 1970.
        step, epoch: how far it has come; the epoch with its fraction.
        facts: what is known of it besides: threads, torch's version, final metrics.
    """

    id: str
    model_id: str | None
    spec: str
    recipe: str
    status: str
    message: str
    created: float
    handed: float
    started: float | None
    ended: float | None
    pid: int | None
    pid_started: float | None
    step: int
    epoch: float
    facts: Mapping[str, Any]

    @property
    def active(self) -> bool:
        """Whether it runs or waits to."""
        return self.status in ACTIVE


@dataclass(frozen=True)
class Point:
    """One measurement of a run; `split` is `train` or `validation`."""

    id: int
    step: int
    epoch: float
    split: str
    metric: str
    value: float | None


class Store:
    """Models and runs in one home folder. Safe to use from several threads and processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._engine = _connect(home)

    @classmethod
    def open(cls, home: Path | str | None = None) -> Store:
        """Open the store at `home`, at `LAYERLAB_HOME`, or in `.layerlab/` beside `app.py`.

        Raises:
            BuilderError: the folder cannot be written, or another version of LayerLab made it.
        """
        beside = Path(__file__).resolve().parents[1] / ".layerlab"
        return cls(Path(home or os.environ.get(HOME_VARIABLE) or beside))

    def close(self) -> None:
        """Let go of the database; the store can be used again and then opens it anew."""
        self._engine.dispose()

    # models

    def save_model(self, model_id: str, spec: ModelSpec) -> None:
        """Keep a model under its id, in place of what was there."""
        values = {"name": spec.name, "spec": spec.to_json(), "updated": time.time()}
        statement = sqlite.insert(_models).values(id=model_id, **values)
        with self._engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))

    def load_model(self, model_id: str) -> ModelSpec | None:
        """Return a model, `None` if there is none of that id."""
        query = sa.select(_models.c.spec).where(_models.c.id == model_id)
        with self._engine.connect() as db:
            text = db.execute(query).scalar()
        return ModelSpec.from_json(text) if text is not None else None

    # runs

    def create_run(
        self, spec: ModelSpec, recipe: str, *, model_id: str | None = None, **facts: Any
    ) -> str:
        """Record a new run, queued, and return its id. Ids sort by time."""
        run_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        self.folder(run_id).mkdir(parents=True, exist_ok=True)
        with self._engine.begin() as db:
            db.execute(
                _runs.insert().values(
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
            row = db.execute(sa.select(_runs).where(_runs.c.id == run_id)).mappings().first()
        if row is None:
            raise RunError(f"There is no run {run_id!r}; it may have been deleted.")
        return _as_run(row)

    def runs(self, *, model_id: str | None = None, status: str | None = None) -> list[Run]:
        """Return runs, the newest first."""
        query = sa.select(_runs).order_by(_runs.c.created.desc())
        if model_id is not None:
            query = query.where(_runs.c.model_id == model_id)
        if status is not None:
            query = query.where(_runs.c.status == status)
        with self._engine.connect() as db:
            return [_as_run(row) for row in db.execute(query).mappings()]

    def update_run(self, run_id: str, **values: Any) -> None:
        """Change columns of a run's record; `facts` are merged into those there are."""
        with self._engine.begin() as db:
            if "facts" in values:
                old = db.execute(sa.select(_runs.c.facts).where(_runs.c.id == run_id)).scalar()
                values["facts"] = json.dumps({**json.loads(old or "{}"), **values["facts"]})
            db.execute(_runs.update().where(_runs.c.id == run_id).values(**values))

    def claim(self, run_id: str | None, *, at_once: int) -> str | None:
        """Take a queued run for this process, if fewer than `at_once` are running.

        Args:
            run_id: the run wanted, `None` for the one that has waited longest.

        Returns:
            The run's id, now `running` in this process's name; `None` if none can be had.
        """
        others = _runs.alias()
        running = sa.select(sa.func.count()).select_from(others).where(others.c.status == "running")
        chosen: Any = run_id
        if run_id is None:
            oldest = _runs.alias()
            chosen = (
                sa.select(oldest.c.id)
                .where(oldest.c.status == "queued")
                .order_by(oldest.c.created)
                .limit(1)
                .scalar_subquery()
            )
        statement = (
            _runs.update()
            .where(_runs.c.id == chosen, _runs.c.status == "queued")
            .where(running.scalar_subquery() < at_once)
            .values(
                status="running",
                started=time.time(),
                pid=os.getpid(),
                pid_started=_started(os.getpid()),
            )
            .returning(_runs.c.id)
        )
        with self._engine.begin() as db:
            return db.execute(statement).scalar()

    def place_in_queue(self, run_id: str) -> int:
        """Return how many queued runs come before this one."""
        mine = sa.select(_runs.c.created).where(_runs.c.id == run_id).scalar_subquery()
        query = (
            sa.select(sa.func.count())
            .select_from(_runs)
            .where(_runs.c.status == "queued", _runs.c.created < mine)
        )
        with self._engine.connect() as db:
            return int(db.execute(query).scalar() or 0)

    def bury(self) -> list[str]:
        """Mark running runs whose process has vanished as died, and return their ids."""
        dead = [run for run in self.runs(status="running") if not _alive(run)]
        for run in dead:
            words = self.last_words(run.id)
            message = "The training process vanished" + (f": {words}" if words else ".")
            statement = (
                _runs.update()
                .where(_runs.c.id == run.id, _runs.c.status == "running")
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
            for table in (_points, _commands, _live):
                db.execute(table.delete().where(table.c.run == run_id))
            db.execute(_runs.delete().where(_runs.c.id == run_id))
        for path in self.folder(run_id).glob("*"):
            path.unlink()
        self.folder(run_id).rmdir()

    def folder(self, run_id: str) -> Path:
        """Return the folder of a run's files."""
        return self.home / "runs" / run_id

    # what a run measures, and what it is told

    def add_points(
        self, run_id: str, points: Iterable[tuple[int, float, str, str, float]], **progress: Any
    ) -> None:
        """Record measurements and columns of the run in one transaction.

        Args:
            points: step, epoch, split, metric and value of each.
        """
        rows = [
            {"run": run_id, "step": s, "epoch": e, "split": sp, "metric": m, "value": v}
            for s, e, sp, m, v in points
        ]
        with self._engine.begin() as db:
            if rows:
                db.execute(_points.insert(), rows)
            if progress:
                db.execute(_runs.update().where(_runs.c.id == run_id).values(**progress))

    def points(self, run_id: str, *, after: int = 0) -> list[Point]:
        """Return a run's measurements in order, those with an id above `after`."""
        columns = [_points.c[name] for name in ("id", "step", "epoch", "split", "metric", "value")]
        query = (
            sa.select(*columns)
            .where(_points.c.run == run_id, _points.c.id > after)
            .order_by(_points.c.id)
        )
        with self._engine.connect() as db:
            return [Point(*row) for row in db.execute(query)]

    def send(self, run_id: str, name: str, **args: Any) -> None:
        """Leave a command for a run's worker."""
        with self._engine.begin() as db:
            db.execute(_commands.insert().values(run=run_id, name=name, args=json.dumps(args)))

    def take_commands(self, run_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the commands left for a run, in order, and remove them."""
        query = sa.select(_commands).where(_commands.c.run == run_id).order_by(_commands.c.id)
        with self._engine.connect() as db:
            found = db.execute(query).all()
        if not found:  # the usual case takes no write lock
            return []
        with self._engine.begin() as db:
            db.execute(_commands.delete().where(_commands.c.id.in_([row.id for row in found])))
        return [(row.name, json.loads(row.args)) for row in found]

    def put_live(self, run_id: str, name: str, step: int, data: bytes) -> None:
        """Keep the newest state of something that is watched while training."""
        values = {"step": step, "data": data}
        statement = sqlite.insert(_live).values(run=run_id, name=name, **values)
        with self._engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["run", "name"], set_=values))

    def live(self, run_id: str, name: str) -> tuple[int, bytes] | None:
        """Return the step and the data of what was last kept under `name`."""
        query = sa.select(_live.c.step, _live.c.data)
        query = query.where(_live.c.run == run_id, _live.c.name == name)
        with self._engine.connect() as db:
            row = db.execute(query).first()
        return (row.step, row.data) if row else None


def _connect(home: Path) -> Engine:
    try:
        (home / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuilderError(
            f"LayerLab keeps models and runs in {home}, which cannot be written "
            f"({error.strerror}). Set {HOME_VARIABLE} to a folder that can."
        ) from None
    engine = sa.create_engine(f"sqlite:///{home / 'layerlab.db'}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    with engine.begin() as db:
        version = db.exec_driver_sql("PRAGMA user_version").scalar()
        if version not in (0, VERSION):
            raise BuilderError(
                f"The database in {home} has version {version}; this LayerLab reads {VERSION}. "
                f"Set {HOME_VARIABLE} to another folder to start afresh."
            )
        _meta.create_all(db)
        db.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    return engine


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
