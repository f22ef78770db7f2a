"""How much is drawn for each key on each day."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Interval, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from limner.storage.database.connection import Database
from limner.storage.database.tables import CountedRow, UseRow

__all__ = ["UseBook", "Used", "used_since"]

_SUMS = ("requests", "pictures", "pixels")
_Counts: TypeAlias = dict[tuple[str, date], Counter[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """What was drawn for a key on a day.

    Attributes:
        key: its id, or "anonymous" on a server without keys.
        day: of UTC.
        requests: calls and lines of batches, of which pictures were made.
        pictures: those.
        pixels: of all of them.
    """

    key: str
    day: date
    requests: int
    pictures: int
    pixels: int


class UseBook:
    """Counts what one server draws: in memory, and from there into the database; safe to use from several threads.

    Args:
        database: where all servers count.
        clock: the time in seconds of the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._counts: _Counts = {}
        self._portion: tuple[str, _Counts] | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def count(self, key: str, *, pictures: int, pixels: int) -> None:
        """A request of a key made so many pictures."""
        day = datetime.fromtimestamp(self._clock(), UTC).date()
        with self._lock:
            sums = self._counts.setdefault((key, day), Counter())
            sums.update(requests=1, pictures=pictures, pixels=pixels)

    def write(self) -> None:
        """Write what was counted since; what cannot be written is written the next time, and nothing twice.

        Raises:
            DatabaseError: the database does not answer.
        """
        with self._writing:
            # First what may have been written without a word of it; what came since is another portion.
            for _ in range(2):
                portion = self._portion or self._taken()
                if portion is None:
                    return
                self._portion = portion
                self._put(*portion)
                self._portion = None

    def forget(self) -> int:
        """Forget of old portions that they were counted; how many those were."""
        old = CountedRow.at < func.now() - literal(timedelta(days=1), Interval)
        with self._database.statements() as connection:
            return connection.execute(delete(CountedRow).where(old)).rowcount

    def _taken(self) -> tuple[str, _Counts] | None:
        with self._lock:
            counts, self._counts = self._counts, {}
        return (secrets.token_hex(16), counts) if counts else None

    def _put(self, portion: str, counts: _Counts) -> None:
        once = insert(CountedRow).values(id=portion).on_conflict_do_nothing().returning(CountedRow.id)
        with self._database.transaction() as connection:
            if connection.scalar(once) is None:
                return
            # In one order on all servers, or two could wait for each other.
            for (key, day), sums in sorted(counts.items()):
                connection.execute(_added(key, day, sums))


def _added(key: str, day: date, sums: Counter[str]) -> Any:
    row = insert(UseRow).values(key=key, day=day, **{name: sums[name] for name in _SUMS})
    return row.on_conflict_do_update(
        index_elements=[UseRow.key, UseRow.day],
        set_={name: getattr(UseRow, name) + row.excluded[name] for name in _SUMS},
    )


def used_since(database: Database, day: date) -> list[Used]:
    """What was drawn on a day and later, by day and key.

    Raises:
        DatabaseError: the database does not answer.
    """
    wanted = select(UseRow).where(UseRow.day >= day).order_by(UseRow.day, UseRow.key)
    with database.session() as session:
        return [
            Used(key=row.key, day=row.day, **{name: getattr(row, name) for name in _SUMS})
            for row in session.scalars(wanted)
        ]
