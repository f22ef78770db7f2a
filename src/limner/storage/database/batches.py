"""Batches that all servers share: a row for each, one for each answer, and their lines in a depot.

Who works a batch off holds it, and says so again every few seconds; who does not any more leaves it to others. Two who
believe that they hold one cannot spoil it: a line has one answer, and only the holder changes a batch's state.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Interval, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from limner.errors import CancelledError
from limner.storage._folder import Quota, owner_name
from limner.storage.batches import KEPT_SECONDS, Answers, Batch, BatchStore
from limner.storage.database.answers import SharedAnswers
from limner.storage.database.connection import Database
from limner.storage.database.tables import AnswerRow, BatchRow
from limner.storage.depot import Depot

__all__ = ["SharedBatchStore"]

_HELD_SECONDS = 30
_ORPHAN_SECONDS = 3600
# So many a server takes at a time of those that nobody holds, so that others get some.
_TAKEN = 2
_UNTIL = func.now() + literal(timedelta(seconds=_HELD_SECONDS), Interval)
_FREE = or_(BatchRow.holder.is_(None), BatchRow.held_until < func.now())


class SharedBatchStore(BatchStore):
    """Batches of all servers that use the same database.

    Args:
        database: where state and answers are.
        depot: where the lines lie.
        clock: the time in seconds of the epoch.
        max_bytes: how much all answers of batches that are not over may take together.
    """

    def __init__(
        self,
        database: Database,
        depot: Depot,
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        super().__init__(clock)
        self._database = database
        self._depot = depot
        self._holder = secrets.token_hex(8)
        self._quota = Quota(
            max_bytes,
            used=self._answers_bytes,
            sweep=lambda: None,
            remedy="Wait for other batches to be over, or raise LIMNER_STORE_BYTES",
        )

    def claim(self) -> list[Batch]:  # noqa: D102  see `BatchStore`
        mine = BatchRow.holder == self._holder
        free = (
            select(BatchRow.id)
            .where(~BatchRow.over, _FREE)
            .order_by(BatchRow.id)
            .limit(_TAKEN)
            .with_for_update(skip_locked=True)
            .cte()
        )
        taken = {"holder": self._holder, "held_until": _UNTIL}
        with self._database.transaction() as connection:
            connection.execute(update(BatchRow).where(BatchRow.id.in_(select(free.c.id))).values(taken))
            held = update(BatchRow).where(mine, ~BatchRow.over).values(taken).returning(BatchRow.state)
            found = [_batch(state) for state in connection.scalars(held)]
        return sorted(found, key=lambda batch: batch.id)

    def release(self) -> None:  # noqa: D102
        free = {"holder": None, "held_until": None}
        with self._database.statements() as connection:
            connection.execute(update(BatchRow).where(BatchRow.holder == self._holder).values(free))

    def add(self, batch: Batch, source: Path) -> None:  # noqa: D102
        if not batch.over:
            self._depot.put_file(_lines_name(batch), source)
        with self._database.statements() as connection:
            connection.execute(
                insert(BatchRow).values(
                    id=batch.id,
                    owner=owner_name(batch.owner),
                    over=batch.over,
                    state=asdict(batch),
                    holder=self._holder,
                    held_until=_UNTIL,
                )
            )

    def put(self, batch: Batch) -> Batch:  # noqa: D102
        with self._database.transaction() as connection:
            row = _locked(connection, batch.id)
            if row.holder != self._holder:
                raise CancelledError(f"{batch.id} is worked off by another server")
            batch = _merged(batch, _batch(row.state))
            _write(connection, batch)
            if batch.over:
                connection.execute(delete(AnswerRow).where(AnswerRow.batch == batch.id))
        if batch.over:
            self._depot.remove(_lines_name(batch))
        return batch

    def cancel(self, batch: Batch) -> Batch:  # noqa: D102
        with self._database.transaction() as connection:
            batch = _batch(_locked(connection, batch.id).state)
            if batch.status == "in_progress":
                batch = replace(batch, status="cancelling", cancelling_at=self.now())
                _write(connection, batch)
        return batch

    def _find(self, batch_id: str, owner: str) -> Batch | None:
        wanted = select(BatchRow.state).where(BatchRow.id == batch_id, BatchRow.owner == owner_name(owner))
        with self._database.statements() as connection:
            state = connection.scalar(wanted)
        return None if state is None else self._counted([_batch(state)])[0]

    def _newest(self, owner: str, count: int, after: str | None) -> list[Batch]:
        wanted = select(BatchRow.state).where(BatchRow.owner == owner_name(owner))
        if after is not None:
            wanted = wanted.where(BatchRow.id < after)
        with self._database.statements() as connection:
            states = connection.scalars(wanted.order_by(BatchRow.id.desc()).limit(count)).all()
        return self._counted([_batch(state) for state in states])

    def _counted(self, batches: list[Batch]) -> list[Batch]:
        """The same, with the answers so far counted: the state knows of them in the end only."""
        counts = (
            select(AnswerRow.batch, AnswerRow.failed, func.count())
            .where(AnswerRow.batch.in_([batch.id for batch in batches if not batch.over]))
            .group_by(AnswerRow.batch, AnswerRow.failed)
        )
        with self._database.statements() as connection:
            found = {(row[0], row[1]): row[2] for row in connection.execute(counts)}
        return [
            batch
            if batch.over
            else replace(
                batch, completed=found.get((batch.id, False), 0), failed=found.get((batch.id, True), 0)
            )
            for batch in batches
        ]

    def unfinished(self, owner: str) -> int:  # noqa: D102
        mine = (BatchRow.owner == owner_name(owner), ~BatchRow.over)
        with self._database.statements() as connection:
            return connection.scalar(select(func.count()).where(*mine)) or 0

    def lines(self, batch: Batch) -> Path:  # noqa: D102
        return self._depot.find(_lines_name(batch))

    def answers(self, batch: Batch) -> Answers:  # noqa: D102
        return SharedAnswers(self._database, batch.id)

    def take_room(self, size: int) -> None:  # noqa: D102
        self._quota.take(size)

    def _answers_bytes(self) -> int:
        with self._database.statements() as connection:
            return int(connection.scalar(select(func.sum(func.octet_length(AnswerRow.line)))) or 0)

    def sweep(self) -> int:  # noqa: D102
        names = {item.name for item in self._depot.items() if self._is_old(item.changed)}
        old = func.now() - literal(timedelta(seconds=KEPT_SECONDS), Interval)
        with self._database.statements() as connection:
            forgotten = connection.execute(delete(BatchRow).where(BatchRow.over, BatchRow.changed < old))
            rows = connection.scalars(select(BatchRow.state).where(~BatchRow.over))
            wanted = {_lines_name(_batch(state)) for state in rows}
        return forgotten.rowcount + sum(map(self._depot.remove, names - wanted))

    def _is_old(self, changed: float) -> bool:
        return self._clock() - changed > _ORPHAN_SECONDS


def _locked(connection: Connection, batch_id: str) -> Any:
    return connection.execute(
        select(BatchRow.state, BatchRow.holder).where(BatchRow.id == batch_id).with_for_update()
    ).one()


def _write(connection: Connection, batch: Batch) -> None:
    new = {"state": asdict(batch), "over": batch.over, "changed": func.now()}
    connection.execute(update(BatchRow).where(BatchRow.id == batch.id).values(new))


def _merged(batch: Batch, stored: Batch) -> Batch:
    """What its holder makes of it, cancelled if somebody else has done that meanwhile."""
    if batch.over or batch.cancelling_at is not None or stored.cancelling_at is None:
        return batch
    return replace(batch, status="cancelling", cancelling_at=stored.cancelling_at, finalizing_at=None)


def _batch(state: dict[str, Any]) -> Batch:
    return Batch(**state | {"errors": tuple(state["errors"])})


def _lines_name(batch: Batch) -> str:
    return f"{owner_name(batch.owner)}/{batch.id}.input.jsonl"
