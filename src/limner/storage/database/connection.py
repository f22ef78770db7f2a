"""The way to a database: one pool of connections for a process, and what SQLAlchemy's errors are here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from limner.errors import DatabaseError, OutputError, SettingsError
from limner.storage.database.tables import PictureRow

__all__ = ["CONNECTIONS", "Database", "open_file", "open_shared"]

CONNECTIONS = 8
"""So many a process has at a time."""

_SECONDS = 3
_SETTING = "LIMNER_DATABASE_URL"

# What may be otherwise a moment later: no connection, none free, cut off, too slow, or about to become the first.
_PASSING = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)


class Database:
    """A database, safe to use from several threads.

    Args:
        engine: the way to it.
        title: what it is called in messages.
        remedy: what to do when it does not work.
    """

    def __init__(self, engine: Engine, *, title: str, remedy: str) -> None:
        self._engine = engine
        self._title = title
        self._remedy = remedy

    @contextlib.contextmanager
    def statements(self) -> Iterator[Connection]:
        """Each statement by itself, there for good when it returns.

        Raises:
            DatabaseError: it does not answer; later it may.
            OutputError: it does not do it.
        """
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All statements or none; see `statements` for what is raised."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session of SQLAlchemy, to be committed; see `statements` for what is raised."""
        with self._translated(), Session(self._engine) as session:
            yield session

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            kind = DatabaseError if isinstance(error, _PASSING) else OutputError
            # Its first line: what follows are the statement and the library's own advice.
            reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            raise kind(f"{self._title} cannot be read or written ({reason}): {self._remedy}") from error


def open_shared(url: str) -> Database:
    """The database of several servers, with its tables as this version of limner has them.

    Args:
        url: postgresql://user:password@host/name; libpq's options may follow.

    Raises:
        SettingsError: the URL is none of PostgreSQL, a package is missing, or a later version made the tables.
        DatabaseError: the database does not answer.
    """
    try:
        from limner.storage.database.migrating import upgrade

        engine = _engine(url)
    except (ArgumentError, ImportError) as error:
        raise SettingsError(
            f"the database cannot be used: {error}. Write postgresql://user:password@host/name, and install what it "
            "needs with: pip install 'limner[cluster]'",
            param=_SETTING,
        ) from error
    database = Database(
        engine, title="The database", remedy=f"see that it runs and answers, and that {_SETTING} names it"
    )
    with contextlib.ExitStack() as unless_opened:
        unless_opened.callback(database.close)
        with database.transaction() as connection:
            upgrade(connection, _SETTING)
        unless_opened.pop_all()
    return database


def _engine(url: str) -> Engine:
    where = make_url(url)
    if where.drivername != "postgresql":
        raise ArgumentError(f"{where.drivername}:// is not PostgreSQL")
    return create_engine(
        where.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=_SECONDS,
        connect_args={
            "application_name": "limner",
            "connect_timeout": _SECONDS,
            # A machine that is gone sends nothing at all; this is how long TCP waits for it.
            "tcp_user_timeout": 1000 * _SECONDS,
            "options": f"-c statement_timeout={_SECONDS}s -c idle_in_transaction_session_timeout=60s",
        },
    )


def open_file(path: Path) -> Database:
    """The studio's history on one machine: a file, which is made if it is not there.

    Raises:
        OutputError: it cannot be used.
    """
    database = Database(
        create_engine(f"sqlite:///{path.absolute()}", hide_parameters=True),
        title="The history",
        remedy="see that the data folder is writable and its disk not full",
    )
    with database.transaction() as connection:
        PictureRow.metadata.create_all(connection, tables=[PictureRow.metadata.tables["pictures"]])
    return database
