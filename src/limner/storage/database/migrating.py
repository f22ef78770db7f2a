"""Tables are brought up to date where a server starts, by one of those that do at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from limner.errors import SettingsError

__all__ = ["upgrade"]

# Any number, as long as it stays the same.
_LOCK = 0x6C696D6E6572
_STEPS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, setting: str) -> None:
    """Bring the tables of a database up to date, all steps or none.

    Args:
        connection: in a transaction, which is to be committed.
        setting: names the database, for the message.

    Raises:
        SettingsError: a later version of limner made them.
    """
    # Another server may be at it, and a step may take its time.
    connection.execute(text("SET LOCAL statement_timeout = '60s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(_STEPS))
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        raise SettingsError(
            f"a later version of limner made the tables of this database ({', '.join(sorted(found - known))}): "
            "install that version, or name another database",
            param=setting,
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
