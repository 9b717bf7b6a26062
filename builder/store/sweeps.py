"""Sweeps, and which runs belong to them."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from builder.errors import RunError
from builder.store import tables
from builder.store.records import Member, Sweep


class Sweeps:
    """The part of the store that holds what is tried, and how far it has come."""

    home: Path
    _engine: Engine

    def create_sweep(
        self,
        plan: str,
        files: Mapping[str, bytes] | None = None,
        *,
        budget: int,
        given: Mapping[str, Any] | None = None,
        model_id: str | None = None,
    ) -> str:
        """Record a sweep, going, and return its id. Ids sort by time.

        Args:
            files: what is put into its folder first.
            given: what is known of the weights among them.
        """
        sweep_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:6]}"
        for name, content in (files or {}).items():
            self.sweep_folder(sweep_id).mkdir(parents=True, exist_ok=True)
            (self.sweep_folder(sweep_id) / name).write_bytes(content)
        row = {"id": sweep_id, "created": time.time(), "plan": plan, "status": "going"}
        row |= {"given": json.dumps(given) if given is not None else None}
        with self._engine.begin() as db:
            db.execute(tables.sweeps.insert().values(**row, model_id=model_id, budget=budget))
        return sweep_id

    def sweep_folder(self, sweep_id: str) -> Path:
        """Return the folder of a sweep's files."""
        return self.home / "sweeps" / sweep_id

    def sweep(self, sweep_id: str) -> Sweep:
        """Return a sweep's record; raises `RunError` if there is none."""
        with self._engine.connect() as db:
            query = sa.select(tables.sweeps).where(tables.sweeps.c.id == sweep_id)
            row = db.execute(query).mappings().first()
        if row is None:
            raise RunError(f"There is no sweep {sweep_id!r}; it may have been deleted.")
        return _as_sweep(row)

    def sweeps(self, *, status: str | None = None) -> list[Sweep]:
        """Return sweeps, the newest first."""
        query = sa.select(tables.sweeps).order_by(tables.sweeps.c.created.desc())
        if status is not None:
            query = query.where(tables.sweeps.c.status == status)
        with self._engine.connect() as db:
            return [_as_sweep(row) for row in db.execute(query).mappings()]

    def update_sweep(self, sweep_id: str, **values: Any) -> None:
        """Change columns of a sweep's record."""
        with self._engine.begin() as db:
            statement = tables.sweeps.update().where(tables.sweeps.c.id == sweep_id)
            db.execute(statement.values(**values))

    def delete_sweep(self, sweep_id: str) -> None:
        """Forget a sweep; its runs stay."""
        with self._engine.begin() as db:
            db.execute(tables.members.delete().where(tables.members.c.sweep == sweep_id))
            db.execute(tables.sweeps.delete().where(tables.sweeps.c.id == sweep_id))
        shutil.rmtree(self.sweep_folder(sweep_id), ignore_errors=True)

    def members(self, sweep_id: str) -> list[Member]:
        """Return what a sweep has recorded so far, in order."""
        table = tables.members
        query = sa.select(table).where(table.c.sweep == sweep_id).order_by(table.c.number)
        with self._engine.connect() as db:
            return [_as_member(row) for row in db.execute(query).mappings()]

    def refuse_member(self, sweep_id: str, member: Member) -> bool:
        """Record values that cannot work; returns whether its number was still free."""
        with self._engine.begin() as db:
            return add_member(db, sweep_id, member)

    def forget_members(self, sweep_id: str, numbers: list[int]) -> None:
        """Let go of members, so that their values are tried anew."""
        table = tables.members
        with self._engine.begin() as db:
            db.execute(table.delete().where(table.c.sweep == sweep_id, table.c.number.in_(numbers)))


def add_member(db: sa.Connection, sweep_id: str, member: Member) -> bool:
    """Add a member to a sweep that goes on; returns whether its number was still free."""
    # The write lock first: nobody cancels the sweep between the question and the answer.
    going = tables.sweeps.update().values(status="going")
    if not db.execute(
        going.where(tables.sweeps.c.id == sweep_id, tables.sweeps.c.status == "going")
    ).rowcount:
        return False
    row = {"sweep": sweep_id, "number": member.number, "seed": member.seed, "run": member.run}
    row |= {"values": json.dumps(member.values), "problem": member.problem}
    statement = tables.members.insert().prefix_with("OR IGNORE").values(**row)
    return db.execute(statement).rowcount > 0


def forget_run(db: sa.Connection, run_id: str) -> str | None:
    """Let go of a run in its sweep; returns the sweep if it is over and has no run left."""
    table = tables.members
    found: str | None = db.execute(sa.select(table.c.sweep).where(table.c.run == run_id)).scalar()
    if found is None:
        return None
    db.execute(table.update().where(table.c.run == run_id).values(run=None))
    left = sa.select(table.c.number).where(table.c.sweep == found, table.c.run.is_not(None))
    status = sa.select(tables.sweeps.c.status).where(tables.sweeps.c.id == found)
    over = db.execute(left).first() is None and db.execute(status).scalar() != "going"
    return found if over else None


def _as_sweep(row: Mapping[Any, Any]) -> Sweep:
    return Sweep(**{**row, "given": json.loads(row["given"]) if row["given"] else None})


def _as_member(row: Mapping[Any, Any]) -> Member:
    values = (tuple(v) if isinstance(v, list) else v for v in json.loads(row["values"]))
    return Member(row["number"], tuple(values), row["seed"], row["run"], row["problem"])
