"""Batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From limits, use and history."""
    op.create_table(
        "batches",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("ix_batches_owner", "batches", ["owner"])
    op.create_index("ix_batches_over", "batches", ["over"])
    op.create_table(
        "answers",
        sa.Column("batch", sa.String(), sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("line_id", sa.String(), primary_key=True),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
    )
