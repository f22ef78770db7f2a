"""What is known of batches, each owner's apart, and who may work them off."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from limner.errors import InvalidRequestError, NotFoundError
from limner.storage._folder import new_id

__all__ = [
    "KEPT_SECONDS",
    "MAX_PAGE",
    "Answers",
    "Batch",
    "BatchPage",
    "BatchStatus",
    "BatchStore",
    "is_batch_id",
]

BatchStatus: TypeAlias = Literal[
    "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]

MAX_PAGE = 100

KEPT_SECONDS = 30 * 24 * 3600
"""So long a batch that is over is known."""

_ID = re.compile(r"batch_[0-9a-f]{48}")
_UNFINISHED = ("in_progress", "finalizing", "cancelling")


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """The state of a batch.

    Attributes:
        id: "batch_" and 48 hexadecimal digits that sort by time.
        owner: whose it is.
        key: for whom it is drawn; those of different keys take turns.
        origin: the server's address as whoever sent it sees it, for links.
        endpoint: where each of its lines goes.
        input_file_id: the upload that it was made of.
        completion_window: within what time it is to be done, as it was written.
        status: where it stands.
        created_at, expires_at: when it came, and when nothing more is begun, in seconds of the epoch.
        in_progress_at, finalizing_at, completed_at, failed_at, expired_at, cancelling_at, cancelled_at: since when
            it had the status, or None.
        total, completed, failed: its lines, and of them those that are answered and those that failed. While it is
            in progress, its lists know better.
        errors: what is wrong with its lines, if it could not even begin.
        metadata: whatever whoever sent it wanted to keep with it.
        output_seconds: how long the files that it puts out are kept; None is 30 days.
        output_file_id, error_file_id: those files; chosen before they are there, so that a process which is killed
            meanwhile makes them once.
    """

    id: str
    owner: str
    key: str
    origin: str
    endpoint: str
    input_file_id: str
    completion_window: str
    status: BatchStatus
    created_at: int
    expires_at: int
    in_progress_at: int | None = None
    finalizing_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    cancelling_at: int | None = None
    cancelled_at: int | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    errors: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, str] | None = None
    output_seconds: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None

    @property
    def over(self) -> bool:
        """Nothing more happens to it."""
        return self.status not in _UNFINISHED


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPage:
    """A part of a list; `has_more` says whether anything follows."""

    batches: tuple[Batch, ...]
    has_more: bool


class Answers(ABC):
    """The answers to a batch's lines so far, for whoever works it off; each line has one, in one of two files."""

    @abstractmethod
    def has(self, custom_id: str) -> bool:
        """Whether a line had its answer when these were opened."""

    @abstractmethod
    def count(self, *, failed: bool) -> int:
        """How many lines were answered then, or failed."""

    @abstractmethod
    def add(self, custom_id: str, pieces: Iterable[bytes], *, failed: bool) -> bool:
        """Keep an answer for good; False if the line has one already.

        Args:
            custom_id: of the line.
            pieces: the answer as JSON, without an end of line.
            failed: in which file it is to be.

        Raises:
            OutputError: it cannot be kept.
        """

    @abstractmethod
    def failures(self) -> Iterator[dict[str, Any]]:
        """The answers to lines that failed."""

    @abstractmethod
    def file(self, *, failed: bool) -> AbstractContextManager[Path]:
        """A file of this disk with the answers, a line each."""

    @abstractmethod
    def close(self) -> None:
        """Let go of them."""


class BatchStore(ABC):
    """Batches; who owns one cannot be seen, or reached, by other owners.

    Args:
        clock: the time in seconds of the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def now(self) -> int:
        """The time, in whole seconds."""
        return int(self._clock())

    def new_id(self) -> str:
        """An id for a batch that comes now."""
        return new_id("batch_", self._clock())

    @abstractmethod
    def add(self, batch: Batch, source: Path) -> None:
        """A batch is here as soon as this returns, whatever becomes of the upload that it was made of.

        Raises:
            StorageFullError: there is no room on the disk.
            OutputError: it cannot be written.
        """

    @abstractmethod
    def put(self, batch: Batch) -> Batch:
        """Its state is another one; when it is over, its lines and answers are forgotten.

        Only who has claimed it may do so.

        Returns:
            The state as it is now: somebody else may have cancelled it.

        Raises:
            OutputError: it cannot be written; the state is what it was.
            CancelledError: another process has claimed it since.
        """

    @abstractmethod
    def cancel(self, batch: Batch) -> Batch:
        """Nothing more of it is to be begun, if it is in progress; anybody may say so.

        Returns:
            The state as it is now.

        Raises:
            OutputError: it cannot be written; the state is what it was.
        """

    @abstractmethod
    def claim(self) -> list[Batch]:
        """The batches that this process, and no other, is to work off for the next half a minute, oldest first.

        Raises:
            OutputError: that cannot be said now.
        """

    @abstractmethod
    def release(self) -> None:
        """Work nothing off any more; other processes may."""

    def get(self, batch_id: str, *, owner: str) -> Batch:
        """What is known of a batch.

        Raises:
            NotFoundError: the owner has no such batch.
        """
        batch = self._find(batch_id, owner) if is_batch_id(batch_id) else None
        if batch is None:
            raise NotFoundError(f"No batch found with id '{batch_id[:100]}'.", param="id")
        return batch

    @abstractmethod
    def _find(self, batch_id: str, owner: str) -> Batch | None:
        """The owner's batch."""

    def page(self, *, owner: str, limit: int = 20, after: str | None = None) -> BatchPage:
        """An owner's batches, the newest first.

        Args:
            owner: whose.
            limit: how many at most, 1 to `MAX_PAGE`.
            after: the id of the batch before the first one that is wanted.

        Raises:
            InvalidRequestError: `after` is no batch's id, or the limit not possible.
        """
        if after is not None and not is_batch_id(after):
            raise InvalidRequestError(
                f"Invalid 'after': '{after[:100]}' is not the id of a batch.", param="after"
            )
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequestError(
                f"Invalid 'limit': expected a value from 1 to {MAX_PAGE}.", param="limit"
            )
        found = self._newest(owner, limit + 1, after)
        return BatchPage(batches=tuple(found[:limit]), has_more=len(found) > limit)

    @abstractmethod
    def _newest(self, owner: str, count: int, after: str | None) -> list[Batch]:
        """The owner's newest batches, of those after `after`."""

    @abstractmethod
    def unfinished(self, owner: str) -> int:
        """How many batches of an owner are not over."""

    @abstractmethod
    def lines(self, batch: Batch) -> Path:
        """A file of this disk with its lines, until it is over."""

    @abstractmethod
    def answers(self, batch: Batch) -> Answers:
        """Its answers, until it is over.

        Raises:
            LimnerError: they cannot be read or written.
        """

    @abstractmethod
    def take_room(self, size: int) -> None:
        """Take room for so many bytes of answers that are about to be written.

        Raises:
            StorageFullError: there is none.
        """

    @abstractmethod
    def sweep(self) -> int:
        """Forget batches that have been over for long, and what killed processes left; how many things that was."""


def is_batch_id(text: str) -> bool:
    """Whether a batch may be called so."""
    return _ID.fullmatch(text) is not None
