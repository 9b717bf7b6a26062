"""What runs measure, what is watched of them, what they are told and what was done to them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.dialects import sqlite

from builder.store import tables
from builder.store.records import Event, Point


class Traces:
    """The part of the store that a run writes while it goes on."""

    _engine: Engine

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
                db.execute(tables.points.insert(), rows)
            if progress:
                db.execute(tables.change(run_id, progress))

    def points(self, run_id: str, *, after: int = 0) -> list[Point]:
        """Return a run's measurements in order, those with an id above `after`."""
        columns = [
            tables.points.c[name] for name in ("id", "step", "epoch", "split", "metric", "value")
        ]
        query = (
            sa.select(*columns)
            .where(tables.points.c.run == run_id, tables.points.c.id > after)
            .order_by(tables.points.c.id)
        )
        with self._engine.connect() as db:
            return [Point(*row) for row in db.execute(query)]

    def send(self, run_id: str, name: str, **args: Any) -> None:
        """Leave a command for a run's worker."""
        with self._engine.begin() as db:
            db.execute(
                tables.commands.insert().values(run=run_id, name=name, args=json.dumps(args))
            )

    def take_commands(self, run_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the commands left for a run, in order, and remove them."""
        query = (
            sa.select(tables.commands)
            .where(tables.commands.c.run == run_id)
            .order_by(tables.commands.c.id)
        )
        with self._engine.connect() as db:
            found = db.execute(query).all()
        if not found:  # the usual case takes no write lock
            return []
        with self._engine.begin() as db:
            db.execute(
                tables.commands.delete().where(tables.commands.c.id.in_([row.id for row in found]))
            )
        return [(row.name, json.loads(row.args)) for row in found]

    def put_live(self, run_id: str, name: str, step: int, data: bytes) -> None:
        """Keep the newest state of something that is watched while training."""
        values = {"step": step, "data": data}
        statement = sqlite.insert(tables.live).values(run=run_id, name=name, **values)
        with self._engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["run", "name"], set_=values))

    def live(self, run_id: str, name: str) -> tuple[int, bytes] | None:
        """Return the step and the data of what was last kept under `name`."""
        query = sa.select(tables.live.c.step, tables.live.c.data)
        query = query.where(tables.live.c.run == run_id, tables.live.c.name == name)
        with self._engine.connect() as db:
            row = db.execute(query).first()
        return (row.step, row.data) if row else None

    def watched(self, run_id: str) -> dict[str, int]:
        """Return the step of the newest state of all that is watched of a run, by its name."""
        newest: dict[str, int] = {}
        for table in (tables.live, tables.history):
            query = sa.select(table.c.name, sa.func.max(table.c.step))
            query = query.where(table.c.run == run_id).group_by(table.c.name)
            with self._engine.connect() as db:
                newest |= {row[0]: row[1] for row in db.execute(query)}
        return newest

    def add_history(self, run_id: str, name: str, step: int, data: bytes) -> None:
        """Keep a state of something whose past is watched as well."""
        with self._engine.begin() as db:
            db.execute(tables.history.insert().values(run=run_id, name=name, step=step, data=data))

    def history(self, run_id: str, name: str) -> list[tuple[int, bytes]]:
        """Return the steps and the data of all that was kept under `name`, in order."""
        query = (
            sa.select(tables.history.c.step, tables.history.c.data)
            .where(tables.history.c.run == run_id, tables.history.c.name == name)
            .order_by(tables.history.c.step)
        )
        with self._engine.connect() as db:
            return [(row.step, row.data) for row in db.execute(query)]

    def drop_history(self, run_id: str, name: str, steps: Iterable[int]) -> None:
        """Let go of what was kept at some steps, so that a long past stays small."""
        table = tables.history
        with self._engine.begin() as db:
            db.execute(
                table.delete().where(
                    table.c.run == run_id, table.c.name == name, table.c.step.in_(list(steps))
                )
            )

    def add_event(self, run_id: str, step: int, epoch: float, name: str, **args: Any) -> None:
        """Record what a person did to a run while it went on."""
        row = {"run": run_id, "step": step, "epoch": epoch, "name": name, "args": json.dumps(args)}
        with self._engine.begin() as db:
            db.execute(tables.events.insert().values(**row))

    def events(self, run_id: str) -> list[Event]:
        """Return what was done to a run, in order."""
        table = tables.events
        query = sa.select(table).where(table.c.run == run_id).order_by(table.c.id)
        with self._engine.connect() as db:
            found = db.execute(query).all()
        return [Event(row.step, row.epoch, row.name, json.loads(row.args)) for row in found]

    def rewind(self, run_id: str, step: int) -> None:
        """Forget what was measured and done after a step: the run goes on from there."""
        with self._engine.begin() as db:
            for table in (tables.points, tables.history, tables.live, tables.events):
                db.execute(table.delete().where(table.c.run == run_id, table.c.step > step))
