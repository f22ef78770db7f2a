"""`limner.storage.database.connection`: a database is brought up to date, and what goes wrong is told."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from limner.errors import DatabaseError, OutputError, SettingsError
from limner.storage.database.connection import open_shared
from limner.storage.database.tables import Table
from tests.postgres import Postgres
from tests.storage.database.conftest import Share


def test_an_empty_database_gets_the_tables_of_the_models(share: Share) -> None:
    """What the steps lead to is what the models say, to the type of each column."""
    with share().transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_servers_that_start_at_once_take_turns(share: Share) -> None:
    """Each step is taken once."""
    with ThreadPoolExecutor(6) as threads:
        opened = [threads.submit(share) for _ in range(6)]
        assert len([each.result() for each in opened]) == 6


def test_what_is_there_stays(share: Share, url: str, database_server: Postgres) -> None:
    """A server that starts later finds what an earlier one kept."""
    share()
    database_server.run(url, "INSERT INTO use VALUES ('key-1', '2026-11-28', 1, 2, 3)")
    share()
    assert database_server.run(url, "SELECT pictures FROM use") == [(2,)]


def test_tables_of_a_later_version_are_refused(share: Share, url: str, database_server: Postgres) -> None:
    """Nothing is changed, and the message says what to do."""
    share()
    database_server.run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match=r"a later version .* \(9999\): install that version") as caught:
        share()
    assert caught.value.param == "LIMNER_DATABASE_URL"
    assert database_server.run(url, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.parametrize("url", ["sqlite:///x", "mysql://hush@host/x", "hush"])
def test_another_url_is_refused(url: str) -> None:
    """At once, and without telling what may be a password."""
    with pytest.raises(SettingsError, match="postgresql://user:password@host/name") as caught:
        open_shared(url)
    assert "hush" not in str(caught.value)


def test_a_database_that_is_not_there_is_told(url: str, database_server: Postgres) -> None:
    """At the start, with the setting that names it, and without the password."""
    with database_server.down(), pytest.raises(DatabaseError, match="LIMNER_DATABASE_URL") as caught:
        open_shared(url.replace("limner@", "limner:hush@"))
    assert "hush" not in str(caught.value)


def test_a_restart_costs_a_call_at_most(share: Share, database_server: Postgres) -> None:
    """Connections that were cut off are not used again."""
    database = share()
    with database.statements() as connection:
        connection.execute(text("SELECT 1"))
    with database_server.down(), pytest.raises(DatabaseError), database.statements():
        pass
    with database.statements() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_statement_that_takes_too_long_is_given_up(share: Share) -> None:
    """As if the database did not answer."""
    with pytest.raises(DatabaseError, match="timeout"), share().statements() as connection:
        connection.execute(text("SET statement_timeout = 50; SELECT pg_sleep(10)"))


def test_what_is_wrong_for_good_is_not_told_as_passing(share: Share) -> None:
    """Nobody is told to try again."""
    with pytest.raises(OutputError) as caught, share().statements() as connection:
        connection.execute(text("SELECT * FROM nothing"))
    assert not isinstance(caught.value, DatabaseError)


def test_a_server_without_a_database_knows_nothing_of_it() -> None:
    """Neither the base install nor a server needs the packages."""
    code = (
        "import sys; from limner.server.app import create_app; from limner.server.services import start_services; "
        "print(*sorted({'sqlalchemy', 'psycopg', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""
