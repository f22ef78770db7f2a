"""The tables. Whoever changes one adds a step to `migrations`, and a test compares the two."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, LargeBinary, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["AnswerRow", "BatchRow", "BucketRow", "CountedRow", "PictureRow", "Table", "UseRow"]


class Table(DeclarativeBase):
    """All tables."""


class BucketRow(Table):
    """The tokens that a key had at a moment; without a row its bucket is full.

    The table is empty after a crash of the database, which costs a minute's count, and needs no wait for a disk.
    """

    __tablename__ = "buckets"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012  as SQLAlchemy wants it

    key: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class UseRow(Table):
    """What was drawn for a key on a day of UTC."""

    __tablename__ = "use"

    key: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    pictures: Mapped[int] = mapped_column(BigInteger)
    pixels: Mapped[int] = mapped_column(BigInteger)


class CountedRow(Table):
    """A portion of use that is counted, so that whoever did not hear of it does not count it again."""

    __tablename__ = "counted"

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class PictureRow(Table):
    """A picture in the studio's history."""

    __tablename__ = "pictures"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    made_at: Mapped[float]
    kind: Mapped[str]
    prompt: Mapped[str]
    negative_prompt: Mapped[str]
    style: Mapped[str]
    model: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    steps: Mapped[int]
    guidance: Mapped[float]
    seed: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int]


class BatchRow(Table):
    """A batch, and who works it off until when; what is known of it is in `state`."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    over: Mapped[bool] = mapped_column(index=True)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    holder: Mapped[str | None]
    held_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    changed: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class AnswerRow(Table):
    """The answer to a line of a batch that is not over; there can be no second one."""

    __tablename__ = "answers"

    batch: Mapped[str] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    failed: Mapped[bool]
    line: Mapped[bytes] = mapped_column(LargeBinary)
