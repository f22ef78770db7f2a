"""Token buckets that all servers share: a row for each key, by the database's own clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Double, Interval, String, bindparam, delete, extract, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from limner.storage.database.connection import Database
from limner.storage.database.tables import BucketRow

__all__ = ["SharedBuckets"]

_WHOSE = bindparam("whose", type_=String)
_SIZE, _WANTED = bindparam("size", type_=Double), bindparam("wanted", type_=Double)
_NOW = func.clock_timestamp()

# What is in a bucket with what has flowed back since it was last looked at; a clock that was set back takes nothing.
_FILLED = func.least(
    _SIZE, BucketRow.tokens + func.greatest(0, extract("epoch", _NOW - BucketRow.at)) * _SIZE / 60
)
_TAKE = (
    insert(BucketRow)
    .values(key=_WHOSE, tokens=_SIZE - _WANTED, at=_NOW)
    .on_conflict_do_update(
        index_elements=[BucketRow.key],
        set_={"tokens": _FILLED - _WANTED, "at": _NOW},
        # The clock's rounding must not refuse who waited exactly as long as told.
        where=func.least(_WANTED, _SIZE) - _FILLED <= 1e-6,
    )
    .returning(BucketRow.tokens)
)
_LOOK = select(_FILLED).where(BucketRow.key == _WHOSE)
_GIVE_BACK = (
    update(BucketRow)
    .where(BucketRow.key == _WHOSE)
    .values(tokens=func.least(_SIZE, _FILLED + _WANTED), at=_NOW)
)
# By then every bucket is full again, and an unknown key's is full, too.
_FORGET = delete(BucketRow).where(BucketRow.at < func.now() - literal(timedelta(hours=1), Interval))


class SharedBuckets:
    """The buckets of all keys.

    Args:
        database: where they are.
        size: tokens that a bucket holds, and that flow back in a minute.
    """

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size

    def take(self, key: str, tokens: int) -> tuple[bool, float]:
        """Take tokens out of a key's bucket if it has them, or is full; whether it did, and how many are left.

        Raises:
            DatabaseError: the database does not answer; they may be taken or not.
        """
        asked = {"whose": key, "size": self._size, "wanted": tokens}
        with self._database.statements() as connection:
            left = connection.scalar(_TAKE, asked)
            if left is not None:
                return True, left
            return False, float(connection.scalar(_LOOK, asked) or 0)

    def give_back(self, key: str, tokens: int) -> None:
        """Put tokens back.

        Raises:
            DatabaseError: the database does not answer.
        """
        with self._database.statements() as connection:
            connection.execute(_GIVE_BACK, {"whose": key, "size": self._size, "wanted": tokens})

    def sweep(self) -> int:
        """Forget full buckets; how many there were."""
        with self._database.statements() as connection:
            return connection.execute(_FORGET).rowcount
