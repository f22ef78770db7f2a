"""What is known of batches, each owner's apart: a JSON file for each, and beside it what it goes in and out.

::

    batch_<48 hex digits>.json           its state; written anew, whole, whenever that changes
    batch_<48 hex digits>.input.jsonl    its lines, from when it is taken in until it is over
    batch_<48 hex digits>.output.jsonl   the answers so far, each line one of them
    batch_<48 hex digits>.errors.jsonl   the same, of lines that failed

The lists are there before the state and go after it, so a process that is killed leaves nothing but lists without a
state, which `BatchStore.sweep` deletes after an hour.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from limner.errors import InvalidRequestError, LimnerError, NotFoundError
from limner.files import link_or_copy, take_lock, write_json_atomic
from limner.storage._folder import (
    Quota,
    entries,
    folder_of,
    is_stray,
    new_id,
    private_folder,
    remove,
    writing,
)

__all__ = ["MAX_PAGE", "Batch", "BatchPage", "BatchStatus", "BatchStore", "ListKind"]

BatchStatus: TypeAlias = Literal[
    "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
ListKind: TypeAlias = Literal["input", "output", "errors"]

MAX_PAGE = 100

_ID = re.compile(r"batch_[0-9a-f]{48}")
_LIST = re.compile(rf"({_ID.pattern})\.(input|output|errors)\.jsonl")
_UNFINISHED = ("in_progress", "finalizing", "cancelling")
_ORPHAN_SECONDS = 3600
_KEPT_SECONDS = 30 * 24 * 3600


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


class BatchStore:
    """A folder of batches; who owns one cannot be seen, or reached, by other owners.

    Args:
        folder: where they lie; it is made if need be, for its owner's eyes only.
        clock: the time in seconds of the epoch.
        max_bytes: how much all answers of batches that are not over may take together.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        clock: Callable[[], float] = time.time,
        *,
        max_bytes: float = math.inf,
    ) -> None:
        self._folder = private_folder(folder)
        self._clock = clock
        self._quota = Quota(
            max_bytes,
            used=self._answers_bytes,
            sweep=lambda: None,
            remedy="Wait for other batches to be over, or raise LIMNER_STORE_BYTES",
        )

    def lock(self) -> IO[bytes] | None:
        """The right to work these batches off, until the file is closed; None if another process has it."""
        return take_lock(self._folder / ".lock")

    def now(self) -> int:
        """The time, in whole seconds."""
        return int(self._clock())

    def new_id(self) -> str:
        """An id for a batch that comes now."""
        return new_id("batch_", self._clock())

    def add(self, batch: Batch, source: Path) -> None:
        """A batch is here as soon as this returns, whatever becomes of the upload that it was made of.

        Raises:
            StorageFullError: there is no room on the disk.
            OutputError: it cannot be written.
        """
        private_folder(folder_of(self._folder, batch.owner))
        with writing():
            if not batch.over:
                link_or_copy(source, self.list_path(batch, "input"))
            self.put(batch)

    def put(self, batch: Batch) -> None:
        """Its state is another one; when it is over, its lists are deleted.

        Raises:
            OutputError: it cannot be written; the state is what it was.
        """
        write_json_atomic(self._state_path(batch), asdict(batch))
        if batch.over:
            for kind in ("input", "output", "errors"):
                remove(self.list_path(batch, kind))

    def get(self, batch_id: str, *, owner: str) -> Batch:
        """What is known of a batch.

        Raises:
            NotFoundError: the owner has no such batch.
        """
        known = _ID.fullmatch(batch_id)
        batch = _read(folder_of(self._folder, owner) / f"{batch_id}.json") if known else None
        if batch is None:
            raise NotFoundError(f"No batch found with id '{batch_id[:100]}'.", param="id")
        return batch

    def page(self, *, owner: str, limit: int = 20, after: str | None = None) -> BatchPage:
        """An owner's batches, the newest first.

        Args:
            owner: whose.
            limit: how many at most, 1 to `MAX_PAGE`.
            after: the id of the batch before the first one that is wanted.

        Raises:
            InvalidRequestError: `after` is no batch's id, or the limit not possible.
        """
        if after is not None and not _ID.fullmatch(after):
            raise InvalidRequestError(
                f"Invalid 'after': '{after[:100]}' is not the id of a batch.", param="after"
            )
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidRequestError(
                f"Invalid 'limit': expected a value from 1 to {MAX_PAGE}.", param="limit"
            )
        found = sorted(self._of(folder_of(self._folder, owner)), key=lambda batch: batch.id, reverse=True)
        rest = [batch for batch in found if after is None or batch.id < after]
        return BatchPage(batches=tuple(rest[:limit]), has_more=len(rest) > limit)

    def unfinished(self, owner: str | None = None) -> list[Batch]:
        """The batches that are not over, the oldest first; those of one owner, or all."""
        folders = self._owners() if owner is None else [folder_of(self._folder, owner)]
        found = [batch for folder in folders for batch in self._of(folder) if not batch.over]
        return sorted(found, key=lambda batch: batch.id)

    def list_path(self, batch: Batch, kind: ListKind) -> Path:
        """Where one of its lists lies."""
        return folder_of(self._folder, batch.owner) / f"{batch.id}.{kind}.jsonl"

    def take_room(self, size: int) -> None:
        """Take room for so many bytes of answers that are about to be written.

        Raises:
            StorageFullError: there is none.
        """
        self._quota.take(size)

    def sweep(self) -> int:
        """Forget batches that have been over for 30 days, and what killed processes left; how many files that was."""
        return sum(remove(path) for folder in self._owners() for path in self._litter(folder))

    def _litter(self, folder: Path) -> Iterator[Path]:
        now = self._clock()
        for entry in entries(folder):
            age, found = now - entry.changed, _LIST.fullmatch(entry.path.name)
            if is_stray(entry.path.name, entry.changed, now):
                yield entry.path
            elif entry.path.suffix == ".json" and age > _KEPT_SECONDS:
                yield from (entry.path for batch in [_read(entry.path)] if batch and batch.over)
            elif found and age > _ORPHAN_SECONDS:
                batch = _read(folder / f"{found[1]}.json")
                yield from [entry.path] if batch is None or batch.over else []

    def _answers_bytes(self) -> int:
        listed = (entry for folder in self._owners() for entry in entries(folder))
        return sum(
            entry.size for entry in listed if entry.path.name.endswith((".output.jsonl", ".errors.jsonl"))
        )

    def _of(self, folder: Path) -> Iterator[Batch]:
        for entry in entries(folder):
            if entry.path.suffix == ".json" and (batch := _read(entry.path)) is not None:
                yield batch

    def _owners(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.is_dir()]

    def _state_path(self, batch: Batch) -> Path:
        return folder_of(self._folder, batch.owner) / f"{batch.id}.json"


def _read(path: Path) -> Batch | None:
    """The batch whose state is in the file; None if there is none."""
    try:
        facts = json.loads(path.read_bytes())
        return Batch(**facts | {"errors": tuple(facts["errors"])})
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, KeyError) as error:
        raise LimnerError(
            f"{path} cannot be read ({error}): delete it, and the batch was never there"
        ) from error
