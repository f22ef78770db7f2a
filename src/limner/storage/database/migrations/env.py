"""What Alembic runs: the steps, on the connection that `limner.storage.database.migrating` hands it."""

from __future__ import annotations

from alembic import context

from limner.storage.database.tables import Table

__all__: list[str] = []

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Table.metadata, compare_type=True
)
context.run_migrations()
