"""The tables of the database, and opening it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event

from builder.errors import BuilderError
from builder.home import HOME_VARIABLE

VERSION = 1

metadata = sa.MetaData()
models = sa.Table(
    "models",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
)
runs = sa.Table(
    "runs",
    metadata,
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
points = sa.Table(
    "points",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Float, nullable=False),
    sa.Column("split", sa.String, nullable=False),
    sa.Column("metric", sa.String, nullable=False),
    sa.Column("value", sa.Float),
    sa.Index("points_of_run", "run", "id"),
)
commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("args", sa.Text, nullable=False, default="{}"),
)
live = sa.Table(
    "live",
    metadata,
    sa.Column("run", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
history = sa.Table(
    "history",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index("history_of_run", "run", "name", "step"),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run", sa.String, nullable=False, index=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Float, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("args", sa.Text, nullable=False, default="{}"),
)
OF_RUNS = (points, commands, live, history, events)
sweeps = sa.Table(
    "sweeps",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("status", sa.String, nullable=False, index=True),
    sa.Column("given", sa.Text),
    sa.Column("model_id", sa.String),
    sa.Column("budget", sa.Integer, nullable=False),
)
members = sa.Table(
    "members",
    metadata,
    sa.Column("sweep", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("values", sa.Text, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("run", sa.String, index=True),
    sa.Column("problem", sa.Text, nullable=False, default=""),
)
kernels = sa.Table(
    "kernels",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("values", sa.Text, nullable=False),
)


def change(run_id: str, values: dict[str, Any]) -> sa.Update:
    """Return the statement that changes columns of a run; `facts` are merged into its own."""
    if "facts" in values:
        # In one statement: the page and the worker may both be at it.
        added = sa.func.json_patch(runs.c.facts, json.dumps(values["facts"]))
        values = {**values, "facts": added}
    return runs.update().where(runs.c.id == run_id).values(**values)


def connect(home: Path) -> Engine:
    """Return the database in a folder, made if it is not there.

    Raises:
        BuilderError: the folder cannot be written, or another version of LayerLab made it.
    """
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
        metadata.create_all(db)
        db.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    return engine
