"""`limner.storage.database.use`: what is drawn is counted once, through whatever happens to the database."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import pytest

from limner.errors import DatabaseError
from limner.storage.database.connection import Database
from limner.storage.database.use import UseBook, used_since
from tests.clock import Clock
from tests.postgres import Postgres
from tests.storage.database.conftest import Share

FIRST = date(2026, 9, 21)
"""The day at which the clock stands."""


def told(database: Database, since: date = FIRST) -> list[tuple[Any, ...]]:
    """All that is counted."""
    return [(u.day.day, u.key, u.requests, u.pictures, u.pixels) for u in used_since(database, since)]


def test_servers_add_up(share: Share) -> None:
    """By key and day, and a request counts once however many pictures it made."""
    clock = Clock()
    books = [UseBook(share(), clock) for _ in range(2)]
    for book in books:
        book.count("a", pictures=2, pixels=2 * 256 * 256)
        book.count("b", pictures=1, pixels=10**12)
        book.write()
    clock.now += 86_400
    books[0].count("a", pictures=1, pixels=1)
    books[0].write()
    database = share()
    assert told(database) == [(21, "a", 2, 4, 4 * 256**2), (21, "b", 2, 2, 2 * 10**12), (22, "a", 1, 1, 1)]
    assert told(database, date(2026, 9, 22)) == [(22, "a", 1, 1, 1)]


def test_while_the_database_is_away_it_is_kept(share: Share, database_server: Postgres) -> None:
    """And written when it is back."""
    database = share()
    book = UseBook(database, Clock())
    with database_server.down():
        for _ in range(3):
            book.count("a", pictures=1, pixels=1)
            with pytest.raises(DatabaseError):
                book.write()
    book.write()
    book.write()
    assert told(database) == [(21, "a", 3, 3, 3)]


def test_what_was_written_without_a_word_of_it_is_not_counted_twice(share: Share) -> None:
    """The connection was lost just after the database had it for good."""
    database = share()
    book = UseBook(database, Clock())
    real = database.transaction

    @contextmanager
    def cut() -> Any:
        with real() as connection:
            yield connection
        raise DatabaseError("cut off")

    database.transaction = cut  # type: ignore[method-assign]
    book.count("a", pictures=1, pixels=1)
    with suppress(DatabaseError):
        book.write()
    database.transaction = real  # type: ignore[method-assign]
    book.count("a", pictures=1, pixels=1)
    book.write()
    assert told(database) == [(21, "a", 2, 2, 2)]


def test_old_portions_are_forgotten(share: Share, url: str, database_server: Postgres) -> None:
    """A day later, when nobody tries to write them any more."""
    book = UseBook(share(), Clock())
    book.count("a", pictures=1, pixels=1)
    book.write()
    assert book.forget() == 0
    database_server.run(url, "UPDATE counted SET at = now() - interval '2 days'")
    assert book.forget() == 1
